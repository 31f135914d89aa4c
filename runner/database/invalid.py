"""Find the indexes that a statement outside any transaction has left invalid.

Judged is what the statement names, and what was not there before it; where it names no index, also one that
is older than a valid one just like it: an earlier try of the same file. Not what another team left behind,
nor what somebody is building right now, nor the index of a partitioned table that waits for its partitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.database.message import fill, rows
from runner.database.question import ask, query

if TYPE_CHECKING:
    from runner.database.message import Connection

# Numbers, divided by commas: so that a setting of a psql session can keep them.
BEFORE = """
    select coalesce(pg_catalog.string_agg(i.indexrelid::text, ','), '')
    from pg_catalog.pg_index as i
    where not (i.indisvalid and i.indisready)
"""

LEFT = """
    select pg_catalog.format('%I.%I', n.nspname, c.relname)
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'i'
        and not (i.indisvalid and i.indisready)
        and not exists (
            select from pg_catalog.pg_stat_progress_create_index as p where p.index_relid = i.indexrelid
        )
        and (
            c.oid = pg_catalog.to_regclass({index}::text)
            or c.oid <> all (pg_catalog.string_to_array({before}, ',')::oid[])
            and ({table}::text is null or i.indrelid = pg_catalog.to_regclass({table}::text))
            or {index}::text is null and exists (
                select from pg_catalog.pg_index as k
                where i.indrelid = pg_catalog.to_regclass({table}::text)
                    and k.indrelid = i.indrelid and k.indisvalid and k.indexrelid > i.indexrelid
                    and (k.indkey, k.indclass, k.indoption, k.indisunique)
                        = (i.indkey, i.indclass, i.indoption, i.indisunique)
                    and k.indcollation = i.indcollation
                    and pg_catalog.pg_get_expr(k.indpred, k.indrelid)
                        is not distinct from pg_catalog.pg_get_expr(i.indpred, i.indrelid)
                    and pg_catalog.pg_get_expr(k.indexprs, k.indrelid)
                        is not distinct from pg_catalog.pg_get_expr(i.indexprs, i.indrelid)
            )
        )
    order by 1
"""


def invalid_before(connection: Connection) -> str:
    """Return which indexes are invalid before a statement. Does not write."""
    [(before,)] = query(connection, BEFORE)
    return str(before)


def invalid_left(
    connection: Connection, *, before: str, index: str | None, table: str | None
) -> tuple[str, ...]:
    """Return the names, quoted, of the invalid indexes that a statement made or names. Does not write.

    ``index`` and ``table`` are what it names, as SQL writes it: what is new on another table is not its own.
    """
    [result] = ask(connection, fill(LEFT, before=before, index=index, table=table))
    return tuple(str(name) for (name,) in rows(connection, result))
