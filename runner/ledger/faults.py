"""Ask the catalogs what is wrong with the ledger, in words."""

from __future__ import annotations

TABLE = "public.schema_migrations"
CHANGED, HARMED = "MG004", "MG005"  # SQLSTATEs of our own
ANOTHER_KEY = "another key"  # a kind of fault
_COMPANIONS = ["ar_internal_metadata"]  # tables that another tool keeps beside its ledger

COLUMNS = {
    "series": "text",
    "version": "text",
    "name": "text",
    "checksum": "text",
    "sql": "text",
    "applied_at": "timestamp with time zone",
    "applied_by": "text",
    "execution_ms": "bigint",
    "runner_version": "text",
    "running": "boolean",
}

# A row per thing that could falsify what is recorded or read, in words, and for ``cure`` its kind and name. A
# trigger counts whatever it is for: it runs as the migrating role, with every record, and may change or
# swallow it. Row security counts where it is active: never for a superuser, for an owner where it is forced.
# Quotes in a type or a key come from quote_all_identifiers.
_FAULTS = f"""
    select f.fault, f.kind, f.name
    from pg_catalog.pg_class as c
    cross join lateral (
        select pg_catalog.format('trigger %I', t.tgname), 'trigger', pg_catalog.quote_ident(t.tgname)
        from pg_catalog.pg_trigger as t where t.tgrelid = c.oid and not t.tgisinternal and t.tgenabled <> 'D'
        union all
        select pg_catalog.format('rule %I', r.rulename), 'rule', pg_catalog.quote_ident(r.rulename)
        from pg_catalog.pg_rewrite as r
        where r.ev_class = c.oid and r.rulename <> '_RETURN' and r.ev_enabled <> 'D'
        union all
        select
            case
                when a.type is null then pg_catalog.format('column %I is missing', e.name)
                when e.type is null then pg_catalog.format('column %I %s is one too many', a.name, a.type)
                else pg_catalog.format('column %I is %s, not %s', a.name, a.type, e.type)
            end,
            case when a.type is null then 'missing' when e.type is null then 'column' else 'type' end,
            case when e.type is null then pg_catalog.quote_ident(a.name) else e.name || ' ' || a.type end
        from (values {", ".join(f"('{name}', '{type_}')" for name, type_ in COLUMNS.items())})
            as e (name, type)
        full join (
            select t.attname::text as name,
                pg_catalog.replace(pg_catalog.format_type(t.atttypid, t.atttypmod), '"', '') as type
            from pg_catalog.pg_attribute as t
            where t.attrelid = c.oid and t.attnum > 0 and not t.attisdropped
        ) as a using (name) where a.type is distinct from e.type
        union all
        select pg_catalog.format('row security is active for %I', current_user), 'security', ''
        where pg_catalog.row_security_active(c.oid)
        union all
        select 'it is unlogged, so a crash empties it', 'unlogged', '' where c.relpersistence = 'u'
        union all
        select coalesce('its key is ' || k.key || ', not PRIMARY KEY (series, version)',
            'its primary key is missing'), case when k.key is null then 'key' else '{ANOTHER_KEY}' end, k.name
        from (values (c.oid)) as o (id)
        left join (
            select p.conrelid as id, pg_catalog.quote_ident(p.conname) as name,
                pg_catalog.replace(pg_catalog.pg_get_constraintdef(p.oid), '"', '') as key
            from pg_catalog.pg_constraint as p where p.contype = 'p'
        ) as k using (id)
        where (k.key ~ '^PRIMARY KEY [(](series, version|version, series)[)]( INCLUDE |$)') is not true
        union all
        select pg_catalog.format('table %I.%I inherits from it', s.nspname, k.relname), 'child',
            pg_catalog.format('%I.%I', s.nspname, k.relname)
        from pg_catalog.pg_inherits as i
        join pg_catalog.pg_class as k on k.oid = i.inhrelid
        join pg_catalog.pg_namespace as s on s.oid = k.relnamespace
        where i.inhparent = c.oid and c.relkind = 'r'
    ) as f (fault, kind, name)
    where c.relnamespace = pg_catalog.to_regnamespace('public') and c.relname = 'schema_migrations'
"""  # noqa: S608 - names of this module

# The ledger's owner decides what is recorded. A superuser is a member of every role, so membership says
# nothing for him: there the owner must be able to become him, as every superuser is, or own the database.
# No view of the roles is asked: in a new session it takes the server a millisecond to learn what it is.
_TRUSTED = """
    case
        when pg_catalog.current_setting('is_superuser') = 'on'
        then pg_catalog.pg_has_role(c.relowner, current_user, 'member') or c.relowner = (
            select d.datdba from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database()
        )
        else pg_catalog.pg_has_role(c.relowner, 'member')
    end
"""

# Found by name: to_regclass fails for a role that may not use the schema. Not joined with it: to plan that
# takes the server longer.
_FROM = """
    from pg_catalog.pg_class as c
    where c.relnamespace = pg_catalog.to_regnamespace('public') and c.relname = 'schema_migrations'
"""

# Who migrates, by name: who asks, if he may, else the owner.
MIGRATOR = f"""coalesce((
    select pg_catalog.pg_get_userbyid(c.relowner) {_FROM} and not pg_catalog.pg_has_role(c.relowner, 'member')
), current_user)"""

# To plan that costs the server as much as all else that it is asked of a database. What any of it shows in
# the ledger's own row is asked first: a flag may be left from what is gone, but none is missing. So would be
# that of an index, where the key is gone; one on other columns, by their places, may be another key.
_MAY_LACK_ITS_KEY = """not exists (
    select from pg_catalog.pg_index as i
    where i.indrelid = c.oid and i.indisprimary and i.indimmediate and i.indkey::text = '1 2'
)"""
_MAY_BE_FAULTY = f"""
    c.relhastriggers or c.relhasrules or c.relrowsecurity or c.relhassubclass or c.relpersistence <> 'p'
    or {_MAY_LACK_ITS_KEY}
"""
FAULTS = f"select array(select array[f.fault, f.kind, f.name] from ({_FAULTS}) as f);"  # noqa: S608 - as above

SHAPE = f"""
    select
        c.relkind::text,
        array(
            select a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)
            from pg_catalog.pg_attribute as a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            order by a.attnum
        ),
        array(
            select k.relname::text
            from pg_catalog.pg_class as k
            where k.relnamespace = c.relnamespace and k.relname = any (array{_COMPANIONS})
        ),
        {_MAY_BE_FAULTY},
        pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner)),
        {_TRUSTED},
        pg_catalog.has_schema_privilege(c.relnamespace, 'usage'),
        pg_catalog.has_table_privilege(c.oid, 'select'),
        pg_catalog.quote_ident(current_user)
    {_FROM};
"""  # noqa: S608 - as above

# With whom it belongs to, where that is somebody else.
_CHANGES = f"""\
    execute $question$
        select pg_catalog.string_agg(f.fault, '; ')
        from (
            {_FAULTS}
            union all
            select pg_catalog.format(
                'it belongs to %I, and %I is not a member of it',
                pg_catalog.pg_get_userbyid(c.relowner),
                current_user
            ), '', ''
            {_FROM} and not ({_TRUSTED})
        ) as f
    $question$ into changes;"""  # noqa: S608 - as above

# Part of making the ledger: an event trigger may change a table in the moment it is made, and its owner.
# Where there is none nothing is asked, or even parsed: that was a third of the time that all takes.
CHECK = f"""
do $runner$
declare
    changes text;
    others text;
begin
    if not exists (select from pg_catalog.pg_event_trigger) then
        return;
    end if;
{_CHANGES}
    if changes is not null then
        select pg_catalog.string_agg(pg_catalog.format('alter event trigger %I disable;', e.evtname), ' ')
        into others
        from pg_catalog.pg_event_trigger as e
        where e.evtevent = 'ddl_command_end' and e.evtenabled in ('O', 'A');
        raise exception 'An event trigger changed the ledger, {TABLE}, as it was made: %.', changes
            using errcode = '{CHANGED}',
                hint = 'Nothing was changed. Let its function leave {TABLE} out, or disable it for the '
                    || 'first run, as an administrator, and enable it again behind it: ' || others;
    end if;
end
$runner$;
"""  # noqa: S608 - as above

# Behind a file: the rest is asked where its own transaction has written the ledger's row in the catalog, as a
# grant does, too. The age of a subtransaction is below 0; and to drop a key writes nothing there.
INTACT = f"""
do $runner$
declare
    changes text;
begin
    if not exists (select {_FROM} and (pg_catalog.age(c.xmin) <= 0 or {_MAY_LACK_ITS_KEY})) then
        return;
    end if;
{_CHANGES}
    if changes is not null then
        raise exception '{TABLE} would not be as it was made: %.', changes using errcode = '{HARMED}';
    end if;
end
$runner$;
"""
