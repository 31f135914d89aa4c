"""Read the folder of a series into migrations, and reject a folder that cannot be trusted.

Files are read once: what is hashed is what is sent. Nothing here talks to a server or writes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from runner.checksum import checksum
from runner.errors import (
    ConfigError,
    FileName,
    FileRefused,
    FileUnreadable,
    VersionDuplicate,
    VersionGap,
)
from runner.model import Migration
from runner.place import locate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_BYTES = 16 * 1024 * 1024  # the server needs about thirteen times the text's size to run it
ROLLBACK = "rollback"
NO_TRANSACTION = "no-transaction"
_FILE = re.compile(r"([0-9]{3,})_([a-z0-9_]+)\.sql")
_HEADER = re.compile(r"(?:[ \t]*(?:--[^\n]*)?\n)*")
_DIRECTIVE = re.compile(r"^[ \t]*--[ \t]*runner:[ \t]*([^\n]*?)[ \t]*$", re.MULTILINE)
_KNOWN = re.compile(r"requires-extension[ \t]+([a-z0-9_-]+)|no-transaction")


def load(series: str, folder: Path, *, root: Path) -> tuple[Migration, ...]:
    """Return the migrations of ``folder`` in order; paths are shown relative to ``root``.

    Raises ``FileName``, ``VersionDuplicate``, ``VersionGap`` or ``FileUnreadable``, and ``ConfigError``
    when the folder is missing.
    """
    name = shown(folder, root=root)
    forward = _files(folder, name)
    rollbacks = _files(folder / ROLLBACK, f"{name}/{ROLLBACK}", missing_ok=True)
    _check_numbers(forward)
    if strangers := rollbacks.keys() - forward.keys():
        raise FileName(
            f"{name}/{ROLLBACK}/{min(strangers)} undoes no file of {name}.",
            remedy="Give it the name of its forward file, or delete it.",
        )
    prefix = "" if folder == root else f"{name}/"
    return tuple(
        _read(series, file, rollbacks.get(file.name), prefix + file.name) for file in forward.values()
    )


def shown(path: Path, *, root: Path) -> str:
    """Return the path as people see it: relative to the project where it lies inside."""
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _files(folder: Path, name: str, *, missing_ok: bool = False) -> dict[str, os.DirEntry[str]]:
    """Return the folder's migration files by name, ordered by number."""
    try:
        with os.scandir(folder) as entries:
            found = {entry.name: entry for entry in entries if not entry.name.startswith(".")}
    except FileNotFoundError as error:
        if missing_ok:
            return {}
        raise ConfigError(
            f"The folder {name} does not exist.",
            remedy="Create it, or correct `sql` in [tool.runner.databases] of pyproject.toml.",
        ) from error
    except OSError as error:
        raise FileUnreadable(f"{name} cannot be listed: {error.strerror}.", remedy="Check it.") from error
    if not missing_ok:
        found.pop(ROLLBACK, None)
    for stranger in sorted(found):
        if not _FILE.fullmatch(stranger):
            raise FileName(
                f"{name}/{stranger} is not named like a migration.",
                remedy="Name it NNN_name.sql (at least three digits; a-z, 0-9 and _), or move it away.",
            )
    return dict(sorted(found.items(), key=lambda item: (_number(item[0]), item[0])))


def _number(name: str) -> int:
    return int(name.partition("_")[0])


def _check_numbers(names: Iterable[str]) -> None:
    previous, before = "", -1
    for expected, name in enumerate(names):
        number = _number(name)
        if number == before:
            raise VersionDuplicate(
                f"{previous} and {name} carry the same number.",
                remedy="Give the newer one the next free number.",
            )
        if number != expected:
            raise VersionGap(
                f"Number {expected:03} is missing before {name}.",
                remedy="Numbers run from 000 without gaps: restore the file, or renumber the newer ones.",
            )
        if not name.startswith(f"{expected:03}_"):
            raise FileName(
                f"{name} writes its number with needless zeros.", remedy=f"Write it as {expected:03}."
            )
        previous, before = name, number


def _read(series: str, file: os.DirEntry[str], rollback: os.DirEntry[str] | None, name: str) -> Migration:
    sql = _decode(_bytes(file, name), name)
    version, _, rest = file.name.removesuffix(".sql").partition("_")
    directives = tuple(_directives(sql, name)) if "runner:" in sql else ()
    return Migration(
        series,
        version,
        rest,
        name,
        sql,
        checksum(sql),
        requires=tuple(name for name in directives if name != NO_TRANSACTION),
        rollback=Path(rollback.path) if rollback else None,
        in_transaction=NO_TRANSACTION not in directives,
    )


def _bytes(file: os.DirEntry[str], name: str) -> bytes:
    """Read a regular file inside its folder. A symbolic link may point within the folder, not out of it."""
    try:
        real = os.path.realpath(file.path, strict=True) if file.is_symlink() else None
        if not file.is_file():
            raise FileUnreadable(f"{name} is not a regular file.", remedy="Put the SQL itself there.")
        if real and not Path(real).is_relative_to(Path(file.path).parent.resolve()):
            raise FileUnreadable(f"{name} is a link out of its folder.", remedy="Put the SQL itself there.")
        return _content(file.path, name)
    except OSError as error:
        raise FileUnreadable(
            f"{name} cannot be read: {error.strerror}.", remedy="Check that it exists and may be read."
        ) from error


def _content(path: str, name: str) -> bytes:
    """Read a file the short way: there may be thousands, all of them to be hashed at every run."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(descriptor).st_size
        if size > MAX_BYTES:
            raise FileUnreadable(
                f"{name} is larger than {MAX_BYTES // 2**20} MB.",
                remedy="Split it: a file is one message and one transaction.",
            )
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


def _decode(data: bytes, name: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        place = locate(data[: error.start].decode() + "\N{REPLACEMENT CHARACTER}", error.start, path=name)
        raise FileUnreadable(
            f"{name} is not UTF-8: byte 0x{data[error.start]:02x} in line {place.line}.",
            remedy="Save it as UTF-8.",
            place=place,
        ) from error
    text = text.removeprefix("\ufeff")
    for character, what in (("\0", "a NUL character"), ("\ufeff", "a byte order mark")):
        if (at := text.find(character)) >= 0:
            place = locate(text, at, path=name)
            raise FileUnreadable(
                f"{name} holds {what} in line {place.line}.", remedy="Remove it.", place=place
            )
    return text


def _directives(sql: str, name: str) -> Iterator[str]:
    """Yield the extensions the header requires, and the word no-transaction.

    Raises ``FileRefused`` for a directive that is unknown or misplaced.
    """
    lines = sql.replace("\r\n", " \n").replace("\r", "\n")  # every character stays at its place
    header = _HEADER.match(lines)
    for directive in _DIRECTIVE.finditer(lines):
        known = _KNOWN.fullmatch(directive.group(1))
        if known is None or header is None or directive.start() >= header.end():
            raise FileRefused(
                f"{name} has a directive the runner cannot follow: {directive.group(1)}.",
                remedy="In the header, the comment lines before the first statement, "
                "`-- runner: requires-extension NAME` and `-- runner: no-transaction` are known.",
                place=locate(sql, directive.start(), path=name),
            )
        yield known.group(1) or NO_TRANSACTION
