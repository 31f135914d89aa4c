    -- Types and their constraints, collations, conversions, text search.

    select case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range' else 'type' end,
        t.oid::pg_catalog.regtype::text, null::text, 'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 0,
        t.typowner, 'T'::"char", t.typacl,
        array[
            ['exists', case when t.typisdefined then 'yes' else 'as a name only' end],
            ['labels', (
                select pg_catalog.string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                from pg_catalog.pg_enum as e where e.enumtypid = t.oid
            )],
            ['type', case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) end],
            ['collation', case when t.typtype = 'd' and t.typcollation <> b.typcollation
                then t.typcollation::pg_catalog.regcollation::text end],
            ['nullability', case when t.typtype = 'd' and t.typnotnull then 'not null' end],
            ['default', case when t.typtype = 'd' then pg_catalog.pg_get_expr(t.typdefaultbin, 0) else t.typdefault end],
            ['column order', (
                select pg_catalog.json_agg(a.attname order by a.attnum)::text
                from pg_catalog.pg_attribute as a
                where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
            )],
            ['range', case when t.typtype = 'r' then pg_catalog.format(
                'of %s, operator class %s.%s, collation %s, canonical %s, difference %s, multirange %s',
                g.rngsubtype::pg_catalog.regtype, o.opcnamespace::pg_catalog.regnamespace, o.opcname,
                case when g.rngcollation <> 0 then g.rngcollation::pg_catalog.regcollation::text else 'none' end,
                g.rngcanonical, g.rngsubdiff, g.rngmultitypid::pg_catalog.regtype
            ) end],
            ['comment on its multirange', pg_catalog.obj_description(g.rngmultitypid, 'pg_type')],
            ['grants on its multirange', (
                select pg_catalog.array_to_string(m.typacl, ', ') from pg_catalog.pg_type as m
                where m.oid = g.rngmultitypid and m.typacl <> pg_catalog.acldefault('T', m.typowner)
            )],
            ['base', case when t.typtype = 'b' and t.typisdefined then pg_catalog.concat_ws(' ',
                t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typsubscript,
                'length', t.typlen, 'by value', t.typbyval, 'alignment', t.typalign, 'storage', t.typstorage,
                'category', t.typcategory, 'preferred', t.typispreferred, 'delimiter', t.typdelim,
                'element', t.typelem::pg_catalog.regtype, 'collation', t.typcollation::pg_catalog.regcollation
            ) end]
        ]
    from pg_catalog.pg_type as t
    join schemas as n on n.oid = t.typnamespace and t.oid >= n.since
    left join pg_catalog.pg_type as b on b.oid = t.typbasetype
    left join pg_catalog.pg_range as g on g.rngtypid = t.oid
    left join pg_catalog.pg_opclass as o on o.oid = g.rngsubopc
    where (
            t.typtype in ('e', 'd', 'r', 'p')
            or t.typtype = 'b' and not exists (select from pg_catalog.pg_type as e where e.typarray = t.oid)
            or t.typtype = 'c' and exists (
                select from pg_catalog.pg_class as c where c.oid = t.typrelid and c.relkind = 'c'
            )
        )
        and not exists (select from members as d where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid)

    union all
    select case c.contype when 'n' then 'not null' else 'constraint' end,
        case c.contype when 'n' then t.oid::pg_catalog.regtype::text
            else t.oid::pg_catalog.regtype::text || '.' || pg_catalog.quote_ident(c.conname) end,
        t.oid::pg_catalog.regtype::text, 'pg_catalog.pg_constraint'::pg_catalog.regclass, c.oid, 0, null, 'n', null,
        array[
            ['definition', case when c.contype <> 'n'
                then pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(c.oid), ' NOT VALID$', '') end],
            ['name', case when c.contype = 'n'
                then nullif(c.conname::text, t.typname || '_not_null') end],
            ['domain validation', case when not c.convalidated then 'not done' end]
        ]
    from pg_catalog.pg_constraint as c
    join pg_catalog.pg_type as t on t.oid = c.contypid
    join schemas as n on n.oid = t.typnamespace and t.oid >= n.since
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass and d.objid = t.oid)

    union all
    select 'collation', c.oid::pg_catalog.regcollation::text, null, 'pg_catalog.pg_collation'::pg_catalog.regclass, c.oid, 0,
        c.collowner, 'n', null,
        array[['definition', pg_catalog.concat_ws(', ',
            case c.collprovider when 'c' then 'libc' when 'i' then 'icu' when 'b' then 'builtin' else c.collprovider::text end,
            c.collcollate, c.collctype,
            coalesce(pg_catalog.to_jsonb(c) ->> 'colllocale', pg_catalog.to_jsonb(c) ->> 'colliculocale'),
            pg_catalog.to_jsonb(c) ->> 'collicurules',
            case when c.collisdeterministic then 'deterministic' else 'not deterministic' end
        )]]
    from pg_catalog.pg_collation as c
    join schemas as n on n.oid = c.collnamespace and c.oid >= n.since
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_collation'::pg_catalog.regclass and d.objid = c.oid)

    union all
    select 'conversion', pg_catalog.concat(n.name, '.', pg_catalog.quote_ident(c.conname)), null,
        'pg_catalog.pg_conversion'::pg_catalog.regclass, c.oid, 0, c.conowner, 'n', null,
        array[['definition', pg_catalog.format('%s to %s by %s%s',
            pg_catalog.pg_encoding_to_char(c.conforencoding), pg_catalog.pg_encoding_to_char(c.contoencoding), c.conproc,
            case when c.condefault then ', default' end
        )]]
    from pg_catalog.pg_conversion as c
    join schemas as n on n.oid = c.connamespace and c.oid >= n.since
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_conversion'::pg_catalog.regclass and d.objid = c.oid)

    union all
    select 'text search parser', pg_catalog.concat(n.name, '.', pg_catalog.quote_ident(p.prsname)), null,
        'pg_catalog.pg_ts_parser'::pg_catalog.regclass, p.oid, 0, null, 'n', null,
        array[['definition', pg_catalog.concat_ws(', ', p.prsstart, p.prstoken, p.prsend, p.prsheadline, p.prslextype)]]
    from pg_catalog.pg_ts_parser as p
    join schemas as n on n.oid = p.prsnamespace and p.oid >= n.since
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_ts_parser'::pg_catalog.regclass and d.objid = p.oid)

    union all
    select 'text search template', pg_catalog.concat(n.name, '.', pg_catalog.quote_ident(t.tmplname)), null,
        'pg_catalog.pg_ts_template'::pg_catalog.regclass, t.oid, 0, null, 'n', null,
        array[['definition', pg_catalog.concat_ws(', ', t.tmplinit, t.tmpllexize)]]
    from pg_catalog.pg_ts_template as t
    join schemas as n on n.oid = t.tmplnamespace and t.oid >= n.since
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_ts_template'::pg_catalog.regclass and d.objid = t.oid)

    union all
    select 'text search dictionary', c.oid::pg_catalog.regdictionary::text, null,
        'pg_catalog.pg_ts_dict'::pg_catalog.regclass, c.oid, 0, c.dictowner, 'n', null,
        array[['definition', pg_catalog.concat_ws(', ', t.tmplname, c.dictinitoption)]]
    from pg_catalog.pg_ts_dict as c
    join schemas as n on n.oid = c.dictnamespace and c.oid >= n.since
    join pg_catalog.pg_ts_template as t on t.oid = c.dicttemplate
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_ts_dict'::pg_catalog.regclass and d.objid = c.oid)

    union all
    select 'text search configuration', c.oid::pg_catalog.regconfig::text, null,
        'pg_catalog.pg_ts_config'::pg_catalog.regclass, c.oid, 0, c.cfgowner, 'n', null,
        array[
            ['parser', p.prsname::text],
            ['mapping', (
                select pg_catalog.string_agg(pg_catalog.concat(m.maptokentype, '.', m.mapseqno, ' ', m.mapdict::pg_catalog.regdictionary),
                    ', ' order by m.maptokentype, m.mapseqno)
                from pg_catalog.pg_ts_config_map as m where m.mapcfg = c.oid
            )]
        ]
    from pg_catalog.pg_ts_config as c
    join schemas as n on n.oid = c.cfgnamespace and c.oid >= n.since
    join pg_catalog.pg_ts_parser as p on p.oid = c.cfgparser
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_ts_config'::pg_catalog.regclass and d.objid = c.oid)
