"""Read ``[tool.runner.databases]`` and the environment: which series there are and where each one lives.

A URL comes from the option, else the environment, else ``.env`` beside the configuration. The one
safety rule: only when *no* configured variable is set anywhere may the embedded server stand in.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.errors import ConfigError, UnknownSeries, UrlMissing, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FILE = "pyproject.toml"
BUNDLED = Path(__file__).parent / "bundled"
_KEYS = {"sql", "database", "url"}
_LISTS = {"ignore"}  # they may be left out


class Series(NamedTuple):  # as in model: it starts faster
    """One configured series: its folder, its database's name, and the *name* of its URL variable.

    ``ignore`` holds patterns of what a comparison with the files leaves to others.
    """

    name: str
    folder: Path
    database: str
    variable: str
    ignore: tuple[str, ...] = ()


class Project(NamedTuple):  # as in model: it starts faster
    """A configuration; ``home`` is where ``.env`` and the embedded server's ``.postgres/`` are."""

    root: Path
    home: Path
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A series and the database it is applied to. The URL may hold a password: it has no repr."""

    series: Series
    url: str = field(repr=False)
    source: str  # how people refer to the URL: DATABASE_URL_AUTH, --url, the embedded server


def load(file: Path | None = None) -> Project:
    """Read ``file``, else the nearest pyproject.toml with ``[tool.runner]``, else the installed package's.

    Folders are relative to the file. Raises ``ConfigError``.
    """
    path = file or _nearest(Path.cwd()) or BUNDLED / FILE
    if file is None and not path.is_file():
        raise ConfigError(
            f"No {FILE} with [tool.runner.databases] at or above this folder.",
            remedy="Change into the project, or name the file with --config.",
        )
    root = path.resolve().parent
    databases = _databases(path)
    series = tuple(_series(name, entry, root, path) for name, entry in databases.items())
    return Project(root, Path.cwd() if root == BUNDLED else root, series)


def _nearest(folder: Path) -> Path | None:
    for parent in (folder, *folder.parents):
        path = parent / FILE
        if path.is_file() and "runner" in _table(_toml(path), "tool"):
            return path
    return None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", remedy="Check --config.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", remedy="Correct it.") from error


def _table(parent: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a table of a TOML table; an empty one when it is missing or something else."""
    value = parent.get(name)
    return value if isinstance(value, dict) else {}


def _databases(path: Path) -> dict[str, Any]:
    databases = _table(_table(_table(_toml(path), "tool"), "runner"), "databases")
    if not databases:
        raise ConfigError(
            f"{path} has no [tool.runner.databases.NAME].",
            remedy='Add one with sql = "folder", database = "name" and url = "VARIABLE".',
        )
    return databases


def _series(name: str, entry: object, root: Path, path: Path) -> Series:
    where = f"[tool.runner.databases.{name}] in {path}"
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(f"{where}: the name of a series is made of a-z, 0-9 and _.", remedy="Rename it.")
    if (
        not isinstance(entry, dict)
        or entry.keys() - _LISTS != _KEYS
        or not all(_filled(entry[k]) for k in _KEYS)
    ):
        raise ConfigError(f"{where} must have exactly the texts sql, database and url.", remedy="Correct it.")
    for key in _LISTS & entry.keys():
        if not isinstance(entry[key], list) or not all(_filled(value) for value in entry[key]):
            raise ConfigError(f"{where}: {key} must be a list of texts.", remedy="Correct it.")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", entry["url"]):
        raise ConfigError(
            f"{where}: url must be the name of an environment variable, not a URL.",
            remedy='Write url = "DATABASE_URL" and put the URL into that variable.',
        )
    ignore = tuple(entry.get("ignore", ()))
    return Series(name, root / entry["sql"], entry["database"], entry["url"], ignore)


def _filled(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def choose(project: Project, names: Sequence[str]) -> tuple[Series, ...]:
    """Return the named series in configured order; all of them for no name. Raises ``UnknownSeries``."""
    known = [series.name for series in project.series]
    for name in names:
        if name not in known:
            raise UnknownSeries(f"There is no series {name}.", remedy=f"Configured are: {', '.join(known)}.")
    return tuple(series for series in project.series if not names or series.name in names)


def targets(
    project: Project, chosen: Sequence[Series], *, url: str | None, environ: Mapping[str, str]
) -> tuple[Target, ...] | None:
    """Return where the chosen series live; ``None`` when nothing at all is set (the embedded server's case).

    Raises ``UrlMissing`` when something is set, but not what a chosen series needs.
    """
    if url is not None:
        if len(chosen) != 1:
            raise UsageError("--url is for one series.", remedy="Name the series, or use the variables.")
        return (Target(chosen[0], url, "--url"),)
    values = _values(project, environ)
    if not values.keys() & {series.variable for series in project.series}:
        return None
    missing = [series.variable for series in chosen if not values.get(series.variable)]
    if missing:
        raise UrlMissing(
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set or empty.",
            remedy="Set it in the environment or in .env. (The embedded server is used only when "
            f"none of {_listed(project.series)} is set at all.)",
        )
    return tuple(Target(series, values[series.variable], series.variable) for series in chosen)


def _values(project: Project, environ: Mapping[str, str]) -> dict[str, str]:
    file = project.home / ".env"
    return (_env_file(file) if file.is_file() else {}) | dict(environ)


def _env_file(file: Path) -> dict[str, str]:
    """Read NAME=value lines as they are: no ${...}, which a password may hold.

    A line that cannot be parsed is an error: skipped, it would count as a variable that is not set.
    """
    from dotenv.parser import parse_stream  # noqa: PLC0415 - start-up time: most deploys have no .env

    try:
        with file.open(encoding="utf-8-sig") as stream:  # a byte order mark would hide the first name
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read as UTF-8 text.", remedy="Correct it.") from error
    for binding in bindings:
        if binding.error:
            raise ConfigError(
                f"{file}:{binding.original.line} cannot be parsed.",
                remedy="Write NAME=value, with quotes in pairs.",
            )
    return {binding.key: binding.value or "" for binding in bindings if binding.key}


def _listed(series: Iterable[Series]) -> str:
    return ", ".join(one.variable for one in series)
