"""The guide to writing a migration: every example in it runs, and may run twice."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg

from runner import database, ledger
from runner.schema import catalog
from tests.project import ROOT, make

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = (ROOT / "docs" / "writing.md").read_text(encoding="utf-8")
FILES = {
    found[1]: found[0]
    for found in re.finditer(r"(?<=```sql\n)-- (\d{3}_\w+\.sql) \(series app\)\n.*?(?=```)", GUIDE, re.DOTALL)
}
ROWS = """
    insert into public.orders (customer_id, total)
    select '00000000-0000-0000-0000-000000000001', n from generate_series(1, 5) as n
"""


def test_every_example_is_a_file() -> None:
    """Nothing in the guide is SQL that the next test would not see."""
    assert len(FILES) == GUIDE.count("```sql") == 6
    assert [int(name[:3]) for name in FILES] == list(range(6))


def test_the_examples_run_in_order_over_rows(tmp_path: Path, each_url: str) -> None:
    """Applied one after the other, with rows in the table from the beginning."""
    app = make(tmp_path, app=FILES)
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute(ROWS)
        app.migrate(each_url)
        assert db.execute("select sum(total_cents)::int, min(note) from public.orders").fetchone() == (15, "")
        db.execute("insert into public.orders (customer_id, total) values (gen_random_uuid(), 7)")
        assert db.execute("select count(*) from public.orders where total_cents = 7").fetchone() == (1,)


def test_the_examples_may_run_twice(tmp_path: Path, each_url: str) -> None:
    """Again, as psql would: neither the schema nor a row changes."""
    make(tmp_path, app=FILES).migrate(each_url)
    with database.connect(each_url, source="x") as db:
        db.execute(ROWS.encode())
        before = catalog.snapshot(db, besides=ledger.TABLE), _rows(db)
        for text in FILES.values():
            database.run(db, text)
        assert (catalog.snapshot(db, besides=ledger.TABLE), _rows(db)) == before


def _rows(db: database.Connection) -> list[tuple[object, ...]]:
    return database.query(db, "select * from public.orders order by id")
