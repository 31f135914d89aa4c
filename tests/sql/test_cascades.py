"""Deleting a row does to the rows that refer to it what the schema promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sql.catalog import Constraint
    from tests.sql.clone import Clone
    from tests.sql.rows import Rows

# What a project leaves behind: people, teams, money and figures; its calls lose its name.
SURVIVE_A_PROJECT = {
    "analytics_metrics", "api_keys", "churn_analysis", "conversion_funnel", "daily_active_users",
    "feature_usage", "invoices", "llm_providers", "llm_usage_tracking", "monthly_recurring_revenue",
    "notification_preferences", "question_effectiveness", "subscriptions", "team_invitations",
    "team_members", "teams", "user_behavior_patterns",
}  # fmt: skip


@pytest.fixture
def accounts(designed_of: Callable[[str], Clone]) -> Rows:
    """Return what fills the tables of the accounts database."""
    return designed_of("auth").rows


def outcome(rows: Rows, key: Constraint) -> str:
    """Delete the row a foreign key points at; return what came of it."""
    [column] = key.columns
    parent = rows.insert(str(key.target))
    child = rows.insert(key.table, **{column: parent["id"]})
    try:
        with rows.connection.transaction():
            rows.delete(str(key.target), parent)
    except psycopg.IntegrityError as error:
        return f"refused by {error.diag.constraint_name}"
    kept = rows.find(key.table, child)
    if kept is None:
        return "cascade"
    assert kept[column] is None
    return "set null"


def test_every_foreign_key_does_what_it_declares(clone: Clone) -> None:
    """The row that refers goes too, loses the reference, or keeps its target from being deleted."""
    rows = clone.rows
    declared = {
        key.name: f"refused by {key.name}" if key.on_delete in ("restrict", "no action") else key.on_delete
        for key in clone.catalog.foreign_keys()
    }
    assert {key.name: outcome(rows, key) for key in clone.catalog.foreign_keys()} == declared


def test_every_foreign_key_refuses_a_stranger(clone: Clone) -> None:
    """No row may refer to a row that does not exist."""
    rows = clone.rows
    for key in clone.catalog.foreign_keys():
        [column] = key.columns
        gone = rows.insert(str(key.target))
        rows.delete(str(key.target), gone)
        with pytest.raises(errors.ForeignKeyViolation) as refusal, clone.connection.transaction():
            rows.insert(key.table, **{column: gone["id"]})
        assert refusal.value.diag.constraint_name == key.name


def test_a_user_takes_tokens_requests_and_rules_along(accounts: Rows) -> None:
    """What only the person could use goes with the account; what happened stays, without a name."""
    user = accounts.insert("users")
    personal = ("refresh_tokens", "password_reset_requests", "user_rules")
    owned = {table: accounts.insert(table, user_id=user["id"]) for table in personal}
    event = accounts.insert("audit_logs", user_id=user["id"])
    accounts.delete("users", user)
    assert [accounts.find(table, row) for table, row in owned.items()] == [None, None, None]
    assert accounts.find("audit_logs", event) == {**event, "user_id": None}


def test_a_user_who_acted_as_administrator_stays(accounts: Rows) -> None:
    """The trail of administration keeps the accounts it names."""
    entry = accounts.insert("admin_audit_logs")
    with pytest.raises(psycopg.IntegrityError) as refusal:
        accounts.delete("users", {"id": entry["admin_id"]})
    assert refusal.value.diag.constraint_name == "fk_admin_audit_logs_admin_id"


def test_a_user_who_granted_a_role_to_somebody_else_stays(accounts: Rows) -> None:
    """A grant keeps the account that made it, even though the receiver could go."""
    grant = accounts.insert("admin_users")
    with pytest.raises(errors.ForeignKeyViolation) as refusal, accounts.connection.transaction():
        accounts.delete("users", {"id": grant["granted_by_id"]})
    assert refusal.value.diag.constraint_name == "fk_admin_users_granted_by_id"
    accounts.delete("users", {"id": grant["user_id"]})
    assert accounts.find("admin_users", grant) is None


def test_a_user_who_granted_only_to_itself_can_go(accounts: Rows) -> None:
    """The first administrator, who granted the role to the own account, does not live for ever."""
    user = accounts.insert("users")
    grant = accounts.insert("admin_users", user_id=user["id"], granted_by_id=user["id"])
    accounts.delete("users", user)
    assert accounts.find("admin_users", grant) is None


def test_a_project_takes_its_whole_tree_along(designed_of: Callable[[str], Clone]) -> None:
    """Deleting a project empties every table below it; what was spent on it is kept, without its name."""
    clone = designed_of("specs")
    rows = clone.rows
    everywhere = rows.insert_everywhere()
    rows.delete("projects", everywhere["projects"])
    kept = {table: found for table, row in everywhere.items() if (found := rows.find(table, row))}
    assert set(kept) == SURVIVE_A_PROJECT
    call = everywhere["llm_usage_tracking"]
    assert call["project_id"] is not None
    assert kept["llm_usage_tracking"] == {**call, "project_id": None, "session_id": None}
