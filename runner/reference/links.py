"""Know where on which page a table or a file is described."""

from __future__ import annotations

from itertools import chain, count
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.reference import text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from runner.model import Migration
    from runner.reference.facts import Schema

    Parts = Mapping[str, Mapping[str, int]]  # by series and section, from 0

OVERVIEW = "overview"
_UP = "../../"  # from docs/schema to the project


def page(series: str, part: int = 0) -> str:
    """Return the file name of the page of a series, or of a further part of it."""
    return f"{series}-{part + 1}.md" if part else f"{series}.md"


def picture(series: str, name: str) -> str:
    """Return the file name of a drawing: of one migration file, or of the whole (``OVERVIEW``)."""
    return f"{series}-{name}.svg"


class Links:
    """Links from one page to what the pages describe.

    ``here`` is a series, or ``None`` for the index, and ``part`` which of its pages; ``parts`` says on which
    page of its series a section stands, the first if it says nothing.
    """

    def __init__(
        self, book: Sequence[Schema], here: str | None, *, parts: Parts | None = None, part: int = 0
    ) -> None:
        self._book = book
        self._here = here and page(here, part)
        self._parts = parts or {}
        self._anchors = {s.series: _anchors(s, self._parts.get(s.series, {})) for s in book}

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
        if path.startswith("/"):
            return text.code(path, in_table=False)
        return f"[{text.plain(path)}]({_UP}{quote(path)})"

    def _target(self, series: str, key: str) -> str:
        anchor = self._anchors[series][key]
        file = page(series, self._parts.get(series, {}).get(key, 0))
        return f"#{anchor}" if file == self._here else f"{file}#{anchor}"


def _anchors(schema: Schema, parts: Mapping[str, int]) -> dict[str, str]:
    """Return the anchor of each section; one that occurs again on its page gets a number, as on GitHub."""
    found: dict[str, str] = {}
    for group in schema.groups:
        headings = [(group.migration.label, group.migration.label)]
        headings += [(table.name, table.title) for table in group.tables]
        for key, heading in headings:
            anchor, here = text.slug(heading), parts.get(key, 0)
            top = () if here else (text.slug(schema.series),)  # a further part has another heading
            taken = {*top, *(a for k, a in found.items() if parts.get(k, 0) == here)}
            names = chain([anchor], (f"{anchor}-{number}" for number in count(1)))
            found[key] = next(name for name in names if name not in taken)
    return found
