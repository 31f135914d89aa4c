"""Know where on which page a table or a file is described."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.reference import text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.model import Migration
    from runner.reference.facts import Schema

OVERVIEW = "overview"
_UP = "../../"  # from docs/schema to the project


def page(series: str) -> str:
    """Return the file name of the page of a series."""
    return f"{series}.md"


def picture(series: str, name: str) -> str:
    """Return the file name of a drawing: of one migration file, or of the whole (``OVERVIEW``)."""
    return f"{series}-{name}.svg"


class Links:
    """Links from one page to what the pages describe; ``here`` is a series, or ``None`` for the index."""

    def __init__(self, book: Sequence[Schema], here: str | None) -> None:
        self._book = book
        self._here = here
        self._anchors = {schema.series: _anchors(schema) for schema in book}

    def table(self, series: str, name: str, *, shown: str | None = None) -> str:
        """Return a link to a table; only its name when no page describes it."""
        schema = next((one for one in self._book if one.series == series), None)
        table = schema.table(name) if schema else None
        label = text.plain(shown or (table.title if table else name))
        return f"[{label}]({self._target(series, table.name)})" if table else label

    def section(self, series: str, label: str) -> str:
        """Return a link to the section of a migration file."""
        return f"[{text.plain(label)}]({self._target(series, label)})"

    @staticmethod
    def source(migration: Migration) -> str:
        """Return a link to a migration file itself; only its path when that is outside the project."""
        path = migration.path
        return text.code(path) if path.startswith("/") else f"[{text.plain(path)}]({_UP}{quote(path)})"

    def _target(self, series: str, key: str) -> str:
        anchor = self._anchors[series][key]
        return f"#{anchor}" if series == self._here else f"{page(series)}#{anchor}"


def _anchors(schema: Schema) -> dict[str, str]:
    """Return the anchor of each section; one that occurs again gets a number, as GitHub does it."""
    found: dict[str, str] = {}
    for group in schema.groups:
        headings = [(group.migration.label, group.migration.label)]
        headings += [(table.name, table.title) for table in group.tables]
        for key, heading in headings:
            anchor, number = text.slug(heading), 0
            taken = {text.slug(schema.series), *found.values()}
            while (anchor if not number else f"{anchor}-{number}") in taken:
                number += 1
            found[key] = anchor if not number else f"{anchor}-{number}"
    return found
