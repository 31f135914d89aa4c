"""The schema reference: what docs/schema says is what the files make."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import config, planning
from runner.errors import ServerUnusable
from runner.reference import build, picture, sheet, shelf, text
from tests import servers
from tests.project import ROOT, make
from tests.sql import contract

if TYPE_CHECKING:
    from pathlib import Path

    from runner.config import Project
    from runner.reference.facts import Schema
    from tests.servers import Server

FOLDER = ROOT / "docs" / "schema"
SMALL = {
    "000_a.sql": "create table public.a (id int primary key, b text not null default 'x|y' check (b <> '')); "
    "comment on table public.a is 'Holds <all> | a_b.'; comment on column public.a.b is 'One *thing*.'; "
    "create index a_b on public.a (b) where id > 0; comment on index public.a_b is 'finds b';",
    "001_b.sql": "create table public.b (id int primary key, a int references public.a on delete cascade, "
    "c uuid); "
    "comment on column public.b.c is 'Whom. References far.users.id (cross-database, no foreign key).'; "
    "alter table public.a add column late int; create function public.f() returns int language sql return 1;",
}


def _book(project: Project, server: Server) -> list[Schema]:
    files = planning.read(project, project.series)
    url = server.url("postgres")
    return [build.describe(one, files[one.name], url, source="the test") for one in project.series]


def _has_vector(server: Server) -> bool:
    with psycopg.connect(server.url("postgres")) as db:
        return bool(db.execute("select from pg_available_extensions where name = 'vector'").rowcount)


@pytest.fixture(scope="module")
def book(server: Server) -> list[Schema]:
    """Return the facts of both databases of this project."""
    return _book(config.load(ROOT / config.FILE), server)


@pytest.fixture
def small(tmp_path: Path, server: Server) -> list[Schema]:
    """Return the facts of a small project whose second file points back, and abroad."""
    return _book(config.load(make(tmp_path, app=SMALL).file), server)


def test_what_is_committed_is_what_the_files_make(tmp_path: Path, book: list[Schema]) -> None:
    """Somebody who changes a file runs `make docs` and commits what it writes, pictures and all."""
    shelf.fill(book, tmp_path)
    assert {file.name for file in FOLDER.iterdir()} == {file.name for file in tmp_path.iterdir()}
    assert [
        file.name for file in FOLDER.iterdir() if file.read_bytes() != (tmp_path / file.name).read_bytes()
    ] == []


@pytest.mark.parametrize(
    "version", [v for v in servers.VERSIONS if v != servers.NEWEST], ids=lambda version: f"pg{version}"
)
def test_every_server_gives_the_same_pages(
    version: int, book: list[Schema], request: pytest.FixtureRequest
) -> None:
    """What it prints may differ from version to version, the pages do not; without pgvector it is refused."""
    older = request.getfixturevalue(f"server_{version}")
    project = config.load(ROOT / config.FILE)
    if not _has_vector(older):
        with pytest.raises(ServerUnusable, match=r"extension vector, which sql/specs/008_pgvector.sql"):
            _book(project, older)
        return
    again = _book(project, older)
    assert shelf.pages(again) == shelf.pages(book)
    assert shelf.sketches(again) == shelf.sketches(book)


def test_everything_is_there(book: list[Schema]) -> None:
    """Each table has its section, and in it each column, key, index with its reason, and check."""
    pages = shelf.pages(book)
    for schema in book:
        sections = dict(re.findall(r"^### (\S+)\n(.*?)(?=^##|\Z)", pages[f"{schema.series}.md"], re.M | re.S))
        assert list(sections) == [text.plain(table.title) for table in schema.tables]
        for table in schema.tables:
            section = sections[text.plain(table.title)]
            parts = (table.columns, table.indexes, table.checks, table.foreign_keys, table.triggers)
            for one in (one for part in parts for one in part):
                assert f"| `{one.name}` |" in section
            for one in table.indexes:
                assert one.comment is not None
                assert text.plain(one.comment) in section
            assert all(text.plain(check.comment) in section for check in table.checks)
    tables = [table for schema in book for table in schema.tables]
    designed = [table for schema in book for table in contract.load(schema.series)["tables"]]
    assert len(designed) == 43
    assert {table.title for table in tables} >= {*designed}


def test_every_link_leads_somewhere(book: list[Schema]) -> None:
    """Files exist, and so does the heading behind a #."""
    pages = shelf.pages(book)
    anchors = {
        name: [text.slug(h) for h in re.findall(r"^#+ (.*)$", page, re.M)] for name, page in pages.items()
    }
    for name, page in pages.items():
        assert len(set(anchors[name])) == len(anchors[name]), "GitHub would number the second"
        for link in set(re.findall(r"\]\(([^)]+)\)", page)):
            file, _, anchor = link.partition("#")
            assert (FOLDER / (file or name)).is_file(), link
            assert not anchor or anchor in anchors[file or name], link


def test_the_anchor_of_a_heading_is_that_of_its_one_line() -> None:
    """A name may have a line break, which is a blank in the heading."""
    assert text.slug('"a""\n|b_c"') == "a-b_c"


def test_a_page_says_what_points_where(small: list[Schema]) -> None:
    """Both directions of a foreign key, a reference abroad, what a later file adds, comments as text."""
    page = shelf.pages(small)["app.md"]
    for line in (
        "Holds &lt;all&gt; \\| a_b.",
        "| `b` | `text` | not null | `'x\\|y'` | One \\*thing\\*. |",
        "| `a_b` | `(b) where id > 0` | index | finds b |",
        "| `late` | `integer` | null |  | Added by [001_b](#001_b). |",
        "| [b](#b) | `a` | on delete cascade |",
        "| `c` | `uuid` | null |  | Whom. References far.users.id (cross-database, no foreign key). |",
        "Adds to [a](#a): `late`.",
        "| `public.f()` | `function returns integer` |  |",
    ):
        assert line in page, page


def test_only_what_is_not_as_it_should_be_is_touched(tmp_path: Path, small: list[Schema]) -> None:
    """Written once, then left alone; a page changed by hand is put right, a left-over one removed."""
    folder = tmp_path / "out"
    every = sorted({*shelf.pages(small), *shelf.sketches(small)})
    assert sorted(shelf.fill(small, folder).written) == every
    assert shelf.fill(small, folder) == shelf.Change((), (), ())
    (folder / "old.md").write_text((folder / "app.md").read_text())
    (folder / "app-009_old.svg").write_text((folder / "app-000_a.svg").read_text())
    (folder / "notes.md").write_text("by hand")
    (folder / "app.md").write_text("by hand")
    (folder / "app-000_a.svg").write_text("<svg/>")
    change = shelf.fill(small, folder)
    assert change == shelf.Change(("app.md", "app-000_a.svg"), ("app-009_old.svg", "old.md"), ())
    assert (folder / "notes.md").exists()


def test_without_the_extra_the_pictures_stay(
    tmp_path: Path, small: list[Schema], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pages are written all the same, and the command can say which pictures may be out of date."""
    monkeypatch.setattr(picture, "program", lambda: None)
    (tmp_path / "app-000_a.svg").write_text(sheet.MARK)
    change = shelf.fill(small, tmp_path)
    assert change == shelf.Change(tuple(shelf.pages(small)), (), tuple(shelf.sketches(small)))
    assert (tmp_path / "app-000_a.svg").read_text() == sheet.MARK


def test_a_series_without_a_table_has_no_picture(tmp_path: Path, server: Server) -> None:
    """Only a page that says what its files make."""
    sql = {"000_f.sql": "create function public.f() returns int language sql return 1;"}
    book = _book(config.load(make(tmp_path, app=sql).file), server)
    assert shelf.fill(book, tmp_path / "out") == shelf.Change(("README.md", "app.md"), (), ())
    assert "svg" not in (tmp_path / "out" / "app.md").read_text()


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("(status)::text = ANY (ARRAY['a'::text, 'b'::text])", "(status)::text in ('a', 'b')"),
        ("now()", "now()"),
        ("'AND it''s'::text", "'AND it''s'"),
        ("(a IS NOT NULL) AND b", "(a is not null) and b"),
        ('"Odd" > 1::numeric', '"Odd" > 1'),
        ("'abc'::character varying(10)", "'abc'::character varying(10)"),
        ("n > 5::numeric(3,1)", "n > 5::numeric(3,1)"),
    ],
)
def test_expressions_read_like_the_files(printed: str, shown: str) -> None:
    """Lower case, no casts of literals, lists as lists; literals and quoted names as they are."""
    assert text.sql(printed) == shown


def test_a_block_of_code_holds_any_lines() -> None:
    """Backticks within end it no sooner."""
    assert text.block("a", language="sql") == "```sql\na\n```"
    assert text.block("a\n```\nb", language="sql") == "````sql\na\n```\nb\n````"
