"""The guide to writing a migration: every example in it runs, may run twice, and keeps the rules."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from runner import config, database, ledger
from runner.schema import catalog
from tests.project import ROOT, make
from tests.sql import check
from tests.sql.rule import Broken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.project import Project
    from tests.servers import Server

GUIDE = (ROOT / "docs" / "writing.md").read_text(encoding="utf-8")
FILES = {
    found[1]: found[0]
    for found in re.finditer(r"(?<=```sql\n)-- (\d{3}_\w+\.sql) \(series app\)\n.*?(?=```)", GUIDE, re.DOTALL)
}
LAST = len(FILES) - 1  # it drops the old column
ROWS = """
    insert into public.orders (customer_id, total)
    select '00000000-0000-0000-0000-000000000001', n from generate_series(1, 5) as n
"""


@contextmanager
def filled(root: Path, url: str) -> Iterator[tuple[Project, psycopg.Connection[Any]]]:
    """Yield the project of the guide, at its first file, and a connection; there are rows in the table."""
    app = make(root, app=FILES)
    app.migrate(url, to=0)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(ROWS)
        yield app, db


def test_every_example_is_a_file() -> None:
    """Nothing in the guide is SQL that the next test would not see."""
    assert len(FILES) == GUIDE.count("```sql") == 9
    assert [int(name[:3]) for name in FILES] == list(range(9))


def test_the_examples_run_in_order_over_rows(tmp_path: Path, each_url: str) -> None:
    """Applied one after the other, with rows in the table from the beginning."""
    with filled(tmp_path, each_url) as (app, db):
        app.migrate(each_url, to=LAST - 1)
        assert db.execute("select sum(total_cents)::int, min(note) from public.orders").fetchone() == (15, "")
        db.execute("insert into public.orders (customer_id, total) values (gen_random_uuid(), 7)")
        app.migrate(each_url)
        assert db.execute("select count(*) from public.orders where total_cents = 7").fetchone() == (1,)


def test_each_column_has_what_was_written_to_the_other(tmp_path: Path, each_url: str) -> None:
    """By insert and by update, before rows are filled and after; what the old one cannot hold is null."""
    with filled(tmp_path, each_url) as (app, db):
        app.migrate(each_url, to=LAST - 2)
        pairs = "select total, total_cents from public.orders order by created_at, total"
        assert db.execute(pairs).fetchall() == [(n, None) for n in range(1, 6)], (
            "a file of its own fills them"
        )
        insert = "insert into public.orders (customer_id, {}) values (gen_random_uuid(), {}) returning id"
        for column in ("total", "total_cents"):
            written = db.execute(insert.format(column, 7).encode()).fetchone()
            for change, then in (
                ("note = 'x'", (7, 7)),
                ("total = 250", (250, 250)),
                ("total_cents = 300", (300, 300)),
                ("total_cents = 3000000000", (None, 3000000000)),
                ("total = 8", (8, 8)),
                ("total_cents = null", (None, None)),
                ("total = 9", (9, 9)),
                ("total = null", (None, None)),
                ("total = 10, total_cents = 10", (10, 10)),
            ):
                query = f"update public.orders set {change} where id = %s returning total, total_cents"  # noqa: S608 - from above
                assert db.execute(query.encode(), written).fetchone() == then, (column, change)
        db.execute("update public.orders set total = 20 where total = 1")
        app.migrate(each_url, to=LAST - 1)
        assert db.execute("select from public.orders where total is distinct from total_cents").rowcount == 0


def test_the_examples_may_run_twice(tmp_path: Path, each_url: str) -> None:
    """Each again, as psql would, when it was applied: neither the schema nor a row changes."""
    app = make(tmp_path, app=FILES)
    app.migrate(each_url, to=0)
    with database.connect(each_url, source="x") as db:
        database.run(db, ROWS)
        for number, text in enumerate(FILES.values()):
            app.migrate(each_url, to=number)
            before = catalog.snapshot(db, besides=ledger.TABLE), _rows(db)
            database.run(db, text)
            assert (catalog.snapshot(db, besides=ledger.TABLE), _rows(db)) == before, text


def _rows(db: database.Connection) -> list[tuple[object, ...]]:
    return database.query(db, "select * from public.orders order by id")


def test_the_examples_keep_the_rules(tmp_path: Path, server: Server) -> None:
    """Those of files, but that each has a rollback, those of tables, and squawk's."""
    app = make(tmp_path, app=FILES)
    found = [
        *check.findings(config.load(app.file), server.url("postgres")),
        *check.squawk(*(app.root / "app" / name for name in FILES)),
    ]
    assert [str(one) for one in found if not (isinstance(one, Broken) and one.rule == "rollback")] == []


def test_the_guide_lists_every_rule() -> None:
    """In its order and its words: what a person is told can be looked up."""
    rows = [f"| {name} | {what} | {remedy} |" for name, what, remedy in check.project_rules()]
    assert "\n".join(rows) + "\n\n" in GUIDE
