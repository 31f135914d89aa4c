"""Read what stands beyond the objects of a database: roles, settings, slots, and the database as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database
from runner.schema.roles import is_superuser

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.database import Connection

KINDS = {"database", "subscription"}  # of a snapshot, which are read here, whatever else has changed
_RISEN = ('"rolsuper": true', '"rolsuper": false')


def questions(connection: Connection) -> tuple[bytes, ...]:
    """Return what the role of a connection may ask. Does not write."""
    files = ("server.sql", "hidden.sql") if is_superuser(connection) else ("server.sql",)
    return tuple(database.packaged(__package__, file) for file in files)


def read(connection: Connection, questions: Sequence[bytes], *, risen: str | None) -> dict[str, str]:
    """Return facts by name; the role ``risen`` may be a superuser for a while, which is no fact."""
    rows = [row for question in questions for row in connection.execute(question).fetchall()]
    found = {name: value or "" for name, value in rows}
    if (name := f"role {risen}") in found:
        found[name] = found[name].replace(*_RISEN)
    return found


def roles(facts: Mapping[str, str]) -> set[str]:
    """Return those names of facts that are a role's."""
    return {name for name in facts if name.startswith("role ")}
