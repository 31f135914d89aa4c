"""Adopting a database that another tool has migrated: from the refusal to the first file of our own."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner import planning, schema
from tests.ledger.test_trust import TOOLS
from tests.project import TWO, Project, make, statements
from tests.servers import NEWEST, OLDEST, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Two tools on each server: tests/ledger/test_trust.py tries the ledger of each on every one.
MIDDLE = [(version, "Ecto") for version in VERSIONS[1:-1]]
PAIRS = [(OLDEST, "golang-migrate"), (NEWEST, "Ecto"), (OLDEST, "Rails"), (NEWEST, "dbmate"), *MIDDLE]
on_a_server = pytest.mark.parametrize(
    ("each_server", "tool"), PAIRS, indirect=["each_server"], ids=[f"pg{v}-{tool}" for v, tool in PAIRS]
)


@pytest.fixture
def db(each_url: str) -> Iterator[psycopg.Connection]:
    """Return a connection to a database that another tool has migrated."""
    with psycopg.connect(each_url, autocommit=True) as connection:
        connection.execute(TWO["000_one.sql"].encode())
        yield connection


def run(app: Project, url: str, *arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and all it said."""
    done = app.run(CliRunner(), *arguments, APP_URL=url)
    return done.exit_code, done.stdout + done.stderr


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("each_server", [NEWEST], indirect=True)
@pytest.mark.parametrize("text", ["-- nothing yet\n", "begin; commit;"])
def test_a_file_that_migrate_refuses_is_not_adopted(app: Project, each_url: str, text: str) -> None:
    """Nobody could edit it afterwards, and no other database be built from it."""
    app.write("app", {"000_one.sql": text})
    code, said = run(app, each_url, "baseline", "app", "--to", "000", "--despite-drift")
    assert (code, "error FILE_REFUSED: app/000_one.sql" in said) == (1, True), said


def test_a_ledger_that_is_gone_is_no_database_in_order(
    app: Project, each_url: str, db: psycopg.Connection
) -> None:
    """Nothing would be compared: who asks every night whether all agrees is told, and status warns."""
    assert run(app, each_url, "baseline", "app", "--to", "000")[0] == 0
    for lost in ("delete from public.schema_migrations", "drop table public.schema_migrations"):
        db.execute(lost.encode())
        code, said = run(app, each_url, "verify")
        assert (code, "error DATABASE_NOT_EMPTY: Database" in said) == (4, True), said
        code, said = run(app, each_url, "status")
        assert code == 0, said
        assert "warning: app: Database " in said, said
        assert "adopt this one with `baseline`" in said, said
        assert run(app, each_url, "migrate")[0] == 4


@pytest.mark.parametrize("count", [3, 4])
def test_what_a_strange_database_holds_is_told_up_to_three(
    app: Project, each_url: str, db: psycopg.Connection, count: int
) -> None:
    """And that there is more only where there is."""
    for number in range(2, count + 1):
        db.execute(f"create table public.one_{number} (id int)".encode())
    code, said = run(app, each_url, "migrate")
    named = "public.one, public.one_2, public.one_3"
    assert (code, f"it holds {named}{' …' if count > 3 else ''}." in said) == (4, True), said


@on_a_server
def test_the_way_through_can_be_pasted(
    app: Project, each_url: str, db: psycopg.Connection, tool: str
) -> None:
    """Each command names the tool; then baseline finds no drift, and migrate and verify go on."""
    db.execute(TOOLS[tool].encode())
    for command in (("status",), ("migrate",), ("baseline", "app", "--to", "000")):
        code, said = run(app, each_url, *command)
        assert (code, "LEDGER_UNTRUSTED" in said, f"the ledger of {tool}" in said) == (4, True, True), said
    db.execute(statements(said.splitlines()[-1]).encode())
    code, said = run(app, each_url, "migrate")
    assert (code, "DATABASE_NOT_EMPTY" in said) == (4, True), said
    code, said = run(app, each_url, "baseline", "app", "--to", "000")
    assert (code, said.splitlines()[0]) == (0, "app: 1 files recorded without running them, at 000_one.")
    assert run(app, each_url, "migrate")[0] == 0
    code, said = run(app, each_url, "verify", "--drift")
    assert code == 0, said
    kept = db.execute("select count(*) from before_runner.schema_migrations").fetchone()
    assert kept == (1,), "what the other tool recorded is still there"


@on_a_server
def test_a_new_name_in_the_same_schema_does_as_well(
    app: Project, each_url: str, db: psycopg.Connection, tool: str
) -> None:
    """The old ledger keeps its key and shows as drift, which baseline records in spite of when told to."""
    db.execute(TOOLS[tool].encode())
    db.execute("alter table public.schema_migrations rename to old_migrations")
    code, said = run(app, each_url, "baseline", "app", "--to", "000")
    assert (code, "table public.old_migrations is not in the files" in said) == (4, True), said
    code, said = run(app, each_url, "baseline", "app", "--to", "000", "--despite-drift")
    assert code == 0, said
    assert run(app, each_url, "migrate")[0] == 0


def test_nothing_is_recorded_where_every_file_is_skipped(
    tmp_path: Path, each_url: str, db: psycopg.Connection
) -> None:
    """It is said, and no ledger is made; with a later file that one is recorded, and this one stays out."""
    needing = "-- runner: requires-extension nowhere\ncreate extension if not exists nowhere;"
    app = make(tmp_path, app={"000_needing.sql": needing, "001_one.sql": TWO["000_one.sql"]})
    code, said = run(app, each_url, "baseline", "app", "--to", "000")
    assert (code, "error USAGE: There is nothing to record up to 000" in said) == (2, True), said
    assert db.execute("select to_regclass('public.schema_migrations')").fetchone() == (None,)
    code, said = run(app, each_url, "baseline", "app", "--to", "001")
    assert (code, said.splitlines()[0]) == (0, "app: 1 files recorded without running them, at 001_one.")
    assert "1 applied, 1 skipped" in run(app, each_url, "status")[1]


@pytest.mark.parametrize("each_server", [NEWEST], indirect=True)
def test_a_document_names_what_was_recorded_and_not_what_was_to_be(
    app: Project, each_url: str, db: psycopg.Connection
) -> None:
    """With differences nothing is recorded, and a program that reads the document is not told otherwise."""
    db.execute("alter table public.one add more int")
    code, said = run(app, each_url, "baseline", "app", "--to", "000", "--json")
    [told] = json.JSONDecoder().raw_decode(said)[0]["databases"]
    assert (code, told["recorded"], len(told["drift"])) == (4, [], 1)
    code, said = run(app, each_url, "baseline", "app", "--to", "000", "--despite-drift", "--json")
    [told] = json.JSONDecoder().raw_decode(said)[0]["databases"]
    assert (code, told["recorded"], len(told["drift"])) == (0, ["000"], 1)


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("each_server", [NEWEST], indirect=True)
def test_what_was_compared_is_there_until_it_is_recorded(
    app: Project, each_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollback file, which takes the lock of the runners, waits until the files are recorded."""
    compare = schema.Expected.compare

    def compare_and_roll_back(made: schema.Expected, site: planning.Site) -> schema.Comparison:
        compared = compare(made, site)
        with suppress(psycopg.errors.LockNotAvailable), psycopg.connect(each_url) as other:
            other.execute("set lock_timeout = '300ms'")
            other.execute("select pg_advisory_xact_lock(hashtextextended('public.schema_migrations', 0))")
            other.execute("drop table public.one")
        return compared

    monkeypatch.setattr(schema.Expected, "compare", compare_and_roll_back)
    code, said = run(app, each_url, "baseline", "app", "--to", "000")
    with psycopg.connect(each_url) as other:
        left = other.execute("select version, to_regclass('public.one')::text from schema_migrations")
        assert (code, left.fetchall()) == (0, [("000", "one")]), said
