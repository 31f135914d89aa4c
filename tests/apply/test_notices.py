"""What the server says while a file runs, and where in the file."""

from __future__ import annotations

import resource
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner.apply.event import Notice, Noticed, Outcome
from runner.database import Heard
from runner.errors import RunnerError
from tests.project import make

if TYPE_CHECKING:
    from pathlib import Path

    from runner.apply.event import Event

BLOCK = "do $$\nbegin\n    raise warning 'so %', 1 using detail = 'd', hint = 'h';\nend\n$$;\n"
FUNCTION = (
    "create function public.f() returns int language plpgsql as $$\nbegin\n    raise warning 'f';\n"
    "    return 1;\nend\n$$;\n"
)

# A file, and what is said: severity, message, place.
CASES = {
    "a block": (BLOCK, [("WARNING", "so 1", "3:5")]),
    "a block behind others": (f"select 1;\nselect 2;\n{BLOCK}select 3;", [("WARNING", "so 1", "5:5")]),
    "two blocks": (
        BLOCK + BLOCK.replace("so", "then"),
        [("WARNING", "so 1", "3:5"), ("WARNING", "then 1", "8:5")],
    ),
    "two at one line": (
        "select 1; do $$ begin raise warning 'it''s'; raise notice '100%% of %', 'x'; end $$; select 2;",
        [("WARNING", "it's", "1:17"), ("NOTICE", "100% of x", "1:17")],
    ),
    "a statement": (
        "create table public.a ();\ncreate table public.b ();\ncreate table if not exists public.a ();",
        [("NOTICE", 'relation "a" already exists, skipping', "3:1")],
    ),
    "the first of three": (
        "drop table if exists public.a;\nselect 1;\nselect 2;",
        [("NOTICE", 'table "a" does not exist, skipping', "1:1")],
    ),
    "names in capitals": (
        "DROP TABLE IF EXISTS public.A;\nselect 1;\nDROP TABLE IF EXISTS public.B;\nselect 2;",
        [
            ("NOTICE", 'table "a" does not exist, skipping', "1:1"),
            ("NOTICE", 'table "b" does not exist, skipping', "3:1"),
        ],
    ),
    "names that differ in capitals": (
        'drop table if exists public."A";\ndrop table if exists public.a;\nselect 1;',
        [
            ("NOTICE", 'table "A" does not exist, skipping', "1:1"),
            ("NOTICE", 'table "a" does not exist, skipping', "2:1"),
        ],
    ),
    "a function of the file": (f"{FUNCTION}select 1;\nselect public.f();", [("WARNING", "f", "3:5")]),
    "at the commit": (
        (
            "create table public.a ();\ncreate function public.t() returns trigger language plpgsql as $$\n"
            "begin\n    raise warning 'late';\n    return null;\nend\n$$;\n"
            "create table public.b (id int);\n"
            "create constraint trigger t after insert on public.b deferrable initially deferred\n"
            "    for each row execute function public.t();\ninsert into public.b values (1);"
        ),
        [("WARNING", "late", None)],
    ),
    "info": ("do $$ begin raise info 'i'; end $$;", [("INFO", "i", "1:7")]),
}


def said(events: list[Event]) -> list[tuple[str, str, str | None]]:
    """Return severity, message and place of all that was said."""
    found = [one for event in events if isinstance(event, Noticed) for one in event.notices]
    return [(one.severity, one.message, str(one.place)[16:] if one.place else None) for one in found]


@pytest.mark.parametrize("name", CASES)
def test_what_the_server_says_has_its_place(tmp_path: Path, each_url: str, name: str) -> None:
    """Each message once, behind the outcome of its file, and never at the wrong line."""
    text, expected = CASES[name]
    app = make(tmp_path, app={"000_one.sql": text, "001_two.sql": "select 1;"})
    events = list(app.events(each_url))
    assert said(events) == expected
    kinds = [type(event).__name__ for event in events if event.migration.version == "000"]
    assert kinds == ["Started", "Outcome", "Noticed"]


def test_detail_and_hint_belong_to_it(tmp_path: Path, each_url: str) -> None:
    """As psql shows them."""
    app = make(tmp_path, app={"000_one.sql": BLOCK})
    [event] = [event for event in app.events(each_url) if isinstance(event, Noticed)]
    [notice] = event.notices
    assert (notice.sqlstate, notice.notes) == ("01000", ("DETAIL: d", "HINT: h"))


@pytest.mark.parametrize("letter", ["a", "A"])
def test_a_name_that_is_too_long_is_told_of_its_file(tmp_path: Path, each_url: str, letter: str) -> None:
    """The server says so as it reads the whole message, and of a name in capitals in small letters."""
    app = make(tmp_path, app={"000_one.sql": "select 1;", "001_two.sql": f"\nselect 1 as {letter * 70};"})
    events = list(app.events(each_url))
    [told] = [event for event in events if isinstance(event, Noticed)]
    assert told.migration.version == "001"
    assert [(message[:20], place) for _, message, place in said(events)] == [('identifier "aaaaaaaa', "2:13")]


def test_a_name_that_is_too_long_is_told_of_the_file_that_writes_it_so(tmp_path: Path, each_url: str) -> None:
    """Not of an earlier one that has it in capitals, in a comment."""
    one = f"-- {'A' * 70}\nselect 1;"
    app = make(tmp_path, app={"000_one.sql": one, "001_two.sql": f"select 1 as {'a' * 70};"})
    [told] = [event for event in app.events(each_url) if isinstance(event, Noticed)]
    assert told.migration.version == "001"


def test_two_that_could_have_said_it_leave_the_line_open(tmp_path: Path, each_url: str) -> None:
    """A place that may be wrong is worse than none; the file is named in any case."""
    text = "create table public.a ();\n" + "create table if not exists public.a ();\n" * 3 + "select 1;"
    app = make(tmp_path, app={"000_one.sql": text})
    places = [place for _, _, place in said(list(app.events(each_url)))]
    assert len(places) == 3
    assert [place in (None, f"{line}:1") for line, place in enumerate(places, 2)] == [True] * 3


@pytest.mark.parametrize("header", ["", "-- runner: no-transaction\n"])
def test_a_file_that_fails_has_said_something_too(tmp_path: Path, each_url: str, header: str) -> None:
    """Mostly it tells why."""
    text = f"{header}do $$ begin raise warning 'watch'; perform 1/0; end $$;"
    app = make(tmp_path, app={"000_one.sql": text})
    events: list[Event] = []
    with pytest.raises(RunnerError, match="division by zero"):
        events.extend(app.events(each_url))  # keeps what comes before the error
    assert [(severity, message) for severity, message, _ in said(events)] == [("WARNING", "watch")]


def test_a_file_without_a_transaction_is_heard(tmp_path: Path, each_url: str) -> None:
    """Its one statement said it."""
    text = "-- runner: no-transaction\n\ndrop index concurrently if exists public.i"
    app = make(tmp_path, app={"000_one.sql": text})
    assert said(list(app.events(each_url))) == [("NOTICE", 'index "i" does not exist, skipping', "3:1")]


def test_a_flood_is_counted_not_kept(tmp_path: Path, each_url: str) -> None:
    """A hundred warnings and a hundred others stay, and memory does not grow with the rest."""
    loop = "do $$ begin for i in 1..{} loop raise notice 'n %', i; raise warning 'w %', i; end loop; end $$;"
    app = make(tmp_path, app={"000_one.sql": loop.format(2000), "001_two.sql": loop.format(30000)})
    events = app.events(each_url)
    first = next(event for event in events if isinstance(event, Noticed))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    second = next(event for event in events if isinstance(event, Noticed))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 4096, "kilobytes"
    for event, count in ((first, 2000), (second, 30000)):
        messages = [one.message for one in event.notices]
        assert messages[:4] == ["n 1", "w 1", "n 2", "w 2"]
        assert messages[-2:] == [f"and {count - 100} more"] * 2
        assert len(messages) == 202
    assert list(events) == []


def test_what_a_session_hears_is_up_to_client_min_messages(tmp_path: Path, each_url: str) -> None:
    """The database's setting counts, and the file's own."""
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute(
            "do $$ begin execute format('alter database %I set client_min_messages = error',"
            " current_database()); end $$"
        )
    app = make(tmp_path, app={"000_one.sql": BLOCK, "001_two.sql": "set client_min_messages = log;" + BLOCK})
    found = [event for event in app.events(each_url) if isinstance(event, Noticed)]
    assert [event.migration.version for event in found] == ["001"]


def test_listening_costs_nothing_worth_naming(tmp_path: Path, url: str) -> None:
    """A flood takes the time the server needs for it; a second run hears as well."""
    app = make(tmp_path, app={"000_one.sql": "select 1;"})
    assert [type(event) for event in app.events(url)][-1] is Outcome
    app.write(
        "app", {"001_two.sql": "do $$ begin for i in 1..20000 loop raise notice 'x'; end loop; end $$;"}
    )
    began = time.monotonic()
    [*_, event] = app.events(url)
    assert isinstance(event, Noticed)
    assert event.notices[-1] == Notice("NOTICE", "and 19900 more")
    assert time.monotonic() - began < 10


def test_a_mark_before_many_blanks_takes_no_time() -> None:
    """As where a loop prints padded rows: each of a hundred notices is read once for each statement."""
    blank = (None,) * 6
    heard = Heard("NOTICE", None, 'size 5"' + " " * 1900 + "x", *blank, statement=0)
    started = time.monotonic()
    assert [heard.names for _ in range(100)] == [[]] * 100
    assert time.monotonic() - started < 1
