"""The guide to production: what it says of fleets and of logical replication, done."""

from __future__ import annotations

import re
import shlex
import subprocess
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner import files
from tests.conftest import new_database
from tests.faults import bad
from tests.project import ROOT, TWO, make

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psycopg import Connection

    from tests.project import Project
    from tests.servers import Server

GUIDE = (ROOT / "docs" / "production.md").read_text(encoding="utf-8")
SECTION = GUIDE.partition("## Logical replication")[2].partition("\n## ")[0]
[PUBLISH] = re.findall(r"```sql\n(.*?)```", SECTION, re.DOTALL)
[SUBSCRIBE] = re.findall(r"`(create subscription [^`]*)`", SECTION)
[REFRESH] = re.findall(r"`(alter subscription [^`]*)`", SECTION)
FILES = {name: text.replace("int)", "int primary key)") for name, text in TWO.items()}
LATER = {"002_three.sql": "create table public.three (id int primary key);"}


@pytest.fixture
def publisher(each_server: Server) -> Iterator[str]:
    """Return the URL of an empty database on a server that can publish."""
    with bad.started(each_server.version, "wal_level=logical", "max_wal_senders=8") as server:
        yield server.url("postgres")


def subscribe(db: Connection, publisher: str) -> None:
    """Run the guide's statement."""
    options = psycopg.conninfo.conninfo_to_dict(publisher)
    where = f"host={options['host']} user=postgres dbname=postgres"
    db.execute(SUBSCRIBE.replace("…", where).encode())


def arrives(db: Connection, query: str) -> bool:
    """Tell whether a query gives rows within a while."""
    deadline = time.monotonic() + 20
    while not db.execute(query.encode()).rowcount:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def done_with(db: Connection) -> None:
    """Remove the subscription, without which the database cannot be dropped."""
    db.execute("drop subscription app")


@contextmanager
def each_end(publisher: str, subscriber: str) -> Iterator[tuple[Connection, Connection]]:
    """Yield a connection to each side."""
    with (
        psycopg.connect(publisher, autocommit=True) as there,
        psycopg.connect(subscriber, autocommit=True) as here,
    ):
        yield there, here


def both(root: Path, *urls: str) -> Project:
    """Return a project that is applied on both sides."""
    app = make(root, app=FILES)
    for url in urls:
        app.migrate(url)
    return app


def test_the_ledger_is_left_out(tmp_path: Path, publisher: str, each_url: str) -> None:
    """Rows arrive, also of tables that a later file makes, while each side keeps a ledger of its own."""
    app = both(tmp_path, publisher, each_url)
    with each_end(publisher, each_url) as (there, here):
        there.execute("insert into public.one values (1)")
        there.execute(PUBLISH.encode())
        subscribe(here, publisher)
        assert arrives(here, "select from public.one where id = 1")
        app.write("app", LATER)
        for url in (each_url, publisher):
            app.migrate(url)
        there.execute("insert into public.one values (2); insert into public.three values (3)")
        there.execute(PUBLISH.encode())
        here.execute(REFRESH.encode())
        there.execute("insert into public.one values (4)")
        for table, value in (("one", 2), ("three", 3), ("one", 4)):
            assert arrives(here, f"select from public.{table} where id = {value}")
        done_with(here)
        assert app.migrate(each_url) == []


def test_a_subscription_to_all_tables_is_mended(tmp_path: Path, publisher: str, each_url: str) -> None:
    """The first copy stops at the ledger's key; the guide's block and a refresh let it go on."""
    both(tmp_path, publisher, each_url)
    stopped = (
        "select from pg_subscription_rel"
        " where srrelid = 'public.schema_migrations'::regclass and srsubstate in ('i', 'd')"
    )
    with each_end(publisher, each_url) as (there, here):
        there.execute("create publication app for all tables")
        subscribe(here, publisher)
        assert arrives(here, "select from pg_subscription_rel where srrelid::regclass::text ~ 'one'")
        time.sleep(2)
        assert here.execute(stopped.encode()).rowcount == 1
        there.execute(PUBLISH.encode())
        here.execute(REFRESH.encode())
        assert here.execute(stopped.encode()).rowcount == 0
        there.execute("insert into public.one values (5)")
        assert arrives(here, "select from public.one where id = 5")
        done_with(here)


def test_rows_of_files_and_missing_columns_are_in_the_way(
    tmp_path: Path, publisher: str, each_url: str
) -> None:
    """Deleted in time, or when it has stopped, the subscription goes on; it does with the column, too."""
    first = FILES["000_one.sql"]
    app = make(tmp_path, app={"000_one.sql": f"{first} insert into public.one values (1);"})  # noqa: S608 - from above
    with each_end(publisher, each_url) as (there, here):
        for url in (each_url, publisher):
            app.migrate(url)
        here.execute("delete from public.one")
        there.execute(PUBLISH.encode())
        subscribe(here, publisher)
        assert arrives(here, "select from public.one where id = 1")
        assert arrives(here, "select from pg_subscription_rel where srsubstate = 'r'")
        app.write("app", {"001_more.sql": "insert into public.one values (2);"})
        app.migrate(each_url)
        here.execute("delete from public.one where id = 2")
        app.migrate(publisher)
        assert arrives(here, "select from public.one where id = 2")
        here.execute("insert into public.one values (3)")
        there.execute("insert into public.one values (3), (4)")
        stopped = "select from pg_stat_subscription_stats where apply_error_count > {}"
        assert arrives(here, stopped.format(0))
        here.execute("delete from public.one where id = 3")
        assert arrives(here, "select from public.one where id = 4")
        there.execute("alter table public.one add more int; insert into public.one values (5, 5)")
        time.sleep(1)
        assert here.execute("select from public.one where id = 5").rowcount == 0
        here.execute("alter table public.one add more int")
        assert arrives(here, "select from public.one where more = 5")
        done_with(here)


def test_what_the_guide_makes_is_drift_until_it_is_ignored(
    tmp_path: Path, publisher: str, each_url: str
) -> None:
    """The line of the configuration stands beside it, and the remedy tells of such a line."""
    [ignore] = re.findall(r"`(ignore = [^`]*)`", SECTION)
    app = both(tmp_path, publisher, each_url)
    with each_end(publisher, each_url) as (there, here):
        there.execute(PUBLISH.encode())
        subscribe(here, publisher)
        try:
            for url, name in ((publisher, "publication app"), (each_url, "subscription app")):
                told = app.run(CliRunner(), "verify", "--drift", APP_URL=url)
                assert told.exit_code == 4
                assert name in told.output
                assert "or name it in `ignore`" in " ".join(told.output.split())
            app.file.write_text(f"{app.file.read_text().rstrip()}\n{ignore}\n")
            for url in (publisher, each_url):
                told = app.run(CliRunner(), "verify", "--drift", APP_URL=url)
                assert told.exit_code == 0, told.output
        finally:
            done_with(here)


def test_rows_that_outlive_an_account_are_not_to_be_deleted(tmp_path: Path, url: str) -> None:
    """Neither the remedy nor the guide says so of trails, bills and costs, which it names."""
    section = " ".join(GUIDE.partition("## Between the two databases")[2].partition("\n## ")[0].split())
    [kept] = re.findall(r"outlive an account on purpose, and stay:(.*?)\. ", section)
    tables = ["activity_logs", "project_ownership_history", "invoices", "llm_usage_tracking"]
    assert re.findall(r"`(\w+)`", kept) == tables
    app = make(tmp_path, app=FILES)
    app.migrate(url)
    with psycopg.connect(url) as db:
        db.execute("insert into public.two values (7)")
        db.execute(
            "comment on column public.two.id is 'References app.one.id (cross-database, no foreign key).'"
        )
    told = app.run(CliRunner(), "orphans", APP_URL=url)
    assert told.exit_code == 4
    assert "those that outlive it on purpose (a trail, a bill) stay" in " ".join(told.output.split())


# ------------------------------------------------------------------ many databases

FLEETS = GUIDE.partition("## Many databases")[2].partition("\n## ")[0]
LINES = [line for block in re.findall(r"```sh\n(.*?)```", FLEETS, re.DOTALL) for line in block.splitlines()]


def test_the_commands_for_a_fleet(tmp_path: Path, server: Server) -> None:
    """Each does what the guide says of it, in the guide's order, with the guide's names."""
    app, file = make(tmp_path / "app", auth=TWO), tmp_path / "fleet.env"
    names = re.findall(r"^(\S+)=postgresql", FLEETS, re.MULTILINE)
    assert names == ["eu-1", "eu-2", "us-1"]
    said = []
    with ExitStack() as stack:
        urls = [stack.enter_context(new_database(server)) for _ in names]
        file.write_text("".join(f"{name}={url}\n" for name, url in zip(names, urls, strict=True)))
        for line in LINES:
            program, *arguments = shlex.split(line.replace("fleet.env", str(file)), comments=True)
            assert program == "socrates-migrate"
            with app.process(*arguments) as process:
                output, _ = process.communicate(timeout=60)
            assert process.returncode == 0, output
            said.append(output)
    assert "3 behind, 2 pending" in said[0]
    assert said[2].count("2 applied, at 001_two") == 3
    assert "agree with the ledger and with the live schema" in said[3]
    assert [output.count("nothing applied") for output in said[4:7]] == [2, 0, 1]
    assert len(said) == 10


def test_what_a_file_finds_set_is_told(tmp_path: Path, url: str) -> None:
    """All of it, and nothing else, but for what only a serializable transaction has."""
    look = "create table public.seen as select name, setting from pg_settings where source = 'session';"
    make(tmp_path, app={"000_look.sql": look}).migrate(url)
    with psycopg.connect(url) as db:
        rows = db.execute("select * from public.seen where name <> 'transaction_deferrable'")
        seen: dict[str, str] = dict(rows.fetchall())
    [told] = re.findall(r"set for its transaction:(.*?); and\s+`statement_timeout`", GUIDE, re.DOTALL)
    assert (seen.pop("transaction_isolation"), seen.pop("transaction_read_only")) == ("read committed", "off")
    assert set(re.findall(r"`(\w+)", told)) == seen.keys()
    assert told.endswith("read committed, read write, `application_name`")
    assert "`row_security = off`" in told


# Names as they were, and as they are to be.
FOREIGN = {
    "golang-migrate": {
        "10_c.up.sql": "002_c.sql", "10_c.down.sql": "rollback/002_c.sql", "1_a-B.up.sql": "000_a_b.sql",
        "1_a-B.down.sql": "rollback/000_a_b.sql", "2_b__x.up.sql": "001_b__x.sql",
    },
    "zeros and stamps": {
        "000001_a.up.sql": "000_a.sql", "000001_a.down.sql": "rollback/000_a.sql",
        "20240101120000_b_c.up.sql": "001_b_c.sql",
    },
    "Flyway": {
        "V1__Init.sql": "000_init.sql", "V1.1__b.sql": "001_b.sql", "V1_2__c.sql": "002_c.sql",
        "V2__d e.sql": "003_d_e.sql", "V10__f.sql": "004_f.sql", "U10__f.sql": "rollback/004_f.sql",
        "U1__Init.sql": "rollback/000_init.sql",
    },
    "its own": {"000_a.sql": "000_a.sql", "rollback/000_a.sql": "rollback/000_a.sql"},
}  # fmt: skip


@pytest.mark.parametrize("tool", FOREIGN)
def test_the_files_of_another_tool_get_their_names(tmp_path: Path, tool: str) -> None:
    """The lines of the guide give a folder that loads; each file keeps its text, and what undoes it."""
    (tmp_path / "rollback").mkdir()
    for name in FOREIGN[tool]:
        (tmp_path / name).write_text(f"select '{name}';")
    [lines] = [block for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) if "down.sql" in block]
    subprocess.run(["sh", "-ec", lines], cwd=tmp_path, check=True)
    found = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.sql")}
    assert found == {new: f"select '{old}';" for old, new in FOREIGN[tool].items()}
    assert files.load("app", tmp_path, root=tmp_path)
