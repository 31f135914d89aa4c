"""Find out why a connection could not be made: what to do, and whether trying again can help.

The server's words are translated, and libpq does not hand out the SQLSTATE of a refused connection; but it
writes one into its message for whoever asks to be told more. So a refused connection is tried once more in
that way, but for a failed login that is told in English: a directory may lock who fails a few times.
"""

from __future__ import annotations

import ctypes
import re
import socket
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import psycopg
from psycopg import pq, waiting
from psycopg.conninfo import make_conninfo

from runner.database import answer, attention, denial
from runner.database.denial import Told
from runner.database.secret import misread
from runner.database.url import EMBEDDED, is_utf8, redacted
from runner.errors import (
    AccessDenied,
    CannotConnect,
    HostUnknown,
    RunnerError,
    ServerUnusable,
    TlsRefused,
    UrlMalformed,
)

if TYPE_CHECKING:
    from psycopg.abc import PQGenConn
    from psycopg.pq.abc import PGconn

_VERBOSE = 2  # PQERRORS_VERBOSE
_SECONDS = 10
_ENCODING = {"client_encoding": "utf8"}  # as at the first try
_NO_SUCH_HOST = re.compile(r"(?:failed to resolve host .*|\A)\[Errno (-?\d+)\]|could not translate host name")
_TRY_AGAIN = "Temporary failure"
_NAMELESS = re.compile(
    r"local user with ID \d+ does not exist|could not look up local user|user name lookup failure"
)
_OTHER = re.compile(
    r"session is (?:not )?read-only|server is (?:not )?in hot standby mode|server only supports protocol"
)
_EMBEDDED = "Run again. If it stays so, look at the end of its log, in .postgres/."
_ANSWER = re.compile(r"failed: (?:FATAL|ERROR):  ")
_LATE = re.compile(  # what libpq looks at only when it connects
    r"invalid integer value|must be an integer|setsockopt.* failed: Invalid argument|parse network address"
)


class Refused(NamedTuple):
    """A connection that could not be made, and what was said of it."""

    conninfo: str
    text: str


def named(error: psycopg.Error, options: dict[str, Any], *, source: str) -> RunnerError:
    """Return the error for a connection that ``options`` did not bring about. Tries to connect again.

    None of its lines repeats a password. What is no UTF-8 comes of a variable or a service, where libpq finds
    it again.
    """
    if found := misread(options):
        where = f"The URL in {source}, or a PG variable or service beside it,"
        return UrlMalformed(f"{where} is malformed: {found[0]}.", remedy=found[1])
    notes = redacted(str(error), options)
    options = {name: value for name, value in options.items() if is_utf8(str(value))}
    told = None if _is_told(error) else _ask(Refused(make_conninfo(**options | _ENCODING), str(error)))
    problem = denial.named(told, options, source=source) if told else _of_libpq(error, options, source)
    problem.notes = notes
    is_embedded = options.get("fallback_application_name") == EMBEDDED
    if is_embedded and problem.remedy in (denial.SILENT, denial.ANSWERS):
        problem.remedy = _EMBEDDED
    return problem


def _is_told(error: psycopg.Error) -> bool:
    """Tell whether no server would say more. A silent name server takes its time with each look-up."""
    if isinstance(error, psycopg.ProgrammingError):  # of psycopg, before it asks one
        return True
    text = str(error)
    is_nameless = _NO_SUCH_HOST.search(text) and not _ANSWER.search(text)
    return isinstance(error, psycopg.errors.ConnectionTimeout) or bool(is_nameless)


def _ask(refused: Refused) -> Told | None:
    """Return the server's refusal, if it is the server that refuses. Tries again, but for a failed login."""
    try:
        libpq = _libpq()
        if told := answer.of_login(refused.text):
            return told
        attempt = attention.limited(_attempt(refused.conninfo, libpq), seconds=_SECONDS)
        pgconn = waiting.wait_conn(attempt, interval=attention.INTERVAL)
    except (psycopg.Error, OSError, AttributeError):
        return None  # another way to load libpq than those known here: the reason stays unknown
    text, is_let_in = pgconn.get_error_message("utf-8"), pgconn.status == pq.ConnStatus.OK
    pgconn.finish()
    if is_let_in and _ANSWER.search(refused.text):
        return Told(denial.LET_IN, "", "")
    return answer.verbose(text)


def _libpq() -> Any:  # noqa: ANN401 - a library
    """Return the libpq that psycopg uses: psycopg hands out its connections for what it does not wrap."""
    file = sys.modules[pq.PGconn.__module__].__file__ or ""
    if file.endswith(".py"):
        from psycopg.pq import _pq_ctypes  # noqa: PLC0415 - only there without psycopg's C modules

        return _pq_ctypes.pq  # type: ignore[attr-defined] # the stubs leave it out
    return ctypes.CDLL(file)  # finds what the module is linked to


def _attempt(conninfo: str, libpq: Any) -> PQGenConn[PGconn]:  # noqa: ANN401 - a library
    pgconn: Any = pq.PGconn.connect_start(conninfo.encode())
    libpq.PQsetErrorVerbosity(ctypes.c_void_p(pgconn.pgconn_ptr), _VERBOSE)
    while pgconn.status != pq.ConnStatus.BAD:
        polled = pgconn.connect_poll()
        if polled in (pq.PollingStatus.OK, pq.PollingStatus.FAILED):
            break
        wanted = waiting.Wait.R if polled == pq.PollingStatus.READING else waiting.Wait.W
        while not (yield pgconn.socket, wanted):
            pass
    return cast("PGconn", pgconn)


def _of_libpq(error: psycopg.Error, options: dict[str, Any], source: str) -> RunnerError:
    text = str(error)
    if error.pgconn and error.pgconn.needs_password:
        return denial.no_password(options, source=source)
    found = _NO_SUCH_HOST.search(text)
    if found and not (answer.TRY in text or _is_passing(text, found.group(1))):
        return HostUnknown(f"The host of {source} is unknown.", remedy="Check the host of the URL.")
    if problem := _untrusted(text, source):
        return problem
    if _OTHER.search(text):
        return _not_as_asked(options, source)
    is_refused = isinstance(error, psycopg.ProgrammingError) or _LATE.search(text)
    if is_refused or (not (found or _was_tried(error)) and _is_nonsense(options)):
        return _malformed(text, source)
    return denial.unreachable(source, remedy=denial.ANSWERS if _ANSWER.search(text) else denial.SILENT)


def _untrusted(text: str, source: str) -> RunnerError | None:
    """Name a connection of which the server cannot be sure, or the client; nothing for any other."""
    if answer.NO_TICKET.search(text):
        told = f"The server of {source} asks for a ticket of Kerberos, and there is none that will do."
        return AccessDenied(told, remedy=denial.TICKET)
    if remedy := answer.unsafe(text):
        told = f"There is no connection to the server of {source} that is as safe as it must be."
        return TlsRefused(told, remedy=remedy)
    return None


def _malformed(text: str, source: str) -> UrlMalformed:
    if _NAMELESS.search(text):
        return UrlMalformed(
            f"The URL in {source} names no role, and this process's user has no name here to stand for one.",
            remedy="Write the role into the URL, postgresql://ROLE@…, or set PGUSER.",
        )
    return UrlMalformed(
        f"The URL in {source}, or a PG variable or service beside it, holds what libpq does not take.",
        remedy="Correct what it names.",
    )


def _not_as_asked(options: dict[str, Any], source: str) -> RunnerError:
    """Name a server that is another one than the URL wants; of several the right one may be about to come."""
    if "," in str(options.get("host") or options.get("hostaddr")):
        return CannotConnect(
            f"No server of {source} is what the URL asks for.",
            remedy="Look which one is to be (target_session_attrs), and run again when it is.",
        )
    return ServerUnusable(
        f"The server of {source} is not what the URL asks for.",
        remedy="Use one that is, or correct target_session_attrs or min_protocol_version.",
    )


def _is_passing(text: str, number: str | None) -> bool:
    """Tell whether the name server is to blame, which may answer in a moment."""
    return number == str(int(socket.EAI_AGAIN)) if number else _TRY_AGAIN in text


def _was_tried(error: psycopg.Error) -> bool:
    """Tell whether a server was spoken to, or spoken at: asking again could take as long once more."""
    return isinstance(error, psycopg.errors.ConnectionTimeout) or bool(error.pgconn and error.pgconn.hostaddr)


def _is_nonsense(options: dict[str, Any]) -> bool:
    """Tell whether libpq finds nothing in the options that could be tried."""
    return pq.PGconn.ping(make_conninfo(**options).encode()) == pq.Ping.NO_ATTEMPT
