)
-- What every kind of object may have: an owner, rights, a comment, a security label. The right `maintain`
-- exists since PostgreSQL 17; "version" is that of the older of the two servers that are compared.
-- The server's cache names a role: to look among all of them for each object takes long where there are many.
-- One that is gone has but a number, and is left out.
-- Written so, a name sorts as the database does: collate "C" puts several in one order everywhere.
select o.kind, o.name, o.parent, f.attribute, f.value
from objects as o
left join followers as e on e.classid = o.classid and e.objid = o.objid and o.objsubid = 0
cross join lateral (
    select o.facts[i][1] as attribute, o.facts[i][2] as value
    from pg_catalog.generate_subscripts(o.facts, 1) as i
    union all
    select 'owner', nullif(o.owner::pg_catalog.regrole::text, o.owner::text) where o.objsubid = 0
    union all
    select 'grants', (
        select pg_catalog.string_agg(g.one, ', ' order by g.one)
        from (
            select pg_catalog.concat(
                case x.grantee when 0 then 'public' else x.grantee::pg_catalog.regrole::text end collate "C",
                '=', pg_catalog.lower(x.privilege_type), case when pg_catalog.bool_or(x.is_grantable) then '*' end
            ) as one
            from pg_catalog.aclexplode(coalesce(o.acl, pg_catalog.acldefault(o.acltype, o.owner))) as x
            where x.grantee <> o.owner and x.grantee::pg_catalog.regrole::text <> x.grantee::text
                and (x.privilege_type <> 'MAINTAIN' or {version} >= 170000)
            group by x.grantee, x.privilege_type
        ) as g
    )
    where o.acl is not null or o.acltype in ('f', 'T', 'l')
    union all
    select 'rights its owner lacks', (
        select pg_catalog.string_agg(pg_catalog.lower(x.privilege_type), ', ' order by x.privilege_type)
        from pg_catalog.aclexplode(pg_catalog.acldefault(o.acltype, o.owner)) as x
        where x.grantee = o.owner and (x.privilege_type <> 'MAINTAIN' or {version} >= 170000)
            and not exists (
                select from pg_catalog.aclexplode(o.acl) as y
                where y.grantee = o.owner and y.privilege_type = x.privilege_type
            )
    )
    where o.acl is not null
    union all
    select 'comment', c.description from pg_catalog.pg_description as c
    where c.classoid = o.classid and c.objoid = o.objid and c.objsubid = o.objsubid
    union all
    select 'security label of ' || s.provider, s.label from pg_catalog.pg_seclabel as s
    where s.classoid = o.classid and s.objoid = o.objid and s.objsubid = o.objsubid
    union all
    select 'dependence on an extension', e.extensions
) as f
where f.value is not null
order by 1, 2, 4
