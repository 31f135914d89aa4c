"""A partition whose detaching was interrupted is attached again with the statements that verify tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.project import make
from tests.schema.test_soundness import problems, statements

if TYPE_CHECKING:
    from pathlib import Path

BOUNDS = {
    "range (d)": "FOR VALUES FROM ('2026-02-01') TO (MAXVALUE)",
    "range (w, id)": "FOR VALUES FROM ('2026-02-01 00:00:00+00', MINVALUE) TO ('2026-03-01 00:00:00+00', 7)",
    "list (s)": "FOR VALUES IN ('it''s', NULL)",
    "hash (id)": "FOR VALUES WITH (modulus 2, remainder 1)",
}
TABLE = """
    create table public."T t" (id int, d date, w timestamptz, s text) partition by {};
    create table public."P" (id int, d date, w timestamptz, s text);
    alter table public."T t" attach partition public."P" {};
"""


@pytest.mark.parametrize("by", BOUNDS)
def test_a_half_detached_partition_is_attached_with_the_bounds_it_had(
    tmp_path: Path, each_url: str, db: psycopg.Connection, by: str
) -> None:
    """They are told while they are known, whatever the database says of dates; nothing is left to tell."""
    app = make(tmp_path, app={"000_t.sql": TABLE.format(by, BOUNDS[by])})
    app.migrate(each_url)
    db.execute(f"alter database {db.info.dbname} set datestyle = 'SQL, DMY'".encode())
    with psycopg.connect(each_url) as reader:
        reader.execute('select from public."T t"')
        db.execute("set statement_timeout = '500ms'")
        with pytest.raises(psycopg.errors.QueryCanceled):
            db.execute('alter table public."T t" detach partition public."P" concurrently')
    found = problems(app, each_url)
    attach = f'alter table public."T t" attach partition public."P" {BOUNDS[by]};'
    assert statements(found) == ['alter table public."T t" detach partition public."P" finalize;', attach]
    for statement in statements(found):
        db.execute(statement.encode())
    assert problems(app, each_url) == []
    bounds = "select pg_get_expr(relpartbound, oid) from pg_class where oid = 'public.\"P\"'::regclass"
    db.execute("set datestyle = 'ISO'")
    assert db.execute(bounds).fetchone() == (BOUNDS[by],)
