"""Learn of a database what must be known before it is touched."""

from typing import TYPE_CHECKING, NamedTuple

from runner import database, ledger
from runner.errors import ServerUnusable

if TYPE_CHECKING:
    from collections.abc import Collection

    from psycopg.pq.abc import PGresult

    from runner.database import Connection
    from runner.planning.site import Routines

OLDEST_SERVER = 150000  # as server_version_num writes it
UNKNOWN = "this server does not offer it"
CLOSED = "its schema may not be used; as the owner of that: grant usage on schema %s to %I"
ADMINISTRATOR = "an administrator has to create it, by the catalogs; migrate asks the server"


class Facts(NamedTuple):  # as in model: it starts faster
    """What the runner must know of a database before it touches it.

    ``kin`` is equal for databases of one server where none has anything of its own that could make it answer
    otherwise to this role that creates an extension, and ``None`` for one that has, or where none is asked
    for. Of those asked for, ``absent`` are not installed, each with the reason why who migrates cannot create
    it, if the catalogs know one; ``closed`` are in a schema that he may not use, each with that and its cure.
    """

    name: str
    identity: str  # equal for two connections to one database
    version: int
    standby: bool
    read_only: bool
    notices_loss: bool  # the server can look whether its client is still there
    role: str  # quoted
    may_make: bool | None  # tables in the ledger's schema; None where there is none
    has_routines: bool  # any that the server did not bring
    is_free: bool  # a superuser, and nobody's event trigger sees what he does
    greets: bool  # an event trigger may set what each session begins with
    is_direct: bool  # no pooler is in between, which makes up a process id
    kin: str | None
    absent: dict[str, str | None]
    closed: dict[str, str]

    @property
    def has_public(self) -> bool:
        """Tell whether the ledger's schema is there."""
        return self.may_make is not None


# Asked at every look, and so without what is only needed where there is something.
_ANYTHING = """
    select exists (
        select from pg_catalog.pg_class as c
        where c.relkind in ('r', 'p', 'v', 'm', 'f')
            and c.relnamespace = any (array(
                select n.oid from pg_catalog.pg_namespace as n where n.nspname = any ({schemas}::text[])
            ))
    );
"""

# Windows cannot tell that a client is gone; its shared memory gives it away, whoever compiled the server.
_FACTS = """
    select
        pg_catalog.current_database(),
        pg_catalog.concat(extract(epoch from pg_catalog.pg_postmaster_start_time()), ' ', d.oid),
        pg_catalog.int4in(pg_catalog.textout(pg_catalog.current_setting('server_version_num'))),
        pg_catalog.pg_is_in_recovery(),
        pg_catalog.current_setting('default_transaction_read_only') = 'on',
        pg_catalog.current_setting('shared_memory_type') <> 'windows',
        pg_catalog.quote_ident(current_user),
        (
            select pg_catalog.has_schema_privilege(n.oid, 'create')
                and pg_catalog.has_schema_privilege(n.oid, 'usage')
            from pg_catalog.pg_namespace as n
            where n.nspname = 'public'
        ),
        exists (select from pg_catalog.pg_proc as p where p.oid >= 16384),  -- FirstNormalObjectId
        pg_catalog.current_setting('is_superuser') = 'on'
            and not exists (select from pg_catalog.pg_event_trigger),
        exists (select from pg_catalog.pg_event_trigger where evtevent = 'login' and evtenabled <> 'D'),
        pg_catalog.pg_backend_pid(), {more}
    where d.datname = pg_catalog.current_database();
"""
_NO_EXTENSIONS = "null, '{}'::text[], '{}'::text[] from pg_catalog.pg_database as d"
# The list of what is offered is made once, of the files of each, and only if one is not installed. Another
# than who asks is a superuser as a member of the first role, 10: a view of the roles would take long.
_EXTENSIONS = """case
            when not exists (select from pg_catalog.pg_event_trigger)
                and not exists (select from pg_catalog.pg_db_role_setting as o where o.setdatabase = d.oid)
            then pg_catalog.concat_ws(
                ' ', pg_catalog.pg_postmaster_start_time(),
                pg_catalog.has_database_privilege(d.oid, 'create'),
                (
                    select pg_catalog.has_schema_privilege(n.oid, 'create')
                    from pg_catalog.pg_namespace as n where n.nspname = 'public'
                ),
                current_user
            )
        end,
        array(
            select array[w.name, case
                (
                    select pg_catalog.bool_or(
                        not v.superuser
                        or pg_catalog.current_setting('is_superuser') = 'on'
                        or pg_catalog.pg_has_role(r.name, 10, 'member') and r.name <> current_user
                        or v.trusted and pg_catalog.has_database_privilege(r.name, d.oid, 'create')
                    )
                    from pg_catalog.pg_available_extension_versions() as v
                    where v.name = w.name
                )
                when true then null
                when false then {administrator}
                else {unknown}
            end]
            from pg_catalog.unnest({extensions}::text[]) as w (name)
            where not exists (select from pg_catalog.pg_extension as e where e.extname = w.name)
        ),
        array(
            select array[e.extname::text, pg_catalog.format({closed}, n.name, r.name)]
            from pg_catalog.pg_extension as e,
                lateral (select e.extnamespace::pg_catalog.regnamespace as name) as n
            where e.extname = any ({extensions}::text[])
                and not pg_catalog.has_schema_privilege(r.name, e.extnamespace, 'usage')
        )
    from pg_catalog.pg_database as d, (select {migrator} offset 0) as r (name)
"""


def read(connection: "Connection", *, extensions: "Collection[str]") -> Facts:
    """Read the facts with one query."""
    [result] = database.ask(connection, question(extensions=extensions))
    return answer(connection, result)


def question(*, extensions: "Collection[str]") -> str:
    """Return the query of the facts, which may be a part of a longer message."""
    more = _EXTENSIONS.replace("{migrator}", ledger.MIGRATOR) if extensions else _NO_EXTENSIONS
    reasons = {"unknown": UNKNOWN, "administrator": ADMINISTRATOR, "closed": CLOSED}
    return database.fill(_FACTS.replace("{more}", more), extensions=list(extensions), **reasons)


def answer(connection: "Connection", result: "PGresult") -> Facts:
    """Return the facts from the result of their query."""
    [found] = map(Facts._make, database.rows(connection, result))
    is_direct = found.is_direct == connection.pgconn.backend_pid
    return found._replace(is_direct=is_direct, absent=dict(found.absent), closed=dict(found.closed))


def anything(*, schemas: "Collection[str]") -> str:
    """Return the query whether ``schemas`` hold any table or view, though an extension may own it."""
    return database.fill(_ANYTHING, schemas=list(schemas))


def objects(*, besides: str, schemas: "Collection[str]", adopted: bool, routines: "Routines" = ()) -> str:
    """Return the query of up to four tables, views and ``routines`` in ``schemas`` that no extension owns.

    A routine that returns something else than is given does not count: the server refuses to replace it. The
    table ``besides``, written with its schema, is left out. There are none where that table is there although
    the database is not known to be ``adopted``: its rows say more, or another runner has begun meanwhile.
    """
    schema, _, name = besides.partition(".")
    known = {"schema": schema, "name": name, "schemas": list(schemas), "adopted": adopted}
    text = database.packaged(__package__, "objects.sql").decode()
    places, called, types = map(list, zip(*routines, strict=True)) if routines else ([], [], [])
    return database.fill(text, places=places, routines=called, types=types, **known)


def names(connection: "Connection", result: "PGresult") -> tuple[str, ...]:
    """Return the names from the result of that query."""
    return tuple(name for (name,) in database.rows(connection, result))


def check_age(version: int, *, source: str) -> None:
    """Raise ``ServerUnusable`` for a server that is too old to be asked anything."""
    if version < OLDEST_SERVER:
        raise ServerUnusable(
            f"The server of {source} is PostgreSQL {version // 10000}.",
            remedy="PostgreSQL 15 or newer is needed.",
        )


def check_writable(facts: Facts, *, source: str, connection: "Connection | None" = None) -> None:
    """Raise ``ServerUnusable`` for a server that is too old, or takes no changes, as ``unfit`` says."""
    check_age(facts.version, source=source)
    if facts.standby or facts.read_only:
        from runner.planning import unfit  # noqa: PLC0415 - failures only

        raise unfit.to_write(facts, source=source, connection=connection)


def check_public(facts: Facts, *, makes: bool = False) -> None:
    """Raise what ``unfit`` says of a schema where no ledger is found, or none made for who ``makes`` it."""
    if not facts.has_public or (makes and not facts.may_make):
        from runner.planning import unfit  # noqa: PLC0415 - failures only

        raise unfit.to_hold(facts)
