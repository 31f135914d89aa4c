"""Run workloads: one run of every tool, then, the other way round, the next; each on databases of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.runner import filesets, measure, server
from benchmarks.runner.model import Failed, Results, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.runner.model import FileSet, Peer, Run, Workload
    from benchmarks.runner.proxy import Proxy
    from benchmarks.runner.server import Server

# Every bound is about the first, most are ratios to the second, and the others say what can be had.
MATTER = ("runner", "floor", "floor at once", "floor guarded")


@dataclass
class Bench:
    """Everything the runs share: a server, a proxy in front of it, a folder, and the tools."""

    server: Server
    proxy: Proxy
    folder: Path
    peers: tuple[Peer, ...]
    results: Results = field(default_factory=lambda: Results({}, {}))
    _sets: dict[str, FileSet] = field(default_factory=dict)
    _left: dict[tuple[str, str], list[Target]] = field(default_factory=dict)

    def run_all(self, workloads: Sequence[Workload]) -> None:
        """Run workloads in order. A tool that fails in one is noted, and not run again there."""
        for workload in workloads:
            for number in range(max(workload.runs, workload.others)):
                # Neighbours disturb each other: nobody always comes behind the same tool.
                in_turn = reversed(self.peers) if number % 2 else self.peers
                for peer in in_turn:
                    runs = workload.runs if peer.name in MATTER else workload.others
                    if number < runs and (workload.key, peer.name) not in self.results.failures:
                        self._attempt(workload, peer)

    def _attempt(self, workload: Workload, peer: Peer) -> None:
        at = (workload.key, peer.name)
        try:
            run = self._idle(workload, peer) if workload.after else self._fresh(workload, peer)
        except Failed as error:
            self.results.failures[at] = str(error)
            print(f"{workload.key} {peer.name}: FAILED: {error}", file=sys.stderr)
            return
        if run:
            self.results.runs.setdefault(at, []).append(run)
            print(f"{workload.key} {peer.name}: {run.seconds:.3f} s, {run.peak_mib:.0f} MiB", file=sys.stderr)

    # -------------------------------------------------------------- one run

    def _fresh(self, workload: Workload, peer: Peer) -> Run | None:
        """Migrate new databases, and remember them for the workloads with nothing pending."""
        names = server.create(self.server, len(workload.sets))
        targets = self._targets(workload, peer, names)
        self.proxy.reset()
        run = self._measure(workload, peer, targets)
        if run and workload.is_slow_network:
            run = replace(run, trips=self.proxy.trips, traffic=self.proxy.traffic)
        if run and workload.has_share:
            run = replace(run, server_seconds=server.busy_seconds(self.server, names))
        self._check(peer, targets)
        self._left[workload.key, peer.name] = targets
        return run

    def _idle(self, workload: Workload, peer: Peer) -> Run | None:
        """Do the workload's action on databases that the tool has migrated before."""
        before = (workload.after or "", peer.name)
        if before in self.results.failures:
            raise Failed(f"failed in {workload.after} already")
        if peer.recorded is None:
            return None  # whoever records nothing applies everything again
        if before not in self._left:
            self._fresh(replace(workload, key=before[0], action="migrate"), peer)
        targets = self._left[before]
        if workload.is_slow_network:
            names = [(target, target.database) for target in targets]
            targets = [replace(one, url=self.server.url(name, port=self.proxy.port)) for one, name in names]
        self.proxy.reset()
        run = self._measure(workload, peer, targets)
        if run and workload.is_slow_network:
            run = replace(run, trips=self.proxy.trips, traffic=self.proxy.traffic)
        self._check(peer, targets)
        return run

    def _measure(self, workload: Workload, peer: Peer, targets: Sequence[Target]) -> Run | None:
        with TemporaryDirectory(dir=self.folder) as work:
            commands = peer.commands(workload.action, targets, Path(work))
            return measure.run(commands, Path(work)) if commands else None

    def _check(self, peer: Peer, targets: Sequence[Target]) -> None:
        """Raise ``Failed`` unless every table is there, and every file recorded."""
        for target in targets:
            tables, recorded = server.count(self.server, target.database, peer.recorded)
            name, expected = target.files.name, len(target.files.files)
            if tables != target.files.tables:
                raise Failed(f"{name} has {tables} tables of {target.files.tables}")
            if recorded not in (expected, None):
                raise Failed(f"{name} has {recorded} files recorded of {expected}")

    # -------------------------------------------------------------- what it needs

    def _targets(self, workload: Workload, peer: Peer, databases: Sequence[str]) -> list[Target]:
        port = self.proxy.port if workload.is_slow_network else None
        return [
            Target(self._set(name), self._project(name, peer), database, self.server.url(database, port=port))
            for name, database in zip(workload.sets, databases, strict=True)
        ]

    def _set(self, name: str) -> FileSet:
        if name not in self._sets:
            folder = self.folder / "sets" / name
            folder.mkdir(parents=True)
            self._sets[name] = filesets.make(name, folder)
        return self._sets[name]

    def _project(self, name: str, peer: Peer) -> Path:
        folder = self.folder / peer.name / name
        if not folder.exists():
            folder.mkdir(parents=True)
            peer.write(self._set(name), folder)
        return folder
