"""Find invalid indexes, partitions half detached, and constraints not validated that the files mean to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database, ledger, planning
from runner.errors import SchemaInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.planning import Site

# The index of a partitioned table is incomplete, not invalid, until each partition has its own. What somebody
# builds right now is not to be judged.
_INDEXES = r"""
    select pg_catalog.format('%I.%I', n.nspname, x.relname),
        not i.indislive or x.relname ~ '_cc(new|old)\d*$',
        case when i.indisexclusion then '' else 'concurrently ' end,
        case
            when exists (select from pg_catalog.pg_inherits as h where h.inhrelid = x.oid) then null
            when k.oid is null then pg_catalog.format('drop index %I.%I;', n.nspname, x.relname)
            else pg_catalog.format(
                'alter table %s drop constraint %I;', i.indrelid::pg_catalog.regclass, k.conname
            )
        end
    from pg_catalog.pg_index as i
    join pg_catalog.pg_class as x on x.oid = i.indexrelid
    join pg_catalog.pg_namespace as n on n.oid = x.relnamespace
    left join pg_catalog.pg_constraint as k on k.conindid = x.oid and k.conrelid = i.indrelid
        and k.contype in ('p', 'u', 'x')
    where x.relkind = 'i'
        and not (i.indisvalid and i.indisready)
        and n.nspname = any ($1)
        and not {built}
        and not exists (
            select from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                and d.objid = i.indrelid and d.deptype = 'e'
        )
    order by 1
"""

# What is not enforced (PostgreSQL 18) cannot be validated. A partition follows its parent. The row of a
# constraint that a file left so was written by the transaction that wrote the file's ledger row, which tells
# where no text names it; many rows of one transaction come from a restored dump, and say nothing.
_CONSTRAINTS = """
    select coalesce(r.relname, t.typname)::text, c.conname::text,
        pg_catalog.format('%I.%I', n.nspname, coalesce(r.relname, t.typname)),
        pg_catalog.quote_ident(c.conname),
        r.oid is null,
        {recorded}
    from pg_catalog.pg_constraint as c
    left join pg_catalog.pg_class as r on r.oid = c.conrelid
    left join pg_catalog.pg_type as t on t.oid = c.contypid
    join pg_catalog.pg_namespace as n on n.oid = coalesce(r.relnamespace, t.typnamespace)
    where not c.convalidated
        and coalesce((pg_catalog.to_jsonb(c) -> 'conenforced')::boolean, true)
        and n.nspname = any ($1)
        and not exists (
            select from pg_catalog.pg_constraint as p
            where p.oid = c.conparentid and not p.convalidated
        )
        and not exists (
            select from pg_catalog.pg_inherits as i
            join pg_catalog.pg_constraint as p on p.conrelid = i.inhparent and not p.convalidated
            where i.inhrelid = c.conrelid
                and c.coninhcount > 0
                and p.contype = c.contype
                and (p.contype = 'n' or p.conname = c.conname)
        )
        and not exists (
            select from pg_catalog.pg_depend as d
            where d.classid in (
                    'pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass
                )
                and d.objid = coalesce(r.oid, t.oid) and d.deptype = 'e'
        )
    order by 3, 4
"""
# Who detaches one right now has locked it, until he is done or gives up; of his lock a standby does not know.
# Its bounds are gone where the detaching has ended.
_DETACHED = """
    select pg_catalog.format('%I.%I', m.nspname, p.relname),
        pg_catalog.format('%I.%I', n.nspname, c.relname),
        pg_catalog.pg_get_expr(c.relpartbound, c.oid)
    from pg_catalog.pg_inherits as i
    join pg_catalog.pg_class as c on c.oid = i.inhrelid
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
    join pg_catalog.pg_class as p on p.oid = i.inhparent
    join pg_catalog.pg_namespace as m on m.oid = p.relnamespace
    where i.inhdetachpending
        and not pg_catalog.pg_is_in_recovery()
        and n.nspname = any ($1)
        and not exists (
            select from pg_catalog.pg_locks as l
            where l.relation = i.inhrelid and l.mode in ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')
        )
    order by 2
"""
_RECORDED = f"""
    c.xmin in (select m.xmin from {ledger.TABLE} as m where not m.running group by m.xmin having count(*) = 1)
"""  # noqa: S608 - a constant


def unsound(site: Site) -> Iterator[SchemaInvalid]:
    """Yield a problem for each invalid index, half detached partition, and constraint that may not hold.

    Only in the schemas that count. What the applied files themselves leave ``not valid`` is none. Does not
    write.
    """
    schemas = list(site.schemas)
    indexes = _INDEXES.replace("{built}", database.packaged(__package__, "built.sql").decode())
    for name, is_rest, how, removal in database.query_quoted(site.connection, indexes, schemas):
        rest = f"An interrupted statement has left it: drop index concurrently {name};"
        anew = f"Build it anew: reindex index {how}{name};{f' or give it up: {removal}' if removal else ''}"
        yield SchemaInvalid(
            f"Index {name} is invalid: it is kept up to date but answers no query.",
            remedy=rest if is_rest else anew,
        )
    for table, name, bounds in database.query_quoted(site.connection, _DETACHED, schemas):
        yield SchemaInvalid(
            f"Partition {name} is half detached: {table} has no longer its rows.",
            remedy=f"End it: alter table {table} detach partition {name} finalize; Then attach it "
            f"anew: alter table {table} attach partition {name} {bounds}; A file that was interrupted as it "
            "detached it can run again then.",
        )
    question = _CONSTRAINTS.replace("{recorded}", _RECORDED if site.shape else "false")
    found = database.query_quoted(site.connection, question, schemas)
    files = planning.unvalidated(site.steps) if found else None
    for owner, constraint, on, name, of_domain, recorded in found:
        left = files.says(owner, constraint) if files else None
        if not (recorded if left is None else left):
            kind = "domain" if of_domain else "table"
            yield SchemaInvalid(
                f"Constraint {on}.{name} was never validated: older rows may break it.",
                remedy=f"Check them: alter {kind} {on} validate constraint {name};",
            )
