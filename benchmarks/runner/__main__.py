"""Run the benchmark: ``python -m benchmarks.runner``. Progress goes to stderr, the page to stdout."""

from __future__ import annotations

import argparse
import contextlib
import platform
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.runner import machine, peers, server, table, workloads
from benchmarks.runner.bench import Bench
from benchmarks.runner.proxy import Proxy

_PAGE = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Run what was asked for; return 1 when a tool that is there failed."""
    options = _options()
    chosen = workloads.choose(options.only, quick=options.quick)
    names = options.peers.split(",") if options.peers else peers.NAMES
    start, facts = time.monotonic(), {"machine": machine.describe()}
    with (
        server.running() as running,
        Proxy(running.port, workloads.DELAY) as proxy,
        TemporaryDirectory() as folder,
    ):
        found, absent = peers.find(running, names)
        facts["server"] = _server(running)
        bench = Bench(running, proxy, Path(folder), found)
        with contextlib.suppress(KeyboardInterrupt):  # the page then has what was measured until then
            bench.run_all(chosen)
    facts["when"] = f"{time.strftime('%Y-%m-%d')}, {(time.monotonic() - start) / 60:.0f} minutes"
    shown = table.table(chosen, [peer.name for peer in found], bench.results)
    page = table.page(facts, shown, found, absent, bench.results)
    print(page, end="")
    if not (options.only or options.quick or options.peers):
        _PAGE.write_text(page, encoding="utf-8")
    return 1 if bench.results.failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runner", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one run each, without 5,000 files")
    parser.add_argument("--only", metavar="W1,W4", help="workloads whose names begin so")
    parser.add_argument("--peers", metavar="NAME,NAME", help=", ".join(peers.NAMES))
    return parser.parse_args()


def _server(running: server.Server) -> str:
    commit = server.commit_seconds(running) * 1000
    return (
        f"PostgreSQL {server.version(running)} with its own defaults (fsync and synchronous_commit on), but "
        f"without autovacuum; a commit takes {commit:.1f} ms; Python {platform.python_version()}"
    )


if __name__ == "__main__":
    sys.exit(main())
