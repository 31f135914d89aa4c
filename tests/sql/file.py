"""A migration file as its rules see it: path, text, header, and the code alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from runner.files import lexer
from tests.sql.rule import EXCEPTIONS, Broken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.config import Project, Series
    from tests.sql.rule import Rule

BODY = re.compile(r"\$(\w*)\$(.*?)\$\1\$", re.DOTALL)
Place = tuple[int, str]  # offset and name of what breaks a rule


@dataclass(frozen=True)
class File:
    """A forward or rollback file of a series."""

    path: Path
    series: Series
    root: Path

    @property
    def shown(self) -> str:
        """Its path as people write it."""
        return self.path.relative_to(self.root).as_posix()

    @property
    def is_rollback(self) -> bool:
        """Tell whether it is the undo of a forward file."""
        return self.path.parent.name == "rollback"

    @property
    def other(self) -> Path:
        """The rollback of a forward file, and the forward file of a rollback."""
        folder = self.path.parent
        return (folder.parent if self.is_rollback else folder / "rollback") / self.path.name

    @cached_property
    def text(self) -> str:
        """The text as it is on disk, line ends included."""
        return self.path.read_bytes().decode(errors="replace")  # the runner refuses such a file

    @cached_property
    def header(self) -> str:
        """The comment it begins with, to the first line that is none."""
        lines = self.text.split("\n")
        end = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
        return "\n".join(lines[:end])

    @property
    def words(self) -> str:
        """The header behind its first line, as one line of text."""
        return " ".join(line.removeprefix("--").strip() for line in self.header.split("\n")[1:])

    @cached_property
    def code(self) -> str:
        """The text with comments, strings and quoted names blanked out, but with the bodies of functions.

        Empty when the scanner refuses the file, which is a rule of its own.
        """
        try:
            return code(self.text)
        except lexer.Refusal:
            return ""

    def line(self, offset: int) -> int:
        """Return the number of the line an offset is in, from 1."""
        return self.text.count("\n", 0, offset) + 1

    def broken(self, rule: Rule[File, Place]) -> list[Broken]:
        """Return what breaks a rule, without what is excused."""
        return [
            Broken(self.shown, self.line(offset), name, rule.name, rule.what, rule.remedy)
            for offset, name in rule.find(self)
            if (rule.name, name) not in EXCEPTIONS
        ]


def code(text: str) -> str:
    """Return a text of the same length and lines in which only code is left, also that in bodies."""
    found = list(re.sub(r"[^\n]", " ", text))
    for statement in lexer.scan(text).statements:
        found[statement.start : statement.start + len(statement.code)] = statement.code
    for body in BODY.finditer(text):
        found[body.start(2) : body.end(2)] = code(body[2])
    return "".join(found)


def files(project: Project) -> Iterator[File]:
    """Yield every file of a project: per series the forward files, then the rollbacks."""
    for series in project.series:
        for path in [*sorted(series.folder.glob("*.sql")), *sorted((series.folder / "rollback").glob("*"))]:
            yield File(path, series, project.root)
