"""What a session keeps for good, such as the types a function has seen: no file finds any of it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner import apply, database
from runner.apply.event import Outcome, Retrying, Started
from runner.database import Access
from runner.files import folder
from tests.planning.test_bundle import psql, write
from tests.project import make

if TYPE_CHECKING:
    from pathlib import Path

    from tests.project import Project
    from tests.servers import Server

PRICES = """create table public.prices (id int, amount numeric(10,0));
create function public.set_price(i int, v numeric) returns void language plpgsql as $$
declare a public.prices.amount%type := v;
begin insert into public.prices values (i, a); end $$;
select public.set_price(1, 5);
"""
CENTS, SET = (
    "alter table public.prices alter column amount type numeric(10,2);",
    "select public.set_price(2, 9.99);",
)
AMOUNTS = "select string_agg(amount::text, ' ' order by id) from public.prices"
ORDERS = """create table public.orders (id int primary key, total int);
create function public.positive() returns trigger language plpgsql as $$
begin new.total := greatest(new.total, 0); return new; end $$;
create trigger positive before insert or update on public.orders
    for each row execute function public.positive();
insert into public.orders values (1, -1);
"""
BIG = """alter table public.orders alter column total type bigint;
update public.orders set total = 5000000000 where id = 1;
"""
STATUS = """create type public.status as enum ('new', 'done');
create table public.orders (id int primary key, s public.status not null);
create table public.busy (id int);
create function public.finish(i int) returns void language plpgsql as $$
declare to_be public.status := 'done';
begin update public.orders set s = to_be where id = i; end $$;
insert into public.orders values (1, 'new'), (2, 'new');
"""
SWAP = """alter type public.status rename to status_old;
create type public.status as enum ('new', 'done', 'lost');
alter table public.orders alter column s type public.status using s::text::public.status;
drop type public.status_old;
"""
FINISH = "select public.finish(1);\n"
STATES = "select string_agg(s::text, ' ' order by id) from public.orders"
UNSEEN = f"""create function public.swap() returns void language plpgsql as $f$
declare one text; begin
    foreach one in array string_to_array($s${SWAP.replace("al", "@al").replace("dr", "@dr")}$s$, ';') loop
        execute replace(one, '@', '') || ' ';
    end loop;
end $f$;
"""
NOTES = (
    "create table public.notes (id int, who text default coalesce(current_setting('app.who', true), '?'));"
)
NOTED, SECOND = "select who from public.notes where id = 2", "insert into public.notes (id) values (2);"
OWN = {
    "escaped": "select set_config(E'app.who', 'me', true);",
    "in dollars": "select set_config($$app.who$$, 'me', true);",
    "behind a comment": "select set_config( -- tenant\n'app.who', 'me', true);",
    "from rows": "select set_config(k, v, true) from (values ('app.who', 'me')) as x(k, v);",
    "put together": "do $$ begin execute format('set local %I.%I = %L', 'app', 'who', 'me'); end $$;",
}
ZONE = """do $$ begin
    execute concat_ws(' ', 'alter', 'database', current_database(), 'set datestyle = SQL');
end $$;"""
ORIGIN = "select pg_replication_origin_session_setup(current_database());"

# What the files are, what is asked behind them, and what psql leaves there, a session for each.
CASES = {
    "another type in the file": ((PRICES, CENTS + SET), AMOUNTS, "5.00 9.99"),
    "another type, compiled in that file": (("select 1;", PRICES + CENTS, SET), AMOUNTS, "5.00 9.99"),
    "a table made anew": (
        (PRICES, "drop table public.prices; create table public.prices (id int, amount numeric(10,2));", SET),
        AMOUNTS,
        "9.99",
    ),
    "a table swapped": (
        (
            PRICES,
            "alter table public.prices rename to old; create table public.prices (like old);" + CENTS,
            SET,
        ),
        AMOUNTS,
        "9.99",
    ),
    "another type, without a transaction": (
        (PRICES, f"-- runner: no-transaction\n{CENTS}", SET),
        AMOUNTS,
        "5.00 9.99",
    ),
    "a trigger": ((ORDERS, BIG), "select total::text from public.orders", "5000000000"),
    "an enum swapped": ((STATUS + "select public.finish(2);", SWAP, FINISH), STATES, "done done"),
    "an enum swapped out of sight": (
        (STATUS + UNSEEN + "select public.finish(2);", "select public.swap();", FINISH),
        STATES,
        "done done",
    ),
    **{f"own setting {name}": ((NOTES, text, SECOND), NOTED, "?") for name, text in OWN.items()},
    "setting of the database": (
        (
            "create table public.d (v text);",
            ZONE,
            "insert into public.d select current_setting('datestyle');",
        ),
        "select v from public.d",
        "SQL, MDY",
    ),
    "seed": (
        ("create table public.r (v float);", "select setseed(0.5);", "insert into public.r select random();"),
        "select (v::numeric(8,6) = 0.985168)::text from public.r",
        "false",
    ),
    "origin": (
        ("select 1;", ORIGIN, ORIGIN),
        "select string_agg(version, ' ') from public.schema_migrations",
        "000 001 002",
    ),
}
HEALED_ANEW = "an enum swapped out of sight"  # a bundle stops there, and one made anew goes on


def _made(root: Path, texts: tuple[str, ...]) -> Project:
    return make(root, app={f"{number:03}_f.sql": f"{text}\n" for number, text in enumerate(texts)})


def _one(url: str, look: str) -> str:
    with psycopg.connect(url) as db:
        return str(db.execute(look.encode()).fetchone()[0])  # type: ignore[index] # one row


@pytest.fixture
def place(each_url: str) -> str:
    """Return the URL of an empty database, of whose name an origin of replication is known."""
    with psycopg.connect(each_url, autocommit=True) as db:
        db.execute("select pg_replication_origin_create(current_database())")
    return each_url


@pytest.mark.parametrize("name", CASES)
def test_each_file_finds_what_it_would_with_psql(tmp_path: Path, place: str, name: str) -> None:
    """In one run, on each server."""
    texts, look, expected = CASES[name]
    app = _made(tmp_path, texts)
    assert len(app.migrate(place)) == len(texts)
    assert _one(place, look) == expected


@pytest.mark.parametrize("name", CASES)
def test_one_by_one_too(tmp_path: Path, place: str, name: str) -> None:
    """As the reference is made."""
    texts, look, expected = CASES[name]
    _made(tmp_path, texts)
    files = folder.load("app", tmp_path / "app", root=tmp_path)
    connect = partial(database.connect, place, source="the test server")
    with connect() as connection:
        assert [one.number for one in apply.one_by_one(Access(connection, connect), files)] == [
            *range(len(texts))
        ]
    assert _one(place, look) == expected


@pytest.mark.parametrize("name", [name for name in CASES if name != HEALED_ANEW])
def test_the_bundle_too(tmp_path: Path, each_server: Server, place: str, name: str) -> None:
    """It connects anew in the same places."""
    texts, look, expected = CASES[name]
    bundle = write(CliRunner(), _made(tmp_path, texts), "app", tmp_path / "b.sql", APP_URL=place)
    done = psql(each_server, bundle, place)
    assert (done.returncode, done.stderr) == (0, "")
    assert _one(place, look) == expected


@pytest.mark.parametrize("name", ["a trigger", "an enum swapped", HEALED_ANEW])
def test_no_drift_is_seen_where_there_is_none(tmp_path: Path, url: str, name: str) -> None:
    """The scratch database is made by the same rules."""
    texts, _, _ = CASES[name]
    app = _made(tmp_path, texts)
    app.migrate(url)
    done = app.run(CliRunner(), "verify", "--drift", APP_URL=url)
    assert done.exit_code == 0, done.output


def test_a_file_that_is_tried_again_begins_anew(tmp_path: Path, each_url: str) -> None:
    """Its first try compiled a function for a type that was rolled back."""
    app = _made(tmp_path, (STATUS, SWAP + FINISH + "alter table public.busy add column note text;"))
    app.migrate(each_url, to=0)
    with psycopg.connect(each_url) as blocker:
        blocker.execute("lock table public.busy")
        events = []
        for event in app.events(each_url, lock_timeout=0.3):
            events.append(event)
            if isinstance(event, Retrying):
                blocker.rollback()
    assert [type(event) for event in events if isinstance(event, Retrying | Outcome)] == [Retrying, Outcome]
    assert _one(each_url, STATES) == "done new"


def test_what_another_runner_has_made_anew_takes_a_new_session_too(
    tmp_path: Path, each_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has applied files that this one was still to come to, beyond those of its message."""
    monkeypatch.setattr("runner.apply.run._MOST", 1)
    app = _made(tmp_path, (PRICES, "select 1;", CENTS, "select 1;", SET))
    events = app.events(each_url)
    assert [type(event) for event in (next(events), next(events))] == [Started, Outcome]
    assert len(app.migrate(each_url, to=3)) == 3
    assert [event.ms is None for event in events if isinstance(event, Outcome)] == [True, True, True, False]
    assert _one(each_url, AMOUNTS) == "5.00 9.99"


GREET = """create schema app;
create function public.greet() returns event_trigger language plpgsql as $$
begin perform pg_catalog.set_config('search_path', 'app', false); end $$;
create event trigger greeting on login execute function public.greet();
"""


@pytest.mark.parametrize("way", ["migrate", "bundle"])
def test_a_trigger_that_a_file_makes_greets_the_next(
    tmp_path: Path, server: Server, url: str, way: str
) -> None:
    """Each that follows, not only the first, as with psql."""
    app = _made(tmp_path, (GREET, "create table t1 (id int);", "create table t2 (id int);"))
    if way == "migrate":
        app.migrate(url)
    else:
        done = psql(server, write(CliRunner(), app, "app", tmp_path / "b.sql", APP_URL=url), url)
        assert (done.returncode, done.stderr) == (0, "")
    look = "select string_agg(relnamespace::regnamespace::text, ' ') from pg_class where relname ~ '^t[12]$'"
    assert _one(url, look) == "app app"
