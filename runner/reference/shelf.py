"""Put the pages and pictures of a reference on disk, and touch only what is not as it should be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.reference import diagram, dot, index, links, page, picture

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.reference.facts import Schema


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to the folder: files written and removed, pictures that Graphviz was missed for."""

    written: tuple[str, ...]
    removed: tuple[str, ...]
    undrawn: tuple[str, ...]


def pages(book: Sequence[Schema]) -> dict[str, str]:
    """Return the Markdown of each page by its file name."""
    return {index.FILE: index.write(book)} | {
        links.page(schema.series): page.write(schema, book) for schema in book
    }


def diagrams(book: Sequence[Schema]) -> dict[str, str]:
    """Return the diagram of each picture by its file name, as Graphviz reads it."""
    found = {}
    for schema in book:
        found[links.picture(schema.series, links.OVERVIEW)] = dot.overview(diagram.of_schema(schema))
        for group in schema.groups:
            shown = diagram.of_group(group)
            if shown.cards:
                found[links.picture(schema.series, group.migration.label)] = dot.group(shown)
    return found


def fill(book: Sequence[Schema], folder: Path) -> Change:
    """Write what differs, remove what was generated and is no longer wanted. Writes."""
    folder.mkdir(parents=True, exist_ok=True)
    texts, sources = pages(book), diagrams(book)
    written = [name for name, text in texts.items() if _write(folder / name, text)]
    stale = [name for name, source in sources.items() if not picture.is_current(folder / name, source)]
    if program := picture.program():
        for name in stale:
            _write(folder / name, picture.draw(program, sources[name]))
    removed = [file.name for file in sorted(folder.iterdir()) if _is_left_over(file, {*texts, *sources})]
    for name in removed:
        (folder / name).unlink()
    return Change((*written, *(stale if program else ())), tuple(removed), () if program else tuple(stale))


def _write(file: Path, text: str) -> bool:
    """Write a file unless that is its content already; tell whether it was written."""
    if file.is_file() and file.read_bytes() == text.encode():
        return False
    file.write_text(text, encoding="utf-8", newline="\n")
    return True


def _is_left_over(file: Path, wanted: set[str]) -> bool:
    if file.name in wanted:
        return False
    if file.suffix == ".svg":
        return picture.is_ours(file)
    return file.suffix == ".md" and file.read_text(encoding="utf-8").startswith(page.MARK)
