"""Whoever waits for a server can be ended from outside, whatever the question goes through."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, NoReturn

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from runner import database
from runner.database import attention
from runner.errors import ConnectionLost
from tests.faults.proxy import Fault, Proxy
from tests.project import ROOM
from tests.roles import migrating

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Server

SLOW = "select pg_catalog.pg_sleep(60)"
# Nobody ends what a silent server does: other tests count the sleepers of this one.
LEFT = """
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where state = 'active' and query ~ 'pg_sleep.60' and pid <> pg_backend_pid()
"""


class _Enough(Exception):
    """Somebody does not want to wait any longer."""


def _prepared(connection: database.Connection) -> None:
    connection.prepare_threshold = 0
    database.run(connection, "begin")
    database.query(connection, SLOW)


WAYS: dict[str, Callable[[database.Connection], object]] = {
    "a question": lambda connection: database.query(connection, SLOW),
    "one of quoted names": lambda connection: database.query_quoted(connection, SLOW),
    "a prepared one": _prepared,
    "psycopg's own": lambda connection: connection.execute(SLOW),
}


def _until(stop: threading.Event) -> Callable[[float], None]:
    def look(_: float) -> None:
        if stop.is_set():
            raise _Enough

    return look


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("is_silent", [False, True])
def test_every_way_to_ask_is_ended_within_two_seconds(server: Server, way: str, is_silent: bool) -> None:
    """What runs is cancelled, and the connection is good again; one that is silent is given up."""
    stop = threading.Event()

    def act() -> None:
        if is_silent:
            proxy.silence()
        stop.set()

    name = str(conninfo_to_dict(server.url("postgres"))["dbname"])
    with Proxy(f"{server.host}/.s.PGSQL.5432") as proxy:
        connection = database.connect(proxy.url(name), source="x")
        threading.Timer(0.4, act).start()
        began = time.monotonic()
        with pytest.raises(_Enough), database.heeding(_until(stop)):
            WAYS[way](connection)
        assert time.monotonic() - began < 2.4 + ROOM
        if is_silent:
            assert connection.closed
        else:
            database.roll_back(connection)
            assert database.query(connection, "select 1") == [(1,)]
        connection.close()
        with psycopg.connect(server.url(name)) as db:
            found = db.execute(LEFT.encode()).fetchall()
            assert is_silent or not found


@pytest.mark.parametrize("way", [*WAYS, "a message"])
def test_a_cancel_counts_though_the_connection_that_asks_for_it_stays_open(server: Server, way: str) -> None:
    """Pgpool-II passes a request on at once and closes a second later: the answer is there by then."""
    ask = (WAYS | {"a message": lambda connection: database.send(connection, SLOW)})[way]
    stop = threading.Event()
    name = str(conninfo_to_dict(server.url("postgres"))["dbname"])
    with (
        Proxy(f"{server.host}/.s.PGSQL.5432", lingers=True) as proxy,
        database.connect(proxy.url(name), source="x") as connection,
    ):
        threading.Timer(0.4, stop.set).start()
        began = time.monotonic()
        with pytest.raises(_Enough), database.heeding(_until(stop)):
            ask(connection)
        assert time.monotonic() - began < 2.4 + ROOM
        database.roll_back(connection)
        assert database.query(connection, "select 1") == [(1,)]


def test_a_question_that_needs_no_wait_has_its_answer(url: str) -> None:
    """Whoever listens changes nothing else."""
    with database.heeding(lambda _: None), database.connect(url, source="x") as connection:
        assert connection.execute("select 1").fetchall() == [(1,)]
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute("select 1/0")
        with connection.pipeline():
            connection.execute("select 2")
        assert connection.execute("select 3").fetchall() == [(3,)]


def _send_and_stop(connection: database.Connection) -> NoReturn:
    connection.pgconn.send_query(SLOW.encode())
    time.sleep(0.5)
    raise KeyboardInterrupt


@pytest.mark.parametrize("way", [*WAYS, "a message"])
def test_a_server_that_is_at_work_on_a_question_is_no_silent_one(
    each_url: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second session sees it; nothing but an end from outside ends that, however many are impatient."""
    ask = (WAYS | {"a message": lambda connection: database.send(connection, SLOW)})[way]
    monkeypatch.setattr(attention, "PATIENCE", 0.7)
    stop = threading.Event()
    with (
        database.connect(each_url, source="x") as connection,
        database.heeding(database.silence("a", seconds=0.4)),
        database.heeding(database.silence("b")),
        database.heeding(_until(stop)),
    ):
        threading.Timer(3, stop.set).start()
        with pytest.raises(_Enough):
            ask(connection)


def test_a_question_of_who_works_as_another_role_is_seen_as_well(each_server: Server, each_url: str) -> None:
    """Only the login sees what its sessions do."""
    with (
        migrating(each_server, each_url) as url,
        database.connect(url, source="x") as connection,
        database.heeding(database.silence("x", seconds=0.4)),
    ):
        assert database.query(connection, "select pg_sleep(1)::text, 1") == [("", 1)]


def test_a_server_that_has_answered_into_the_void_is_silent(server: Server) -> None:
    """Its session waits for another question, and somebody else can ask it."""
    name = str(conninfo_to_dict(server.url("postgres"))["dbname"])
    with Proxy(f"{server.host}/.s.PGSQL.5432") as proxy:
        connection = database.connect(proxy.url(name), source="x")
        assert proxy.first
        proxy.first.fault = Fault.HOLE
        with (
            database.heeding(database.silence("x", seconds=0.5)),
            pytest.raises(ConnectionLost, match=r"x has not answered for 0\.5 s"),
        ):
            database.query(connection, "select 1")


def test_the_time_in_which_the_runner_was_stopped_is_no_silence(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Ctrl-Z, by a frozen container, by a laptop that slept: the answer may lie there unread."""
    began = time.monotonic()

    def leaping() -> float:
        now = time.monotonic()
        return now + (100 if now - began > 0.5 else 0)

    with database.connect(url, source="x") as connection:
        monkeypatch.setattr(attention, "time", SimpleNamespace(monotonic=leaping))
        with database.heeding(database.silence("x", seconds=3, is_final=True)):
            assert database.query(connection, "select pg_sleep(1)::text, 1") == [("", 1)]


def test_what_a_message_began_ends_where_nobody_waits_for_it_yet(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Without a word of the driver's about a rollback that it could not send."""
    connection = database.connect(url, source="x")
    with pytest.raises(KeyboardInterrupt), connection:
        _send_and_stop(connection)
    assert (caplog.messages, connection.closed) == ([], True)
    with psycopg.connect(url) as db:
        time.sleep(0.5)
        assert db.execute(LEFT.encode()).fetchall() == []


def test_a_pause_is_ended_as_a_wait_for_a_server_is() -> None:
    """Who waits before another try hears at once that nobody wants it; otherwise it takes its time."""
    stop = threading.Event()
    began = time.monotonic()
    with database.heeding(_until(stop)):
        database.pause(0.2)
        assert time.monotonic() - began >= 0.2
        threading.Timer(0.2, stop.set).start()
        with pytest.raises(_Enough):
            database.pause(60)
    assert time.monotonic() - began < 10
