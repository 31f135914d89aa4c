"""Migrate many databases: all are looked at first, canaries go first, a failure holds the others."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import runner
from runner import Ending, apply
from runner.errors import UsageError
from runner.fleet import look, survey
from tests.faults.proxy import Fault, Proxy
from tests.fleet.conftest import at, run
from tests.project import ROOM, TWO, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.door import Event
    from runner.fleet import Visit
    from tests.project import Project
    from tests.servers import Server

    Fleet = dict[str, str]

BOTH = ["000", "001"]


def migrated(app: Project, fleet: Fleet, **options: Any) -> dict[str, Visit]:  # noqa: ANN401 - as of migrate_fleet
    """Migrate, and return what became of each, in the order in which it came."""
    return {visit.name: visit for visit in runner.migrate_fleet(fleet, config=app.file, **options)}


def endings(visits: dict[str, Visit]) -> str:
    """Return the endings in the order of the names: drfn."""
    return "".join(str(visits[name].ending)[0] for name in sorted(visits))


def names(visits: dict[str, Visit]) -> set[str]:
    """Return the names of the problems."""
    return {visit.problem.name for visit in visits.values() if visit.problem}


# ------------------------------------------------------------------ everything is well


def test_each_database_gets_all_and_the_second_run_nothing(app: Project, fleet: Fleet) -> None:
    """Every ledger has both files; there is no state but these."""
    first = migrated(app, fleet)
    assert endings(first) == "dddd"
    assert [at(url) for url in fleet.values()] == [BOTH] * 4
    assert {visit.database.at for visit in first.values() if visit.database} == {"001_two"}
    assert [len(visit.database.outcomes) for visit in first.values() if visit.database] == [2] * 4
    second = migrated(app, fleet)
    assert endings(second) == "dddd"
    assert [visit.database.outcomes for visit in second.values() if visit.database] == [()] * 4


def test_the_checks_of_all_come_before_the_first_change(app: Project, fleet: Fleet) -> None:
    """Each event is told with its name, ``Checked`` of all before anything starts."""
    told: list[tuple[str, str]] = []
    migrated(app, fleet, on_event=lambda name, event: told.append((name, type(event).__name__)))
    assert {name for name, kind in told[:4]} == fleet.keys()
    assert {kind for _, kind in told[:4]} == {"Checked"}
    assert [kind for name, kind in told if name == "eu-2"] == ["Checked", *["Started", "Outcome"] * 2]


def test_what_holds_for_one_database_holds_for_each(app: Project, fleet: Fleet) -> None:
    """``to``, ``expect`` and ``strict`` are meant for every member."""
    assert endings(migrated(app, fleet, to=0, expect=1)) == "dddd"
    assert [at(url) for url in fleet.values()] == [["000"]] * 4
    refused = migrated(app, fleet, expect=0)
    assert (endings(refused), names(refused)) == ("rrrr", {"PENDING_UNEXPECTED"})
    with pytest.raises(UsageError, match="no file with number 009"):
        migrated(app, fleet, to=9)
    migrated(app, {"eu-2": fleet["eu-2"]})
    (app.root / "app" / "001_two.sql").unlink()
    assert endings(migrated(app, fleet)) == "dddd"
    ahead = migrated(app, fleet, strict=True)
    assert (endings(ahead), names(ahead)) == ("ddrd", {"FILE_MISSING"})


def test_a_fleet_is_of_one_series(tmp_path: Path, fleet: Fleet) -> None:
    """With several configured one is named."""
    both = make(tmp_path / "both", app=TWO, other=TWO)
    with pytest.raises(UsageError, match="of one series"):
        migrated(both, fleet)
    assert endings(migrated(both, fleet, series="other")) == "dddd"


def test_files_are_read_and_checked_once(app: Project, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many databases there are."""
    from runner import files  # noqa: PLC0415 - the room, whose names are looked up when they are used
    from runner.planning import content  # noqa: PLC0415 - as above

    calls: list[str] = []
    content._check.cache_clear()

    def count(name: str, call: Callable[..., Any]) -> None:
        def counted(*given: object, **named: object) -> object:
            calls.append(name)
            return call(*given, **named)

        monkeypatch.setattr(files, name, counted)

    count("load", files.load)
    count("check", files.check)
    migrated(app, fleet, jobs=1)
    assert calls == ["load", "check", "check"]


# ------------------------------------------------------------------ preflight


def test_what_is_found_in_one_keeps_all_as_they_are(app: Project, fleet: Fleet) -> None:
    """A foreign and an unreachable database are told before anything changes."""
    run(fleet["eu-1"], "create table public.foreign_one (id int)")
    fleet["eu-9"] = "postgresql://postgres@127.0.0.1:1/nowhere"
    found = migrated(app, fleet)
    assert (endings(found), names(found)) == ("nrnnr", {"DATABASE_NOT_EMPTY", "CANNOT_CONNECT"})
    assert [at(fleet[f"eu-{n}"]) for n in range(4)] == [[]] * 4
    assert found["eu-1"].exit_code == 4
    assert found["eu-9"].exit_code == 5


def test_a_url_without_a_database_is_refused(app: Project, fleet: Fleet) -> None:
    """Libpq would take one that is named like the role, which nobody has meant."""
    fleet["eu-9"] = fleet["eu-0"].replace(f"/{name(fleet['eu-0'])}", "/")
    found = migrated(app, fleet)
    assert (endings(found), names(found)) == ("nnnnr", {"DATABASE_MISSING"})
    assert [str(visit.problem) for visit in runner.status_fleet(fleet, config=app.file) if visit.problem] == [
        str(found["eu-9"].problem)
    ]


def test_an_edited_file_is_told_before_anything_changes(app: Project, fleet: Fleet) -> None:
    """One ledger that disagrees is enough, whichever it is."""
    migrated(app, {"eu-3": fleet["eu-3"]}, to=0)
    app.write("app", {"000_one.sql": "create table public.one (id bigint);"})
    found = migrated(app, fleet)
    assert (endings(found), names(found)) == ("nnnr", {"CHECKSUM_MISMATCH"})
    assert at(fleet["eu-0"]) == []


def test_keep_going_leaves_out_what_is_wrong(app: Project, fleet: Fleet) -> None:
    """The others are migrated, the one that was refused is as it was."""
    run(fleet["eu-1"], "create table public.foreign_one (id int)")
    found = migrated(app, fleet, keep_going=True)
    assert endings(found) == "drdd"
    assert [at(url) for url in fleet.values()] == [BOTH, [], BOTH, BOTH]


def test_one_database_by_two_names_is_refused(app: Project, fleet: Fleet) -> None:
    """Whatever the URLs look like; nothing is changed."""
    options = conninfo_to_dict(fleet["eu-0"])
    with Proxy(f"{options['host']}/.s.PGSQL.5432") as other_way:
        fleet["us-1"] = other_way.url(str(options["dbname"]))
        found = migrated(app, fleet)
        assert (endings(found), names(found)) == ("nnnnr", {"WRONG_DATABASE"})
        assert "eu-0 and us-1 lead to one database" in str(found["us-1"].problem)
        assert at(fleet["eu-0"]) == []
        assert endings(migrated(app, fleet, keep_going=True)) == "ddddr"


@pytest.mark.parametrize("do", [runner.migrate_fleet, runner.status_fleet])
def test_stop_ends_the_question_whether_two_are_one(app: Project, fleet: Fleet, do: Any) -> None:  # noqa: ANN401 - two of the door
    """A member that falls silent just then holds nobody up; it is said to be not looked at."""
    options, stop = conninfo_to_dict(fleet["eu-0"]), threading.Event()

    def end() -> None:
        hole.struck.wait(20)
        stopped.append(time.monotonic())
        stop.set()

    stopped: list[float] = []
    with Proxy(f"{options['host']}/.s.PGSQL.5432") as hole:
        hole.plant(Fault.HOLE, when=b"pg_try_advisory_xact_lock(")
        fleet = {"eu-0": fleet["eu-0"], "us-1": hole.url(str(options["dbname"]))}
        threading.Thread(target=end, daemon=True).start()
        found = {one.name: one for one in do(fleet, config=app.file, jobs=1, stop=stop)}
        assert time.monotonic() - stopped[0] < 2 + ROOM
    assert str(found["us-1"].ending) == "not started"
    assert names(found) == {"INTERRUPTED"}
    assert at(fleet["eu-0"]) == []


def test_a_silent_member_holds_up_nobody_when_two_are_told_apart(
    app: Project, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up in time, and taken for the same as the other one."""
    monkeypatch.setattr(look, "PATIENCE", 1.0)
    options = conninfo_to_dict(fleet["eu-0"])
    with Proxy(f"{options['host']}/.s.PGSQL.5432") as hole:
        hole.plant(Fault.HOLE, when=b"pg_try_advisory_xact_lock(")
        fleet["us-1"] = hole.url(str(options["dbname"]))
        began = time.monotonic()
        found = migrated(app, fleet)
        assert hole.struck.is_set()
    assert time.monotonic() - began < 10
    assert (endings(found), names(found)) == ("nnnnr", {"WRONG_DATABASE"})


def test_a_role_with_one_connection_finds_what_a_file_has_set(
    tmp_path: Path, server: Server, fleet: Fleet
) -> None:
    """The old session of a member goes first, as in a migration of one database."""
    role, url = "t_fleet_single", fleet["eu-1"]
    run(server.url("postgres"), f"create role {role} login connection limit 1")
    try:
        run(url, f"grant all on schema public to {role}; create schema z authorization {role}")
        texts = {
            "000_a.sql": "alter role current_user set search_path = z, public;",
            "001_b.sql": "create table if not exists t (id int);",
        }
        app = make(tmp_path, app=texts)
        assert endings(migrated(app, {"eu-1": url.replace("postgres@", f"{role}@")})) == "d"
        with psycopg.connect(url) as db:
            assert db.execute("select to_regclass('z.t') is not null").fetchone() == (True,)
    finally:
        run(url, f"drop owned by {role}; drop role {role}")


def test_clones_are_not_one_database(app: Project, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where start and number of two databases are equal by chance, a lock tells them apart.

    So it does with two names for one of them, whichever was looked at first.
    """
    checked = survey._checked
    monkeypatch.setattr(survey, "_checked", lambda *given: checked(*given)._replace(identity="equal"))
    assert endings(migrated(app, fleet)) == "dddd"
    found = migrated(app, fleet | {"us-1": fleet["eu-1"]}, to=1)
    assert (endings(found), names(found)) == ("ddddr", {"WRONG_DATABASE"})
    assert "eu-1 and us-1 lead to one database" in str(found["us-1"].problem)


def test_a_silent_member_does_not_hold_up_the_others(
    app: Project, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Black-holed in the middle of a question, it is given up; the others are migrated."""
    monkeypatch.setattr(look, "PATIENCE", 1.0)
    options = conninfo_to_dict(fleet["eu-1"])
    with Proxy(f"{options['host']}/.s.PGSQL.5432") as hole:
        hole.plant(Fault.HOLE, when=b"pg_is_in_recovery")
        fleet["eu-1"] = hole.url(str(options["dbname"]))
        began = time.monotonic()
        found = migrated(app, fleet, keep_going=True, jobs=2)
        assert hole.struck.is_set()
    assert (endings(found), names(found)) == ("drdd", {"CONNECTION_LOST"})
    assert "has not answered for 1 s" in str(found["eu-1"].problem)
    assert time.monotonic() - began < 10


def test_a_member_that_falls_silent_at_work_holds_up_nobody(app: Project, fleet: Fleet) -> None:
    """The others are done while one waits for an answer to its file; then Ctrl-C ends that one in time."""
    options = conninfo_to_dict(fleet["eu-1"])
    stop, done = threading.Event(), []
    with Proxy(f"{options['host']}/.s.PGSQL.5432") as hole:
        hole.plant(Fault.HOLE, when=b"create table if not exists public.two")
        fleet["eu-1"] = hole.url(str(options["dbname"]))
        for visit in runner.migrate_fleet(fleet, config=app.file, jobs=2, stop=stop):
            done.append(visit.name)
            if len(done) == 3:
                stop.set()
                stopped = time.monotonic()
        assert time.monotonic() - stopped < 2.5 + ROOM
    assert sorted(done[:3]) == ["eu-0", "eu-2", "eu-3"]
    assert (visit.name, visit.ending) == ("eu-1", Ending.FAILED)
    assert [at(fleet[f"eu-{n}"]) for n in (0, 2, 3)] == [BOTH] * 3


# ------------------------------------------------------------------ canaries and failures


@pytest.mark.parametrize("canary", [1, ("eu-0",), 2])
@pytest.mark.parametrize("keep_going", [False, True])
def test_behind_a_canary_that_fails_nobody_is_touched(
    app: Project, fleet: Fleet, canary: int | tuple[str, ...], keep_going: bool
) -> None:
    """Also not with ``keep_going``: that is what it is for."""
    app.write("app", {"001_two.sql": "select 1/0;"})
    found = migrated(app, fleet, canary=canary, keep_going=keep_going)
    assert (endings(found), names(found)) == ("fnnn", {"SQL_FAILED"})
    assert [at(url) for url in fleet.values()] == [["000"], [], [], []]


def test_canaries_go_one_after_the_other_before_the_rest(app: Project, fleet: Fleet) -> None:
    """Those named, in the order in which they are named."""
    app.write("app", {"001_two.sql": "select pg_sleep(0.1);"})
    order: list[str] = []

    def tell(name: str, event: object) -> None:
        if isinstance(event, runner.Started | runner.Outcome):
            order.append(name)

    assert endings(migrated(app, fleet, canary=("eu-3", "eu-2"), on_event=tell)) == "dddd"
    assert order[:8] == ["eu-3"] * 4 + ["eu-2"] * 4


def test_a_failure_holds_the_others_and_those_at_work_finish(app: Project, fleet: Fleet) -> None:
    """The first fails at once while the second is at work; the third and fourth are not begun."""
    app.write("app", {"001_two.sql": f"do $$ begin if current_database() = '{name(fleet['eu-0'])}' then "
        "raise 'no'; end if; perform pg_sleep(2); end $$;"})  # fmt: skip
    found = migrated(app, fleet, jobs=2)
    assert endings(found) == "fdnn"
    assert [at(url) for url in fleet.values()] == [["000"], BOTH, [], []]
    assert endings(migrated(app, fleet, jobs=2, keep_going=True)) == "fddd"


def name(url: str) -> str:
    """Return the name of a database."""
    return str(conninfo_to_dict(url)["dbname"])


# ------------------------------------------------------------------ the end comes early


def test_stop_cancels_what_runs_and_tells_what_each_has(app: Project, fleet: Fleet) -> None:
    """Within two seconds; the files at work are rolled back, nobody else is begun, the next run completes."""
    app.write("app", {"001_two.sql": "create table public.two (id int); select pg_sleep(60);"})
    stop, begun = threading.Event(), set()

    def tell(name: str, event: object) -> None:
        if isinstance(event, runner.Started) and event.migration.version == "001":
            begun.add(name)
            if len(begun) == 2:
                threading.Timer(0.2, stop.set).start()

    found = migrated(app, fleet, jobs=2, stop=stop, on_event=tell)
    assert (endings(found), names(found)) == ("ffnn", {"INTERRUPTED"})
    assert "app/001_two.sql" in str(found["eu-0"].problem)
    assert [len(found[f"eu-{n}"].database.outcomes) for n in (0, 1)] == [1, 1]  # type: ignore[union-attr] # read
    assert [at(url) for url in fleet.values()] == [["000"], ["000"], [], []]
    app.write("app", {"001_two.sql": "create table public.two (id int);"})
    assert endings(migrated(app, fleet)) == "dddd"


def test_a_stop_behind_the_last_file_is_no_failure(
    app: Project, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has everything is done; the others are not begun."""
    stop, real = threading.Event(), apply.apply

    def stopped(*given: Any) -> Iterator[Event]:  # noqa: ANN401 - as of apply
        yield from real(*given)
        stop.set()
        raise KeyboardInterrupt

    monkeypatch.setattr(apply, "apply", stopped)
    found = migrated(app, fleet, jobs=1, stop=stop)
    assert (endings(found), names(found)) == ("dnnn", set())
    assert at(fleet["eu-0"]) == BOTH


def test_stop_during_the_checks_changes_nothing(app: Project, fleet: Fleet) -> None:
    """Those not looked at, and those with something pending, are not started."""
    stop = threading.Event()
    found = migrated(app, fleet, jobs=1, stop=stop, on_event=lambda *_: stop.set())
    assert endings(found) == "nnnn"
    assert [at(url) for url in fleet.values()] == [[]] * 4


def test_whoever_has_heard_enough_leaves_no_work_behind(app: Project, fleet: Fleet) -> None:
    """Closing the generator cancels and rolls back before it returns."""
    app.write("app", {"001_two.sql": f"do $$ begin if current_database() <> '{name(fleet['eu-0'])}' then "
        "perform pg_sleep(60); end if; end $$;"})  # fmt: skip
    visits = runner.migrate_fleet(fleet, config=app.file, jobs=2)
    assert next(visits).name == "eu-0"
    began = time.monotonic()
    visits.close()
    assert time.monotonic() - began < 2.5 + ROOM
    with psycopg.connect(fleet["eu-0"]) as db:
        busy = "select count(*) from pg_stat_activity where query ~ 'pg_sleep.60' and state = 'active'"
        assert db.execute(f"{busy} and pid <> pg_backend_pid()".encode()).fetchone() == (0,)
    [beside, *rest] = [at(url) for url in fleet.values()][1:]
    assert beside in ([], ["000"])
    assert rest == [[], []]
