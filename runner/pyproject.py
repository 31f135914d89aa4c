"""Find the pyproject.toml of a project and read it."""

import stat
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from runner.errors import ConfigError

FILE = "pyproject.toml"


def here() -> Path:
    """Return the working directory. Raises ``ConfigError`` where it is gone."""
    try:
        return Path.cwd()
    except OSError as error:
        remedy = "Change into another one, or name the file with --config and its whole path."
        raise ConfigError(
            f"The working directory cannot be read: {error.strerror}.", remedy=remedy
        ) from error


def nearest() -> Path | None:
    """Return the file with [tool.runner] that is at or above the working directory, if there is one."""
    folder = here()
    for parent in (folder, *folder.parents):
        path = parent / FILE
        if _is_there(path) and "runner" in table(path, "tool"):
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
        return _parsed(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", remedy="Check --config.") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}.", remedy="Correct it.") from error


@lru_cache(8)  # a command asks several times, and parsing takes longer than reading
def _parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


def table(path: Path, *names: str) -> dict[str, Any]:
    """Return a table of a file, by its name; an empty one when it is missing or something else."""
    found = _toml(path)
    for name in names:
        value = found.get(name)
        found = value if isinstance(value, dict) else {}
    return found
