"""What it costs to compare addresses in any letter case, where the index knows them as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.schema import clock, plans, values
from benchmarks.schema.queries import Query, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.schema.databases import Connection


@dataclass(frozen=True, slots=True)
class Case:
    """A question in any letter case, in the spellings that are written, and the index the first needs."""

    purpose: str
    table: str
    column: str  # where ``$1`` comes from
    any_case: str
    written: str
    index: str


CASES = (
    Case(
        "offers to join a team, by address",
        "team_invitations",
        "invited_email",
        "lower(invited_email) = lower($1) and accepted = false",
        "invited_email in ($1::text, lower($1::text)) and accepted = false",
        "(lower(invited_email), accepted)",
    ),
    Case(
        "offers to join a project, by address",
        "project_invitations",
        "invited_email",
        "lower(invited_email) = lower($1) and status = 'PENDING'",
        "invited_email in ($1::text, lower($1::text)) and status = 'PENDING'",
        "(lower(invited_email), status)",
    ),
)


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a case takes: any letter case, the written spellings, any letter case with an index for it."""

    case: Case
    any_case: str
    written: str
    any_case_indexed: str
    megabytes: float


def measure(connection: Connection, *, rounds: int) -> list[Spelling]:
    """Ask each question in its three ways; the indexes are made for that and rolled back."""
    return [_measure(connection, case, rounds) for case in CASES]


def _measure(connection: Connection, case: Case, rounds: int) -> Spelling:
    any_case = _ask(connection, case, case.any_case, rounds)
    written = _ask(connection, case, case.written, rounds)
    with connection.transaction(force_rollback=True):
        connection.execute(f"create index any_case on public.{case.table} {case.index}".encode())
        connection.execute(f"analyze public.{case.table}".encode())
        indexed = _ask(connection, case, case.any_case, rounds)
        size = connection.execute("select pg_relation_size('public.any_case')").fetchone()
    return Spelling(case, any_case, written, indexed, size[0] / 1e6 if size else 0)


def _ask(connection: Connection, case: Case, condition: str, rounds: int) -> str:
    text = f"select * from public.{case.table} where {condition}"  # noqa: S608 - from above
    source = Source(case.table, (case.column,), None)
    query = Query("specs", "", "", "person", "", source, text)
    choice = values.choose(connection, query)
    scanned = plans.look_at_all(connection, query, choice).scanned
    return f"{clock.take(connection, query, choice, rounds=rounds).heavy:.2f}{'*' if scanned else ''}"


def table(spellings: Sequence[Spelling]) -> Iterator[str]:
    """Yield the results as a Markdown table."""
    yield "| question | lower(column) | spellings written | lower(column), indexed | index for that | MB |"
    yield "|---|--:|--:|--:|---|--:|"
    for one in spellings:
        yield (
            f"| {one.case.purpose} | {one.any_case} | {one.written} | {one.any_case_indexed}"
            f" | `{one.case.table} {one.case.index}` | {one.megabytes:.1f} |"
        )
