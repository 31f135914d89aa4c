"""Read the text of one SQL file, and the directives in its header.

A file is read once: what is hashed is what is sent. Nothing here talks to a server or writes.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import FileRefused, FileUnreadable
from runner.files.place import locate

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 16 * 1024 * 1024  # the server needs about thirteen times the text's size to run it
_PIECE = 64 * 1024  # bytes; most files are smaller
_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)  # Windows would change the line ends
_NOT_IN_TEXT = {"\0": "a NUL character", "\ufeff": "a byte order mark"}
# Compiled where a file has a directive.
_HEADER = r"(?:[ \t]*(?:--[^\n]*)?\n)*(?:[ \t]*--[^\n]*\Z)?"
_DIRECTIVE = r"(?m)^[ \t]*--[ \t]*runner:[ \t]*([^\n]*?)[ \t]*$"
_KNOWN = r"requires-extension[ \t]+([a-z0-9_-]+)|no-transaction"


def read(file: os.DirEntry[str], path: str) -> str:
    """Return the text of a regular file inside its folder; ``path`` is how messages name it.

    A byte order mark in front is no part of it. A symbolic link may point within the folder, not out of
    it. Raises ``FileUnreadable``.
    """
    try:
        real = os.path.realpath(file.path, strict=True) if file.is_symlink() else None
        if not file.is_file():
            raise FileUnreadable(f"{path} is not a regular file.", remedy="Put the SQL itself there.")
        if real and not Path(real).is_relative_to(Path(file.path).parent.resolve()):
            raise FileUnreadable(f"{path} is a link out of its folder.", remedy="Put the SQL itself there.")
        data = _bytes(file.path, path)
    except OSError as error:
        raise FileUnreadable(
            f"{path} cannot be read: {error.strerror}.", remedy="Check that it exists and may be read."
        ) from error
    return _decode(data, path)


def _bytes(file: str, path: str) -> bytes:
    """Read a file with few system calls: there may be thousands, all of them to be hashed at every run."""
    descriptor = os.open(file, _FLAGS)
    try:
        data = os.read(descriptor, _PIECE)
        return data if len(data) < _PIECE else data + _rest(descriptor, path)
    finally:
        os.close(descriptor)


def _rest(descriptor: int, path: str) -> bytes:
    size = os.fstat(descriptor).st_size
    if size > MAX_BYTES:
        raise FileUnreadable(
            f"{path} is larger than {MAX_BYTES // 2**20} MB.",
            remedy="Split it: a file is one message and one transaction.",
        )
    return os.read(descriptor, size)


def _decode(data: bytes, path: str) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        place = locate(data[: error.start].decode() + "\N{REPLACEMENT CHARACTER}", error.start, path=path)
        raise FileUnreadable(
            f"{path} is not UTF-8: byte 0x{data[error.start]:02x} in line {place.line}.",
            remedy="Save it as UTF-8.",
            place=place,
        ) from error
    text = text.removeprefix("\ufeff")
    for letter, what in _NOT_IN_TEXT.items():
        if letter in text:
            place = locate(text, text.index(letter), path=path)
            message = f"{path} holds {what} in line {place.line}."
            raise FileUnreadable(message, remedy="Remove it.", place=place)
    return text


def requirements(sql: str, path: str) -> tuple[tuple[str, ...], bool]:
    """Return the extensions that the header requires, and whether the file runs in a transaction.

    Raises ``FileRefused`` for a directive that is unknown or misplaced.
    """
    if "runner:" not in sql:
        return (), True
    directives = tuple(_directives(sql, path))
    return tuple(name for name in directives if name), None not in directives


def _directives(sql: str, path: str) -> Iterator[str | None]:
    """Yield each extension; ``None`` stands for no-transaction."""
    lines = sql.replace("\r", "\n")  # every character stays at its place
    header = re.match(_HEADER, lines)
    for directive in re.finditer(_DIRECTIVE, lines):
        known = re.fullmatch(_KNOWN, directive.group(1))
        if known is None or header is None or directive.start() >= header.end():
            raise FileRefused(
                f"{path} has a directive the runner cannot follow: {directive.group(1)}.",
                remedy="In the header, the comment lines before the first statement, "
                "`-- runner: requires-extension NAME` and `-- runner: no-transaction` are known.",
                place=locate(sql, directive.start(), path=path),
            )
        yield known.group(1)
