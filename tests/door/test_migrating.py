"""Migrating from a program: results and events are data, errors are raised, and nothing else happens."""

from __future__ import annotations

import ctypes
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

import runner
from tests.faults.stage import until
from tests.project import ROOM, TWO, make

if TYPE_CHECKING:
    from pathlib import Path

    from tests.project import Project

SLEEP = "create table public.slow (); select pg_sleep(60);"


def _tables(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    return {name for (name,) in rows} - {"schema_migrations"}


def test_what_was_applied_is_returned(app: Project, each_url: str) -> None:
    """Each database with its outcomes and where it is now; a second call applies nothing."""
    [first] = runner.migrate("app", url=each_url, config=app.file)
    assert [(o.migration.label, o.ms is not None) for o in first.outcomes] == [
        ("000_one", True),
        ("001_two", True),
    ]
    assert (first.series, first.source, first.at) == ("app", "--url", "001_two")
    [again] = runner.migrate(["app"], url=each_url, config=str(app.file))
    assert (again.outcomes, again.at, again.pending) == ((), "001_two", ())


def test_a_target_and_an_expectation(app: Project, url: str) -> None:
    """``to`` stops behind a number; ``expect`` refuses another number of pending files."""
    with pytest.raises(runner.RunnerError) as caught:
        runner.migrate("app", url=url, config=app.file, expect=1)
    assert (caught.value.name, caught.value.exit_code) == ("PENDING_UNEXPECTED", 4)
    [done] = runner.migrate("app", url=url, config=app.file, to=0, expect=1)
    assert done.at == "000_one"
    with pytest.raises(runner.RunnerError) as caught:
        runner.migrate("app", url=url, config=app.file, expect=3)
    assert caught.value.name == "PENDING_UNEXPECTED"


def test_an_expected_run_can_be_finished_and_repeated(app: Project, each_url: str) -> None:
    """Cut short behind its first file, then by the next pod, then by one more: each does what is left."""
    runner.migrate("app", url=each_url, config=app.file, to=0)
    for left in (1, 0, 0):
        [done] = runner.migrate("app", url=each_url, config=app.file, expect=2)
        assert len(done.outcomes) == left


def test_pods_that_start_at_once_all_succeed(app: Project, each_url: str) -> None:
    """Whatever each finds applied, pending or in the making, the expectation holds for all of them."""
    app.write("app", {"000_one.sql": "select pg_sleep(0.3);", "001_two.sql": "select pg_sleep(0.3);"})

    def start(late: float) -> int:
        time.sleep(late)
        [done] = runner.migrate("app", url=each_url, config=app.file, expect=2)
        return sum(outcome.ms is not None for outcome in done.outcomes)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(start, (0, 0, 0.35, 0.7))) == 2


def test_an_older_release_finds_the_database_ahead(app: Project, each_url: str) -> None:
    """It applies nothing, succeeds and says so; strict, or with a file of its own to apply, it refuses."""
    runner.migrate("app", url=each_url, config=app.file)
    (app.root / "app" / "001_two.sql").unlink()
    for expect in (None, 0, 1):
        [done] = runner.migrate("app", url=each_url, config=app.file, expect=expect)
        assert ([step.label for step in done.ahead], done.outcomes, done.at) == (["001_two"], (), "001_two")
    assert runner.plan("app", url=each_url, config=app.file)[0].pending == ()
    assert runner.verify("app", url=each_url, config=app.file)[0].problems == ()
    for call in (runner.migrate, runner.plan):
        with pytest.raises(runner.RunnerError, match="001_two is recorded as applied, but its file is not"):
            call("app", url=each_url, config=app.file, strict=True)
    strict = runner.verify("app", url=each_url, config=app.file, strict=True)
    drift = runner.verify("app", url=each_url, config=app.file, drift=True)
    assert [[problem.name for problem in one.problems] for [one] in (strict, drift)] == [["FILE_MISSING"]] * 2


def test_nothing_pending_is_applied_to_a_database_that_is_ahead(app: Project, each_url: str) -> None:
    """A file that waited for an extension: what the newer release has made of it is not known here."""
    needs = "-- runner: requires-extension {}\nselect 1;"
    app.write("app", {"001_two.sql": needs.format("nowhere"), "002_three.sql": "select 1;"})
    runner.migrate("app", url=each_url, config=app.file)
    (app.root / "app" / "002_three.sql").unlink()
    [done] = runner.migrate("app", url=each_url, config=app.file)
    assert ([step.label for step in done.skipped], len(done.ahead)) == (["001_two"], 1)
    app.write("app", {"001_two.sql": needs.format("plpgsql")})
    with pytest.raises(runner.RunnerError, match="002_three is recorded") as caught:
        runner.migrate("app", url=each_url, config=app.file)
    assert caught.value.name == "FILE_MISSING"


def test_a_file_of_that_name_alone_was_not_applied_by_another_runner(
    tmp_path: Path, app: Project, each_url: str
) -> None:
    """Number and text are not enough: what another branch applied meanwhile under its own name is told."""
    renamed = make(tmp_path / "renamed", app={"000_uno.sql": TWO["000_one.sql"]})

    def meanwhile(event: runner.Event) -> None:
        if isinstance(event, runner.Checked):
            runner.migrate("app", url=each_url, config=renamed.file)

    with pytest.raises(runner.RunnerError, match="under another name"):
        runner.migrate("app", url=each_url, config=app.file, on_event=meanwhile)


def test_events_come_in_order(app: Project, url: str) -> None:
    """Checked once, while nothing is changed; then each file when it is begun and when it is committed.

    The server may be further than what is told, and is never behind it.
    """
    events: list[runner.Event] = []
    seen: list[set[str]] = []

    def note(event: runner.Event) -> None:
        events.append(event)
        seen.append(_tables(url))

    runner.migrate("app", url=url, config=app.file, on_event=note)
    assert [type(event).__name__ for event in events] == [
        "Checked", "Started", "Outcome", "Started", "Outcome",
    ]  # fmt: skip
    assert seen[:2] == [set(), set()]
    assert all({"one"} <= there for there in seen[2:])
    assert seen[4] == {"one", "two"}
    assert isinstance(events[0], runner.Checked)
    assert [step.label for step in events[0].databases[0].pending] == ["000_one", "001_two"]


@pytest.mark.parametrize(("at", "told_of"), [(0, set()), (1, set()), (2, {"one"}), (3, {"one"})])
def test_what_on_event_raises_ends_the_run(app: Project, each_url: str, at: int, told_of: set[str]) -> None:
    """The file at hand is rolled back, what was told of stays, and the next call goes on from there.

    The server goes on meanwhile, so the second file may be there when somebody has heard of the first.
    """
    told = iter(range(10))

    def raise_at(_: runner.Event) -> None:
        if next(told) == at:
            raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        runner.migrate("app", url=each_url, config=app.file, on_event=raise_at)
    left = _tables(each_url)
    assert told_of <= left <= (told_of and {"one", "two"})
    [done] = runner.migrate("app", url=each_url, config=app.file)
    assert len(done.outcomes) == 2 - len(left)


def test_a_database_that_is_done_is_left(
    tmp_path: Path, url: str, other_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the next one is migrated no session of the runner waits in the one before."""
    app = make(tmp_path, app=TWO, more={"000_more.sql": "create table public.more ();"})
    monkeypatch.setenv("APP_URL", url)
    monkeypatch.setenv("MORE_URL", other_url)
    sessions: list[tuple[str, int]] = []

    def look(event: runner.Event) -> None:
        if isinstance(event, runner.Outcome):
            end = time.monotonic() + 5
            while (found := count()) and event.migration.series == "more" and time.monotonic() < end:
                time.sleep(0.05)
            sessions.append((event.migration.series, found))

    def count() -> int:
        with psycopg.connect(url) as witness:
            asked = "select count(*) from pg_stat_activity where application_name ~ '^runner:app'"
            [(found,)] = witness.execute(f"{asked} and datname = current_database()").fetchall()
        return int(found)

    runner.migrate(config=app.file, on_event=look)
    assert sessions == [("app", 1), ("app", 1), ("more", 0)]


def test_an_error_names_its_place(tmp_path: Path, url: str) -> None:
    """Name, exit code, place and remedy are attributes, and the driver's error is the cause."""
    app = make(tmp_path, app={"000_bad.sql": "select 1;\nselect nope;"})
    with pytest.raises(runner.RunnerError, match="app/000_bad") as caught:
        runner.migrate("app", url=url, config=app.file)
    error = caught.value
    assert (error.name, error.exit_code, str(error.place)) == ("SQL_FAILED", 1, "app/000_bad.sql:2:8")
    assert error.remedy
    assert isinstance(error.__cause__, psycopg.errors.UndefinedColumn)


def test_nothing_is_printed_and_no_signal_handler_is_set(
    app: Project, url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A program's streams and signals are its own."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    runner.migrate("app", url=url, config=app.file)
    runner.status("app", url=url, config=app.file)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert capfd.readouterr() == ("", "")


def test_threads_migrate_different_databases(tmp_path: Path, url: str, other_url: str) -> None:
    """Several calls at once do not know each other; two on one database apply each file once."""
    projects = [make(tmp_path / name, app=TWO) for name in ("a", "b", "c")]
    urls = (url, other_url, url)
    with ThreadPoolExecutor(3) as pool:
        found = pool.map(lambda p, u: runner.migrate("app", url=u, config=p.file), projects, urls)
        own = [sum(outcome.ms is not None for outcome in one.outcomes) for [one] in found]
    assert own[1] == 2
    assert own[0] + own[2] == 2


def test_a_cancelled_thread_rolls_the_file_back(tmp_path: Path, each_url: str) -> None:
    """What is raised in the thread from outside cancels the statement on the server at once."""
    app = make(tmp_path, app={"000_one.sql": TWO["000_one.sql"], "001_slow.sql": SLEEP})
    caught: list[BaseException] = []
    begun = threading.Event()

    def tell(event: runner.Event) -> None:
        if isinstance(event, runner.Started) and event.migration.name == "slow":
            begun.set()

    def work() -> None:
        try:
            runner.migrate("app", url=each_url, config=app.file, on_event=tell)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert begun.wait(30)
    time.sleep(0.5)
    began = time.monotonic()
    ident, error = ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, error)
    thread.join(30)
    assert [type(error) for error in caught] == [SystemExit]
    assert time.monotonic() - began < 2 + ROOM
    assert _tables(each_url) == {"one"}
    with psycopg.connect(each_url) as connection:
        asleep = "select from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active'"
        assert connection.execute(f"{asleep} and pid <> pg_backend_pid()").rowcount == 0


def test_the_embedded_server_may_be_refused(app: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """``on_embedded`` is called before it is started."""

    def refuse() -> None:
        raise LookupError("no toys here")

    monkeypatch.chdir(app.root)
    for call in (runner.migrate, runner.status, runner.plan, runner.verify):
        with pytest.raises(LookupError, match="no toys"):
            call("app", on_embedded=refuse)
    assert not (app.root / ".postgres").exists()


@pytest.mark.parametrize(
    "limits",
    [
        runner.Limits(lock_timeout=-1),
        runner.Limits(statement_timeout=float("nan")),
        runner.Limits(wait_lock=-0.1),
    ],
)
def test_a_time_that_is_none_is_refused_at_once(app: Project, url: str, limits: runner.Limits) -> None:
    """Also when nothing is pending: not in the first deploy that has something to do."""
    runner.migrate("app", url=url, config=app.file)
    with pytest.raises(
        runner.RunnerError, match=r"^(lock_timeout|statement_timeout|wait_lock) is "
    ) as caught:
        runner.migrate("app", url=url, config=app.file, limits=limits)
    assert (caught.value.name, caught.value.exit_code) == ("USAGE", 2)


def test_a_time_without_end_is_the_longest_there_is(app: Project, url: str) -> None:
    """Infinity, as Python writes no limit."""
    limits = runner.Limits(lock_timeout=float("inf"), statement_timeout=float("inf"))
    [done] = runner.migrate("app", url=url, config=app.file, limits=limits)
    assert done.at == "001_two"


@pytest.mark.parametrize("call", [runner.status, runner.plan, runner.verify, runner.migrate])
def test_a_question_that_is_cancelled_has_a_name(app: Project, url: str, call: Any) -> None:  # noqa: ANN401 - each has its own options
    """Whatever the server says, no error of the driver leaves the library."""
    runner.migrate("app", url=url, config=app.file)
    cancel = (
        "select pg_cancel_backend(pid) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as other:
        holder.execute("lock table public.schema_migrations")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(call, "app", url=url, config=app.file)
            until(lambda: other.execute(cancel).rowcount or asked.done(), what="a question that waits")
            problem = asked.exception(timeout=30)
    assert isinstance(problem, runner.RunnerError)
    assert problem.name == "SERVER_REFUSED"
    assert isinstance(problem.__cause__, psycopg.errors.QueryCanceled)


def test_a_drivers_error_of_who_listens_stays_his(app: Project, url: str) -> None:
    """It is none of ours, and is not named so."""

    def listen(_: runner.Event) -> None:
        with psycopg.connect(url) as own:
            own.execute("select from nowhere")

    with pytest.raises(psycopg.errors.UndefinedTable):
        runner.migrate("app", url=url, config=app.file, on_event=listen)


def test_what_a_listener_raises_comes_out_as_it_is(app: Project, url: str) -> None:
    """StopIteration as well, which a next() lets out, and which a generator would make another error of."""

    def listen(event: runner.Event) -> None:
        if not isinstance(event, runner.Checked):
            next(iter(()))

    with pytest.raises(StopIteration):
        runner.migrate("app", url=url, config=app.file, on_event=listen)


def test_a_server_that_is_too_old_is_asked_nothing(
    app: Project, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would stumble over what the first question is about."""
    monkeypatch.setattr("runner.planning.facts.OLDEST_SERVER", 10**6)
    monkeypatch.setattr("runner.database.ask", None)
    for call in (runner.status, runner.migrate):
        with pytest.raises(runner.RunnerError, match="The server of --url is PostgreSQL ") as caught:
            call("app", url=url, config=app.file)
        assert (caught.value.name, caught.value.exit_code) == ("SERVER_UNUSABLE", 2)
