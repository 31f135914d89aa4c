"""Triggers do what their names say, on real rows of every table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from tests.conftest import SERIES
from tests.sql.rows import LONG_AGO, Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sql.clone import Clone

LATER = LONG_AGO + timedelta(days=1)


@pytest.fixture
def rows(clone: Clone) -> Rows:
    """Return what fills the tables of a clone."""
    return clone.rows


def dated(clone: Clone) -> list[str]:
    """Return the tables with updated_at."""
    return [column.table for column in clone.catalog.columns if column.column == "updated_at"]


def test_thirty_five_tables_have_updated_at(designed_of: Callable[[str], Clone]) -> None:
    """So the tests below try 35 tables, and those that came later."""
    assert sum(len(dated(designed_of(series))) for series in SERIES) == 35


def test_an_update_moves_updated_at(clone: Clone, rows: Rows) -> None:
    """Changing any column of a row puts the time of the transaction into updated_at, and nowhere else."""
    wrong = []
    for table in dated(clone):
        row = rows.insert(table, updated_at=LONG_AGO)
        change = {"created_at": LATER} if "created_at" in row else {"id": row["id"]}
        changed = rows.update(table, row, **change)
        now = clone.connection.execute("select now()").fetchall()[0][0]
        if changed != {**row, **change, "updated_at": now}:
            wrong.append(table)
    assert wrong == []


def test_an_update_of_updated_at_itself_is_respected(clone: Clone, rows: Rows) -> None:
    """A statement that sets updated_at, such as a restore, gets the value it asked for."""
    wrong = []
    for table in dated(clone):
        row = rows.insert(table, updated_at=LONG_AGO)
        if rows.update(table, row, updated_at=LATER)["updated_at"] != LATER:
            wrong.append(table)
    assert wrong == []


@pytest.mark.parametrize("given", [(), ("creator_id",), ("owner_id",), ("creator_id", "owner_id")])
def test_a_new_project_belongs_to_its_user_unless_told_otherwise(
    designed_of: Callable[[str], Clone], given: tuple[str, ...]
) -> None:
    """creator_id and owner_id follow user_id where the writer left them empty."""
    clone = designed_of("specs")
    people = {name: uuid4() for name in ("user_id", *given)}
    project = clone.rows.insert("projects", **people)
    for name in ("creator_id", "owner_id"):
        assert project[name] == people.get(name, people["user_id"])


def test_a_transfer_leaves_the_other_people_alone(designed_of: Callable[[str], Clone]) -> None:
    """Changing the owner of a project later changes neither its creator nor its user."""
    clone = designed_of("specs")
    rows = clone.rows
    project = rows.insert("projects")
    changed = rows.update("projects", project, owner_id=uuid4())
    assert (changed["user_id"], changed["creator_id"]) == (project["user_id"], project["user_id"])
