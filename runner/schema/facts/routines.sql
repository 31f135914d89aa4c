    -- Functions, procedures, aggregates; operators and their classes; casts, transforms, languages, access methods.

    select case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
        p.oid::pg_catalog.regprocedure::text, null::text, 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid, 0,
        p.proowner, 'f'::"char", p.proacl,
        array[
            ['exists', 'yes'],
            ['definition', case when p.prokind <> 'a' then pg_catalog.pg_get_functiondef(p.oid) else pg_catalog.concat_ws(', ',
                pg_catalog.pg_get_function_arguments(p.oid), pg_catalog.pg_get_function_result(p.oid), 'kind', a.aggkind,
                'parallel', p.proparallel, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
                a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggfinalextra, a.aggmfinalextra, a.aggfinalmodify,
                a.aggmfinalmodify, a.aggsortop::pg_catalog.regoperator, a.aggtranstype::pg_catalog.regtype,
                a.aggmtranstype::pg_catalog.regtype, 'state size', a.aggtransspace, a.aggmtransspace,
                'begins with', pg_catalog.quote_nullable(a.agginitval), pg_catalog.quote_nullable(a.aggminitval)
            ) end]
        ]
    from pg_catalog.pg_proc as p
    join schemas as n on n.oid = p.pronamespace and p.oid >= n.since
    left join pg_catalog.pg_aggregate as a on a.aggfnoid = p.oid
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid)
    and p.oid = any ({only}::pg_catalog.oid[])
    -- the constructors of a range type come and go with it
    and not exists (
        select from pg_catalog.pg_depend as d
        where d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass and d.objid = p.oid and d.deptype = 'i'
    )

    union all
    select 'operator', o.oid::pg_catalog.regoperator::text, null, 'pg_catalog.pg_operator'::pg_catalog.regclass, o.oid, 0,
        o.oprowner, 'n', null,
        array[['definition', pg_catalog.concat_ws(', ',
            o.oprcode, 'commutator ' || nullif(o.oprcom, 0)::pg_catalog.regoperator,
            'negator ' || nullif(o.oprnegate, 0)::pg_catalog.regoperator, 'restrict ' || o.oprrest, 'join ' || o.oprjoin,
            case when o.oprcanhash then 'hashes' end, case when o.oprcanmerge then 'merges' end
        )]]
    from pg_catalog.pg_operator as o
    join schemas as n on n.oid = o.oprnamespace and o.oid >= n.since
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass and d.objid = o.oid)

    union all
    select 'operator class', pg_catalog.concat(n.name, '.', pg_catalog.quote_ident(c.opcname), ' using ', m.amname), null,
        'pg_catalog.pg_opclass'::pg_catalog.regclass, c.oid, 0, c.opcowner, 'n', null,
        array[['definition', pg_catalog.concat_ws(', ',
            'for ' || c.opcintype::pg_catalog.regtype, 'family ' || f.opfname, case when c.opcdefault then 'default' end,
            'storage ' || nullif(c.opckeytype, 0)::pg_catalog.regtype
        )]]
    from pg_catalog.pg_opclass as c
    join schemas as n on n.oid = c.opcnamespace and c.oid >= n.since
    join pg_catalog.pg_am as m on m.oid = c.opcmethod
    join pg_catalog.pg_opfamily as f on f.oid = c.opcfamily
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_opclass'::pg_catalog.regclass and d.objid = c.oid)

    union all
    select 'operator family', pg_catalog.concat(n.name, '.', pg_catalog.quote_ident(f.opfname), ' using ', m.amname), null,
        'pg_catalog.pg_opfamily'::pg_catalog.regclass, f.oid, 0, f.opfowner, 'n', null,
        array[
            ['exists', 'yes'],
            ['operators', (
                select pg_catalog.string_agg(x.one, ', ' order by x.one collate "C")
                from (
                    select pg_catalog.concat(a.amopstrategy, ' ', a.amopopr::pg_catalog.regoperator, ' ', a.amoppurpose,
                        ' ' || s.opfnamespace::pg_catalog.regnamespace || '.' || pg_catalog.quote_ident(s.opfname)) as one
                    from pg_catalog.pg_amop as a
                    left join pg_catalog.pg_opfamily as s on s.oid = a.amopsortfamily
                    where a.amopfamily = f.oid
                ) as x
            )],
            ['functions', (
                select pg_catalog.string_agg(x.one, ', ' order by x.one collate "C")
                from (
                    select pg_catalog.concat(a.amprocnum, ' (', a.amproclefttype::pg_catalog.regtype, ', ',
                        a.amprocrighttype::pg_catalog.regtype, ') ', a.amproc::pg_catalog.regprocedure) as one
                    from pg_catalog.pg_amproc as a where a.amprocfamily = f.oid
                ) as x
            )]
        ]
    from pg_catalog.pg_opfamily as f
    join schemas as n on n.oid = f.opfnamespace and f.oid >= n.since
    join pg_catalog.pg_am as m on m.oid = f.opfmethod
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_opfamily'::pg_catalog.regclass and d.objid = f.oid)

    union all
    select 'cast', pg_catalog.format('(%s as %s)', c.castsource::pg_catalog.regtype, c.casttarget::pg_catalog.regtype), null,
        'pg_catalog.pg_cast'::pg_catalog.regclass, c.oid, 0, null, 'n', null,
        array[['definition', pg_catalog.concat_ws(', ',
            case c.castmethod when 'f' then 'by ' || c.castfunc::pg_catalog.regprocedure when 'i' then 'by text' else 'binary' end,
            case c.castcontext when 'e' then 'explicit' when 'a' then 'assignment' else 'implicit' end
        )]]
    from pg_catalog.pg_cast as c
    where c.oid >= 16384 and not exists (select from members as d where d.classid = 'pg_catalog.pg_cast'::pg_catalog.regclass and d.objid = c.oid)

    union all
    select 'transform', pg_catalog.format('for %s language %I', t.trftype::pg_catalog.regtype, l.lanname), null,
        'pg_catalog.pg_transform'::pg_catalog.regclass, t.oid, 0, null, 'n', null,
        array[['definition', pg_catalog.format('from sql %s, to sql %s', t.trffromsql, t.trftosql)]]
    from pg_catalog.pg_transform as t
    join pg_catalog.pg_language as l on l.oid = t.trflang
    where not exists (select from members as d where d.classid = 'pg_catalog.pg_transform'::pg_catalog.regclass and d.objid = t.oid)

    union all
    select 'language', pg_catalog.quote_ident(l.lanname), null, 'pg_catalog.pg_language'::pg_catalog.regclass, l.oid, 0,
        l.lanowner, 'l', l.lanacl,
        array[['definition', pg_catalog.concat_ws(', ',
            case when l.lanpltrusted then 'trusted' else 'untrusted' end, 'handler ' || nullif(l.lanplcallfoid, 0)::pg_catalog.regproc,
            'inline ' || nullif(l.laninline, 0)::pg_catalog.regproc, 'validator ' || nullif(l.lanvalidator, 0)::pg_catalog.regproc
        )]]
    from pg_catalog.pg_language as l
    where l.oid >= 16384 and not exists (select from members as d where d.classid = 'pg_catalog.pg_language'::pg_catalog.regclass and d.objid = l.oid)

    union all
    select 'access method', pg_catalog.quote_ident(m.amname), null, 'pg_catalog.pg_am'::pg_catalog.regclass, m.oid, 0,
        null, 'n', null,
        array[['definition', pg_catalog.format('for %s, handler %s', case m.amtype when 't' then 'tables' else 'indexes' end,
            m.amhandler)]]
    from pg_catalog.pg_am as m
    where m.oid >= 16384 and not exists (select from members as d where d.classid = 'pg_catalog.pg_am'::pg_catalog.regclass and d.objid = m.oid)
