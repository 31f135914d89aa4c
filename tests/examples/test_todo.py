"""The database of examples/todo: what it holds, what it refuses, and how it is taken away again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from click.testing import CliRunner
from psycopg import errors

from tests.cli import lines
from tests.examples import FILES, TODO, blocks
from tests.sql import catalog, contract, rules
from tests.sql import test_cascades as cascades
from tests.sql import test_checks as checks
from tests.sql import test_contract as promises
from tests.sql import test_idempotent as idempotent
from tests.sql import test_rollbacks as rollbacks
from tests.sql import test_triggers as triggers
from tests.sql.psql import rollback, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sql.catalog import Catalog, Thing
    from tests.sql.clone import Clone
    from tests.sql.rows import Rows
    from tests.sql.rule import Rule

TABLES = ("conversations", "messages", "tasks", "users")

# Tables, columns, indexes (key, unique, plain), foreign keys, cross-database references, checks, triggers.
TOTALS = (4, 25, 12, 4, 1, 7, 4, 0, 1, 4)

# What holds in the two databases of the product, asked of this one.
RULES: list[Callable[[Clone], None]] = [
    promises.test_the_only_other_things_are_the_ledger_trigger_functions_and_vector,
    cascades.test_every_foreign_key_does_what_it_declares,
    cascades.test_every_foreign_key_refuses_a_stranger,
    checks.test_a_duplicate_is_refused_by_every_unique_rule,
]
CLOCKS: list[Callable[[Clone, Rows], None]] = [
    triggers.test_an_update_moves_updated_at,
    triggers.test_an_update_of_updated_at_itself_is_respected,
]

LISTS = {"tasks": "idx_tasks_user_id_created_at", "conversations": "idx_conversations_user_id_updated_at"}
QUERIES = [query for query in blocks("sql") if query.startswith("select")]
FILL = """
    insert into public.users (email, password_hash)
        select number || '@example.org', 'hash' from generate_series(1, 8) as number;
    insert into public.tasks (user_id, title, created_at)
        select u.id, 'task', timestamptz '2020-01-01' + random() * interval '1 year'
        from generate_series(1, 600), public.users as u;
    insert into public.conversations (user_id, updated_at)
        select u.id, timestamptz '2020-01-01' + random() * interval '1 year'
        from generate_series(1, 600), public.users as u;
    analyze;
"""  # fmt: skip


def name_of(rule: Callable[..., None]) -> str:
    """Return how a borrowed test is called in reports."""
    return rule.__name__.removeprefix("test_")


def test_the_runner_applies_all_files_once_and_records_them(own_todo: Clone, each_url: str) -> None:
    """After the first run the ledger names the four files; a second run has nothing to do."""
    again = TODO.run(CliRunner(), "migrate", DATABASE_URL=each_url)
    assert lines(again)[-1] == "nothing applied, todo is at 003_add_messages_table."
    assert rollbacks.recorded(own_todo) == [file.stem for file in FILES]
    assert TODO.run(CliRunner(), "status", "--exit-code", DATABASE_URL=each_url).exit_code == 0


def test_everything_is_as_the_contract_says_and_nothing_else_exists(todo: Clone) -> None:
    """The live catalog equals what the server builds from the contract, comments included."""
    promised = promises.promised(todo)
    for kind in ("tables", "columns", "constraints", "indexes", "triggers"):
        assert promises.comparable(todo.catalog, kind) == promises.comparable(promised, kind)


def test_the_totals_are_those_the_contract_names(todo: Clone) -> None:
    """Tables, columns, indexes, keys, checks and triggers come to the published numbers."""
    assert promises.count(todo.catalog) == TOTALS


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_a_rule_of_the_product_holds_here_too(todo: Clone, rule: Callable[[Clone], None]) -> None:
    """The example keeps what the schemas of the product keep."""
    rule(todo)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.name)
def test_a_rule_of_tables_holds_here_too(todo: Clone, rule: Rule[Catalog, Thing]) -> None:
    """The example is held to the same rules, on every server."""
    assert rules.broken(rule, todo.catalog) == [], f"{rule.what} {rule.remedy}"


@pytest.mark.parametrize("clock", CLOCKS, ids=name_of)
def test_updated_at_is_kept_current(todo: Clone, clock: Callable[[Clone, Rows], None]) -> None:
    """An update moves updated_at in each table, unless it sets the column itself."""
    assert tuple(sorted(triggers.dated(todo))) == TABLES
    clock(todo, todo.rows)


def test_running_every_file_again_by_psql_changes_nothing(own_todo: Clone, each_url: str) -> None:
    """With a row in every table, a second run leaves catalog, storage and rows as they are."""
    assert tuple(sorted(own_todo.rows.insert_everywhere())) == TABLES
    relations = idempotent.storage(own_todo.connection)
    stored = {table: idempotent.stored(own_todo.connection, table) for table in TABLES}

    for file in FILES:
        run(own_todo.server, each_url, file)

    assert catalog.read(own_todo.connection) == own_todo.catalog
    assert idempotent.storage(own_todo.connection) == relations
    assert {table: idempotent.stored(own_todo.connection, table) for table in TABLES} == stored


def test_rollbacks_leave_nothing_but_the_empty_ledger(own_todo: Clone, each_url: str) -> None:
    """Newest first, each takes its table, its rows and its record; the runner then builds the same again."""
    own_todo.rows.insert_everywhere()
    for place in reversed(range(len(FILES))):
        run(own_todo.server, each_url, rollback(FILES[place]))
        assert rollbacks.recorded(own_todo) == [file.stem for file in FILES[:place]]
    left = catalog.read(own_todo.connection).objects
    hanging = ("table constraint", "default value")
    assert [one.name for one in left if one.kind not in hanging] == ["public.schema_migrations"]

    assert TODO.run(CliRunner(), "migrate", DATABASE_URL=each_url).exit_code == 0
    assert catalog.read(own_todo.connection) == own_todo.catalog


def test_a_rollback_out_of_order_is_refused(own_todo: Clone) -> None:
    """No file can be undone while a later one is recorded, and none twice; nothing is changed."""
    *earlier, newest = FILES
    for file in earlier:
        assert f"cannot be rolled back while {newest.stem} is recorded" in rollbacks.refusal(own_todo, file)
    assert rollbacks.recorded(own_todo) == [file.stem for file in FILES]
    assert catalog.read(own_todo.connection) == own_todo.catalog
    run(own_todo.server, own_todo.url, rollback(newest))
    assert "is not recorded here" in rollbacks.refusal(own_todo, newest)


def test_a_deleted_user_takes_tasks_conversations_and_messages_along(todo: Clone) -> None:
    """Everything below a person goes with the person, and what is another person's stays."""
    rows = todo.rows
    gone, kept = rows.insert_everywhere(), rows.insert_everywhere()
    rows.delete("users", gone["users"])
    assert {table: rows.find(table, gone[table]) for table in TABLES} == dict.fromkeys(TABLES)
    assert {table: rows.find(table, kept[table]) for table in TABLES} == kept


def test_only_user_and_agent_speak(todo: Clone) -> None:
    """A message is by the person or by the agent; every other role is refused by name."""
    rows = todo.rows
    [(table, check)] = contract.checks(todo.series)
    assert [rows.insert(table, role=role)["role"] for role in check["values"]] == ["user", "agent"]
    for role in ("assistant", "system", "User", "AGENT", ""):
        with pytest.raises(errors.CheckViolation) as refusal, todo.connection.transaction():
            rows.insert(table, role=role)
        assert refusal.value.diag.constraint_name == "ck_messages_role"


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every node of a plan."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


@pytest.mark.parametrize("table", LISTS)
def test_a_list_is_read_from_its_index_without_sorting(todo: Clone, table: str) -> None:
    """Each query of the README gives one person's newest rows in order, straight from the named index."""
    [query] = [query for query in QUERIES if f"from public.{table} " in query]
    todo.connection.execute(FILL)
    cursor = psycopg.RawCursor(todo.connection)
    for (user,) in todo.connection.execute("select id from public.users").fetchall():
        [[[answer]]] = cursor.execute(f"explain (format json) {query}", [user]).fetchall()
        plan = list(nodes(answer["Plan"]))
        assert [node["Index Name"] for node in plan if "Index Name" in node] == [LISTS[table]]
        assert [node["Node Type"] for node in plan if "Sort" in node["Node Type"]] == []
        times = [row[-1] for row in cursor.execute(query, [user]).fetchall()]
        assert times == sorted(times, reverse=True)
        assert len(times) == 50
