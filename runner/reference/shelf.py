"""Put the pages and pictures of a reference on disk, and touch only what is not as it should be."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import files
from runner.errors import FileUnwritable
from runner.reference import diagram, dot, index, links, page, picture, sheet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from runner.reference.facts import Schema

_HEAD = 200  # bytes in which the mark stands, whatever an editor has put before it
_MARKS = {".svg": sheet.MARK, ".md": page.MARK}


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to the folder: files written and removed; pictures nobody could draw."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    undrawn: tuple[str, ...]


def pages(book: Sequence[Schema]) -> dict[str, str]:
    """Return the Markdown of each page by its file name."""
    parts = page.parts(book)
    found = {index.FILE: index.write(book, parts)}
    for schema in book:
        found |= page.write(schema, book, parts)
    return found


def sketches(book: Sequence[Schema]) -> dict[str, tuple[dot.Sketch, ...]]:
    """Return what each picture shows by its file name, as Graphviz reads it."""
    found = {}
    for schema in book:
        found[links.picture(schema.series, links.OVERVIEW)] = dot.overview(diagram.of_schema(schema))
        for group in schema.groups:
            found[links.picture(schema.series, group.migration.label)] = dot.group(diagram.of_group(group))
    return {name: parts for name, parts in found.items() if parts}


def fill(book: Sequence[Schema], folder: Path, *, written: list[str] | None = None) -> Change:
    """Write what differs, remove what was generated and is no longer wanted. Writes.

    ``written`` takes each name as its file is written, for who must know it when the next one cannot be.
    Without the extra ``docs`` the pictures stay as they are. Raises ``FileUnwritable``, also where somebody
    else's file has a name that is wanted; then nothing was written.
    """
    texts, drawings = pages(book), sketches(book)
    program = picture.program()
    if program:
        texts |= {name: picture.draw(program, parts) for name, parts in drawings.items()}
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        _check_own(folder, texts)
        left = {file.name for file in folder.iterdir() if file.suffix in _MARKS} - {*texts, *drawings}
        removed = [name for name in sorted(left) if _has_mark(folder / name)]
    written = [] if written is None else written
    written.extend(name for name, text in texts.items() if _write(folder / name, text))
    for name in removed:
        with files.writing(folder / name):
            (folder / name).unlink()
    return Change(tuple(written), tuple(removed), () if program else tuple(drawings))


def _check_own(folder: Path, names: Iterable[str]) -> None:
    """Raise ``FileUnwritable`` for what would be lost: a file that has one of these names and no mark.

    One that lost its mark is put right all the same: the index, which has its own, leads to its series' page.
    """
    index_file = folder / index.FILE
    known = _content(index_file).decode(errors="replace") if _has_mark(index_file) else ""
    for name in names:
        file = folder / name
        series, *_ = re.split("[-.]", name)
        # An empty one is what a full disk left.
        if (
            file.exists()
            and file.stat().st_size
            and not _has_mark(file)
            and f"]({links.page(series)})" not in known
        ):
            raise FileUnwritable(
                f"{file} cannot be written: it is there, and `docs` has not made it.",
                remedy="Move it elsewhere or delete it, and run this again.",
            )


def _write(file: Path, text: str) -> bool:
    """Write a file unless that is its content already; tell whether it was written."""
    if file.is_file() and _content(file) == text.encode():
        return False
    files.write(file, text)
    return True


def _has_mark(file: Path) -> bool:
    return file.is_file() and _MARKS[file.suffix].encode() in _content(file)[:_HEAD]


def _content(file: Path) -> bytes:
    with files.writing(file):
        return file.read_bytes()
