"""The files build, rebuild and take away the same things, run with psql as a DBA would."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg import sql

from tests.sql import catalog, file_rules
from tests.sql.catalog import Catalog
from tests.sql.file import code
from tests.sql.psql import forward, rollback, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from psycopg import Connection

    from tests.sql.clone import Clone

NOTHING = Catalog((), (), (), (), (), (), ())


@pytest.fixture
def connection(each_url: str) -> Iterator[Connection]:
    """Return a connection to an empty database on every server, for looking at what psql does there."""
    with closing(psycopg.connect(each_url, autocommit=True)) as connection:
        yield connection


def test_rollbacks_undo_the_files_one_by_one_and_the_files_rebuild_the_same(
    clone: Clone, each_url: str, connection: Connection
) -> None:
    """Each rollback, newest first, leaves what was there before its file; nothing is left at the end."""
    before: list[Catalog] = []
    for file in forward(clone.series):
        before.append(catalog.read(connection))
        run(clone.server, each_url, file)
    complete = catalog.read(connection)
    assert before[0] == NOTHING
    assert without_ledger(complete) == without_ledger(clone.catalog)  # psql builds what the runner builds

    for file in reversed(forward(clone.series)):
        run(clone.server, each_url, rollback(file))
        assert unordered(catalog.read(connection)) == unordered(before.pop()), file.name

    run(clone.server, each_url, *forward(clone.series))
    assert catalog.read(connection) == complete


def unordered(facts: Catalog) -> Catalog:
    """Forget the order of columns: one that was dropped and is back again is the last."""
    return replace(facts, columns=tuple(sorted(facts.columns, key=lambda column: column.name)))


def rerunnable(series: str) -> list[Path]:
    """Return the files that may run again when all have: from the last on that took something away."""
    files = forward(series)
    dropping = [place for place, file in enumerate(files) if file_rules.DROP.search(code(file.read_text()))]
    return files[max(dropping, default=0) :]


def without_ledger(facts: Catalog) -> Catalog:
    """Leave out the table only the runner makes."""
    objects = [one for one in facts.objects if "public.schema_migrations" not in one.name]
    return replace(facts, objects=tuple(objects))


def storage(connection: Connection) -> list[Any]:
    """Return which file on disk each relation is in: it changes when one is made anew or rewritten."""
    query = """
        select relname, oid, relfilenode from pg_class
        where relnamespace = 'public'::regnamespace order by relname
    """
    return connection.execute(query).fetchall()


def stored(connection: Connection, table: str) -> list[Any]:
    """Return all rows with their place and their writer, which change even when a row is rewritten alike."""
    query = sql.SQL("select ctid::text, xmin::text, t.*::text from {} as t")
    return connection.execute(query.format(sql.Identifier(table))).fetchall()


def test_running_every_file_again_changes_no_row_and_no_object(own_clone: Clone) -> None:
    """With a row in every table, a second run leaves catalog, storage and rows as they are."""
    connection = own_clone.connection
    made = own_clone.rows.insert_everywhere()
    assert set(made) == {table.name for table in own_clone.catalog.plain_tables()}
    files, rows = storage(connection), {table: stored(connection, table) for table in made}

    for file in rerunnable(own_clone.series):
        run(own_clone.server, own_clone.url, file)

    assert catalog.read(connection) == own_clone.catalog
    assert storage(connection) == files
    assert {table: stored(connection, table) for table in made} == rows


def test_a_rollback_loses_the_rows_of_its_own_file_only(clone: Clone) -> None:
    """With a row in every table, undoing all files but the first and running them again keeps its rows.

    Files up to one that took something away are left out: what is lost with it, is not of its own.
    """
    _, *later = rerunnable(clone.series)
    clone.connection.execute("drop table public.schema_migrations")  # as if the files were run by hand
    made = clone.rows.insert_everywhere()

    for file in reversed(later):
        clone.execute(rollback(file))
    kept = [table.name for table in catalog.read(clone.connection).plain_tables()]
    for file in later:
        clone.execute(file)

    assert kept
    assert {table: clone.rows.find(table, made[table]) for table in kept} == {
        table: made[table] for table in kept
    }


@pytest.mark.parametrize(
    ("series", "table"),
    [
        ("auth", "admin_audit_logs"),
        ("auth", "audit_logs"),
        ("specs", "project_ownership_history"),
        ("specs", "activity_logs"),
    ],
)
@pytest.mark.parametrize("right", ["update", "trigger"])
def test_a_right_that_was_passed_on_is_taken_back_with_it(
    designed_of: Callable[[str], Clone], series: str, table: str, right: str
) -> None:
    """Nobody edits a trail: a second run of its file finds whom its first reader has let in."""
    clone = designed_of(series)
    db, name = clone.connection, sql.Identifier(table)
    db.execute("create role r_first; create role r_second; grant usage on schema public to r_first")
    passed_on = "grant {1} on {0} to r_first with grant option; set role r_first; grant {1} on {0} to"
    db.execute(sql.SQL(passed_on + " r_second; reset role").format(name, sql.SQL(right)))
    [file] = [file for file in forward(series) if f"on public.{table} from" in file.read_text()]
    clone.execute(file)
    rights = "select has_table_privilege(r, %s, %s) from unnest(array['r_first', 'r_second']) as r"
    assert db.execute(rights, (table, right)).fetchall() == [(False,), (False,)]
