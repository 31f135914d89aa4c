"""The page of a schema with one object of every kind tells what is special about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import config, planning
from runner.reference import build, shelf
from tests.project import make
from tests.schema import exotic

if TYPE_CHECKING:
    from tests.servers import Server

# What a reader finds, on the newest server.
TOLD = {
    "a check that is not enforced": "| `n18_ne` | `b > 0`, not enforced |",
    "a check that is not valid": "| `ck_nv` | `byd > 0`, not valid: older rows may break it |",
    "a foreign key that is not enforced": "on delete no action, not enforced |",
    "a foreign key that is not valid": "on delete no action, not valid: older rows may break it |",
    "a foreign key that is deferrable": "on update restrict, deferrable initially deferred |",
    "a foreign key over periods": ", the last column is a period |",
    "a foreign key that empties some columns": "(`a`, `b`) | on delete set null (oid2) |",
    "who loses some columns": "`oa`, `oid2` | on delete set null (oid2) |",
    "operators of an exclusion": "| `gist (during with &&) where num > 5` | exclusion constraint, deferr",
    "a key without overlaps": "| `temporal_pkey` | `gist (r, valid without overlaps)` | primary key |",
    "nulls not distinct": "| `ix_nnd` | `(b, e)` | unique index, nulls not distinct |",
    "a key that is deferrable": "| `customers_code_key` | `(code)` | unique constraint, deferrable initially",
    "a trigger for columns": "| `t_bi` | before insert or update of a, txt, for each row, when `new.a > 0` |",
    "a trigger that is deferred": "| `t_con` | after insert, for each row, deferrable initially deferred |",
    "tables of a transition": "| `t_as` | after update, for each statement, old table as o, new table as n |",
    "what a trigger passes on": "when `new.a > 0` | `app.trg('x', '1')` |",
    "a trigger of the server's": "for each row | `suppress_redundant_updates_trigger()` |",
    "a disabled trigger": "| `t_dis` | before delete, for each row; disabled |",
    "a comment on a trigger": "| `app.trg('x', '1')` | A trigger. |",
    "a comment on a policy": "| Own rows. |",
    "a not null that is not valid": "| `b` | `integer` | not null, not valid: older rows may break it |",
    "a not null that children do not get": "| `c` | `integer` | not null, no inherit |",
    "the collation of a column": '| `code` | `text collate "C"` | not null |',
    "operators and the collation of an index": '(b text_pattern_ops, c collate "C" desc nulls last)',
    "options of operators": "`gist (ts tsvector_ops (siglen=100))`",
    "a domain": "`domain integer not null default 1 CHECK (VALUE < 1000000) CHECK (VALUE > 0)` |",
    "a generated column that is stored": "| `generated always as (a * 3) stored` |",
    "a generated column that is virtual": "| `generated always as (a * 2) virtual` |",
    "row security": "Row security is on, for its owner as well.",
    "a policy": "| `p_ins` | restrictive, insert, to `r_app` |  | `id > 0` |",
    "a view": "```sql\nSELECT id,\n    code\n   FROM app.customers\n  WHERE n1 > 1::numeric;\n```",
    "options of a view": "```sql\n-- with (security_invoker=true)\nSELECT id\n   FROM app.orders;\n```",
    "a sequence": "| `app.seq` | `sequence of smallint from 5 to 900, step 3, cycle` | Numbers. |",
    "a composite type": "| `app.addr2` | `composite type (street text, zip character varying(10))` |",
    "a range type": "| `app.frange` | `range of double precision` | Range of floats. |",
    "views that are no tables": "39 tables and 13 views, made by",
}


@pytest.fixture(scope="module")
def text(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the page."""
    exotic.prepare(server)
    project = make(tmp_path_factory.mktemp("exotic"), app=exotic.files("common", "pg18"))
    loaded = config.load(project.file)
    files = planning.read(loaded, loaded.series)["app"]
    schema = build.describe(loaded.series[0], files, server.url("postgres"), source="x")
    return "\n".join(shelf.pages([schema]).values())


@pytest.mark.parametrize("words", TOLD.values(), ids=TOLD)
def test_what_is_special_is_told(text: str, words: str) -> None:
    """Somebody who reads the page alone is not misled."""
    assert words in text
