"""Recognise what another tool made under the ledger's name, and show the way past it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import LedgerUntrusted
from runner.ledger.claim import NAME
from runner.ledger.faults import TABLE

if TYPE_CHECKING:
    from runner.database import Error

_DUPLICATE = "42710"
ASIDE = "before_runner"  # the schema a stranger is moved to

_KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "S": "sequence",
    "c": "type",
    "i": "index",
    "I": "index",
}
# Tools whose ledger has this name, by its columns (their sources: golang-migrate database/postgres,
# ecto_sql schema_migration.ex, Active Record schema_migration.rb, dbmate postgres.go).
_TOOLS = (
    ("golang-migrate", {"version bigint", "dirty boolean"}),
    ("Ecto", {"version bigint", "inserted_at timestamp(0) without time zone"}),
    ("Ecto", {"version bigint", "inserted_at timestamp without time zone"}),
    ("Rails", {"version character varying"}),
    ("dbmate", {"version character varying(128)"}),
    ("dbmate or an old Rails", {"version character varying(255)"}),
    ("Sequel", {"filename text"}),
)


def found(kind: str, columns: list[str], companions: list[str]) -> LedgerUntrusted:
    """Return the error for a table, or whatever it is, that is not the runner's; remedies can be pasted."""
    if kind != "r":
        word = _KINDS.get(kind, kind)
        return LedgerUntrusted(
            f"{TABLE} is not the runner's ledger: it is {'an' if word == 'index' else 'a'} {word}.",
            remedy=f"Find out who made it, and move it away: {_move(kind, [])}",
        )
    tool = _tool(columns, companions)
    who = f"the ledger of {tool}" if tool else "a table that another tool or somebody made"
    return LedgerUntrusted(
        f"{TABLE} is not the runner's ledger but {who}: its columns are {', '.join(columns) or 'none'}.",
        remedy=f"Move it away, as its owner: {_move(kind, companions)} Then adopt the database with "
        "`baseline`. docs/production.md says more.",
    )


def of_type(error: Error) -> LedgerUntrusted | None:
    """Return what an error says of a type without columns: as a table would, it has the ledger's name."""
    is_taken = error.sqlstate == _DUPLICATE and NAME in (error.diag.message_primary or "")
    return found("c", [], []) if is_taken else None


def _tool(columns: list[str], companions: list[str]) -> str | None:
    if companions:
        return "Rails"
    return next((name for name, known in _TOOLS if known == set(columns)), None)


def _move(kind: str, companions: list[str]) -> str:
    """Return the statements that clear the name; a schema of its own, and not a new name, is no drift."""
    word = "table" if kind == "p" else _KINDS.get(kind, "table")
    if word == "index":
        return f"alter index {TABLE} rename to schema_migrations_{ASIDE};"
    moved = [f"alter {word} {TABLE} set schema {ASIDE};"]
    moved += [f"alter table public.{name} set schema {ASIDE};" for name in companions]
    return " ".join((f"create schema if not exists {ASIDE};", *moved))
