"""Read the variables: the environment, and ``.env`` beside the configuration.

The environment wins. A file that exists is read or refused: skipped, its variables would count as not set.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from functools import cache
from typing import TYPE_CHECKING

from runner.errors import ConfigError, UrlMissing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

FILE = ".env"
# A byte order mark would hide the first name; a codec's error would hold all the bytes, passwords too.
DECODING = {"encoding": "utf-8-sig", "errors": "surrogateescape"}
EMBEDDED = "RUNNER_EMBEDDED"
_PREFIX = "DATABASE_URL"
_SCHEMES = ("POSTGRES://", "POSTGRESQL://")  # where a URL has no name at all
_NAMELESS = "a line like it that is no NAME=value"
_ON, _OFF = ("on", "true", "1", "yes", ""), ("off", "false", "0", "no")


def read(home: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of ``home``'s .env and of ``environ``, which wins. Raises ``ConfigError``.

    A FIFO, as password managers mount it, is waited for as by any reader, and read once in a process.
    """
    return _file(home / FILE) | dict(environ)


def _file(file: Path) -> dict[str, str]:
    try:
        mode = file.stat().st_mode
    except OSError as error:
        if isinstance(error, FileNotFoundError | NotADirectoryError) and not file.is_symlink():
            return {}
        raise _unreadable(file, str(error.strerror)) from error
    if stat.S_ISFIFO(mode):
        return _once(file)
    if not stat.S_ISREG(mode):
        raise _unreadable(file, "it is neither a file nor a FIFO")
    check_owner(file)
    return _parse(file)


def check_owner(file: Path) -> None:
    """Raise ``ConfigError`` for a file that another user has put into a folder where everybody may.

    It decides what is run, and where: so git does not look into a repository of somebody else, either (see
    safe.directory). A file that was named is meant.
    """
    if sys.platform == "win32":
        return
    folder, owners = file.parent.stat(), {file.stat().st_uid, file.lstat().st_uid}  # of a link, too
    if folder.st_mode & stat.S_IWOTH and owners - {os.geteuid(), folder.st_uid}:
        raise ConfigError(
            f"{file} belongs to another user, in a folder where everybody may write.",
            remedy="If it is meant, let it belong to you; else move it away, or name a file with --config.",
        )


def spelt(path: Path, where: str) -> Path:
    """Return a path that this locale can write: without UTF-8 Python knows no other letters of names.

    Raises ``ConfigError`` for another one, which stands in ``where``.
    """
    try:
        os.fsencode(path)
    except UnicodeEncodeError as error:
        told = f"{where}: the name of {path} has letters that are none in this locale."
        raise ConfigError(told, remedy="Set PYTHONUTF8=1.") from error
    return path


def check_meant(values: Mapping[str, str], missing: Sequence[str], *, expected: Sequence[str]) -> None:
    """Raise ``UrlMissing`` unless the embedded server may stand in for the variables that are ``missing``.

    It may where none of those ``expected`` is set, nothing looks like one, and RUNNER_EMBEDDED is not off.
    """
    found = _misspelt(values, expected)
    if not (found or values.keys() & set(expected)) and _may_embed(values):
        return
    wanted, others = " and ".join(missing), " and ".join(found)
    raise UrlMissing(
        f"{wanted} {'is' if len(missing) == 1 else 'are'} not set or empty"
        f"{f', but there is {others}: misspelt?' if others else '.'}",
        remedy=f"Set {wanted} in the environment or in .env{f', or remove {others}' if others else ''}. "
        f"(The embedded server is used only when none of {', '.join(expected)} is set, nothing that looks "
        f"like one, and {EMBEDDED} is not off.)",
    )


def _may_embed(values: Mapping[str, str]) -> bool:
    """Tell whether the embedded server may stand in, as RUNNER_EMBEDDED says. Raises ``ConfigError``."""
    from difflib import get_close_matches  # noqa: PLC0415 - as below

    meant = (EMBEDDED, "RUNNER_NO_EMBEDDED")
    if near := [n for n in values if n != EMBEDDED and get_close_matches(n.upper(), meant, cutoff=0.9)]:
        told = f"{near[0]} is set, which nothing reads."
        raise ConfigError(told, remedy=f"Write {EMBEDDED}, or remove it.")
    value = values.get(EMBEDDED, "")
    if value.strip().lower() not in _ON + _OFF:
        told = repr(value) if value.isalnum() else "neither on nor off"  # it may be a URL
        raise ConfigError(f"{EMBEDDED} is {told}.", remedy="Write on or off.")
    return value.strip().lower() in _ON


def _misspelt(values: Mapping[str, str], expected: Collection[str]) -> tuple[str, ...]:
    """Return the names that look like one of ``expected`` and are none: DATABASE_URL, DATABASE_URL_AUHT.

    A name that is merely near counts unless it holds the URL of something else than PostgreSQL. What is no
    name, as where a colon stands for the =, may hold a password: it is not repeated.
    """
    found = {
        name if is_name(name) else _NAMELESS
        for name, value in values.items()
        if name not in expected
        and (
            name.upper().startswith((_PREFIX, *_SCHEMES))
            or (_is_near(name, expected) and not re.match(r"\s*(?!postgres)[a-z][a-z0-9+.-]*://", value))
        )
    }
    return tuple(sorted(found))


def is_name(text: str) -> bool:
    """Tell whether a text is made of ASCII letters, digits and _, and does not begin with a digit."""
    return text.isascii() and text.isidentifier()


def _is_near(name: str, expected: Collection[str]) -> bool:
    from difflib import get_close_matches  # noqa: PLC0415 - start-up time: only where no URL is found

    words = re.split(r"\W+", name.upper())  # a name in quotes, or as a shell writes it: $env:NAME, %NAME%
    names = [one.upper() for one in expected]
    meant = ("".join(words), "_".join(filter(None, words)), *words)
    longer = rf"(?:.*_)?(?:{'|'.join(map(re.escape, (_PREFIX, *names)))})(?:_.*)?"
    return any(
        re.fullmatch(longer, word) or get_close_matches(word, names, n=1, cutoff=0.85) for word in meant
    )


def _parse(file: Path) -> dict[str, str]:
    """Read NAME=value lines as they are: no ${...}, which a password may hold."""
    try:
        text = file.read_text(**DECODING)
    except OSError as error:
        raise _unreadable(file, str(error.strerror)) from error
    return {name: value or "" for _, name, value in bindings(text, source=str(file))}


_once = cache(_parse)


def bindings(text: str, *, source: str) -> Iterator[tuple[int, str, str | None]]:
    """Yield line, name and value of each NAME=value in .env syntax; ``None`` where there is no ``=``.

    ``source`` is how messages name the text. Raises ``ConfigError``.
    """
    if re.search("[\0\ud800-\udfff]", text):  # a NUL as in UTF-16 without its mark: no name would be found
        raise ConfigError(f"{source} cannot be read as UTF-8 text.", remedy="Correct it.")
    from io import StringIO  # noqa: PLC0415 - as below

    from dotenv.parser import parse_stream  # noqa: PLC0415 - start-up time: most deploys have no .env

    for binding in parse_stream(StringIO(text)):
        if binding.error:
            raise ConfigError(
                f"{source}:{binding.original.line} cannot be parsed.",
                remedy="Write NAME=value, with quotes in pairs.",
            )
        if binding.key:
            yield binding.original.line, binding.key, binding.value


def expand(value: str, environ: Mapping[str, str]) -> str:
    """Return ``value`` with each ``${NAME}`` and ``${NAME:-default}`` replaced, as .env files mean it.

    Raises ``LookupError`` with the name, if it is one, of a variable that is not there and has no default.
    """
    from dotenv.variables import Variable, parse_variables  # noqa: PLC0415 - start-up time: fleets only

    atoms = tuple(parse_variables(value))
    for atom in atoms:
        if isinstance(atom, Variable) and atom.default is None and atom.name not in environ:
            raise LookupError(*filter(is_name, [atom.name]))
    return "".join(atom.resolve(environ) for atom in atoms)


def _unreadable(file: Path, why: str) -> ConfigError:
    return ConfigError(f"{file} cannot be read: {why}.", remedy="Correct it, or move it away.")
