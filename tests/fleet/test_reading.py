"""Look at many databases: how they stand, what they would get, whether they are as their files say."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

import runner
from runner.apply import envelope
from runner.database import question
from runner.errors import LockTimeout
from runner.fleet import look
from runner.schema import cluster
from tests.fleet.conftest import run
from tests.project import ROOM

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.fleet import Visit
    from runner.model import Migration
    from tests.project import Project

    Fleet = dict[str, str]


@pytest.fixture
def mixed(app: Project, fleet: Fleet) -> Fleet:
    """Return a fleet of which one is up to date, one behind, one ahead, one spoilt, one out of reach."""
    app.write("app", {"002_three.sql": "create table public.three (id int);"})
    list(runner.migrate_fleet({"eu-2": fleet["eu-2"]}, config=app.file))
    (app.root / "app" / "002_three.sql").unlink()
    list(runner.migrate_fleet({"eu-1": fleet["eu-1"]}, config=app.file, to=0))
    list(runner.migrate_fleet({name: fleet[name] for name in ("eu-0", "eu-3")}, config=app.file))
    run(fleet["eu-3"], "update public.schema_migrations set checksum = 'sha256:0' where version = '001'")
    return fleet | {"eu-9": "postgresql://postgres@127.0.0.1:1/nowhere"}


def by_name(visits: Iterator[Visit]) -> dict[str, Visit]:
    """Return what was found of each."""
    return {visit.name: visit for visit in visits}


def test_status_of_each(app: Project, mixed: Fleet) -> None:
    """What is wrong raises nothing; who is out of reach has a problem and no database."""
    found = by_name(runner.status_fleet(mixed, config=app.file))
    assert [found[name].database.at for name in sorted(found) if found[name].database] == [  # type: ignore[union-attr] # as the condition says
        "001_two", "000_one", "002_three", "001_two",
    ]  # fmt: skip
    assert found["eu-9"].problem
    assert found["eu-9"].problem.name == "CANNOT_CONNECT"
    assert found["eu-9"].database is None
    assert [visit.exit_code for _, visit in sorted(found.items())] == [0, 0, 0, 4, 5]
    assert all(visit.seconds for visit in found.values())


def test_plan_of_each(app: Project, mixed: Fleet) -> None:
    """What is pending, or why ``migrate`` would refuse."""
    found = by_name(runner.plan_fleet(mixed, config=app.file))
    assert [step.label for step in found["eu-1"].database.pending] == ["001_two"]  # type: ignore[union-attr] # it was reached
    assert [str(found[name].ending) for name in sorted(found)] == [
        "done", "done", "done", "refused", "failed",
    ]  # fmt: skip
    assert found["eu-3"].exit_code == 4


def test_verify_of_each(app: Project, mixed: Fleet) -> None:
    """What is wrong with each stands in its database."""
    found = by_name(runner.verify_fleet(mixed, config=app.file))
    assert [visit.exit_code for _, visit in sorted(found.items())] == [0, 0, 0, 4, 5]


def test_one_database_twice_is_refused(app: Project, fleet: Fleet) -> None:
    """It would be counted twice."""
    found = by_name(runner.status_fleet(fleet | {"us": fleet["eu-0"]}, config=app.file))
    problems = [visit.problem.name for visit in found.values() if visit.problem]
    assert problems == ["WRONG_DATABASE"]


def test_nothing_is_looked_at_after_stop(app: Project, fleet: Fleet) -> None:
    """Every member is told of all the same."""
    stop = threading.Event()
    stop.set()
    found = by_name(runner.status_fleet(fleet, config=app.file, stop=stop))
    assert [str(visit.ending) for visit in found.values()] == ["not started"] * 4


def test_drift_is_looked_for_beside_one_scratch_database_per_state(
    app: Project, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three are at 001 and one at 000: two states, two private servers; only what differs is told."""
    list(runner.migrate_fleet({"eu-1": fleet["eu-1"]}, config=app.file, to=0))
    list(runner.migrate_fleet({n: url for n, url in fleet.items() if n != "eu-1"}, config=app.file))
    run(fleet["eu-2"], "alter table public.two add column extra text")
    run(fleet["eu-1"], "create table public.extra (id int)")
    servers = []
    running = cluster.running

    def counted(*given: object, **named: object) -> object:
        servers.append(given)
        return running(*given, **named)  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(cluster, "running", counted)
    found = by_name(runner.verify_fleet(fleet, config=app.file, drift=True))
    told = {
        name: [str(one) for one in visit.database.problems] for name, visit in found.items() if visit.database
    }
    assert len(servers) == 2
    assert [len(told[name]) for name in sorted(told)] == [0, 1, 1, 0]
    notes = {name: visit.database.problems[0].notes for name, visit in found.items()
             if visit.database and visit.database.problems}  # fmt: skip
    assert notes == {
        "eu-1": ("table public.extra is not in the files",),
        "eu-2": ("column public.two.extra is not in the files",),
    }


def test_who_keeps_a_table_of_a_member_from_readers_is_named(
    app: Project, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the member counts as one whose server has fallen silent; the others are compared."""
    monkeypatch.setitem(question._SETTINGS, "lock_timeout", "300ms")
    monkeypatch.setattr(look, "PATIENCE", 5.0)
    list(runner.migrate_fleet(fleet, config=app.file))
    run(fleet["eu-1"], "alter table public.one add check (id > 0)")
    with psycopg.connect(fleet["eu-1"]) as other:
        other.execute("lock table public.one in access exclusive mode")
        found = by_name(runner.verify_fleet(fleet, config=app.file, drift=True))
    assert [name for name, one in found.items() if isinstance(one.problem, LockTimeout)] == ["eu-1"]
    assert any("pg_terminate_backend" in note for one in found["eu-1"].problems for note in one.notes)


def test_stop_ends_the_files_in_the_scratch_database(
    app: Project, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within two seconds, though nobody is visited meanwhile; all are told of."""
    elsewhere = "current_setting('max_wal_size') <> '128MB'"  # not on the servers of tests
    app.write("app", {"002_slow.sql": f"select pg_sleep(case when {elsewhere} then 60 else 0 end);"})
    list(runner.migrate_fleet(fleet, config=app.file))
    stop, stopped = threading.Event(), []
    write = envelope.message

    def end() -> None:
        stopped.append(time.monotonic())
        stop.set()

    def noted(files: Sequence[Migration], *rest: Any, **named: Any) -> object:  # noqa: ANN401 - passed on
        if files[-1].name == "slow":
            threading.Timer(0.5, end).start()
        return write(files, *rest, **named)

    monkeypatch.setattr(envelope, "message", noted)
    found = by_name(runner.verify_fleet(fleet, config=app.file, drift=True, stop=stop))
    assert time.monotonic() - stopped[0] < 2.5 + ROOM
    assert {str(visit.ending) for visit in found.values()} == {"not started"}
    assert found.keys() == fleet.keys()


@pytest.mark.parametrize("call", [runner.status_fleet, runner.plan_fleet, runner.migrate_fleet])
def test_the_event_of_a_caller_is_only_read(app: Project, fleet: Fleet, call: Any) -> None:  # noqa: ANN401 - each has its own options
    """It may be that by which a program ends; whoever stops listening ends the call alone."""
    stop = threading.Event()
    next(visits := call(fleet, config=app.file, stop=stop, jobs=1))
    visits.close()
    assert not stop.is_set()
    stop.set()
    assert {str(one.ending) for one in call(fleet, config=app.file, stop=stop)} == {"not started"}


@pytest.mark.parametrize("call", [runner.status_fleet, runner.migrate_fleet])
@pytest.mark.parametrize("jobs", [0, -1])
def test_somebody_must_do_it(app: Project, fleet: Fleet, call: Any, jobs: int) -> None:  # noqa: ANN401 - as above
    """As many as the processors less two, on a small machine."""
    with pytest.raises(runner.RunnerError, match=f"With jobs={jobs} no database") as caught:
        list(call(fleet, config=app.file, jobs=jobs))
    assert caught.value.exit_code == 2
