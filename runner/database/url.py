"""Understand a URL, and keep its password out of what people see."""

from __future__ import annotations

import re
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import UrlMalformed


def parse(url: str, *, source: str) -> dict[str, Any]:
    """Return libpq's options of a URL or conninfo text. Raises ``UrlMalformed``.

    An unescaped @ or / in a password makes libpq take the rest of it for a host or a database name, which
    would then stand in messages; such a URL is refused here.
    """
    scheme, _, rest = url.partition("://")
    if rest and scheme not in ("postgresql", "postgres"):
        raise _malformed(source, "it does not begin with postgresql://")
    try:
        options = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise _malformed(source, "it cannot be parsed") from None  # the driver's text repeats the URL
    path = rest.partition("?")[0].partition("/")[2]
    if "@" in path or "@" in str(options.get("host") or ""):
        raise _malformed(source, "user or password hold an unescaped character")
    if not re.fullmatch(r"[0-9,]*", str(options.get("port") or "")):
        raise _malformed(source, "its port is not a number")
    return options


def _malformed(source: str, reason: str) -> UrlMalformed:
    return UrlMalformed(
        f"The URL in {source} is malformed: {reason}.",
        remedy="Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE; in the password write @ as %40, "
        "/ as %2F, # as %23, ? as %3F and % as %25.",
    )


def redacted(text: str, options: dict[str, Any]) -> tuple[str, ...]:
    """Return the lines of a message without the password among ``options``."""
    if password := options.get("password"):
        text = text.replace(str(password), "***")
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def environment(url: str, *, source: str) -> tuple[dict[str, str], str]:
    """Return libpq's variables for ``url``, password included, and a conninfo of what has no variable.

    With these a program such as psql connects without a secret among its arguments.
    """
    options = parse(url, source=source)
    names = {d.keyword.decode(): d.envvar.decode() for d in pq.Conninfo.get_defaults() if d.envvar}
    variables = {names[key]: str(value) for key, value in options.items() if key in names}
    return variables, make_conninfo(**{key: value for key, value in options.items() if key not in names})


def compose(**options: Any) -> str:  # noqa: ANN401 - whatever libpq takes
    """Return the conninfo of libpq's options; ``None`` is left out."""
    return make_conninfo(**options)


def without_password(url: str, *, source: str) -> str:
    """Return the conninfo of ``url`` without the secrets in it."""
    secrets = ("password", "sslpassword")
    return make_conninfo(**{k: v for k, v in parse(url, source=source).items() if k not in secrets})


def sibling(url: str, name: str, *, source: str) -> str:
    """Return the conninfo of another database on the server of ``url``, with the same password."""
    return make_conninfo(**parse(url, source=source) | {"dbname": name})
