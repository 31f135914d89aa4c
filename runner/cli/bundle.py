"""Put the bundle of ``plan --sql`` where it was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import files
from runner.cli import report
from runner.errors import FileUnwritable

if TYPE_CHECKING:
    from pathlib import Path

STDOUT = "-"


def write(text: str, file: Path, *, force: bool) -> None:
    """Write the bundle: to a pipe or a device as it is, to a file that exists only if told to."""
    if str(file) == STDOUT:
        report.raw(text)
        return
    with files.writing(file):
        is_there = file.is_file()
    if is_there and not force:
        raise FileUnwritable(f"{file} exists already.", remedy="Name another file, or add --force.")
    files.write(file, text)
