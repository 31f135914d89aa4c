"""Hear what the server says beside its results: warnings, notices."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from psycopg import errors, pq

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from psycopg.pq.abc import PGresult

    from runner.database.message import Connection

MOST = 100  # kept of the warnings, and again of the rest: a loop may raise a million
LONGEST = 2000  # characters of each part of a message
MARKS = '"»«„“”「」『』'  # around a name; an apostrophe is a letter of words, too


class Heard(NamedTuple):
    """One message of the server, with the names of its parts in psycopg's ``Diagnostic``.

    ``statement`` is the one that was running, counted from 0; -1 when the text was parsed. A message of the
    next one may come before the result of this one: ``is_certain`` says that it did not.
    """

    severity: str
    sqlstate: str | None
    message_primary: str
    message_detail: str | None
    message_hint: str | None
    context: str | None
    statement_position: str | None
    internal_query: str | None
    internal_position: str | None
    statement: int
    is_certain: bool = False
    source_function: str | None = None

    @property
    def names(self) -> list[str]:
        """What the message quotes, in the marks of whatever language the server speaks."""
        found = re.findall(rf"[{MARKS}]([^{MARKS}]+)[{MARKS}]", self.message_primary)
        return [name for one in found if (name := one.strip())]


def counts_bytes(connection: Connection) -> bool:
    """Tell whether the server gives positions in bytes: in SQL_ASCII it knows no letters."""
    return not connection.closed and connection.pgconn.parameter_status(b"server_encoding") == b"SQL_ASCII"


class Notices:
    """What the server said during some messages: the first hundred of each kind, and how many more."""

    def __init__(self, kept: Iterable[Heard] = ()) -> None:
        self.kept = [*kept]
        self._counts = {True: 0, False: 0}  # of warnings, of the rest
        self._open = 0  # from here on what is kept may still become certain
        self._done = 0  # results that came

    def more(self) -> list[tuple[str, int]]:
        """Return how many were not kept, by severity."""
        words = {True: "WARNING", False: "NOTICE"}
        return [(words[kind], count - MOST) for kind, count in self._counts.items() if count > MOST]

    def hear(self, result: PGresult) -> None:
        """Take one message; called by libpq, for a flood as quickly as can be."""
        is_warning = result.error_field(pq.DiagnosticField.SEVERITY_NONLOCALIZED) == b"WARNING"
        self._counts[is_warning] += 1
        if self._counts[is_warning] <= MOST:
            self.kept.append(self._copy(errors.Diagnostic(result, "utf-8")))

    def _copy(self, diag: errors.Diagnostic) -> Heard:
        """Take the parts out of a message, which lives no longer than the call."""
        return Heard(
            diag.severity_nonlocalized or "WARNING",
            diag.sqlstate,
            (diag.message_primary or "")[:LONGEST],
            diag.message_detail and diag.message_detail[:LONGEST],
            diag.message_hint and diag.message_hint[:LONGEST],
            diag.context and diag.context[:LONGEST],
            diag.statement_position,
            diag.internal_query,
            diag.internal_position,
            self._done,
            source_function=diag.source_function,
        )

    def settle(self) -> None:
        """Note that the statement at hand is still running, so what was heard of it was its own."""
        for at in range(self._open, len(self.kept)):
            self.kept[at] = self.kept[at]._replace(is_certain=True)
        self._open = len(self.kept)

    def count(self) -> None:
        """Note that the result of a statement came."""
        self._open = len(self.kept)
        self._done += 1


@contextmanager
def hearing(connection: Connection, hear: Callable[[PGresult], None]) -> Iterator[None]:
    """Let ``hear`` take what the server says beside its results, until the end of the block."""
    before = connection.pgconn.notice_handler
    connection.pgconn.notice_handler = hear
    try:
        yield
    finally:
        connection.pgconn.notice_handler = before
