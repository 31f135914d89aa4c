"""The facts that modules exchange."""

from __future__ import annotations

import pytest

from runner.errors import Place
from runner.model import Limits, Migration
from runner.planning import State, Step


def test_a_version_is_ordered_by_its_number() -> None:
    """1000 follows 999, though it sorts before it as text."""
    steps = [Step("auth", text, "x", State.PENDING) for text in ("1000", "999", "000")]
    assert [step.number for step in sorted(steps, key=lambda step: step.number)] == [0, 999, 1000]


def test_a_label_is_the_file_name_without_its_suffix() -> None:
    """The number is shown as the file writes it."""
    assert Step("auth", "007", "users", State.PENDING).label == "007_users"


def test_a_place_reads_like_a_compiler_message() -> None:
    """Editors and terminals turn path:line:column into a link."""
    assert str(Place("sql/auth/000_users.sql", 41, 9)) == "sql/auth/000_users.sql:41:9"


def test_a_migration_does_not_show_its_text() -> None:
    """A repr in a log holds the path and not the file."""
    migration = Migration("auth", "000", "users", "sql/auth/000_users.sql", "select 'secret'", "sha256:0")
    assert "secret" not in repr(migration)
    assert "sql/auth/000_users.sql" in repr(migration)


def test_facts_cannot_be_changed() -> None:
    """What was read and checked stays what is sent."""
    migration = Migration("auth", "000", "users", "path", "select 1", "sha256:0")
    with pytest.raises(AttributeError):
        migration.sql = "select 2"  # type: ignore[misc] # the point of the test
    with pytest.raises(AttributeError):
        Limits().wait_lock = 0  # type: ignore[misc] # as above
    for fact in (migration, Step("auth", "000", "users", State.PENDING)):
        with pytest.raises(AttributeError):
            fact.note = "x"  # type: ignore[union-attr] # as above


def test_a_state_is_shown_as_a_word() -> None:
    """Tables and JSON print the state itself."""
    assert f"{State.SKIPPED}" == "skipped"
    assert {str(state) for state in State} == {state.name.lower() for state in State}
