    -- What belongs to a table: constraints, indexes, triggers, rules, policies, statistics.

    -- Constraint triggers (t) are triggers; not null (n), which PostgreSQL 18 records as well, follows below.
    -- The triggers that enforce a foreign key have no name of their own: the constraint says how they fire.
    select 'constraint', r.name || '.' || pg_catalog.quote_ident(c.conname), r.name,
        'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid, 0, null::pg_catalog.oid, 'r'::"char", null::pg_catalog.aclitem[],
        array[
            ['definition', pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(c.oid), ' NOT VALID$', '')],
            ['validation', case when not c.convalidated then 'not done' end],
            ['firing', (
                select pg_catalog.string_agg(distinct
                    case t.tgenabled when 'D' then 'disabled' when 'R' then 'on replicas' when 'A' then 'always' end, ', ')
                from pg_catalog.pg_trigger as t where t.tgconstraint = c.oid and t.tgisinternal
            )]
        ]
    from relations as r
    join pg_catalog.pg_constraint as c on c.conrelid = r.oid and c.contype not in ('n', 't')

    union all
    -- A name of PostgreSQL's own making says nothing: it is another one after a column was renamed and restored,
    -- and a child may have it from another table, its parent now or before.
    select 'not null', r.name || '.' || pg_catalog.quote_ident(a.attname), r.name,
        'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid, 0, null, 'r', null,
        array[
            ['name', case
                when c.conname = pg_catalog.concat(r.relname, '_', a.attname, '_not_null') then null
                when c.conname ~ '_not_null[0-9]*$' and exists (
                    select from pg_catalog.generate_series(1, pg_catalog.length(c.conname::text)) as u
                    join pg_catalog.pg_class as q on q.relname = pg_catalog.left(c.conname::text, u - 1)::pg_catalog.name
                    where pg_catalog.substr(c.conname::text, u, 1) = '_' and q.oid <> r.oid and q.relkind in ('r', 'p')
                ) then null
                else c.conname::text
            end],
            ['validation', case when not c.convalidated then 'not done' end],
            ['inheritance', case when c.connoinherit then 'no inherit' end]
        ]
    from relations as r
    join pg_catalog.pg_constraint as c on c.conrelid = r.oid and c.contype = 'n'
    join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum = c.conkey[1]

    union all
    -- The options stand by themselves, because their order says nothing. What is being built stands in built.sql.
    select 'index', i.indexrelid::pg_catalog.regclass::text, r.name,
        'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid, 0, null, 'r', null,
        array[
            ['definition', replace(pg_catalog.pg_get_indexdef(i.indexrelid), coalesce((
                select pg_catalog.format(' WITH (%s)', pg_catalog.string_agg(pg_catalog.format('%I=%s', o.name,
                    case when pg_catalog.quote_ident(o.value) = o.value then o.value
                        else pg_catalog.quote_literal(o.value) end), ', ' order by o.position))
                from (
                    select u.position, pg_catalog.split_part(u.one, '=', 1) as name,
                        pg_catalog.substr(u.one, pg_catalog.strpos(u.one, '=') + 1) as value
                    from unnest(x.reloptions) with ordinality as u (one, position)
                ) as o
            ), ''), '')],
            ['options', (select pg_catalog.string_agg(o, ', ' order by o) from unnest(x.reloptions) as o)],
            ['validity', case
                when i.indisvalid and i.indisready and i.indislive then null
                when {built} then 'being built'
                else 'invalid'
            end],
            ['clustering', case when i.indisclustered then 'on' end],
            ['replica identity', case when i.indisreplident then 'on' end],
            ['tablespace', (select s.spcname::text from pg_catalog.pg_tablespace as s where s.oid = x.reltablespace)],
            ['statistics targets', (
                select pg_catalog.string_agg(pg_catalog.concat(a.attnum, ': ', a.attstattarget), ', ' order by a.attnum)
                from pg_catalog.pg_attribute as a where a.attrelid = i.indexrelid and coalesce(a.attstattarget, -1) >= 0
            )]
        ]
    from relations as r
    join pg_catalog.pg_index as i on i.indrelid = r.oid
    join pg_catalog.pg_class as x on x.oid = i.indexrelid

    union all
    select 'trigger', r.name || '.' || pg_catalog.quote_ident(t.tgname), r.name,
        'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid, 0, null, 'r', null,
        array[
            ['definition', pg_catalog.pg_get_triggerdef(t.oid)],
            ['firing', case t.tgenabled when 'D' then 'disabled' when 'R' then 'on replicas' when 'A' then 'always' end]
        ]
    from relations as r
    join pg_catalog.pg_trigger as t on t.tgrelid = r.oid and not t.tgisinternal

    union all
    select 'rule', r.name || '.' || pg_catalog.quote_ident(w.rulename), r.name,
        'pg_catalog.pg_rewrite'::pg_catalog.regclass, w.oid, 0, null, 'r', null,
        array[
            ['definition', pg_catalog.pg_get_ruledef(w.oid)],
            ['firing', case w.ev_enabled when 'D' then 'disabled' when 'R' then 'on replicas' when 'A' then 'always' end]
        ]
    from relations as r
    join pg_catalog.pg_rewrite as w on w.ev_class = r.oid and w.rulename <> '_RETURN'

    union all
    select 'policy', r.name || '.' || pg_catalog.quote_ident(p.polname), r.name,
        'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid, 0, null, 'r', null,
        array[
            ['command', pg_catalog.concat(
                case when p.polpermissive then 'permissive' else 'restrictive' end, ' for ',
                case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                    when 'd' then 'delete' else 'all' end
            )],
            ['roles', (
                select pg_catalog.string_agg(distinct o.name, ', ' order by o.name)
                from (
                    select case u when 0 then 'public' else u::pg_catalog.regrole::text end collate "C" as name
                    from unnest(p.polroles) as u where u::pg_catalog.regrole::text <> u::text
                ) as o
            )],
            ['using', pg_catalog.pg_get_expr(p.polqual, p.polrelid)],
            ['with check', pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid)]
        ]
    from relations as r
    join pg_catalog.pg_policy as p on p.polrelid = r.oid

    union all
    select 'statistics', pg_catalog.concat(n.name, '.', pg_catalog.quote_ident(s.stxname)), r.name,
        'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, s.oid, 0, s.stxowner, 'r', null,
        array[
            ['definition', pg_catalog.pg_get_statisticsobjdef(s.oid)],
            ['target', nullif(coalesce(s.stxstattarget, -1), -1)::text]
        ]
    from relations as r
    join pg_catalog.pg_statistic_ext as s on s.stxrelid = r.oid
    join schemas as n on n.oid = s.stxnamespace
