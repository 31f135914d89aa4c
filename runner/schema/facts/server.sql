    -- What stands beyond the database, for a proof: a file must undo it as well. No drift: it is the server's.

    select 'role', pg_catalog.quote_ident(r.rolname), null::text, 'pg_catalog.pg_authid'::pg_catalog.regclass, r.oid, 0,
        null::pg_catalog.oid, 'n'::"char", null::pg_catalog.aclitem[],
        array[
            ['exists', 'yes'],
            ['attributes', pg_catalog.concat_ws(', ', case when r.rolsuper then 'superuser' end, case when r.rolcanlogin then 'login' end,
                case when r.rolcreaterole then 'createrole' end, case when r.rolcreatedb then 'createdb' end,
                case when r.rolreplication then 'replication' end, case when r.rolbypassrls then 'bypassrls' end,
                case when not r.rolinherit then 'noinherit' end, 'limit ' || nullif(r.rolconnlimit, -1),
                'valid until ' || r.rolvaliduntil)],
            ['comment', pg_catalog.shobj_description(r.oid, 'pg_authid')],
            ['settings', (
                select pg_catalog.string_agg(x, ', ' order by x)
                from pg_catalog.pg_db_role_setting as s, unnest(s.setconfig) as x
                where s.setrole = r.oid and s.setdatabase = 0
            )],
            ['memberships', (
                select pg_catalog.string_agg(distinct o.name || case when m.admin_option then ' with admin option' else '' end, ', ')
                from pg_catalog.pg_auth_members as m
                join roles as o on o.oid = m.roleid
                where m.member = r.oid
            )]
        ]
    from pg_catalog.pg_roles as r
    where r.rolname !~ '^pg_'

    union all
    select 'tablespace', pg_catalog.quote_ident(t.spcname), null, 'pg_catalog.pg_tablespace'::pg_catalog.regclass, t.oid, 0, t.spcowner, 't', t.spcacl,
        array[
            ['exists', 'yes'],
            ['options', (select pg_catalog.string_agg(o, ', ' order by o) from unnest(t.spcoptions) as o)]
        ]
    from pg_catalog.pg_tablespace as t

    union all
    select 'replication slot', s.slot_name::text, null, 'pg_catalog.pg_class'::pg_catalog.regclass, 0, 0, null, 'n', null,
        array[['exists', pg_catalog.concat_ws(' ', s.slot_type, s.plugin)]]
    from pg_catalog.pg_replication_slots as s
