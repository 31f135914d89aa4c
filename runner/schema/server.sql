-- What belongs to the whole server, or to the database as a whole, and a file may have changed: one fact per row.

select 'role ' || r.rolname, (pg_catalog.to_jsonb(r) - '{oid,rolpassword,rolconfig}'::text[])::text
from pg_catalog.pg_roles as r
where r.rolname !~ '^pg_'

union all
select 'membership of ' || m.member::pg_catalog.regrole::text || ' in ' || m.roleid::pg_catalog.regrole::text,
    pg_catalog.string_agg(distinct (pg_catalog.to_jsonb(m) - '{oid,roleid,member,grantor}'::text[])::text, ', ')
from pg_catalog.pg_auth_members as m
group by m.member, m.roleid

union all
select pg_catalog.concat(
        'settings of ',
        case when s.setrole = 0 then 'everybody' else 'role ' || s.setrole::pg_catalog.regrole::text end,
        case when s.setdatabase <> 0 then ' in this database' end
    ),
    (
        -- A setting with a dot is somebody's own, and often a secret: a hash of it tells that it changed.
        select pg_catalog.string_agg(case when x ~ '^[^=]*[.]' then pg_catalog.concat(
                pg_catalog.split_part(x, '=', 1), '=*',
                pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(x, 'UTF8')), 'hex')
            ) else x end, ', ' order by x)
        from unnest(s.setconfig) as x
    )
from pg_catalog.pg_db_role_setting as s
left join pg_catalog.pg_database as d on d.oid = s.setdatabase
where s.setdatabase = 0 or d.datname = pg_catalog.current_database()

union all
select 'this database',
    pg_catalog.concat_ws(
        ', ', 'owner ' || d.datdba::pg_catalog.regrole::text, 'connections ' || d.datconnlimit::text,
        'tablespace ' || d.dattablespace::text,
        'comment ' || pg_catalog.shobj_description(d.oid, 'pg_database'),
        'rights ' || (
            select pg_catalog.string_agg(x::text, ', ' order by x::text)
            from unnest(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) as x
        )
    )
from pg_catalog.pg_database as d
where d.datname = pg_catalog.current_database()

union all
select 'tablespace ' || t.spcname,
    pg_catalog.concat_ws(
        ', ', 'owner ' || t.spcowner::pg_catalog.regrole::text, pg_catalog.array_to_string(t.spcoptions, ', '),
        'rights ' || pg_catalog.array_to_string(t.spcacl, ', ')
    )
from pg_catalog.pg_tablespace as t

union all
select pg_catalog.concat('comment on ', i.type, ' ', i.identity), c.description
from pg_catalog.pg_shdescription as c, pg_catalog.pg_identify_object(c.classoid, c.objoid, 0) as i
where c.classoid <> 'pg_catalog.pg_database'::pg_catalog.regclass

union all
select 'rights on the setting ' || p.parname, pg_catalog.array_to_string(p.paracl, ', ') from pg_catalog.pg_parameter_acl as p

union all
select 'replication slot ' || s.slot_name, s.slot_type
from pg_catalog.pg_replication_slots as s
where s.database = pg_catalog.current_database()

union all
-- The server itself names an origin pg_ and the number of its subscription, which nobody else may.
select 'replication origin ' || o.roname, null from pg_catalog.pg_replication_origin as o where o.roname !~ '^pg_'

union all
select 'subscription ' || s.subname, s.subenabled::text
from pg_catalog.pg_subscription as s
join pg_catalog.pg_database as d on d.oid = s.subdbid
where d.datname = pg_catalog.current_database()
