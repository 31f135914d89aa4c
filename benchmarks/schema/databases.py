"""Make the databases: built from the project's own files, and copies with other indexes."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from benchmarks.schema import replaced
from runner import apply, config, database
from runner.database import Access
from runner.files import folder
from runner.model import Before

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Connection = psycopg.Connection[tuple[Any, ...]]

# The schema as it is; with the indexes of constraints alone; with those of the schema that it replaces.
Variant = Literal["full", "plain", "replaced"]
VARIANTS: tuple[Variant, ...] = get_args(Variant)
ROOT = Path(__file__).parent.parent.parent
SERIES = ("auth", "specs")
SOURCE = "the benchmark"

# What the design documents ask for by name: keys, unique constraints, foreign keys; nothing beside them.
_BESIDES = """
select format('%I.%I', n.nspname, i.relname)
from pg_index as x
join pg_class as i on i.oid = x.indexrelid
join pg_namespace as n on n.oid = i.relnamespace
where n.nspname = 'public' and not exists (select from pg_constraint as c where c.conindid = x.indexrelid)
"""


def build(url: str, series: str, name: str) -> str:
    """Create the database ``name`` and apply the files of a series with the runner; return its URL."""
    _administer(url, sql.SQL("create database {}").format(sql.Identifier(name)))
    there = make_conninfo(url, dbname=name)
    one = config.choose(config.load(ROOT / config.FILE), [series])[0]
    migrations = folder.load(series, one.folder, root=ROOT)
    with database.connect(there, source=SOURCE) as connection:
        access = Access(connection, lambda: database.connect(there, source=SOURCE))
        for _ in apply.apply(access, migrations, Before(has_ledger=False)):
            pass
    return there


@contextmanager
def copy(url: str, name: str, variant: Variant) -> Iterator[str]:
    """Copy a database to which nobody is connected; yield the URL of the copy, which is dropped at the end.

    A plain copy has no index that backs no constraint: a plain reading of the design documents. Of the rules
    beside constraints it loses two: addresses in any letter case, and one live grant of a role.
    """
    there = f"{name}_{variant}"
    names = sql.Identifier(there), sql.Identifier(name)
    _administer(url, sql.SQL("create database {} template {}").format(*names))
    copied = make_conninfo(url, dbname=there)
    try:
        _change_indexes(copied, variant)
        yield copied
    finally:
        _administer(url, sql.SQL("drop database {} with (force)").format(names[0]))


def _change_indexes(url: str, variant: Variant) -> None:
    with connect(url) as connection:
        if variant == "plain":
            for (index,) in connection.execute(_BESIDES).fetchall():
                connection.execute(f"drop index {index}".encode())
        elif variant == "replaced":
            replaced.build(connection)


def vacuum(connection: Connection, table: str = "") -> None:
    """Commit, then remove dead rows and renew the statistics, of all tables or one, as autovacuum would."""
    connection.commit()
    connection.autocommit = True
    connection.execute(f"vacuum (analyze) {table}".encode())
    connection.autocommit = False


def connect(url: str) -> Connection:
    """Connect; every statement is planned anew with its values, as the application's driver sends it.

    Commits wait for the disk also where the server would not: before that, a vacuum does not mark rows as
    visible to everybody, and the plan of a count would depend on chance.
    """
    options = "-c timezone=UTC -c synchronous_commit=on"
    return psycopg.connect(url, prepare_threshold=None, options=options)


def _administer(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
