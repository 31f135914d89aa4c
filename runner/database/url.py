"""Understand a URL, and keep its password out of what people see."""

from __future__ import annotations

import os
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.database.secret import misread, secrets, veiled
from runner.errors import UrlMalformed

if TYPE_CHECKING:
    from collections.abc import Iterator

# Marks the URL of the embedded server, which must be reached whatever the environment says.
EMBEDDED = "socrates-migrate"
SETTLED = "socrates-migrate-scratch"  # that of a scratch server, whose sessions begin as it says
_HIDDEN = {EMBEDDED: ("PG",), SETTLED: ("PGTZ", "PGDATESTYLE")}
_ALONE = threading.RLock()  # who hides the variables: another thread would bring them back too early
_SHAPE = (
    "Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in the password write @ as %40, / as %2F, "
    "# as %23, ? as %3F and % as %25."
)
_BYTES = (
    "it holds bytes that are no UTF-8",
    "Write the bytes of UTF-8, each behind its own %: é is %C3%A9, and not %E9.",
)
_IN_PORT = set("0123456789,")
_PORTS = 2**16
_QUOTES = ("'", '"')
_LONG = 8  # letters of a password: it is hidden wherever it stands, within a word, too
_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

# What other programs put behind the ?, and libpq refuses.
_CURES = {
    "schema": "Take schema=… out: the files name their schemas. A search_path is written "
    "options=-csearch_path%3DNAME.",
    "pgbouncer": "Take pgbouncer=… out, and use the server's own port: a migration wants a session.",
    "connection_limit": "Take connection_limit=… out: the runner needs one connection, and another to look.",
    "sslaccept": "Take sslaccept=… out; write sslmode=require, or sslmode=verify-full.",
}


def parse(url: str, *, source: str) -> dict[str, Any]:
    """Return libpq's options of a URL or conninfo text. Raises ``UrlMalformed``.

    An unescaped @ or / in a password makes libpq take the rest of it for a host or a database name, which
    would then stand in messages; such a URL is refused here.
    """
    if not is_utf8(url):
        raise _malformed(source, *_BYTES)
    scheme, _, rest = url.partition("://")
    _check_edges(url, source, is_url=bool(rest))
    if rest and scheme not in ("postgresql", "postgres"):
        raise _malformed(source, "it does not begin with postgresql://")
    options = _read(url)
    if isinstance(options, tuple):
        _check_parameters(url, source)
        raise _malformed(source, *options)
    if found := misread(options):
        raise _malformed(source, *found)
    path = rest.partition("?")[0].partition("/")[2]
    # A host that begins with @ is an abstract socket; in a URL its @ is written %40, as in a password.
    where = re.split("[/?]", rest.partition("@")[2])[0]
    hosts = str(options.get("host") or "").split(",")
    if "@" in path or "@" in where or any("@" in host[1:] for host in hosts):
        raise _malformed(source, "user or password hold an unescaped character")
    if not _has_port(options):
        raise _malformed(source, "its port is not a number")
    if any(not 0 < int(port) < _PORTS for port in str(options.get("port") or "").split(",") if port):
        raise _malformed(source, f"its port is not between 1 and {_PORTS - 1}")
    if (options.get("sslmode") or "require") not in _MODES:
        raise _malformed(source, "its sslmode is none that libpq knows", f"Known are {', '.join(_MODES)}.")
    return options


def _read(url: str) -> dict[str, Any] | tuple[str, ...]:
    """Return libpq's options, or what is wrong. The driver's error repeats the URL, and ends here."""
    try:
        return conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        return ("it cannot be parsed",)
    except UnicodeError:
        return _BYTES


def is_utf8(text: str) -> bool:
    """Tell whether a text has none of the bytes that Python keeps of a variable it cannot decode."""
    return text.encode(errors="ignore").decode() == text


def _check_edges(url: str, source: str, *, is_url: bool) -> None:
    """Refuse what a file, a shell or ``docker --env-file`` has put around a URL."""
    if url[:1] in _QUOTES or (is_url and url[-1:] in _QUOTES):
        raise _malformed(
            source,
            "quotes around it are part of the value",
            "Take them away: who hands the value on, such as docker --env-file, keeps them.",
        )
    if is_url and (url != url.strip() or not url.isprintable()):
        raise _malformed(
            source,
            "a newline or a blank stands before, behind or in it",
            "Remove it: a secret made with `echo` ends in a newline, with `printf %s` it does not.",
        )


def _check_parameters(url: str, source: str) -> None:
    """Name a parameter that libpq does not know; never what may be a part of a password."""
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()} | {"ssl"}
    head, _, query = url.partition("?")
    if "://" not in url:  # keyword=value; what stands behind a password may belong to it
        parts = [part for part in re.split("|".join(secrets()), url)[0].split() if "=" in part]
    elif query and "@" not in query and _is_sound(head):
        parts = query.split("&")
    else:
        return
    for part in parts:
        name, sign, value = part.partition("=")
        if "password" in name or name in secrets():
            return  # what stands behind it may belong to it
        if name == "ssl" and value != "true":
            raise _malformed(source, "libpq has no parameter ssl but for ssl=true", "Write sslmode=require.")
        if name in known and not sign:
            raise _malformed(source, f"its parameter {name} has no value", f"Write {name}=VALUE.")
        if name not in known and re.fullmatch(r"[A-Za-z_][\w.-]{0,40}", name):
            cure = _CURES.get(name, f"Take {name}=… out: it is another driver's or tool's.")
            raise _malformed(source, f"libpq has no parameter {name}", cure)


def _is_sound(head: str) -> bool:
    """Tell whether a URL without its parameters is one, so that what follows it is no part of a password."""
    options = _read(head)
    return isinstance(options, dict) and _has_port(options)


def _has_port(options: dict[str, Any]) -> bool:
    """Tell whether the port, if there is one, is a number, or a list of some."""
    return set(str(options.get("port") or "")) <= _IN_PORT


def _malformed(source: str, reason: str, remedy: str = _SHAPE) -> UrlMalformed:
    return UrlMalformed(f"The URL in {source} is malformed: {reason}.", remedy=remedy)


def redacted(text: str, options: dict[str, Any]) -> tuple[str, ...]:
    """Return the lines of a message without the secrets among ``options``.

    A short one only where it is a word, and none that is the user or another word of the URL as well: what is
    left out of the server's own words would tell it.
    """
    names = secrets()
    shown = {str(value) for name, value in options.items() if name not in names} | {""}
    for secret in {str(options.get(name) or "") for name in names} - shown:
        edges = (r"(?<!\w)", r"(?!\w)") if len(secret) < _LONG else ("", "")
        text = re.sub(re.escape(secret).join(edges), "***", text)
    return tuple(line.strip() for line in veiled(text).splitlines() if line.strip())


def resolved(options: dict[str, Any]) -> dict[str, str]:
    """Return all that is known of a connection, from ``options``, a service and the environment, by libpq.

    What it would do by itself is left out.
    """
    unusable = options | {"target_session_attrs": "none"}  # so that libpq looks all up and then stops
    pgconn = pq.PGconn.connect_start(make_conninfo(**unusable).encode())
    by_itself = {one.keyword: one.compiled for one in pq.Conninfo.get_defaults()}
    known = {one.keyword.decode(): one.val for one in pgconn.info if one.val != by_itself[one.keyword]}
    pgconn.finish()
    known.pop("target_session_attrs")
    found = {key: os.fsdecode(value) for key, value in known.items() if value is not None}
    return found | {key: str(value) for key, value in options.items()}


@contextmanager
def surroundings(options: dict[str, Any]) -> Iterator[None]:
    """Hide libpq's variables for a while from a connection to the embedded server, which is complete.

    A service, or another host's address, would win over what its URL leaves open, and no URL can refuse one;
    as variables would over what the URL of a scratch server sets.
    """
    foreign = _HIDDEN.get(str(options.get("fallback_application_name")))
    if foreign is None:
        yield
        return
    with _ALONE:
        hidden = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith(foreign)}
        try:
            yield
        finally:
            os.environ.update(hidden)
