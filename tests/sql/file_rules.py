"""The rules every migration file follows, read from its text; no database is needed to see them.

Each stands in docs/writing.md as well, in the same words. It yields offset and name of what breaks it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner import files
from runner.errors import FileRefused
from runner.files import template
from tests.sql.rule import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sql.file import File, Place

DROP = re.compile(
    r"\bdrop\s+(?!not\s+null|default|expression|identity)(?P<kind>(?:[a-z]+\s+)*?)"
    r"(?:if\s+exists\s+)?(?P<name>[\w.]+)\s*(?=[;,()]|\bon\b|\bcascade\b|\brestrict\b|\Z)"
)
MADE = re.compile(r"\bcreate (?:unique )?(?:table|index|schema|extension|function|trigger|view|sequence)\b.*")
NAMED = r"::\s*(?:pg_catalog\s*\.\s*)?reg(?:class|namespace|role|type|proc(?:edure)?|oper(?:ator)?)\b"
COMPARES = r"(?:<>|!=|(?<![<>:!])=)"
INEXACT = re.compile(rf"{COMPARES}[\s\w.']*{NAMED}(?!\s*::)|{NAMED}\s*{COMPARES}")
HEADER = {
    "what it does": r"\b(?:Makes|Adds|Changes|Fills|Validates|Drops) [^.]",
    "why": r"\bWhy\b(?!: \.\.\.)",
    "what is lost": r"\bRolling back loses [^.]",
}


rule: Rules[File, Place] = Rules()


@rule(
    "header",
    "A file begins with its name and series, what it does, why, and what rolling it back loses.",
    "Write `-- <file> (series <series>)`, then a sentence that begins with Makes, Adds, Changes, Fills, "
    "Validates or Drops, one with `Why`, and one that begins with `Rolling back loses`.",
)
def _(file: File) -> Iterator[Place]:
    if file.is_rollback:
        return
    if file.header.split("\n")[0] != f"-- {file.path.name} (series {file.series.name})":
        yield 0, "the first line"
    for what, said in HEADER.items():
        if not re.search(said, file.words):
            yield 0, what


@rule(
    "rollback-header",
    "A rollback begins with its name and series, what it undoes, what is lost, and the line that runs it.",
    "Keep the lines that `new` wrote, and complete `Undoes` and `Lost`.",
)
def _(file: File) -> Iterator[Place]:
    if not file.is_rollback:
        return
    first, *rest = file.header.split("\n")
    if first != f"-- rollback/{file.path.name} (series {file.series.name})":
        yield 0, "the first line"
    for said, what in ((rf"Undoes {file.path.stem}: ", "what it undoes"), ("Lost: ", "what is lost")):
        if not re.search(rf"{said}(?!drops \.\.\.|\.)\S", file.words):
            yield 0, what
    run = f'psql -X -v ON_ERROR_STOP=1 -1 -f {file.shown} "${file.series.variable}"'
    if f"-- Run: {run}" not in rest:
        yield 0, "the line that runs it"


@rule(
    "rollback",
    "Each forward file has a rollback of the same name, and none is left over.",
    "`new` writes both; give them one name.",
)
def _(file: File) -> Iterator[Place]:
    if not file.other.is_file():
        yield 0, file.other.relative_to(file.root).as_posix()


@rule(
    "rollback-guard",
    "A rollback begins and ends with what `new` wrote: the runner's lock, the order, the ledger row.",
    "Take both from a new rollback, and write only the drops between them.",
)
def _(file: File) -> Iterator[Place]:
    if not file.is_rollback:
        return
    version, _, name = file.path.stem.partition("_")
    facts = {"series": file.series.name, "version": version, "name": name}
    whole = template.ROLLBACK.partition("do $rollback$\n")[2]
    begin, _, rest = whole.partition("    -- Drop here")
    end = rest.partition("is not written yet';\n")[2]
    for part, what in ((begin, "its beginning"), (end, "its end")):
        if part.format_map(facts).strip("\n") not in file.text:
            yield 0, what
    if found := re.search("is not written yet", file.text):
        yield found.start(), "the line of the template"


@rule(
    "tidy",
    "Lines end in LF with no blank before it, hold no tab, and the last one ends a statement.",
    "Remove what is too much; no more than two empty lines follow each other.",
)
def _(file: File) -> Iterator[Place]:
    for found in re.finditer(r"[\t\r]|[ ]+$|\n\n\n\n", file.text, re.MULTILINE):
        yield found.start(), "a blank or an empty line"
    if not file.text.endswith(";\n"):
        yield max(len(file.text) - 1, 0), "the last line"


@rule("line", "A line has 120 characters at most, but for the text of a comment.", "Break it.")
def _(file: File) -> Iterator[Place]:
    for found in re.finditer(r"^.{121,}$", file.text, re.MULTILINE):
        if not re.fullmatch(r"    '.*';", found[0]):
            yield found.start(), f"a line of {len(found[0])} characters"


@rule("lower-case", "Keywords and names are in lower case, in functions too.", "Write it so.")
def _(file: File) -> Iterator[Place]:
    yield from ((found.start(), found[0]) for found in re.finditer(r"\w*[A-Z]\w*", file.code))


@rule(
    "name-length", "A name has 63 characters at most; PostgreSQL cuts the rest without a word.", "Shorten it."
)
def _(file: File) -> Iterator[Place]:
    yield from ((found.start(), found[0]) for found in re.finditer(r"\w{64,}", file.code))


@rule(
    "plain",
    "A file is plain SQL that leaves the transaction alone: no `begin`, no `commit`, no psql command.",
    "Take it out: the runner, or psql with -1, begins and commits.",
)
def _(file: File) -> Iterator[Place]:
    try:
        files.check(file.text, path=file.path.name, single="\n-- runner: no-transaction" in file.header)
    except FileRefused as error:
        line = error.place.line if error.place else 1
        yield len("\n".join(file.text.split("\n")[: line - 1])) + (line > 1), error.message
    for found in re.finditer(r"\b(?:commit|rollback|savepoint|start transaction)\b(?!\$)", file.code):
        yield found.start(), found[0]


@rule(
    "exact",
    "An oid is compared with an oid: for an oid and a regclass, or its kin, pg_catalog has no operator, and "
    "one that somebody made in public would run.",
    "Write `…::regclass::oid`.",
)
def _(file: File) -> Iterator[Place]:
    for found in INEXACT.finditer(file.code):
        yield found.start(), " ".join(file.text[slice(*found.span())].split())


@rule(
    "drop",
    "A forward file takes nothing away that its header does not name; it deletes no row and never cascades.",
    "Leave it out, or name each thing in the header: `Drops …`, or `Changes …` when it is made anew.",
)
def _(file: File) -> Iterator[Place]:
    if file.is_rollback:
        return
    for found in DROP.finditer(file.code):
        name = found["name"].rpartition(".")[2]
        if not re.search(rf"\b(?:Drops|Changes)\b.*\b{name}\b", file.words):
            yield found.start(), " ".join(found[0].split())
    for found in re.finditer(r"\b(?:truncate|delete\s+from|then\s+delete)\b.*", file.code):
        yield found.start(), found[0].strip()
    yield from cascading(file.code)


def cascading(text: str) -> Iterator[Place]:
    """Yield each cascade that is not what a foreign key does when a row goes."""
    for found in re.finditer(r"(\w+)\s+cascade\b", text):
        if found[1] not in ("delete", "update"):
            yield found.start(), " ".join(found[0].split())


@rule(
    "twice",
    "What is made is made only where it is missing.",
    "Write `create … if not exists` or `create or replace …`.",
)
def _(file: File) -> Iterator[Place]:
    if file.is_rollback:
        return
    for found in MADE.finditer(file.code):
        if "if not exists" not in found[0]:
            yield found.start(), re.split(r" with | \(|;", found[0])[0].strip()


@rule(
    "cascade",
    "A rollback drops without `cascade`: what hangs on a table and is not of its file keeps it from running.",
    "Drop each thing by its name, in reverse order.",
)
def _(file: File) -> Iterator[Place]:
    if file.is_rollback:
        yield from cascading(file.code)


RULES = tuple(rule.all)
