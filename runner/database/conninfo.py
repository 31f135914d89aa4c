"""Make other connection strings of a URL: for a program, without secrets, for another database."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.database.secret import secrets
from runner.database.url import SETTLED, parse, resolved, surroundings

if TYPE_CHECKING:
    from collections.abc import Mapping

# Demands younger than the oldest psql that is served, which overlooks their variables, but refuses an
# argument that it does not know.
_GUARDS = {"require_auth", "sslcertmode", "min_protocol_version"}


def environment(url: str, *, source: str) -> tuple[dict[str, str], str]:
    """Return an environment for a program such as psql, and a conninfo of what has no variable.

    With these the program connects as ``connect`` does, without a secret among its arguments: one that has no
    variable, such as ``sslpassword``, is left out. A demand that an old program does not know is in both: it
    refuses the conninfo. A service would win over variables, so what it says is among them. It is read as
    UTF-8, whatever the locale is.
    """
    options = parse(url, source=source)
    with surroundings(options):
        kept = {name: value for name, value in os.environ.items() if name != "PGSERVICE"}
        if "service" in options or kept.keys() != os.environ.keys():
            options = resolved(options)
            options.pop("service", None)
    variables, rest = _handed_on(options)
    return kept | variables, _utf8(make_conninfo(**rest))


def _handed_on(options: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    if options.get("sslrootcert") == "system":  # an old program takes it for a file, which need not be there
        options = {"sslmode": "verify-full"} | options
    names = {d.keyword.decode(): d.envvar.decode() for d in pq.Conninfo.get_defaults() if d.envvar}
    variables = {names[key]: _utf8(str(value)) for key, value in options.items() if key in names}
    left_out = (names.keys() | secrets()) - _GUARDS
    return variables, {key: value for key, value in options.items() if key not in left_out}


def demands(conninfo: str) -> tuple[str, str]:
    """Return what a conninfo of ``environment`` demands that an old program does not know, and the rest.

    The former lets no program connect: one that knows it stumbles over what no version knows.
    """
    options: dict[str, Any] = conninfo_to_dict(os.fsencode(conninfo).decode())
    known = {name: value for name, value in options.items() if name in _GUARDS}
    rest = {name: value for name, value in options.items() if name not in _GUARDS}
    demanded = make_conninfo(**known | {"target_session_attrs": "none"}) if known else ""
    return demanded, _utf8(make_conninfo(**rest))


def _utf8(text: str) -> str:
    """Return the text that becomes UTF-8 where Python hands it to a program."""
    return os.fsdecode(text.encode("utf-8", "surrogateescape"))


def compose(**options: Any) -> str:  # noqa: ANN401 - whatever libpq takes
    """Return the conninfo of libpq's options; ``None`` is left out."""
    return make_conninfo(**options)


def without_password(url: str, *, source: str) -> str:
    """Return the conninfo of ``url`` without the secrets in it."""
    hidden = secrets()
    return make_conninfo(**{k: v for k, v in parse(url, source=source).items() if k not in hidden})


def with_settings(url: str, settings: Mapping[str, str], *, source: str) -> str:
    """Return the conninfo of ``url`` where a session begins with ``settings``, besides those it has.

    Libpq's variables for dates and time zone do not count there.
    """
    options = {"fallback_application_name": SETTLED} | parse(url, source=source)
    given = [f"-c {name}={_escaped(value)}" for name, value in settings.items()]
    both = " ".join([*given, *filter(None, [options.get("options")])])
    return make_conninfo(**options | ({"options": both} if both else {}))


def _escaped(value: str) -> str:
    return re.sub(r"([\s\\])", r"\\\1", value)


def sibling(url: str, name: str, *, source: str) -> str:
    """Return the conninfo of another database on the server of ``url``, with the same password."""
    return make_conninfo(**parse(url, source=source) | {"dbname": name})
