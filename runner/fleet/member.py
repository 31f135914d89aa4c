"""Read which databases a fleet has, and choose among them."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from runner import environment
from runner.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_IN_URL = re.compile(r"[\s:@?&%=]")  # in a URL or conninfo, and in no name


@dataclass(frozen=True, slots=True)
class Member:
    """One database of a fleet, by its name; the URL may hold a password: it has no repr."""

    name: str
    url: str = field(repr=False)


def read(fleet: Path | str | Mapping[str, str], environ: Mapping[str, str]) -> tuple[Member, ...]:
    """Return the members of a file of lines NAME=URL, or of a mapping. Raises ``ConfigError``."""
    if not isinstance(fleet, Path | str):
        return _some((Member(name, url) for name, url in fleet.items()), "The fleet")
    file = Path(fleet)
    try:
        text = file.read_text(**environment.DECODING)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}.", remedy="Check --fleet.") from error
    return parse(text, source=str(file), environ=environ)


def parse(text: str, *, source: str, environ: Mapping[str, str]) -> tuple[Member, ...]:
    """Return the members that a text names, a line NAME=URL each, in the syntax of .env files.

    A variable in braces is taken from ``environ``; one that is not set would leave a password out, so that is
    refused, as are a name without a URL, a name that stands there twice, and a URL without a name, which may
    hold a password. Raises ``ConfigError``.
    """
    known: dict[str, int] = {}
    members = []
    for line, name, value in environment.bindings(text, source=source):
        where = f"{source}:{line}"
        if _IN_URL.search(name):
            raise ConfigError(
                f"{where} does not begin with the name of a database.", remedy="Write NAME=URL."
            )
        if name in known:
            raise ConfigError(
                f"{where} names {name} a second time, after line {known[name]}.", remedy="Rename one."
            )
        known[name] = line
        members.append(Member(name, _url(name, value, where, environ)))
    return _some(members, source)


def _url(name: str, value: str | None, where: str, environ: Mapping[str, str]) -> str:
    try:
        url = environment.expand(value or "", environ)
    except LookupError as error:
        lacking = f"the variable {error.args[0]}" if error.args else "a variable"
        raise ConfigError(
            f"{where}: the URL of {name} needs {lacking}, which is not set.",
            remedy="Set it in the environment.",
        ) from error
    if not url:
        raise ConfigError(f"{where}: {name} has no URL.", remedy="Write NAME=URL.")
    return url


def _some(members: Iterable[Member], source: str) -> tuple[Member, ...]:
    if found := tuple(members):
        return found
    raise ConfigError(f"{source} names no database.", remedy="Write a line NAME=URL for each.")


def is_exposed(file: Path) -> bool:
    """Tell whether others than its owner may read a file that holds URLs."""
    mode = file.stat().st_mode
    return stat.S_ISREG(mode) and bool(mode & (stat.S_IRGRP | stat.S_IROTH))


def choose(
    members: Sequence[Member], *, only: Sequence[str] = (), but: Sequence[str] = ()
) -> tuple[Member, ...]:
    """Return the members whose names match one of ``only``, if there is one, and none of ``but``.

    A text is one pattern. Raises ``UsageError`` for one that matches nothing, which may be a slip of the pen,
    and when nothing is left.
    """
    only, but = _several(only), _several(but)
    for pattern in (*only, *but):
        if not any(fnmatchcase(member.name, pattern) for member in members):
            raise UsageError(f"No database of the fleet matches {pattern}.", remedy="Correct the pattern.")
    chosen = tuple(
        member for member in members if (not only or _matches(member, only)) and not _matches(member, but)
    )
    if not chosen:
        raise UsageError("No database of the fleet is left.", remedy="Leave fewer of them out.")
    return chosen


def _several(names: Iterable[str]) -> tuple[str, ...]:
    """Return names, and one by itself: each of its letters is one, for Python; an iterator goes but once."""
    return (names,) if isinstance(names, str) else tuple(names)


def _matches(member: Member, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(member.name, pattern) for pattern in patterns)


def canaries(members: Sequence[Member], canary: int | Sequence[str]) -> tuple[Member, ...]:
    """Return those that go first: the first few, or those named. Raises ``UsageError``."""
    if isinstance(canary, int):
        if canary < 0:
            raise UsageError(f"canary is {canary}.", remedy="Say how many members go first, or which.")
        return tuple(members[:canary])
    by_name = {member.name: member for member in members}
    names = _several(canary)
    for name in names:
        if name not in by_name:
            raise UsageError(
                f"There is no database {name} among those chosen, to be the canary.",
                remedy="Name one of the fleet, or how many go first.",
            )
    return tuple(by_name[name] for name in dict.fromkeys(names))
