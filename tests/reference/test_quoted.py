"""What files write between quotes, and what they say of text and its order, stands on the pages as it is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner import config, planning
from runner.reference import build, page, shelf, text
from tests.project import make

if TYPE_CHECKING:
    from runner.reference.facts import Schema
    from tests.servers import Server

FILE = """
create schema app;
create collation app.plain from "C";
create function app.trg() returns trigger language plpgsql as $$ begin return new; end $$;
create type app.plain_range as range (subtype = text, collation = "C");
create table app."Order Items" (
    id int primary key,
    t text collate "C" check (t <> 'a  b' and t <> 'x|y'),
    n text collate app.plain default 'q' || chr(9) || '  |  ' || '
two',
    self int references app."Order Items",
    v tsvector
);
create table public."user" (
    id int primary key,
    item int constraint item_fk references app."Order Items",
    pages int,
    constraint page_key unique nulls not distinct (pages) include (item) deferrable
);
create table public.post (
    who int,
    day text
) partition by list ((day || '|  '));
create table public.app ();
comment on column public.post.who is 'Whom. References app.user.id (cross-database, no foreign key).';
comment on constraint item_fk on public."user" is 'What | was *bought*.';
create index i1 on app."Order Items" (t collate "POSIX", n);
create index i2 on app."Order Items" ((t || 'a  b|') collate "C") where t = 'p  |';
create index i3 on app."Order Items" (id desc) include (t);
create index i4 on app."Order Items" using gist (v tsvector_ops (siglen = 100));
create trigger t1 before update on app."Order Items" for each row
    when (new.t <> ' EXECUTE FUNCTION x') execute function app.trg('a EXECUTE FUNCTION b(', 'it''s');
create trigger t2 before update on app."Order Items" for each row
    when (case when (new.t = ') EXECUTE ') then true end) execute function app.trg();
create trigger "t3 WHEN (1) EXECUTE FUNCTION x" before update on app."Order Items"
    execute function app.trg(' FOR EACH ROW WHEN (x) EXECUTE FUNCTION ');
create policy p1 on app."Order Items" using (t = 'a  b');
comment on trigger t1 on app."Order Items" is 'Keeps order.';
comment on policy p1 on app."Order Items" is 'Who sees what.';
"""
TOLD = {
    "blanks and a bar in a check": "| `t <> 'a  b' and t <> 'x\\|y'` |",
    "a line break in a literal": "| `(('q' \\|\\| chr(9)) \\|\\| '  \\|  ') \\|\\| '␊two'` |",
    "a bar outside of tables": "\nPartitioned by `list (((day || '|  ')))`.\n",
    "the collation of a column": '| `t` | `text collate "C"` | null |',
    "a collation of one's own": "| `n` | `text collate app.plain` | null |",
    "the collation of an index": '| `i1` | `(t collate "POSIX", n)` | index |',
    "the collation of an expression": (
        "| `i2` | `((t \\|\\| 'a  b\\|') collate \"C\") where t = 'p  \\|'` | index |"
    ),
    "the collation of a range": '| `app.plain_range` | `range of text collate "C"` |  |',
    "no collation where there is none": "| `i3` | `(id desc) include (t)` | index |",
    "options of operators": "| `i4` | `gist (v tsvector_ops (siglen=100))` | index |",
    "a key": "| `page_key` | `(pages) include (item)` | unique constraint, nulls not distinct, deferrable |",
    "a trigger with its comment": (
        "| `t1` | before update, for each row, when `new.t <> ' EXECUTE FUNCTION x'` "
        "| `app.trg('a EXECUTE FUNCTION b(', 'it''s')` | Keeps order. |"
    ),
    "a trigger with a case": "then true else null::boolean end` | `app.trg()` |  |",
    "a trigger with a name": (
        "| `t3 WHEN (1) EXECUTE FUNCTION x` | before update, for each statement "
        "| `app.trg(' FOR EACH ROW WHEN (x) EXECUTE FUNCTION ')` |"
    ),
    "a policy with its comment": "| `p1` | all, to `public` | `t = 'a  b'` |  | Who sees what. |",
    "a foreign key with its comment": "(`id`) | on delete no action | What \\| was \\*bought\\*. |",
    "a link to a table with quotes": '| `item_fk` | `item` | [app."Order Items"](#apporder-items) (`id`) |',
    "a reference to a table with quotes": "Whom. References [app.user.id](#user) (cross-database",
    "who refers to a table with quotes": "| [app.post](#post) | `who` | cross-database, no foreign key |",
}


@pytest.fixture(scope="module")
def schema(each_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Schema:
    """Return the facts of that file."""
    project = config.load(make(tmp_path_factory.mktemp("quoted") / "p", app={"000_a.sql": FILE}).file)
    [series] = project.series
    files = planning.read(project, [series])["app"]
    return build.describe(series, files, each_server.url("postgres"), source="the test")


@pytest.mark.parametrize("words", TOLD.values(), ids=TOLD)
def test_the_page_tells_it_as_the_file_does(schema: Schema, words: str) -> None:
    """A reader sees each blank, bar and word, and by which rule text is compared."""
    assert words in shelf.pages([schema])["app.md"]


def test_a_further_page_has_a_heading_of_its_own(schema: Schema, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table named like the series is not the second of that name there, as it would be on the first."""
    monkeypatch.setattr(page, "MOST", 1)
    pages = shelf.pages([schema])
    [name] = (name for name, one in pages.items() if re.search(r"^### app$", one, re.MULTILINE))
    assert name != "app.md"
    assert f"[app]({name}#app)" in pages["README.md"]


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("निर्भर", "निर्भर"),
        ("a\u0301b", "a\u0301b"),
        ("a²b①", "ab"),
        ("Ⅷ ٣", "ⅷ-٣"),
        ("x‿y\u2013z", "x‿yz"),
        ("I ♥ Größe", "i--größe"),
    ],
)
def test_an_anchor_is_that_of_github(heading: str, anchor: str) -> None:
    """Marks of letters stay, and of numbers only digits and those that are letters."""
    assert text.slug(heading) == anchor


def test_code_outside_of_a_table_has_no_backslash() -> None:
    """There it would be shown."""
    assert text.code("a || b") == "`a \\|\\| b`"
    assert text.code("a || b", in_table=False) == "`a || b`"
    assert text.code("a ||\n   'x  y'\n   || \"p\tq\"") == "`a \\|\\| 'x  y' \\|\\| \"p␉q\"`"


def test_pages_hold_no_password() -> None:
    """More people read them than a database's defaults and views."""
    assert text.code("'host=db password=hunter2'::text") == "`'host=db password=*******'::text`"
    assert text.block("select 'x://u:hunter2@h'", language="sql") == "```sql\nselect 'x://u:*******@h'\n```"
