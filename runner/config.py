"""Read ``[tool.runner.databases]`` and the environment: which series there are and where each one lives.

A URL comes from the option, else the environment, else ``.env`` beside the configuration. The one
safety rule: only when *no* configured variable is set anywhere may the embedded server stand in.
"""

import re
import stat
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from runner import environment
from runner.errors import ConfigError, UnknownSeries, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FILE = "pyproject.toml"
BUNDLED = Path(__file__).parent / "bundled"
_KEYS = {"sql", "database", "url"}
_OPTIONAL = {"schemas", "ignore"}
_once = cache(Path.read_text)  # a FIFO, as a shell makes of <(…), has its text for one reader


class Series(NamedTuple):  # as in model: it starts faster
    """One configured series: its folder, its database's name, and the *name* of its URL variable.

    ``schemas`` are those its files are answerable for; empty where nobody has said it.
    ``ignore`` holds patterns of what a comparison with the files leaves to others.
    """

    name: str
    folder: Path
    database: str
    variable: str
    schemas: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    foreign: frozenset[str] = frozenset()  # what the other series call their databases


class Project(NamedTuple):  # as in model: it starts faster
    """A configuration; ``home`` is where ``.env`` and the embedded server's ``.postgres/`` are."""

    root: Path
    home: Path
    series: tuple[Series, ...]

    def check_own(self) -> None:
        """Raise ``UsageError`` for the files in the installed package, which are not for changing.

        A file more or less there, and every later run of that installation is refused.
        """
        if self.root == BUNDLED.resolve():
            raise UsageError(
                "The files of the installed package are not to be changed.",
                remedy="Run this in a checkout, or name a project with --config; `init` begins a new one.",
            )


class Target(NamedTuple):  # as in model: it starts faster
    """A series and the database it is applied to. The URL may hold a password: it has no repr."""

    series: Series
    url: str
    source: str  # how people refer to the URL: DATABASE_URL_AUTH, --url, the embedded server
    is_member: bool = False  # of a fleet

    @property
    def way(self) -> str:
        """Say what leads a command here that takes no fleet; nothing where it is led here anyway."""
        return f" ({self.series.variable} set to the URL of {self.source})" if self.is_member else ""

    def __repr__(self) -> str:
        return f"Target(series={self.series!r}, source={self.source!r})"


def load(file: Path | str | None = None) -> Project:
    """Read ``file``, else the nearest pyproject.toml with ``[tool.runner]``, else the installed package's.

    Folders are relative to the file, and where it is a link, to the link. Raises ``ConfigError``.
    """
    path = (_nearest() or BUNDLED / FILE) if file is None else Path(file)
    if file is None and not path.is_file():
        told = f"No {FILE} with [tool.runner.databases] at or above this folder."
        raise ConfigError(told, remedy="Change into the project, or name the file with --config.")
    root = path.parent.resolve()
    series = [_series(name, entry, root, path) for name, entry in _databases(path).items()]
    named = frozenset(one.database for one in series)
    apart = tuple(one._replace(foreign=named - {one.database}) for one in series)
    return Project(root, here() if root == BUNDLED.resolve() else root, apart)


def here() -> Path:
    """Return the working directory. Raises ``ConfigError`` where it is gone."""
    try:
        return Path.cwd()
    except OSError as error:
        remedy = "Change into another one, or name the file with --config and its whole path."
        told = f"The working directory cannot be read: {error.strerror}."
        raise ConfigError(told, remedy=remedy) from error


def _nearest() -> Path | None:
    """Return the file with [tool.runner] that is at or above the working directory, if there is one."""
    folder = here()
    for parent in (folder, *folder.parents):
        path = parent / FILE
        if _is_there(path) and "runner" in _table(path, "tool"):
            environment.check_owner(path)
            return path
    return None


def _is_there(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except PermissionError as error:  # what is not seen may be the one that is meant
        remedy = "Run as a user who may enter the folder, or in another one."
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", remedy=remedy) from error
    except OSError:
        return False


def _toml(path: Path) -> dict[str, Any]:
    try:
        read = Path.read_text if path.is_file() else _once
        return _parsed(read(path, encoding="utf-8-sig"))  # a byte order mark is no TOML
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", remedy="Check --config.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", remedy="Correct it.") from error


@lru_cache(8)  # a command asks several times, and parsing takes longer than reading
def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def _table(path: Path, *names: str) -> dict[str, Any]:
    """Return a table of a file, by its name; an empty one when it is missing or something else."""
    found = _toml(path)
    for name in names:
        found = value if isinstance(value := found.get(name), dict) else {}
    return found


def _databases(path: Path) -> dict[str, Any]:
    databases = _table(path, "tool", "runner", "databases")
    if not databases:
        raise ConfigError(
            f"{path} has no [tool.runner.databases.NAME].",
            remedy='Add one with sql = "folder", database = "name" and url = "VARIABLE".',
        )
    return databases


def _series(name: str, entry: object, root: Path, path: Path) -> Series:
    where = f"[tool.runner.databases.{name}] in {path}"
    if not (environment.is_name(name) and name.islower() and name[0] != "_"):
        raise ConfigError(f"{where}: the name of a series is made of a-z, 0-9 and _.", remedy="Rename it.")
    entry = entry if isinstance(entry, dict) else {}
    if entry.keys() - _OPTIONAL != _KEYS or not all(_filled(entry[key]) for key in _KEYS):
        raise ConfigError(
            f"{where} must have exactly the texts sql, database and url, without a NUL.", remedy="Correct it."
        )
    if re.search(r"[\x00-\x1f\x7f-\x9f]", entry["sql"]):  # a line of a bundle would end within the name
        raise ConfigError(
            f"{where}: sql must be the name of a folder, without control characters.", remedy="Rename it."
        )
    if not environment.is_name(entry["url"]):
        raise ConfigError(
            f"{where}: url must be the name of an environment variable, not a URL.",
            remedy='Write url = "DATABASE_URL" and put the URL into that variable.',
        )
    schemas = entry.get("schemas", [])
    if not isinstance(schemas, list) or not all(map(_filled, schemas)) or entry.get("schemas") == []:
        raise ConfigError(
            f'{where}: schemas must be a list of names, such as ["public"].',
            remedy="Correct it, or leave it out: public, and what the files create.",
        )
    ignore = entry.get("ignore", [])
    if not isinstance(ignore, list) or not all(map(_filled, ignore)):
        raise ConfigError(f"{where}: ignore must be a list of texts.", remedy="Correct it.")
    folder = environment.spelt(root / entry["sql"], where)
    return Series(name, folder, entry["database"], entry["url"], tuple(schemas), tuple(ignore))


def _filled(value: object) -> bool:
    return isinstance(value, str) and bool(value) and "\0" not in value


def choose(project: Project, names: "str | Sequence[str]") -> tuple[Series, ...]:
    """Return the named series in configured order; all of them for no name. Raises ``UnknownSeries``."""
    names = (names,) if isinstance(names, str) else tuple(names)  # an iterator is used up once
    known = [series.name for series in project.series]
    for name in names:
        if "://" in name or "=" in name:
            raise UnknownSeries(
                "A URL stands where the name of a series is expected.",
                remedy=f"Give it as --url, beside one of {', '.join(known)}: --url URL {known[0]}.",
            )
        if name not in known:
            import difflib  # noqa: PLC0415 - errors only

            close = difflib.get_close_matches(name.lower(), known, 1)
            raise UnknownSeries(
                f"There is no series {name}.{f' Did you mean {close[0]}?' if close else ''}",
                remedy=f"Configured are: {', '.join(known)}.",
            )
    return tuple(series for series in project.series if not names or series.name in names)


def targets(
    project: Project, chosen: "Sequence[Series]", *, url: str | None, environ: "Mapping[str, str]"
) -> tuple[Target, ...] | None:
    """Return where the chosen series live; ``None`` when nothing at all is set (the embedded server's case).

    Raises ``UrlMissing`` when something is set, but not what a chosen series needs: another variable, one
    that looks like a misspelt one, or RUNNER_EMBEDDED to off. Raises ``ConfigError`` for a broken .env.
    """
    values = environment.read(project.home, environ)
    if url is not None:
        if len(chosen) != 1:
            raise UsageError("--url is for one series.", remedy="Name the series, or use the variables.")
        return (Target(chosen[0], url, "--url"),)
    if missing := [series.variable for series in chosen if not values.get(series.variable)]:
        environment.check_meant(values, missing, expected=[series.variable for series in project.series])
        return None
    return tuple(Target(series, values[series.variable], series.variable) for series in chosen)
