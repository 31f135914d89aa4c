"""Mermaid that every viewer takes: its grammar, and how much of it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from runner import config, planning
from runner.reference import build, mermaid, page, picture, shelf, text
from runner.reference.diagram import Card, Diagram, Line, Overview, Row
from tests.project import make

if TYPE_CHECKING:
    from pathlib import Path

    from runner.reference.facts import Schema
    from tests.servers import Server

REFUSED = 50_000  # characters: Mermaid's maxTextSize
SHOWN = 512_000  # bytes that GitHub shows of a page
BLOCK = re.compile(r"```mermaid\n(.*?)\n```", re.DOTALL)

# What Mermaid's lexer takes for a mark, and for a word (ATTRIBUTE_KEY and ATTRIBUTE_WORD in erDiagram.jison).
MARK = re.compile(r"(?:PK|FK|UK)\b", re.IGNORECASE)
WORD = re.compile(r"[*A-Za-z_\u00C0-\uFFFF][A-Za-z0-9\-_\[\]().,\u00C0-\uFFFF*]*")
QUOTED = re.compile(r'"[^"%\r\n\v\b\\]+"')  # ENTITY_NAME there
WORDS_OF_THE_GRAMMAR = ("one", "many", "to", "style", "class", "classdef", "end", "subgraph", "u")


def _attributes(block: str) -> list[list[str]]:
    rows = [row for body in re.findall(r"\{\n(.*?)\n    \}", block, re.DOTALL) for row in body.split("\n")]
    return [row.split(maxsplit=2) for row in rows]


@pytest.mark.parametrize("name", ["pk", "fk", "uk", "PK", "Fk", "pk-1", "uk[]", "fk(2)", "pk key"])
@pytest.mark.parametrize("marks", [(), ("PK",), ("FK", "UK")])
def test_a_column_or_type_named_like_a_mark_is_a_word(name: str, marks: tuple[str, ...]) -> None:
    """Each row is a type, a name and marks, to Mermaid, too."""
    card = Card("a", "table", (Row(name, "integer", marks), Row("id", name, marks)), 0)
    [block] = mermaid.group(Diagram("x", (card,), ()))
    for kind, column, *keys in _attributes(block):
        for word in (kind, column):
            assert WORD.fullmatch(word)
            assert not MARK.match(word)
        assert keys == ([", ".join(marks)] if marks else [])


def test_other_names_stay_as_they_are() -> None:
    """Only what Mermaid would misread is changed."""
    rows = tuple(Row(name, "text", ()) for name in ("pk_1", "fkey", "uk2", "my_pk"))
    [block] = mermaid.group(Diagram("x", (Card("a", "table", rows, 0),), ()))
    assert [name for _, name in _attributes(block)] == [row.name for row in rows]


@pytest.mark.parametrize("name", ["列", "größe", "निर्भर", "имя_2", "pk列"])
def test_a_name_of_another_script_is_not_blotted_out(name: str) -> None:
    """Its letters and marks are words to Mermaid, too; only a mark in front of it would be taken for one."""
    [block] = mermaid.group(Diagram("x", (Card("a", "table", (Row(name, name, ()),), 0),), ()))
    [[kind, column]] = _attributes(block)
    assert kind == column == ("_pk列" if name == "pk列" else name)
    assert WORD.fullmatch(column)


@pytest.mark.parametrize("name", WORDS_OF_THE_GRAMMAR)
def test_a_table_named_like_a_word_of_the_grammar_is_quoted(name: str) -> None:
    """In a box, in a line and in an overview."""
    line = Line(name, ("id",), name, ("id",), optional=False, unique=False)
    drawn = mermaid.group(Diagram("x", (Card(name, "table", (), 0),), (line,)))
    overview = mermaid.overview(Overview("x", (("000_a", (name, f"{name}_x")),), frozenset(), (line,)))
    for block in (*drawn, *overview):
        assert not re.search(rf'(?<!["\w]){name}(?!["\w])', block, re.IGNORECASE)
        assert f'"{name}"' in block
    assert f"    {name}_x" in overview[0]


def test_tables_that_differ_in_what_mermaid_refuses_stay_apart() -> None:
    """Each has a name of its own in every block, which the lexer takes whole."""
    names = tuple(f'"50{character}"' for character in ("", *"'_\"%\\\n\r\v\b"))
    cards = tuple(Card(name, "table", (), 0) for name in names)
    overview = Overview("x", (("000_a", names),), frozenset(), ())
    for block in (*mermaid.group(Diagram("x", cards, ())), *mermaid.overview(overview)):
        drawn = [line.strip(" {") for line in block.split("\n") if "50" in line]
        assert all(QUOTED.fullmatch(name) for name in drawn)
        assert len({*drawn}) == len(names)


@pytest.fixture(scope="module")
def large(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Schema:
    """Return a schema like the largest that people have, most of it made by one file."""
    tables = (
        "do $$ begin for i in 1..700 loop execute format('create table public.table_number_%s_of_a_dump ("
        "id int primary key, %s, parent_id int references public.table_number_%s_of_a_dump)', i, (select "
        "string_agg(format('column_number_%s text not null default %L', c, 'a default that is long'), ', ')"
        " from generate_series(1, 15) as c), greatest(i - 1, 1)); end loop; end $$;"
    )
    wide = (
        "do $$ begin execute 'alter table public.b ' || (select string_agg(format('add column "
        "a_rather_long_name_of_column_number_%s timestamptz', c), ', ') from generate_series(1, 1200) as c); "
        "end $$;"
    )
    files = {"000_a.sql": "create table public.b ();", "001_dump.sql": tables, "002_wide.sql": wide}
    project = config.load(make(tmp_path_factory.mktemp("large") / "p", app=files).file)
    [series] = project.series
    return build.describe(
        series, planning.read(project, [series])["app"], server.url("postgres"), source="the test"
    )


@pytest.fixture(scope="module")
def pages(large: Schema) -> dict[str, str]:
    """Return the pages of that schema."""
    return shelf.pages([large])


def test_what_is_large_is_cut_into_what_viewers_show(large: Schema, pages: dict[str, str]) -> None:
    """No page and no block is longer; every table has its section once; every link leads to a heading."""
    assert set(pages) > {"README.md", "app.md", "app-2.md"}
    assert max(len(one.encode()) for one in pages.values()) < SHOWN
    blocks = [block for one in pages.values() for block in BLOCK.findall(one)]
    assert max(map(len, blocks)) < REFUSED
    headings = {name: re.findall(r"^#+ (.*)$", one, re.MULTILINE) for name, one in pages.items()}
    for table in large.tables:
        assert sum(text.plain(table.title) in found for found in headings.values()) == 1
    anchors = {name: {text.slug(heading) for heading in found} for name, found in headings.items()}
    for name, one in pages.items():
        for target in re.findall(r"\]\(([^)]*#[^)]+)\)", one):
            file, _, anchor = target.partition("#")
            assert anchor in anchors[file or name], target
    assert "This is part 2 of" in pages["app-2.md"]


def test_a_block_is_cut_between_tables_and_nothing_is_lost(pages: dict[str, str]) -> None:
    """Each column and each line stands in one of the blocks, a line with the table it begins at."""
    drawn = "".join(
        block for name, one in pages.items() if name != "README.md" for block in BLOCK.findall(one)
    )
    for number in (1, 350, 700):
        name = f"table_number_{number}_of_a_dump"
        assert len(re.findall(rf"^    {name} {{$", drawn, re.MULTILINE)) == 1
        before = f"table_number_{max(number - 1, 1)}_of_a_dump"
        assert drawn.count(f'    {name} }}o--o| {before} : "parent_id"') == 1
    for number in (100, 600, 1200):
        assert drawn.count(f" a_rather_long_name_of_column_number_{number}\n") == 1


def test_parts_of_before_are_removed(large: Schema, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is short again is one page."""
    small = replace(
        large, groups=tuple(replace(group, tables=group.tables[:20]) for group in large.groups[1:2])
    )
    monkeypatch.setattr(picture, "program", lambda: None)
    monkeypatch.setattr(page, "MOST", 10_000)
    shelf.fill([small], tmp_path)
    assert (tmp_path / "app-2.md").exists()
    monkeypatch.setattr(page, "MOST", 10**9)
    change = shelf.fill([small], tmp_path)
    assert "app-2.md" in change.removed
    assert sorted(file.name for file in tmp_path.iterdir()) == ["README.md", "app.md"]
