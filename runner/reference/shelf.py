"""Put the pages and pictures of a reference on disk, and touch only what is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import files
from runner.reference import diagram, dot, index, links, page, picture, sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.reference.facts import Schema


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


def fill(book: Sequence[Schema], folder: Path) -> Change:
    """Write what differs, remove what was generated and is no longer wanted. Writes.

    Without the extra ``docs`` the pictures stay as they are. Raises ``FileUnwritable``.
    """
    with files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    texts, drawings = pages(book), sketches(book)
    program = picture.program()
    if program:
        texts |= {name: picture.draw(program, parts) for name, parts in drawings.items()}
    written = [name for name, text in texts.items() if _write(folder / name, text)]
    removed = [file.name for file in sorted(folder.iterdir()) if _is_left_over(file, {*texts, *drawings})]
    for name in removed:
        with files.writing(folder / name):
            (folder / name).unlink()
    return Change(tuple(written), tuple(removed), () if program else tuple(drawings))


def _write(file: Path, text: str) -> bool:
    """Write a file unless that is its content already; tell whether it was written."""
    if file.is_file() and file.read_bytes() == text.encode():
        return False
    files.write(file, text)
    return True


def _is_left_over(file: Path, wanted: set[str]) -> bool:
    marks = {".svg": sheet.MARK, ".md": page.MARK}
    if file.name in wanted or file.suffix not in marks:
        return False
    return file.is_file() and file.read_bytes().startswith(marks[file.suffix].encode())
