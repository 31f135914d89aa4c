"""The plans of the benchmark's queries, held to it on a small data set, with the planner as it comes."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import pytest

from benchmarks.schema import data, databases, indexes, plans, queries, values
from benchmarks.schema.queries import Query, Source
from tests.sql import contract

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.schema.databases import Connection
    from tests.servers import Server

# Small, but no table has fewer than 1,000 rows where the full one has as many: with less, reading a table of
# a few pages from end to end is right, and its plan proves nothing. Over 900 rows that is a fault here.
SCALE, FLOOR = 0.02, 1000
MANY = 900

STATEMENT_END = re.compile(r"^(?!--).*;$", re.MULTILINE)

# These few rows fit into one page or two; whoever asks reads them all, and no index is needed.
ON_SMALL_TABLES = {
    "role_by_code",
    "provider_by_code",
    "usable_providers",
    "pick_list_of_providers",
    "income_per_month",
}


@pytest.fixture(scope="session")
def filled(server: Server) -> Iterator[Mapping[str, Connection]]:
    """Return a connection to each database, built from the files and filled once."""
    connections = {}
    for series in databases.SERIES:
        url = databases.build(server.url("postgres"), series, f"bench_{series}")
        with databases.connect(url) as connection:
            data.fill(connection, series, data.sizes(SCALE, floor=FLOOR))
        connections[series] = databases.connect(url)
    yield connections
    for connection in connections.values():
        connection.close()


def look(filled: Mapping[str, Connection], query: Query) -> tuple[plans.Look, set[str]]:
    """Return what a query uses, with all its values, and the tables of many rows it reads from end to end."""
    connection = filled[query.series]
    seen = plans.look_at_all(connection, query, values.choose(connection, query))
    return seen, set(seen.scanned & plans.tables_over(connection, MANY))


def named(name: str) -> Query:
    """Return the query of a name."""
    return next(query for query in queries.load() if query.name == name)


@contextmanager
def without(connection: Connection, index: str) -> Iterator[None]:
    """Drop an index until the end of the block."""
    with connection.transaction(force_rollback=True):
        connection.execute(f"drop index public.{index}".encode())
        yield


@pytest.mark.parametrize("query", queries.load(), ids=lambda query: f"{query.series}-{query.name}")
def test_a_query_uses_an_index_and_reads_no_large_table(
    filled: Mapping[str, Connection], query: Query
) -> None:
    """With typical and heavy values alike; what foreign keys do to other tables counts as well."""
    seen, scanned = look(filled, query)
    assert scanned == set()
    assert bool(seen.indexes) != (query.name in ON_SMALL_TABLES)


@pytest.mark.parametrize(
    ("name", "index", "table"),
    [
        ("sign_in_by_address", "idx_users_email_lower", "users"),
        ("calls_of_a_session", "idx_llm_usage_tracking_session_id", "llm_usage_tracking"),
        ("delete_session", "idx_llm_usage_tracking_session_id", "llm_usage_tracking"),  # seen in no plan
        ("figures_with_a_label", "idx_analytics_metrics_tags", "analytics_metrics"),
    ],
)
def test_a_missing_index_is_noticed(
    filled: Mapping[str, Connection], name: str, index: str, table: str
) -> None:
    """Without the index its query reads the table, be it in the plan or behind a foreign key."""
    query = named(name)
    with without(filled[query.series], index):
        assert look(filled, query)[1] == {table}


def test_a_scan_in_a_subquery_is_noticed(filled: Mapping[str, Connection]) -> None:
    """All nodes of a plan are looked at, not only the topmost."""
    text = (
        "select id from public.projects where id = $1"
        " and (select count(*) from public.conversation_history where tokens_used = 7) >= 0"
    )
    query = Query("specs", "", "", "staff", "", Source("projects", ("id",), None), text)
    assert look(filled, query)[1] == {"conversation_history"}


WORD = re.compile(r"\b(\w+) (?:=|in) \(?('[\w']+(?:, '\w+')*)")


@cache
def states() -> dict[tuple[str, str], list[str]]:
    """Return the words that a column may hold, by table and column."""
    return {
        (table, check["column"]): check["values"]
        for series in databases.SERIES
        for table, check in contract.checks(series)
        if "values" in check
    }


@pytest.mark.parametrize("query", queries.load(), ids=lambda query: f"{query.series}-{query.name}")
def test_a_state_is_asked_for_as_it_is_spelled(query: Query) -> None:
    """A word in another case would find nothing, and nobody would notice."""
    tables = re.findall(r"\bpublic\.(\w+)", query.sql)
    for column, words in WORD.findall(query.sql):
        known = {word for table in tables for word in states().get((table, column), ())}
        assert not known or set(re.findall(r"\w+", words)) <= known
    assert not re.search(r"lower\((?!email\)|\$1)", query.sql), "the indexes on states know them as they are"


GREATEST_FIRST = re.compile(r"\border by (?:\w+\.)?(\w+) desc\b")
# A bill without a date is a draft, the newest of all.
EMPTY_FIRST = {"bills_by_date", "all_bills"}


def nullable(query: Query) -> set[str]:
    """Return the columns of a query's tables that may be null."""
    tables = contract.load(query.series)["tables"]
    asked = [tables[table] for table in re.findall(r"\b(?:from|join) public\.(\w+)", query.sql)]
    return {column["name"] for facts in asked for column in facts["columns"] if column["null"]}


@pytest.mark.parametrize("query", queries.load(), ids=lambda query: f"{query.series}-{query.name}")
def test_the_greatest_values_first_are_values(query: Query) -> None:
    """Nulls come before them in descending order, as in the indexes: `nulls last` could use none of these."""
    for column in set(GREATEST_FIRST.findall(query.sql)) & nullable(query):
        says_so = re.search(rf"\b{column} (is not null|between|[<>=])", query.sql)
        assert bool(says_so) != (query.name in EMPTY_FIRST), column
    assert "nulls last" not in query.sql


def test_comparing_in_lower_case_reads_the_table(filled: Mapping[str, Connection]) -> None:
    """Why no query does so: the indexes on states know them as they are written."""
    query = Query(
        "specs", "", "", "staff", "", None, "select id from public.conflicts where lower(severity) = 'x'"
    )
    assert look(filled, query)[1] == {"conflicts"}


def test_names_are_given_once() -> None:
    """Results are kept by name."""
    names = [query.name for query in queries.load()]
    assert len(names) == len(set(names)) >= 200


def test_no_query_of_a_file_is_overlooked() -> None:
    """As many queries are read as the files hold statements."""
    texts = [path.read_text(encoding="utf-8") for path in queries.FOLDER.glob("*/*.sql")]
    assert len(queries.load()) == sum(len(STATEMENT_END.findall(text)) for text in texts)


def test_every_table_is_asked_for() -> None:
    """No table of the contract is left out of the queries."""
    for series in databases.SERIES:
        text = " ".join(query.sql for query in queries.load() if query.series == series)
        assert set(contract.load(series)["tables"]) - set(re.findall(r"public\.(\w+)", text)) == set()


def test_indexes_know_what_they_back(filled: Mapping[str, Connection]) -> None:
    """Uniqueness, a foreign key, a reference into auth, or nothing but queries."""
    found = {index.name: index.backs for index in indexes.read(filled["specs"])}
    assert found["projects_pkey"] == "uniqueness"
    assert found["idx_conversation_history_session_id_created_at"] == "foreign key"
    assert found["idx_projects_owner_id_status"] == "reference to auth"
    assert found["idx_projects_created_at"] == ""
    assert found["idx_specifications_project_id_category"] == ""  # it knows rows in force only
