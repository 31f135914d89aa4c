"""Read the folder of a series into migrations, and reject a folder that cannot be trusted.

Nothing here talks to a server or writes.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from itertools import filterfalse
from typing import TYPE_CHECKING

from runner.errors import ConfigError, FileMissing, FileName, FileUnreadable, VersionDuplicate, VersionGap
from runner.files import source
from runner.files.checksum import checksum
from runner.model import Migration

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path, PurePath

    from runner.errors import RunnerError

ROLLBACK = "rollback"
_STAMP = 8  # digits: a date, the seconds since 1970, or both date and time
# Behind a stamp other tools take more letters; the line that numbers a folder writes them as they must be.
_FILE = re.compile(rf"[0-9]{{3,}}_[a-z0-9_]+\.sql|[0-9]{{{_STAMP},}}_[A-Za-z0-9_-]+\.sql")
_DOWN = " What undoes it, a .down.sql, is called as its forward file is, and lies in rollback/."
_INSIDE = " What `new` wrote has the number inside, too: this_version."
# Compiled where a folder has more than migrations. What editors, merges and patches leave beside a file,
# whatever its name.
_LEFT = r"(?i).*~|.*\.(?:orig|rej|bak|swp|swo|tmp|old|save)"
# Perhaps meant as a migration, or as the folder of the rollbacks.
_NEARLY = r"(?is)[0-9].*|.*\.sql\s*|roll.?backs?"


def load(series: str, folder: Path, *, root: Path) -> tuple[Migration, ...]:
    """Return the migrations of ``folder`` in order; paths are shown relative to ``root``.

    Raises ``FileName``, ``FileMissing``, ``VersionDuplicate``, ``VersionGap`` or ``FileUnreadable``, and
    ``ConfigError`` when the folder is missing.
    """
    name = shown(folder, root=root)
    found = _entries(folder, name)
    rollbacks = _entries(folder / ROLLBACK, f"{name}/{ROLLBACK}") if found.pop(ROLLBACK, None) else {}
    files = _ordered(found, name)
    _check_rollbacks(rollbacks, found, name)
    _check_numbers(files)
    prefix = "" if folder == root else f"{name}/"
    return tuple(_migration(series, found[file], rollbacks.get(file), prefix + file) for file in files)


def leavings(folder: Path, *, root: Path) -> tuple[str, ...]:
    """Return what lies in a folder and its rollbacks and cannot be meant as a migration, such as x.sql~.

    Raises as ``load`` does for a folder that cannot be listed.
    """
    with _listing(shown(folder, root=root)):
        within = [folder, *([folder / ROLLBACK] if (folder / ROLLBACK).is_dir() else [])]
        return tuple(
            shown(one / name, root=root)
            for one in within
            for name in sorted(_strangers(os.listdir(one)))  # noqa: PTH208 - thousands of names
            if name[0] != "." and not _is_meant(name)
        )


def shown(path: PurePath, *, root: PurePath) -> str:
    """Return the path as people see it: relative to the project, with slashes, where it lies inside."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _entries(folder: Path, name: str) -> dict[str, os.DirEntry[str]]:
    """Return what lies in a folder, by name; hidden files do not count, nor what cannot be a migration."""
    with _listing(name), os.scandir(folder) as entries:
        found = {entry.name: entry for entry in entries}
    for other in _strangers(found):
        if not _is_meant(other):
            del found[other]
    return found


@contextmanager
def _listing(name: str) -> Iterator[None]:
    """Name a folder that cannot be listed."""
    try:
        yield
    except FileNotFoundError as error:
        raise ConfigError(
            f"The folder {name} does not exist.",
            remedy="Create it, or correct `sql` in [tool.runner.databases] of pyproject.toml.",
        ) from error
    except OSError as error:
        raise FileUnreadable(f"{name} cannot be listed: {error.strerror}.", remedy="Check it.") from error


def _strangers(names: Iterable[str]) -> list[str]:
    """Return the names that are none of a migration; there may be thousands of the others."""
    return list(filterfalse(_FILE.fullmatch, names))


def _is_meant(name: str) -> bool:
    """Tell whether a name that is none of a migration is nearly one, or that of the rollbacks."""
    if name == ROLLBACK:
        return True
    return bool(name[0] != "." and re.fullmatch(_NEARLY, name) and not re.fullmatch(_LEFT, name))


def _ordered(found: Iterable[str], name: str) -> list[str]:
    """Return file names in the order of their numbers. Raises ``FileName`` for one that has none."""
    if strangers := _strangers(found):
        raise FileName(
            f"{name}/{min(strangers)} is not named like a migration.",
            remedy="Name it NNN_name.sql (at least three digits; a-z, 0-9 and _), or move it away."
            + (_DOWN if any(file.endswith(".down.sql") for file in strangers) else ""),
        )
    return sorted(sorted(found), key=lambda file: file.index("_"))  # 1000 follows 999


def _check_rollbacks(rollbacks: Iterable[str], forward: Collection[str], name: str) -> None:
    strangers = [file for file in rollbacks if file not in forward]
    if not strangers:
        return
    [first, *_] = _ordered(strangers, f"{name}/{ROLLBACK}")
    number = first.partition("_")[0]
    if twins := [file for file in forward if file.partition("_")[0] == number]:
        raise FileName(
            f"{name}/{ROLLBACK}/{first} undoes no file of {name}: number {number} is {min(twins)}.",
            remedy=f"Give it the name of its forward file.{_INSIDE}",
        )
    raise FileMissing(
        f"{name}/{first} is missing: only the file that undoes it, {ROLLBACK}/{first}, is there.",
        remedy="Restore it. If it was never applied anywhere, delete the rollback file instead.",
    )


def _check_numbers(files: Sequence[str]) -> None:
    for expected, file in enumerate(files):
        if not file.startswith(f"{expected:03}_"):
            from runner.files import renumber  # noqa: PLC0415 - failures only

            error = _misnumbered(file, expected, files[expected - 1])
            raise (renumber.unordered(files) if error.notes else None) or error


def _misnumbered(file: str, expected: int, previous: str) -> RunnerError:
    from runner.files.renumber import foreign  # noqa: PLC0415 - failures only

    digits, _, name = file.partition("_")
    number, right = int(digits), f"{expected:03}_{name.lower().replace('-', '_')}"
    if len(digits) >= _STAMP:  # by which another tool orders them
        cure = f"rename the files in their order, this one to {right}"
        return foreign(f"{file} has a timestamp for a number", cure, expected)
    if not file.startswith(f"{number:03}_"):
        return foreign(f"{file} writes its number with needless zeros", f"write it as {right}", expected)
    if number == expected - 1:
        return VersionDuplicate(
            f"{previous} and {file} carry the same number.",
            remedy="Give the newer one the next free number behind the other branch, and what follows it in "
            f"its own branch the numbers after that; in {ROLLBACK}/ likewise.{_INSIDE}",
        )
    return VersionGap(
        f"Number {expected:03} is missing before {file}.",
        remedy=f"Numbers run from 000 without gaps: restore the file, or renumber the newer ones.{_INSIDE}",
    )


def _migration(
    series: str, file: os.DirEntry[str], rollback: os.DirEntry[str] | None, path: str
) -> Migration:
    version, _, name = file.name.removesuffix(".sql").partition("_")
    sql = source.read(file, path)
    requires, in_transaction = source.requirements(sql, path)
    if rollback and not rollback.is_file():
        folder = path.removesuffix(file.name)
        raise FileUnreadable(
            f"{folder}{ROLLBACK}/{file.name} is not a regular file.", remedy="Put the SQL itself there."
        )
    undo = rollback.path if rollback else None
    return Migration(series, version, name, path, sql, checksum(sql), requires, undo, in_transaction)
