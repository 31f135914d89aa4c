"""Refuse the files that must not be sent, all of them at once: whoever mends them mends them together."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from runner import files, ledger
from runner.errors import FileRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.model import Migration
    from runner.planning.step import Step


def refused(todo: Sequence[Step], known: Sequence[Step]) -> Iterator[FileRefused]:
    """Yield the refusal of each file of ``todo`` that must not be sent; ``known`` are all of its series."""
    committing: dict[str, frozenset[str]] = {}
    if any(files.may_call(step.file.sql) for step in todo):
        made: dict[str, dict[str | None, bool]] = {}
        for step in known:
            if step.migration:
                committing[step.version] = files.procedures([step.file.sql], known=made)
    for step in todo:
        try:
            _check(step.file, committing.get(step.version, frozenset()))
        except FileRefused as error:
            yield error


def check(found: Sequence[FileRefused]) -> None:
    """Raise the first refusal; the others follow in its notes."""
    if found:
        first, *others = found
        first.notes += tuple(_as_note(other, first) for other in others)
        raise first


def _as_note(refused: FileRefused, first: FileRefused) -> str:
    remedy = "" if refused.remedy == first.remedy else f" {refused.remedy}"
    return f"{refused.name}: {refused.message} ({refused.place}){remedy}"


@lru_cache(1000)  # of a fleet each member asks for the same files; what is refused is not kept
def _check(file: Migration, committing: frozenset[str]) -> None:
    files.check(file.sql, path=file.path, single=not file.in_transaction, committing=committing)
    if ledger.NAME in file.sql.lower():
        _check_own(file)


def _check_own(migration: Migration) -> None:
    """Raise ``FileRefused`` for a file that takes the ledger for a table of its own."""
    sql, path = migration.sql, migration.path
    for statement in files.scan(sql).statements:
        if ledger.claims(files.blanked(sql[statement.start : statement.end])):
            raise FileRefused(
                f"{path} would make or change the ledger.",
                remedy=ledger.OWN,
                place=files.locate(sql, statement.start, path=path),
            )
