"""The guide to production: what it says of fleets and of logical replication, done."""

from __future__ import annotations

import re
import shlex
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import psycopg
import pytest

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


def both(root: Path, *urls: str) -> Project:
    """Return a project that is applied on both sides."""
    app = make(root, app=FILES)
    for url in urls:
        app.migrate(url)
    return app


def test_the_ledger_is_left_out(tmp_path: Path, publisher: str, each_url: str) -> None:
    """Rows arrive, also of tables that a later file makes, while each side keeps a ledger of its own."""
    app = both(tmp_path, publisher, each_url)
    with (
        psycopg.connect(publisher, autocommit=True) as there,
        psycopg.connect(each_url, autocommit=True) as here,
    ):
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
    with (
        psycopg.connect(publisher, autocommit=True) as there,
        psycopg.connect(each_url, autocommit=True) as here,
    ):
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
