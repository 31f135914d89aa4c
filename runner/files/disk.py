"""Write a text file, and say which one could not be written and why."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from runner.errors import FileUnwritable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the system says while ``path`` is written into ``FileUnwritable``."""
    try:
        yield
    except OSError as error:
        raise FileUnwritable(
            f"{path} cannot be written: {error.strerror or error}.",
            remedy="See that its folder exists and may be written, and that the disk has room.",
        ) from error


def write(path: Path, text: str, *, over: bool = True) -> None:
    """Write a text file with LF line ends; without ``over`` one that exists is left as it is. Writes.

    What could not be written to its end is removed, or what was there before put back. Raises
    ``FileUnwritable``.
    """
    with writing(path):
        is_new = not os.path.lexists(path)
        before = path.read_bytes() if path.is_file() else None
        try:
            with path.open("w" if over else "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except BaseException as error:
            if not isinstance(error, FileExistsError):
                with suppress(OSError):
                    _put_back(path, before, is_new=is_new)
            raise


def _put_back(path: Path, before: bytes | None, *, is_new: bool) -> None:
    if is_new:
        path.unlink()
    elif before is not None:  # else a device or a pipe
        path.write_bytes(before)
