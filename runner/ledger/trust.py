"""Decide whether the table that is named like the ledger is the ledger, as the runner made it.

What is found is named, with the statement that cures it, quoted by the server so that it can be pasted.
"""

from typing import TYPE_CHECKING, NamedTuple

from runner import database
from runner.errors import LedgerUntrusted
from runner.ledger.faults import ANOTHER_KEY, CHANGED, COLUMNS, FAULTS, TABLE

if TYPE_CHECKING:
    from psycopg.pq.abc import PGresult

    from runner.database import Connection, Error
    from runner.model import Migration

_NOT_FOUND = ("42P01", "42883", "3F000", "42704")  # a table, a function, a schema, another object
_NAME_IT = (
    "Let its function name what it uses with its schema, or set a path of its own: "
    "`alter function ... set search_path = ...`. The runner works with an empty one."
)
_LEAVE_OUT = f"Let its function leave {TABLE} out, or disable it for the first run."


class Shape(NamedTuple):  # as in model: it starts faster
    """What the catalog says of the ledger; names of roles are quoted.

    ``faults`` are what is wrong with it: of what kind, in words, and the statement that cures it;
    ``companions`` are tables beside it that tell which other tool made it.
    """

    kind: str  # as in pg_class: r is a table
    columns: list[str]
    companions: list[str]
    faults: list[tuple[str, str, str]]
    owner: str
    trusted: bool  # its owner is this role, or one it is a member of
    usable: bool  # the schema
    readable: bool
    role: str


def shape(connection: "Connection", result: "PGresult") -> Shape | None:
    """Return the ledger's shape from the result of ``SHAPE``; ``None`` when there is no ledger."""
    found = database.rows(connection, result)
    if not found:
        return None
    kind, columns, companions, may_be_faulty, *rest = found[0]
    expected = {f"{name} {type_}" for name, type_ in COLUMNS.items()}
    faults = _faults(connection) if may_be_faulty or set(columns) != expected else []
    return Shape(kind, columns, companions, faults, *rest)


def _faults(connection: "Connection") -> list[tuple[str, str, str]]:
    [result] = database.ask(connection, FAULTS)
    [(faults,)] = database.rows(connection, result)
    if not faults:
        return []
    from runner.ledger.cure import cure  # noqa: PLC0415 - failures only

    # What may use a column of another type goes first: one that is too many may be generated from it.
    faults.sort(key=lambda one: one[1] not in ("trigger", "rule", "column"))
    return [(kind, fault, cure(kind, name)) for fault, kind, name in faults]


def check_shape(found: Shape) -> None:
    """Raise ``LedgerUntrusted`` for what is not the runner's, not as it made it, or may not be read."""
    present = {column.partition(" ")[0] for column in found.columns}
    if found.kind != "r" or not present >= COLUMNS.keys():
        from runner.ledger import stranger  # noqa: PLC0415 - failures only

        raise stranger.found(found.kind, found.columns, found.companions)
    if any(kind != ANOTHER_KEY for kind, *_ in found.faults):
        raise _faulty(found)
    if not (found.usable and found.readable):
        raise _unreadable(found)


def _faulty(found: Shape) -> LedgerUntrusted:
    """Name all that is wrong at once, with the statements in the order in which each works."""
    faults = "; ".join(fault for _, fault, _ in found.faults)
    return LedgerUntrusted(
        f"{TABLE} is not the runner's ledger as it was made: {faults}.",
        remedy=f"Find out who did that; then, as {found.owner}: "
        f"{' '.join(cure for *_, cure in found.faults)}",
    )


def _unreadable(found: Shape) -> LedgerUntrusted:
    """Tell a role that may not read the ledger what it lacks, to read only or to migrate."""
    grant = f"grant select on {TABLE} to {found.role};"
    if not found.usable:
        grant = f"grant usage on schema public to {found.role}; {grant}"
    if found.trusted and found.owner == found.role:
        return LedgerUntrusted(
            f"Role {found.role} may not read {TABLE}.", remedy=f"As its owner, {found.owner}: {grant}"
        )
    if found.trusted:
        return LedgerUntrusted(
            f"Role {found.role} may not read {TABLE}: it is a member of its owner, {found.owner}, and does "
            "not inherit its rights.",
            remedy=f"For a role that migrates: alter role {found.role} set role = {found.owner}; or, in the "
            f"URL, options=-crole%3D{_in_url(found.owner)} does the same. For one that only looks: {grant}",
        )
    return LedgerUntrusted(
        f"Role {found.role} may not read {TABLE}: it belongs to {found.owner}, and {found.role} is not a "
        "member of it.",
        remedy=f"For a role that migrates, as after pg_restore --no-owner: {_owner(found)} "
        f"For one that only looks: {grant}",
    )


def _in_url(role: str) -> str:
    """Return a quoted name as it stands in a parameter of a URL."""
    from urllib.parse import quote  # noqa: PLC0415 - failures only

    bare = role[1:-1].replace('""', '"') if role.startswith('"') else role
    return quote(bare.replace("\\", "\\\\").replace(" ", "\\ "), safe="")


def _owner(found: Shape) -> str:
    return f"alter table {TABLE} owner to {found.role};"


def check_owner(found: Shape) -> None:
    """Raise ``LedgerUntrusted`` unless the ledger belongs to the role that migrates, or one it is in.

    Nor may it have another key: what is recorded can be read, but a file may be recorded twice, and one
    without a transaction not at all.
    """
    if found.faults:
        raise _faulty(found)
    if not found.trusted:
        raise LedgerUntrusted(
            f"{TABLE} belongs to {found.owner}, and {found.role} is not a member of it.",
            remedy=f"Migrate as {found.owner}. If the owner got lost, as with pg_restore --no-owner: "
            f"{_owner(found)}",
        )


def swallowed(migration: "Migration") -> LedgerUntrusted:
    """Say that a file cannot be recorded, for what it has made lets no row be written to the ledger."""
    became = "It was rolled back." if migration.in_transaction else "It ran outside any transaction."
    return LedgerUntrusted(
        f"{migration.path} cannot be recorded: a trigger or a rule on {TABLE} lets no row in. {became}",
        remedy=f"Let what it makes on every table leave out {TABLE}; `verify` names what is there already.",
    )


def harmed(migration: "Migration", error: "Error") -> LedgerUntrusted:
    """Say that a file cannot be recorded, for the ledger would be no longer as it was made."""
    return LedgerUntrusted(
        f"{migration.path} cannot be recorded: {error.diag.message_primary} It was rolled back.",
        remedy=f"Let what it does to every table leave out {TABLE}.",
    )


def of_making(error: "Error") -> LedgerUntrusted | None:
    """Return what stood in the way as the ledger was made, if it was no file: a trigger, or its name."""
    if error.sqlstate == CHANGED:  # raised by ``CHECK``
        return LedgerUntrusted(error.diag.message_primary or str(error), remedy=error.diag.message_hint)
    if "()" not in (error.diag.context or ""):  # no function of an event trigger was in the way
        from runner.ledger import stranger  # noqa: PLC0415 - failures only

        return stranger.of_type(error)
    found_nothing = error.sqlstate in _NOT_FOUND
    hint = [f"HINT: {error.diag.message_hint}"] if error.diag.message_hint else []
    return LedgerUntrusted(
        f"An event trigger failed as the ledger, {TABLE}, was made: {error.diag.message_primary}.",
        remedy=f"Nothing was changed. {_NAME_IT if found_nothing else _LEAVE_OUT}",
        notes=(*(error.diag.context or "").splitlines(), *hint),
    )
