"""Learn of a database what must be known before it is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from runner import database, ledger
from runner.errors import ServerUnusable

if TYPE_CHECKING:
    from collections.abc import Collection

    from psycopg.pq.abc import PGresult

    from runner.database import Connection

OLDEST_SERVER = 150000  # as server_version_num writes it


class Facts(NamedTuple):  # as in model: it starts faster
    """What the runner must know of a database before it touches it.

    ``identity`` is equal for two connections to one database; ``notices_loss`` says that the server can look
    whether its client is still there; ``objects`` is what the function of that name returns, and ``None``
    where the ledger exists; ``extensions`` are those asked for that are installed or that this role may
    create; ``pid`` is what the server calls this session.
    """

    name: str
    identity: str
    version: int
    standby: bool
    read_only: bool
    notices_loss: bool
    objects: tuple[str, ...] | None
    extensions: frozenset[str]
    pid: int


_OBJECTS = """
    array(
        select n.nspname || '.' || c.relname
        from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f')
            and n.nspname <> 'information_schema'
            and n.nspname !~ '^pg_'
            and n.nspname || '.' || c.relname <> {besides}
            and not exists (
                select from pg_catalog.pg_depend as e
                where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    and e.objid = c.oid and e.deptype = 'e'
            )
        order by 1
        limit 3
    )
"""

# Windows cannot tell that a client is gone; its shared memory gives it away, whoever compiled the server.
# Where there is a ledger, its rows mostly say all, and to look through thousands of tables takes a while.
_FACTS = """
    select
        pg_catalog.current_database(),
        extract(epoch from pg_catalog.pg_postmaster_start_time())::text || ' ' || d.oid::text,
        pg_catalog.current_setting('server_version_num')::integer,
        pg_catalog.pg_is_in_recovery(),
        pg_catalog.current_setting('default_transaction_read_only')::boolean,
        pg_catalog.current_setting('shared_memory_type') <> 'windows',
        case when pg_catalog.to_regclass({besides}) is null then {objects} end,
        array(
            select v.name::text
            from pg_catalog.pg_available_extension_versions as v
            join pg_catalog.pg_roles as r on r.rolname = current_user
            where v.name = any ({extensions}::text[])
                and (
                    v.installed
                    or r.rolsuper
                    or not v.superuser
                    or v.trusted and pg_catalog.has_database_privilege(d.oid, 'create')
                )
        ),
        pg_catalog.pg_backend_pid()
    from pg_catalog.pg_database as d
    where d.datname = pg_catalog.current_database();
""".replace("{objects}", _OBJECTS)


def read(connection: Connection, *, extensions: Collection[str], besides: str) -> Facts:
    """Read the facts with one query; ``besides`` is the ledger."""
    [result] = database.ask(connection, question(extensions=extensions, besides=besides))
    return answer(connection, result)


def available(connection: Connection, extensions: Collection[str]) -> frozenset[str]:
    """Return those of ``extensions`` that are installed or that this role may create."""
    return read(connection, extensions=extensions, besides=ledger.TABLE).extensions


def question(*, extensions: Collection[str], besides: str) -> str:
    """Return the query of the facts, which may be a part of a longer message."""
    return database.fill(_FACTS, besides=besides, extensions=list(extensions))


def answer(connection: Connection, result: PGresult) -> Facts:
    """Return the facts from the result of their query."""
    [row] = database.rows(connection, result)
    name, identity, version, standby, read_only, notices_loss, objects, available, pid = row
    return Facts(
        name,
        identity,
        version,
        standby,
        read_only,
        notices_loss,
        None if objects is None else tuple(objects),
        frozenset(available),
        pid,
    )


def objects(connection: Connection, *, besides: str) -> tuple[str, ...]:
    """Return up to three tables or views that no extension owns; the ledger ``besides`` is not among them."""
    [result] = database.ask(connection, database.fill(f"select {_OBJECTS}", besides=besides))
    [(found,)] = database.rows(connection, result)
    return tuple(found)


def check_writable(facts: Facts, *, source: str) -> None:
    """Raise ``ServerUnusable`` for a standby, a read-only database, or a server that is too old."""
    reason = remedy = None
    if facts.version < OLDEST_SERVER:
        reason, remedy = f"is PostgreSQL {facts.version // 10000}", "PostgreSQL 15 or newer is needed."
    elif facts.standby:
        reason, remedy = "is a standby, which takes no changes", "Point the URL at the primary."
    elif facts.read_only:
        reason = "has default_transaction_read_only on"
        remedy = "Somebody wants no changes there; ask, or connect with a role that may write."
    if reason:
        raise ServerUnusable(f"The server of {source} ({facts.name}) {reason}.", remedy=remedy)
