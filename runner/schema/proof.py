"""Prove of each file, in a scratch database, that it may be run twice and can be undone.

The stages of a file: **apply** as ``migrate`` does, over rows in every table; **repeat** the file, which must
change nothing, and once more over rows that came since; **order**: the rollback of the file before it must
refuse; **undo** with psql, after which everything must be as before; **again**: apply once more, with the
same result as the first time. After each stage the ledger must say what the objects say.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner import database, files, planning
from runner.errors import RunnerError
from runner.schema import scratch, verdict
from runner.schema.bench import Bench, Place, bench
from runner.schema.trial import Trial
from runner.schema.verdict import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from pathlib import Path

    from runner.model import Migration
    from runner.schema.premises import Premises


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found of one file: nothing, if it is proven.

    ``empty`` names its tables that stayed without a row, so that nothing is known of their contents;
    ``notes`` say which rows it changed for good, as it may; ``needs`` are extensions that are not to be
    had, so that the file was not tried, and ``why`` that is so; ``untried`` says why else it was not.
    ``lacked`` is the right that the role that migrates lacks, so that a superuser ran the file.
    """

    migration: Migration
    findings: tuple[Finding, ...] = ()
    empty: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    why: str | None = None
    untried: str | None = None
    lacked: str | None = None

    @property
    def is_proven(self) -> bool:
        """Whether the file was tried and stood."""
        return not (self.findings or self.needs or self.untried)


def prove(  # noqa: PLR0913 - what a project says of its series, each by its name
    migrations: Sequence[Migration],
    url: str,
    *,
    source: str,
    schemas: tuple[str, ...] = (),
    begin: int = 0,
    own: Path | None = None,
    role: str | None = None,
    premises: Premises | None = None,
) -> Iterator[Proof]:
    """Yield a proof per file, in order, from scratch databases on the server of ``url``. Writes only there.

    ``schemas`` are those whose objects are watched, none for all. Files before the number ``begin`` are
    applied only. A database that a file has spoiled is replaced by a fresh one; behind a file that cannot
    be applied, nothing is tried. ``own`` is a folder with the project's own rows, one file per table.
    ``role`` runs the files, and as a superuser those for which it lacks a right; else whoever connects.
    It owns the database, unless ``premises`` say whose that is and what the role may do there.
    """
    lacking = _lacking(url, source, {name for one in migrations for name in one.requires})
    with closing(_Benches(Place(url, source, schemas, own, role, premises))) as benches:
        failed: str | None = None
        for migration in migrations:
            if needs := tuple(name for name in migration.requires if name in lacking):
                yield Proof(migration, needs=needs, why="; ".join(lacking[name] for name in needs))
            elif migration.number < begin:
                benches.done.append(migration)
            elif failed:
                yield Proof(migration, untried=failed)
            else:
                proof = benches.prove(migration)
                yield proof
                failed = benches.failed
                benches.done.append(migration)


def _lacking(url: str, source: str, wanted: Collection[str]) -> dict[str, str]:
    """Return the extensions that a scratch database cannot have, and what the server says of each."""
    if not wanted:
        return {}
    with (
        scratch.scratch_database(url, source=source) as there,
        database.connect(there, source=source) as connection,
    ):
        return planning.refused(connection, wanted)


class _Benches:
    """One scratch database after the other, each with the files ``done`` applied."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.done: list[Migration] = []
        self.failed: str | None = None
        self._stack = ExitStack()
        self._bench: Bench | None = None

    def prove(self, migration: Migration) -> Proof:
        """Prove a file behind those that are done; a file that fails over made-up rows is tried without."""
        here = self._bench or self._open(with_rows=True)
        if here is None:
            return Proof(migration, untried=self.failed)
        proof = _prove(here, migration)
        if here.could_not_apply and here.filler.has_rows:
            self.close()
            if bare := self._open(with_rows=False):
                told = f"tried without any, for over rows {proof.findings[-1].text}"
                here, proof = bare, _prove(bare, migration)
                if not bare.could_not_apply:
                    proof = replace(proof, notes=(told, *proof.notes))
        if here.could_not_apply:
            self.failed = f"{migration.label} cannot be applied"
        if here.is_spoiled:
            self.close()
        return proof

    def close(self) -> None:
        """Drop the database at hand."""
        self._bench = None
        self._stack.close()

    def _open(self, *, with_rows: bool) -> Bench | None:
        """Make a fresh database; none where the files that are done cannot be applied one after the other."""
        made = bench(self.place, self.done, with_rows=with_rows)
        try:
            self._bench = self._stack.enter_context(made)
        except (RunnerError, database.Error) as error:
            self.failed = files.masked(str(error).strip())
        return self._bench


def _prove(here: Bench, migration: Migration) -> Proof:
    """Take a file through its stages; whatever a file does to the session ends its own proof only."""
    trial = Trial(here, migration)
    try:
        trial.run()
    except (database.Error, RunnerError) as error:
        here.is_spoiled = True
        said = files.masked(str(error).strip())
        trial.found.append(Finding(trial.stage, "", f"it ended there: {said}"))
    here.done.append(migration)
    findings, lacked = tuple(verdict.once(trial.found)), here.lacked
    here.lower()
    return Proof(migration, findings, trial.empty, tuple(dict.fromkeys(trial.notes)), lacked=lacked)
