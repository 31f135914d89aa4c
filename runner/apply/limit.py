"""Name the limit of the server that struck a file, and how it is lifted: trying again does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import database
from runner.apply.failure import CORRECT

if TYPE_CHECKING:
    from runner.database import Connection, Error
    from runner.errors import RunnerError
    from runner.model import Limits

CANCELLED = "57014"

_OTHERS = "Somebody cancelled it, or a statement_timeout that it sets itself did."
_SHORTER = f"If it took less: {_OTHERS[0].lower()}{_OTHERS[1:]}"

_WITHIN = (
    "The server ends every transaction here after its transaction_timeout. Let the file begin with "
    "`set local transaction_timeout = 0;`, or lift it for the role that migrates: "
    "alter role … set transaction_timeout = 0; (with `in database …` where it is set so; "
    "what comes from the URL or PGOPTIONS is taken out there)"
)
_GIVEN = "the options of the URL or of PGOPTIONS"

# What the session began with: the value at hand is that of the question. What is set for the role in this
# database counts before what is set for the role.
_OWN = """
    select reset_val || unit, pg_catalog.quote_ident(session_user) || case when exists (
            select from pg_catalog.pg_db_role_setting as s, pg_catalog.unnest(s.setconfig) as u (setting)
            where s.setrole = (select r.oid from pg_catalog.pg_roles as r where r.rolname = session_user)
                and s.setdatabase = (
                    select d.oid from pg_catalog.pg_database as d where d.datname = current_database()
                )
                and pg_catalog.starts_with(u.setting, 'statement_timeout=')
        ) then ' in database ' || pg_catalog.quote_ident(pg_catalog.current_database()) else '' end
    from pg_catalog.pg_settings where name = 'statement_timeout' and reset_val <> '0'
"""

_WHO = "select pg_catalog.quote_ident(session_user), pg_catalog.quote_ident(pg_catalog.current_database())"


def explain(
    problem: RunnerError, error: Error, connection: Connection, limits: Limits, *, alone: bool = False
) -> RunnerError:
    """Add to the problem of a file what lifts the limit that struck it, if one did. Rolls back.

    ``alone`` says that the file ran outside any transaction.
    """
    if cure := _cure(error, connection, limits, alone=alone):
        problem.remedy = f"{(problem.remedy or '').removesuffix(CORRECT)}{cure}"
    return problem


def _outside(connection: Connection) -> str:
    """Return what lifts transaction_timeout for a file outside any: it cannot do that itself."""
    if _is_given(connection, "transaction_timeout"):
        return f"transaction_timeout is among {_GIVEN}: take it out there."
    [(role, name)] = [("…", "…")] if connection.closed else database.query(connection, _WHO)
    return (
        "The server ends every transaction here after its transaction_timeout, also those of this statement. "
        "Lift it for the role that migrates: "
        f"alter role {role} in database {name} set transaction_timeout = 0;"
    )


def _is_given(connection: Connection, name: str) -> bool:
    """Tell whether the client has set a limit: nothing on the server counts before that."""
    return not connection.closed and name.encode() in connection.pgconn.options.lower().replace(b"-", b"_")


def _cure(error: Error, connection: Connection, limits: Limits, *, alone: bool) -> str | None:
    if error.sqlstate == database.TRANSACTION_TIMEOUT:
        return _outside(connection) if alone else _WITHIN
    if error.sqlstate != CANCELLED:
        return None
    database.roll_back(connection)
    if limits.statement_timeout:
        limit = f"--statement-timeout is {limits.statement_timeout:g} s: give it more; 0 is no limit."
        return f"{limit} {_SHORTER}"
    own = [] if limits.statement_timeout == 0 or connection.closed else database.query(connection, _OWN)
    for value, role in own:
        if _is_given(connection, "statement_timeout"):
            told = f"statement_timeout is {value} among {_GIVEN}: give the file more there, or with"
            return f"{told} --statement-timeout SECONDS (0 is no limit). {_SHORTER}"
        return (
            f"The server's statement_timeout is {value} for this role and database: give the file more with "
            f"--statement-timeout SECONDS (0 is no limit), or: alter role {role} set statement_timeout = 0; "
            f"{_SHORTER}"
        )
    return _OTHERS
