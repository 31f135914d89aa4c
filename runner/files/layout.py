"""Lay out a new project: configuration, folder, first file, and what git is to ignore."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from runner.errors import ConfigError, UsageError
from runner.files import template
from runner.files.disk import write, writing

if TYPE_CHECKING:
    from pathlib import Path

FIRST = "first"
_IGNORED = (".env", ".postgres/")

CONFIGURATION = """\
# What socrates-migrate applies: the folder of the files, the database's name, and the *name* of the variable
# (environment or .env) that holds its URL. {series} is the name of the series.

[tool.runner.databases.{series}]
sql = "sql/{series}"
database = "{series}"
url = "{variable}"
"""


def lay_out(root: Path, file: Path, series: str, *, written: list[Path] | None = None) -> tuple[Path, ...]:
    """Write a project of one series into ``root``, or a further series; return what was written.

    ``file`` is its pyproject.toml; what it holds stays. A folder that has files already gets no first one.
    ``written`` takes each file as it is written, for who must know it when the next one cannot be.
    Nothing is overwritten, and nothing written before all was looked at. Raises ``UsageError`` for a name
    that cannot be one or a series that is configured, ``ConfigError`` for a file that cannot be added to,
    ``FileUnwritable`` for a folder or file that cannot be written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", series):
        raise UsageError(
            f"{series!r} is not a name for a series.", remedy="Begin with a-z; then use a-z, 0-9 and _."
        )
    variable = f"DATABASE_URL_{series.upper()}"
    text = _configuration(file, series, variable)
    folder = root / "sql" / series
    written = written if written is not None else []
    if not any(folder.glob("*.sql")):
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
        written += template.create(series, folder, FIRST, root=root, variable=variable)
    if _ignore(root / ".gitignore"):
        written.append(root / ".gitignore")
    write(file, text)  # last: it is what makes the project one
    written.insert(0, file)
    return tuple(written)


def _configuration(file: Path, series: str, variable: str) -> str:
    """Return the configuration with the new series at its end."""
    before = _text(file)
    end = _line_end(before)
    added = CONFIGURATION.format(series=series, variable=variable).replace("\n", end)
    text = f"{before.rstrip()}{end}{end}{added}" if before.strip() else added
    try:
        known = _configured(before)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{file} cannot be added to: {error}.", remedy="Correct it, then try again."
        ) from error
    if known and series in known:
        raise UsageError(
            f"{file.name} has a series {series} already.", remedy=f"Use `new {series} NAME` for a file."
        )
    if known is None or not _holds(text, known | (_configured(added) or {})):
        raise ConfigError(
            f"{file} cannot be added to: its tool.runner.databases is not written as tables.",
            remedy="Begin a table [tool.runner.databases.NAME] for each series, then try again.",
        )
    return text


def _configured(text: str) -> dict[str, Any] | None:
    """Return the series of a configuration; ``None`` where something else stands in their place."""
    found: Any = tomllib.loads(text.removeprefix("\ufeff"))
    for name in ("tool", "runner", "databases"):
        found = found.get(name, {})
        if not isinstance(found, dict):
            return None
    return dict(found)


def _holds(text: str, series: dict[str, Any]) -> bool:
    """Tell whether a configuration, to which was added, can be read and has these series."""
    try:
        return _configured(text) == series
    except tomllib.TOMLDecodeError:
        return False


def _text(file: Path) -> str:
    """Return what a file holds, nothing when it is not there."""
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            return opened.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"{file} cannot be added to: {reason}.", remedy="Correct it, try again.") from error


def _line_end(text: str) -> str:
    """Return how the lines of a file end, which what is added to it is to do as well."""
    return "\r\n" if "\r\n" in text else "\n"


def _ignore(file: Path) -> bool:
    """Add what holds secrets and data to .gitignore; tell whether it was changed."""
    before = _text(file)
    missing = [line for line in _IGNORED if line not in before.splitlines()]
    if missing:
        end = _line_end(before)
        start = before if not before or before.endswith("\n") else before + end
        write(file, start + "".join(line + end for line in missing))
    return bool(missing)
