"""Write annotations that GitHub Actions shows beside the line of a file: ``::error file=…,line=…::…``.

Where GITHUB_ACTIONS is set, its runner reads such lines off stdout and stderr alike. The escapes are those of
its own toolkit (packages/core/src/command.ts): of data ``%``, CR and LF, of a property ``:`` and ``,``, too.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from runner import config
from runner.errors import RunnerError

if TYPE_CHECKING:
    from runner.errors import Place

_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
JSON = r"\u{:04x}"  # how a letter is written out there
# What begins a command: its line is trimmed, or anywhere in it.
_OTHERS = re.compile(r"^(\s*):(?=:)|(##)\[", re.M)
_PROPERTY = _DATA | {":": "%3A", ",": "%2C"}


def line(
    kind: str, message: str, *, title: str, place: Place | None = None, project: Path | None = None
) -> str | None:
    """Return the annotation of a problem, ``kind`` being error, warning or notice; ``None`` elsewhere.

    ``project`` is the configuration that --config names.
    """
    if not _is_read():
        return None
    facts = {"file": _file(place.path, project), "line": place.line, "col": place.column} if place else {}
    properties = ",".join(
        f"{key}={_escaped(value, _PROPERTY)}" for key, value in (facts | {"title": title}).items()
    )
    return f"::{kind} {properties}::{_escaped(message, _DATA)}"


def unheard(text: str, *, of: str = r"\x{:02x}") -> str:
    """Return what is printed so that GitHub reads no command off it: a value in it may hold what begins one.

    ``of`` is how a letter is written out there. Elsewhere the text stays as it is.
    """
    if not _is_read():
        return text
    return _OTHERS.sub(lambda found: f"{found[1] or found[2] or ''}{of.format(ord(found[0][-1]))}", text)


def _is_read() -> bool:
    return os.environ.get("GITHUB_ACTIONS") == "true"


def _escaped(text: object, table: dict[str, str]) -> str:
    return "".join(table.get(character, character) for character in str(text))


def _file(path: str, project: Path | None) -> str:
    """Return a file as GitHub knows it, from the root of the checkout: the project may lie below that."""
    with suppress(FileNotFoundError, RunnerError):  # the working directory is gone, or the project
        root = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
        file = config.load(project).root / path
        if file.is_file() and file.is_relative_to(root):
            return file.relative_to(root).as_posix()
    return path
