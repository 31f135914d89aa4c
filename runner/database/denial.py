"""Name what a server says as it refuses a connection: what to do, and whether trying again can help."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from runner.database import passfile
from runner.errors import AccessDenied, CannotConnect, DatabaseMissing, RoleMissing

if TYPE_CHECKING:
    from runner.errors import RunnerError

WRONG_PASSWORD, REJECTED, _NO_RIGHT, _SHUT, _FULL = "28P01", "28000", "42501", "55000", "53300"
_NO_DATABASE = "3D000"
LET_IN = "00000"  # successful_completion: of the second try
# Classes: not supported, data, authorization, names and rights; and a database that is closed.
_FOR_EVER = ("0A", "22", "28", "42", _SHUT)
_OF_ROLES, _OF_DATABASES, _OF_LIBRARIES = "miscinit", "postinit", "dfmgr"  # files of the server's source
HBA = "pg_hba.conf"
_REMEDIES = {
    WRONG_PASSWORD: "Check user and password of the URL.",
    _NO_RIGHT: "As an administrator: grant connect on database {dbname} to {user};",
    _SHUT: "As an administrator: alter database {dbname} allow_connections true;",
    _FULL: "As an administrator: alter database {dbname} connection limit -1;",
    REJECTED: f"Let {HBA} of the server admit this user, database and address, or use another URL.",
}
_OPTION = "Correct the option that the server names, in the URL or in PGOPTIONS."
_REPLICATION = "Take `replication` out of the URL: such a session is for the server's log alone."
_WALSENDER = ("true", "on", "yes", "1", "database")  # values of that option
_OF_POOLER = {"authentication failed": _REMEDIES[WRONG_PASSWORD], "unsupported startup parameter": _OPTION}
_LIBRARY = "As an administrator: install what it names, or take it out of session_preload_libraries."
_PEER = re.compile("peer", re.IGNORECASE)  # in all languages; what it compares stands in pg_hba.conf
# The one way to be refused of this SQLSTATE that no name tells in all languages of PostgreSQL's catalogs.
_CERTIFICATE = re.compile(
    "certifi|zertifi|sertifi|certyfi|сертиф|სერტიფიკატ|証明|인증서|证书|憑證", re.IGNORECASE
)
_HALF_DROPPED = (
    "A drop of it was interrupted, and nothing else can be done with it. As an administrator: "
    "drop database {dbname}; and make it anew."
)
_CLIENT = (
    "Name a certificate for this user that the server takes, and its key: sslcert and sslkey in the URL."
)
_ASKED = (
    "Check user and password (or token) of the URL: the server asks another system about them (PAM, LDAP, "
    "RADIUS, ident)."
)
TICKET = "Get a ticket for this user (kinit), or have the server ask for another way to log in."
_WAIT = "Run again when a session has ended, or let the server take more: max_connections."
_WAIT_ROLE = (  # nobody who comes as this role can ask for its limit
    "Run again when a session of the role has ended. Where its limit is 0, or too low, as an administrator: "
    "alter role {user} connection limit -1;"
)
_WAIT_DATABASE = (
    "Run again when a session of the database has ended. Where its limit is too low, as an administrator: "
    "alter database {dbname} connection limit -1;"
)
_LIMIT = "select datconnlimit from pg_catalog.pg_database where datname operator(pg_catalog.=) %s"
_BODY = "PL/pgSQL"  # in a context, in any language: event triggers run at a login since PostgreSQL 17
_TRIGGER = (
    "An event trigger of the database fails at each login. As an administrator: connect with "
    "options=-cevent_triggers=off, then mend its function or disable it."
)
# What a pooler says of its own bears one of these, in English (PgBouncer, Pgpool-II; observed).
_OF_POOLERS = ("08P01", "XX000")
_NAMES_NONE = "no such database"
SILENT = "Check that it runs, and the host and port of the URL."
_REPLAY = "Run again, or use the primary: a standby gives up a login in favour of what it replays."
_PASSING = {LET_IN: "It let us in a moment later: run again.", "40001": _REPLAY, "40P01": _REPLAY}
ANSWERS = "It answers: what it says is to be mended there. A pooler speaks of its own users and servers."
_IS_CLOSED, _IS_INVALID = 0, -2  # the second where a drop was interrupted
_INVALID = "invalid database"  # in English, for whoever may not ask
_OF_LIMIT = "too many connections for database"  # likewise


class Told(NamedTuple):
    """What the server says when it refuses a connection, and the file of its source that says so."""

    sqlstate: str
    source: str
    text: str


def named(told: Told, options: dict[str, Any], *, source: str) -> RunnerError:
    """Return the error for a connection that the server has refused. May ask another database of it."""
    names = {key: _quoted(str(options.get(key) or "")) for key in ("dbname", "user")}
    if told.sqlstate == _NO_DATABASE:
        return DatabaseMissing(
            f"The server of {source} has no database {options.get('dbname')}.",
            remedy=f"Create it as an administrator: create database {names['dbname']};",
        )
    if told.sqlstate == REJECTED and told.source == _OF_ROLES:
        return RoleMissing(
            f"The server of {source} has no role {options.get('user')} that may log in.",
            remedy=f"Create it as an administrator: create role {names['user']} login; or, if it is there, "
            f"let it log in: alter role {names['user']} login;",
        )
    limit = _limit(options) if told.source == _OF_DATABASES and told.sqlstate in (_FULL, _SHUT) else None
    if _is_for_ever(told) or limit == _IS_CLOSED:
        is_invalid = limit == _IS_INVALID or (told.sqlstate == _SHUT and _INVALID in told.text)
        remedy = _HALF_DROPPED if is_invalid else _remedy(told, options)
        return AccessDenied(f"The server of {source} refuses the connection.", remedy=remedy.format(**names))
    if told.sqlstate == _FULL:
        has_limit = (limit or 0) > 0 or _OF_LIMIT in told.text
        wait = _WAIT_ROLE if told.source == _OF_ROLES else _WAIT_DATABASE if has_limit else _WAIT
        return unreachable(source, remedy=wait.format(**names))
    if told.sqlstate in _OF_POOLERS:
        return _of_pooler(told, str(options.get("dbname")), source)
    return unreachable(source, remedy=_PASSING.get(told.sqlstate, SILENT))


def _of_pooler(told: Told, dbname: str, source: str) -> RunnerError:
    """Return the error for what a pooler says of its own. What is not known may pass."""
    if _NAMES_NONE in told.text:
        return DatabaseMissing(
            f"The pooler of {source} knows no database {dbname}.",
            remedy="Name it in the configuration of the pooler, or correct the URL.",
        )
    for words, remedy in _OF_POOLER.items():
        if words in told.text:
            return AccessDenied(f"The pooler of {source} refuses the connection.", remedy=remedy)
    return unreachable(source, remedy=ANSWERS)


def unreachable(source: str, *, remedy: str = SILENT) -> CannotConnect:
    """Return the error for a server that may answer another try."""
    return CannotConnect(f"Cannot connect to the server of {source}.", remedy=remedy)


def no_password(options: dict[str, Any], *, source: str) -> AccessDenied:
    """Name a password file that libpq has ignored, of which it tells stderr alone, or nobody."""
    told = f"The server of {source} asks for a password, and there is none"
    file = Path(str(options.get("passfile") or ""))
    if why := passfile.ignored(file):
        return AccessDenied(
            f"{told}: {file} was ignored, for {why}.",
            remedy="Let it be a file that this user alone may read (chmod 600; in Kubernetes "
            "defaultMode: 0400, without fsGroup), or put the password into the URL.",
        )
    return AccessDenied(f"{told}.", remedy="Put it into the URL or a password file.")


def _remedy(told: Told, options: dict[str, Any]) -> str:
    if _BODY in told.text:
        return _TRIGGER
    if told.source == _OF_LIBRARIES:
        return _LIBRARY
    if told.sqlstate == _NO_RIGHT and options.get("replication") in _WALSENDER:
        return _REPLICATION
    if told.sqlstate == _NO_RIGHT and told.source != _OF_DATABASES:
        return _OPTION
    said = told.text.rpartition(f"{told.sqlstate}: ")[2]
    user = re.escape(str(options.get("user")))
    words = re.sub(rf"[^\w\s]\s?{user}\s?[^\w\s]", "", said)  # in the quotes of any language
    if told.sqlstate == REJECTED and HBA not in said and not _PEER.search(words):
        asked = TICKET if re.search("GSSAPI|SSPI", words) else _ASKED
        return _CLIENT if _CERTIFICATE.search(words) else asked
    return _REMEDIES.get(told.sqlstate, _OPTION)


def _is_for_ever(told: Told) -> bool:
    return told.sqlstate.startswith(_FOR_EVER) or told.source == _OF_LIBRARIES or _BODY in told.text


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else sql.Identifier(name).as_string()


def _limit(options: dict[str, Any]) -> int | None:
    """Return how many sessions a database admits, as far as the maintenance database may be asked."""
    try:
        with psycopg.connect(make_conninfo(**options | {"dbname": "postgres"})) as connection:
            row = connection.execute(_LIMIT, (options.get("dbname"),)).fetchone()
            return row[0] if row else None
    except psycopg.Error:
        return None
