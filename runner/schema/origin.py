"""Know PostgreSQL's own catalogs: which there are, what tells their rows apart, and what of them matters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner.database import query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.database import Connection

FIRST_OID = 16384  # below are the objects that every database is born with

# Catalogs without an oid of their own: class, oid and part of what a row describes, what else makes it
# unique, and which rows count. An enum's labels are told as the enum's.
OTHERS = {
    "pg_aggregate": ("pg_proc", "c.aggfnoid::oid", "0", "''", "true"),
    "pg_attribute": ("pg_class", "c.attrelid", "c.attnum", "''", "c.attnum > 0"),
    "pg_description": ("", "c.objoid", "c.objsubid", "''", "true"),
    "pg_enum": ("pg_type", "c.enumtypid", "0", "c.enumlabel", "true"),
    "pg_foreign_table": ("pg_class", "c.ftrelid", "0", "''", "true"),
    "pg_index": ("pg_class", "c.indexrelid", "0", "''", "true"),
    "pg_inherits": ("pg_class", "c.inhrelid", "0", "c.inhparent::text", "true"),
    "pg_partitioned_table": ("pg_class", "c.partrelid", "0", "''", "true"),
    "pg_range": ("pg_type", "c.rngtypid", "0", "''", "true"),
    "pg_seclabel": ("", "c.objoid", "c.objsubid", "c.provider", "true"),
    "pg_sequence": ("pg_class", "c.seqrelid", "0", "''", "true"),
    "pg_ts_config_map": (
        "pg_ts_config", "c.mapcfg", "0", "pg_catalog.concat_ws(' ', c.maptokentype, c.mapseqno)", "true"
    ),
}  # fmt: skip
_CLASS = {
    "pg_description": "c.classoid",
    "pg_seclabel": "c.classoid",
    "pg_largeobject_metadata": "'pg_catalog.pg_largeobject'::pg_catalog.regclass::pg_catalog.oid",
}
_SCHEMA = {"pg_namespace": "i.name", "pg_extension": "c.extnamespace::pg_catalog.regnamespace::text"}

# What the server keeps for itself or derives from other rows: it may differ after an undo, and means nothing.
# A column's number among them: the order of columns cannot be undone in PostgreSQL.
_NOISE = [
    "oid", "relfilenode", "relpages", "reltuples", "relallvisible", "relallfrozen", "relfrozenxid",
    "relminmxid", "reltoastrelid", "relhasindex", "relhasrules", "relhastriggers", "relhassubclass",
    "relrewrite", "reltype", "relnatts", "relchecks", "attnum", "adnum", "attcacheoff", "atthasmissing",
    "attnotnull", "attinhcount", "attislocal", "indcheckxmin", "typarray", "enumsortorder", "objsubid",
    "refobjsubid", "coninhcount", "conislocal", "tgname", "maptokentype", "partnatts",
]  # fmt: skip

# A right that is granted and revoked leaves the list of rights written out where it was understood before.
_RIGHTS = {
    "relacl": "case c.relkind when 'S' then 's' else 'r' end::\"char\", c.relowner",
    "attacl": "'c', 0",
    "proacl": "'f', c.proowner",
    "typacl": "'T', c.typowner",
    "nspacl": "'n', c.nspowner",
    "lanacl": "'l', c.lanowner",
    "fdwacl": "'F', c.fdwowner",
    "srvacl": "'S', c.srvowner",
    "lomacl": "'L', c.lomowner",
}

AS_BORN = "as born"  # whether the rights, or the comment, are those that the object came with
_BORN = "(select p.initprivs from pg_catalog.pg_init_privs as p where p.classoid = {} and p.objoid = {}"
_BORN += " and p.objsubid = {})"
_SORTED = """
    select pg_catalog.jsonb_agg(x::text order by x::text)
    from unnest(coalesce({}, pg_catalog.acldefault({}))) as x
"""
# The comments of what every database is born with and somebody may describe anew.
_BORN_COMMENTS = "'standard public schema', 'PL/pgSQL procedural language'"
# What an object depends on, as a sequence on the column that owns it, is none of its own columns.
_DEPENDS = """
    select pg_catalog.string_agg(d::text, ',' order by d::text) from pg_catalog.pg_depend as d
    where d.classid = {} and d.objid = {} and d.objsubid = {}
"""
_COLUMNS = """
    select c.relname::text, c.oid, a.attname::text, a.atttypid::pg_catalog.regtype::text,
        f.pktable is not null, f.pktable = 'pg_catalog.pg_class'::pg_catalog.regclass
    from pg_catalog.pg_class as c
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and (a.attnum > 0 or a.attname = 'oid')
    left join pg_catalog.pg_get_catalog_foreign_keys() as f
        on f.fktable = c.oid and a.attname = f.fkcols[array_upper(f.fkcols, 1)]
    where c.relnamespace = 'pg_catalog'::pg_catalog.regnamespace and c.relkind = 'r' and not c.relisshared
        and pg_catalog.has_table_privilege(c.oid, 'select')
    order by c.relname, a.attnum
"""
# What extensions own, and what goes with one (`depends on extension`): no row of the object itself says so.
# And the roles that somebody has made, of which rows give the oid: made anew, a role has another.
_TIES = """
    select
        (
            select pg_catalog.string_agg(d::text, ',' order by d::text) from pg_catalog.pg_depend as d
            where d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.objid >= %(first)s
        ),
        array(select r.oid from pg_catalog.pg_roles as r where r.oid >= %(first)s order by r.oid),
        array(
            select 'role ' || pg_catalog.quote_ident(r.rolname)
            from pg_catalog.pg_roles as r where r.oid >= %(first)s order by r.oid
        )
"""


class Catalog(NamedTuple):
    """One catalog, and the queries that follow its rows; their names are PostgreSQL's own."""

    name: str
    oid: int
    columns: Mapping[str, tuple[str, bool, bool]]  # type, whether it refers to rows, and to pg_class

    @property
    def first(self) -> int:
        """The first oid of what was made here; a large object may have any."""
        return 0 if self.name == "pg_largeobject_metadata" else FIRST_OID

    @property
    def shape(self) -> tuple[str, str, str, str, str]:
        """Class, oid and part of what a row describes, the rest of its key, and which rows count."""
        return OTHERS.get(self.name, (self.name, "c.oid", "0", "''", "true"))

    @property
    def key(self) -> str:
        """An expression that tells its rows apart."""
        _, oid, part, rest, _ = self.shape
        return f"pg_catalog.concat_ws(' ', {_CLASS.get(self.name, 'null')}, {oid}, {part}, {rest})"

    @property
    def keys(self) -> str:
        """The query that lists the keys of its rows, those of the objects made here only."""
        _, oid, _, _, counts = self.shape
        rows = f"from pg_catalog.{self.name} as c where {oid} >= {self.first} and ({counts})"
        return f"select pg_catalog.string_agg({self.key}, ',') {rows}"

    @property
    def changed(self) -> str:
        """The query of the rows that a transaction since $1 has written."""
        name, oid, part, _, counts = self.shape
        schema = _SCHEMA.get(self.name, "i.schema")  # null for what belongs to none
        class_ = _CLASS.get(self.name, f"'pg_catalog.{name}'::pg_catalog.regclass::pg_catalog.oid")
        left_out = [
            column
            for column, (type_, refers, _) in self.columns.items()
            if column in _NOISE
            or type_ in ("pg_node_tree", "anyarray")
            or (refers and type_ in ("smallint[]", "int2vector", "smallint"))
        ]
        rights = "".join(
            f" || pg_catalog.jsonb_build_object('{column}', ({now}), '{AS_BORN}',"
            f" ({now}) is not distinct from ({born}))"  # a column mostly has none
            for column, owner in _RIGHTS.items()
            if column in self.columns
            for now in [_SORTED.format(f"c.{column}", owner)]
            for born in [_SORTED.format(_BORN.format(class_, oid, part), owner)]
        )
        if self.name == "pg_description":
            rights = f" || pg_catalog.jsonb_build_object('{AS_BORN}', c.description in ({_BORN_COMMENTS}))"
        return f"""
            select {self.key}, {oid}, i.type, i.identity, (pg_catalog.parse_ident({schema}))[1],
                pg_catalog.to_jsonb(c) - '{{{",".join(left_out)}}}'::text[]{rights},
                pg_catalog.hashtextextended(pg_catalog.concat(c, ({_DEPENDS.format(class_, oid, part)})), 0)
            from pg_catalog.{self.name} as c, pg_catalog.pg_identify_object({class_}, {oid}, {part}) as i
            where i.type is not null and ({counts}) and case $1
                when '' then {oid} >= {self.first}
                else pg_catalog.age(c.xmin)
                    <= pg_catalog.age(pg_catalog.xidin(pg_catalog.textout(nullif($1, ''))))
            end
        """  # noqa: S608 - the server's own names


def catalogs(connection: Connection) -> tuple[Catalog, ...]:
    """Return the catalogs that hold the objects of a database. Does not write."""
    tables: dict[tuple[str, int], dict[str, tuple[str, bool, bool]]] = {}
    for table, oid, column, type_, refers, relation in query(connection, _COLUMNS):
        tables.setdefault((table, oid), {})[column] = (type_, refers, relation)
    return tuple(
        Catalog(name, oid, columns)
        for (name, oid), columns in tables.items()
        if "oid" in columns or name in OTHERS
    )


def ties(connection: Connection) -> tuple[str | None, dict[int, str]]:
    """Return what extensions own, as a text, and how roles are called, by oid. Does not write."""
    [(owned, oids, names)] = query(connection, _TIES, first=FIRST_OID)
    return owned, dict(zip(oids, names, strict=True))
