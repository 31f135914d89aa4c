    -- The database itself, its schemas and extensions, and what stands in no schema.

    select 'schema', n.name, null::text, 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, 0, n.nspowner, 'n'::"char", n.nspacl,
        array[['exists', 'yes']]
    from schemas as n
    where n.since = 0

    union all
    select 'database', '', null, 'pg_catalog.pg_database'::pg_catalog.regclass, d.oid, 0, d.datdba, 'd', d.datacl,
        array[
            ['exists', 'yes'],
            ['comment', pg_catalog.shobj_description(d.oid, 'pg_database')],
            ['connection limit', nullif(d.datconnlimit, -1)::text]
        ] || (
            -- With a dot it is somebody's own, and often a secret: it is compared and never shown.
            select pg_catalog.array_agg(array[
                pg_catalog.concat(case when x.name ~ '[.]' then 'hidden ' end, 'setting ', x.name, case when s.setrole <> 0 then ' of ' || r.name end), x.value
            ])
            from pg_catalog.pg_db_role_setting as s
            join roles as r on r.oid = s.setrole
            cross join lateral (
                select pg_catalog.split_part(u, '=', 1) as name, pg_catalog.substr(u, pg_catalog.strpos(u, '=') + 1) as value
                from unnest(s.setconfig) as u
            ) as x
            where s.setdatabase = d.oid
        )
    from pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database()

    union all
    select 'default privileges', pg_catalog.concat('for ', r.name, ' in ' || n.name, ' on ',
            case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
                when 'T' then 'types' when 'n' then 'schemas' when 'L' then 'large objects' else d.defaclobjtype::text end),
        null, 'pg_catalog.pg_default_acl'::pg_catalog.regclass, d.oid, 0, null, 'n', null,
        array[['rights', coalesce((
            select pg_catalog.string_agg(g.one, ', ' order by g.one)
            from (
                select distinct pg_catalog.concat(
                    case x.grantee when 0 then 'public' else x.grantee::pg_catalog.regrole::text end collate "C",
                    '=', pg_catalog.lower(x.privilege_type), case when x.is_grantable then '*' end
                ) as one
                from pg_catalog.aclexplode(d.defaclacl) as x
                where x.grantee::pg_catalog.regrole::text <> x.grantee::text
                    and (x.privilege_type <> 'MAINTAIN' or {version} >= 170000)
            ) as g
        ), 'none')]]
    from pg_catalog.pg_default_acl as d
    join roles as r on r.oid = d.defaclrole
    left join schemas as n on n.oid = d.defaclnamespace
    where d.defaclnamespace = 0 or n.oid is not null

    union all
    -- A version that no file asked for is that of the server's own package.
    select 'extension', pg_catalog.quote_ident(e.extname), null, 'pg_catalog.pg_extension'::pg_catalog.regclass, e.oid, 0, null, 'n', null,
        array[
            ['schema', e.extnamespace::pg_catalog.regnamespace::text],
            ['version', e.extversion],
            ['version of the package', a.default_version]
        ]
    from pg_catalog.pg_extension as e
    left join pg_catalog.pg_available_extensions() as a on a.name = e.extname
    where {schemas}::text[] is null
        or e.extname = any ({extensions}::text[])
        or e.extnamespace = 'pg_catalog'::pg_catalog.regnamespace
        or e.extnamespace::pg_catalog.regnamespace::text = any (
            select pg_catalog.quote_ident(x) from unnest({schemas}::text[]) as x
        )

    union all
    -- Rights on what the server or an extension brings, where they are no longer those it came with.
    select 'own ' || s.kind,
        case s.kind when 'function' then s.oid::pg_catalog.regprocedure::text when 'relation' then s.oid::pg_catalog.regclass::text
            when 'type' then s.oid::pg_catalog.regtype::text when 'column' then pg_catalog.concat(s.oid::pg_catalog.regclass, '.', s.name)
            else pg_catalog.quote_ident(s.name) end,
        null, s.classid, s.oid, s.subid, s.owner, s.acltype, s.acl, array[['rights', 'changed']]
    from (
        select 'function' as kind, null::pg_catalog.name as name, 'pg_catalog.pg_proc'::pg_catalog.regclass as classid,
            p.oid, 0 as subid, p.proowner as owner, 'f'::"char" as acltype, p.proacl as acl
        from pg_catalog.pg_proc as p
        union all
        select 'relation', null, 'pg_catalog.pg_class'::pg_catalog.regclass,
            c.oid, 0, c.relowner, case c.relkind when 'S' then 's' else 'r' end::"char", c.relacl
        from pg_catalog.pg_class as c where c.relnamespace <> 'information_schema'::pg_catalog.regnamespace
        union all
        select 'column', pg_catalog.quote_ident(a.attname), 'pg_catalog.pg_class'::pg_catalog.regclass,
            c.oid, a.attnum, c.relowner, 'c', a.attacl
        from pg_catalog.pg_attribute as a
        join pg_catalog.pg_class as c on c.oid = a.attrelid
        where c.relnamespace <> 'information_schema'::pg_catalog.regnamespace and not a.attisdropped
        union all
        select 'type', null, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 0, t.typowner, 'T', t.typacl
        from pg_catalog.pg_type as t
        union all
        select 'schema', n.nspname, 'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, 0, n.nspowner, 'n', n.nspacl
        from pg_catalog.pg_namespace as n where n.nspname not in ('public', 'information_schema')
        union all
        select 'language', l.lanname, 'pg_catalog.pg_language'::pg_catalog.regclass, l.oid, 0, l.lanowner, 'l', l.lanacl
        from pg_catalog.pg_language as l
        union all
        select 'foreign data wrapper', w.fdwname, 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass,
            w.oid, 0, w.fdwowner, 'F', w.fdwacl
        from pg_catalog.pg_foreign_data_wrapper as w
        union all
        select 'foreign server', f.srvname, 'pg_catalog.pg_foreign_server'::pg_catalog.regclass,
            f.oid, 0, f.srvowner, 'S', f.srvacl
        from pg_catalog.pg_foreign_server as f
    ) as s
    left join pg_catalog.pg_init_privs as i on i.objoid = s.oid and i.classoid = s.classid and i.objsubid = s.subid
    where (i.objoid is not null or s.acl is not null)
        and s.acl is distinct from i.initprivs
        and (s.oid < 16384 or exists (select from members as d where d.classid = s.classid and d.objid = s.oid))
        and (
            select pg_catalog.array_agg(x::text order by x::text)
            from pg_catalog.aclexplode(coalesce(s.acl, pg_catalog.acldefault(s.acltype, s.owner))) as x
        ) is distinct from (
            select pg_catalog.array_agg(x::text order by x::text)
            from pg_catalog.aclexplode(coalesce(i.initprivs, pg_catalog.acldefault(s.acltype, s.owner))) as x
        )

    union all
    select 'foreign data wrapper', pg_catalog.quote_ident(w.fdwname), null, 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass,
        w.oid, 0, w.fdwowner, 'F', w.fdwacl,
        array[
            ['definition', pg_catalog.concat_ws(', ', 'handler ' || nullif(w.fdwhandler, 0)::pg_catalog.regproc,
                'validator ' || nullif(w.fdwvalidator, 0)::pg_catalog.regproc)],
            ['options', (select pg_catalog.string_agg(o, ', ' order by o) from unnest(w.fdwoptions) as o where o !~* {secret}::text)],
            ['hidden options', (select pg_catalog.string_agg(o, ', ' order by o) from unnest(w.fdwoptions) as o where o ~* {secret}::text)]
        ]
    from pg_catalog.pg_foreign_data_wrapper as w
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass and d.objid = w.oid)

    union all
    select 'foreign server', pg_catalog.quote_ident(s.srvname), null, 'pg_catalog.pg_foreign_server'::pg_catalog.regclass,
        s.oid, 0, s.srvowner, 'S', s.srvacl,
        array[
            ['definition', pg_catalog.concat_ws(', ', w.fdwname, 'type ' || s.srvtype, 'version ' || s.srvversion)],
            ['options', (select pg_catalog.string_agg(o, ', ' order by o) from unnest(s.srvoptions) as o where o !~* {secret}::text)],
            ['hidden options', (select pg_catalog.string_agg(o, ', ' order by o) from unnest(s.srvoptions) as o where o ~* {secret}::text)]
        ]
    from pg_catalog.pg_foreign_server as s
    join pg_catalog.pg_foreign_data_wrapper as w on w.oid = s.srvfdw
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_foreign_server'::pg_catalog.regclass and d.objid = s.oid)

    union all
    -- The options may hold a password: only who may see them compares them, and they are never shown.
    select 'user mapping', pg_catalog.concat('for ', r.name, ' on ', pg_catalog.quote_ident(m.srvname)), null,
        'pg_catalog.pg_user_mapping'::pg_catalog.regclass, m.umid, 0, null, 'S', null,
        array[
            ['exists', 'yes'],
            ['hidden options', (select pg_catalog.string_agg(o, ', ' order by o) from unnest(m.umoptions) as o)]
        ]
    from pg_catalog.pg_user_mappings as m
    join roles as r on r.oid = m.umuser

    union all
    select 'publication', pg_catalog.quote_ident(p.pubname), null, 'pg_catalog.pg_publication'::pg_catalog.regclass, p.oid, 0, p.pubowner, 'n', null,
        array[
            ['exists', 'yes'],
            ['operations', pg_catalog.concat_ws(', ', case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
                case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end)],
            ['root', case when p.pubviaroot then 'partition root' end],
            ['generated columns', nullif(pg_catalog.to_jsonb(p) ->> 'pubgencols', 'n')],
            ['tables', case when p.puballtables then 'all' else (
                select pg_catalog.string_agg(x.one, ', ' order by x.one)
                from (
                    select pg_catalog.concat(t.prrelid::pg_catalog.regclass, ' (' || (
                            select pg_catalog.string_agg(a.attname, ', ' order by a.attnum)
                            from pg_catalog.pg_attribute as a where a.attrelid = t.prrelid and a.attnum = any (t.prattrs)
                        ) || ')', ' where ' || pg_catalog.pg_get_expr(t.prqual, t.prrelid)) as one
                    from pg_catalog.pg_publication_rel as t where t.prpubid = p.oid
                    union all
                    select 'schema ' || s.pnnspid::pg_catalog.regnamespace
                    from pg_catalog.pg_publication_namespace as s where s.pnpubid = p.oid
                ) as x
            ) end]
        ]
    from pg_catalog.pg_publication as p

    union all
    select 'subscription', pg_catalog.quote_ident(s.subname), null, 'pg_catalog.pg_subscription'::pg_catalog.regclass, s.oid, 0, s.subowner, 'n', null,
        array[
            ['exists', 'yes'],
            ['enabled', s.subenabled::text],
            ['slot', s.subslotname::text],
            ['publications', (select pg_catalog.string_agg(x, ', ' order by x) from unnest(s.subpublications) as x)],
            ['binary', nullif(s.subbinary, false)::text],
            ['disable_on_error', nullif(s.subdisableonerr, false)::text],
            ['synchronous_commit', nullif(s.subsynccommit, 'off')],
            ['two_phase', case when s.subtwophasestate <> 'd' then 'true' end],
            ['streaming', nullif(pg_catalog.left(s.substream::text, 1), case
                when pg_catalog.current_setting('server_version_num') >= '180000' then 'p' else 'f' end)],
            ['origin', nullif(o.suborigin, 'any')],
            ['password_required', case when not o.subpasswordrequired then 'false' end],
            ['run_as_owner', case when o.subrunasowner then 'true' end],
            ['failover', case when o.subfailover then 'true' end]
        ]
    from pg_catalog.pg_subscription as s
    -- What an older server does not have is found here, outside its own table.
    cross join (
        select 'any' as suborigin, true as subpasswordrequired, false as subrunasowner, false as subfailover
    ) as absent
    cross join lateral (
        select suborigin, subpasswordrequired, subrunasowner, subfailover
        from pg_catalog.pg_subscription as q where q.oid = s.oid
    ) as o
    join pg_catalog.pg_database as d on d.oid = s.subdbid and d.datname = pg_catalog.current_database()

    union all
    select 'event trigger', pg_catalog.quote_ident(e.evtname), null, 'pg_catalog.pg_event_trigger'::pg_catalog.regclass, e.oid, 0, e.evtowner, 'n', null,
        array[
            ['definition', pg_catalog.format('on %s%s, %s', e.evtevent, ' for ' || (
                select pg_catalog.string_agg(t, ', ' order by t) from unnest(e.evttags) as t), e.evtfoid::pg_catalog.regprocedure)],
            ['firing', case e.evtenabled when 'D' then 'disabled' when 'R' then 'on replicas' when 'A' then 'always' end]
        ]
    from pg_catalog.pg_event_trigger as e
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass and d.objid = e.oid)

    union all
    select 'large object', l.oid::text, null, 'pg_catalog.pg_largeobject'::pg_catalog.regclass, l.oid, 0, l.lomowner, 'L', l.lomacl,
        array[['exists', 'yes']]
    from pg_catalog.pg_largeobject_metadata as l
