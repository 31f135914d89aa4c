"""Ask the server in a way that nobody's settings can shape the answer.

A server, a database, a role, PGOPTIONS and PGDATESTYLE may all say how dates, intervals, bytes and names are
written, how long a statement may take and what kind of transaction it runs in. A question of the runner's
own sets all of that for itself, as pg_dump does, in the message that asks: it costs no round trip, is gone
with the transaction, and passes through any pooler. What a file sees stays what the database says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
from psycopg.adapt import Transformer

from runner.database import message, session
from runner.errors import LockTimeout, ServerRefused

if TYPE_CHECKING:
    from psycopg.abc import AdaptContext
    from psycopg.pq.abc import PGresult

    from runner.database.message import Connection
    from runner.errors import RunnerError

# What pg_dump sets (setup_connection), and what else shows in the text of a default, a check or a view: the
# time zone of a timestamptz, the currency of a money. No jit: compiling the long questions about a catalog
# takes longer than to answer them (6 s instead of 0.02 s on PostgreSQL 15).
_SETTINGS = {
    "datestyle": "ISO, YMD",
    "intervalstyle": "postgres",
    "timezone": "UTC",
    "lc_monetary": "C",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "xmlbinary": "base64",
    "xmloption": "content",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "row_security": "off",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "0",
    "jit": "off",
}
_SINCE_17 = {"transaction_timeout": "0"}
_17 = 170000  # as server_version_num writes it

# Read committed, not deferrable, whatever the defaults: a serializable, read-only, deferrable transaction
# waits until every serializable one that writes has ended.
_BEGIN = "begin isolation level read committed {access} not deferrable;"

# The first two by themselves: what follows them is not looked up along somebody's search_path, and not struck
# by his statement_timeout.
_SET = f"""
    set local search_path = '';
    set local statement_timeout = 0;
    select {{settings}}, {session.STAY};
"""
_STATEMENTS = 4  # of _BEGIN and _SET
# Characters: to parse a message counts for its first statement, which somebody's statement_timeout strikes.
_LONG = 12_000

# In front of a question about the sessions of whoever has logged in: the role that he works as need be no
# member of his, and then neither sees what they do nor may end them. Until the end of the transaction.
AS_LOGIN = """
    select pg_catalog.set_config('role', 'none', true)
    where not pg_catalog.pg_has_role(session_user, 'usage')"""

# A database in SQL_ASCII knows no letters, but a client in UTF-8 gets no bytes of it that are none there.
_AS_BYTES = "set local client_encoding = 'SQL_ASCII';"

_NO_RIGHT = "42501"
_LACKS = "See which right the role lacks; docs/production.md has roles that suffice."
_GIVEN_UP = ("40001", "40P01")  # a standby gives up whatever stands in the way of what it replays
_AGAIN = (
    "Run again. A standby gives up a question in favour of what it replays: if it does so often, ask the "
    "primary, or give the standby more time: max_standby_streaming_delay."
)
_NO_MEMORY = "53200"  # the only one with a hint is that the table of locks is full: it names the setting
_LOCKS = (
    "To read views takes a lock of each and of what is under it until all are read: raise the setting for "
    "them, restart the server, and run again."
)
_SAID = "These are its own words: see what they name, and run again when it is put right."


def settings(connection: Connection, *, waits: bool = False) -> str:
    """Return the statements that set, for a transaction, what shapes the runner's answers.

    One that ``waits`` takes as long for a lock as it takes; any other gives up in time.
    """
    known = _SETTINGS | (_SINCE_17 if connection.pgconn.server_version >= _17 else {})
    known |= {"lock_timeout": "0"} if waits else {}
    calls = (f"pg_catalog.set_config('{name}', '{value}', true)" for name, value in known.items())
    return _SET.replace("{settings}", ", ".join(calls))


def opening(connection: Connection, *, access: str = "read only") -> str:
    """Return what begins a transaction of the runner's own; ``access`` is ``read only`` or ``read write``."""
    return _BEGIN.replace("{access}", access) + settings(connection, waits=access == "read write")


def ask(connection: Connection, text: str) -> list[PGresult]:
    """Return the results of a message of questions, or raise its error. Does not write.

    In a transaction that is open already they are sent as they are: whoever began it has made its settings.
    """
    if session.in_transaction(connection):
        return message.run(connection, text)
    try:
        return _answers(connection, text)
    except psycopg.errors.CharacterNotInRepertoire:
        return _answers(connection, _AS_BYTES + text)[1:]


def _answers(connection: Connection, text: str) -> list[PGresult]:
    try:
        if len(text) > _LONG:
            message.run(connection, opening(connection))
            return message.run(connection, f"{text}\n;commit")[:-1]
        return message.run(connection, f"{opening(connection)}{text}\n;commit")[_STATEMENTS:-1]
    except psycopg.Error:
        session.roll_back(connection)
        raise


def rows(connection: Connection, result: PGresult) -> list[tuple[Any, ...]]:
    """Return the rows of one result of a message, as ``query`` would.

    What roles are called and sessions are doing comes as the bytes of whatever database it was written in.
    """
    try:
        return _loaded(connection, result)
    except UnicodeDecodeError:
        from runner.database import foreign  # noqa: PLC0415 - beside databases in other encodings only

        return _loaded(foreign.Reader(connection), result)


def _loaded(context: AdaptContext, result: PGresult) -> list[tuple[Any, ...]]:
    transformer = Transformer(context)
    transformer.set_pgresult(result)
    return transformer.load_rows(0, result.ntuples, tuple)


def _taken(connection: Connection, cursor: psycopg.Cursor[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return rows(connection, cursor.pgresult) if cursor.pgresult else []


def query(
    connection: Connection, text: LiteralString | bytes, *values: object, **named: object
) -> list[tuple[Any, ...]]:
    """Return the rows of one question; values stand in it as %s or %(name)s. Does not write.

    What stands in front of it, as ``AS_LOGIN``, is done first. In an open transaction of a connection that
    prepares statements, the server plans the question once.
    """
    if connection.prepare_threshold is not None and session.in_transaction(connection):
        return _taken(connection, connection.execute(text, named or values or None))
    filled = psycopg.ClientCursor(connection).mogrify(text, named or values or None)
    return rows(connection, ask(connection, filled)[-1])


def query_quoted(connection: Connection, text: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of one question whose names the server has quoted; values stand in it as $1.

    In a transaction that is open already it is sent as it is, as ``ask`` does.
    """
    if session.in_transaction(connection):
        return _taken(connection, psycopg.RawCursor(connection).execute(text.encode(), values))
    try:
        message.run(connection, opening(connection))
        found = _taken(connection, psycopg.RawCursor(connection).execute(text.encode(), values))
        message.run(connection, "commit")
    finally:
        session.roll_back(connection)
    return found


def refused(error: psycopg.Error, *, who: str = "The server") -> RunnerError:
    """Return the error for a question that the server did not answer; its DETAIL, left out, may hold rows."""
    words = error.diag.message_primary or str(error)
    if error.sqlstate in _GIVEN_UP:
        return LockTimeout(f"{who} gave up a question: {words}", remedy=_AGAIN)
    hint = error.diag.message_hint
    if error.sqlstate == _NO_MEMORY and hint:
        return ServerRefused(f"{who} refused a question: {words}", remedy=f"{hint} {_LOCKS}")
    remedy = _LACKS if error.sqlstate == _NO_RIGHT else _SAID
    return ServerRefused(f"{who} refused a question: {words}", remedy=remedy)
