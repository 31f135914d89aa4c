"""Looking from a program: steps and problems are data."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

import runner
from runner import schema
from runner.database import attention, question
from runner.errors import CannotConnect, LedgerChanged, LockTimeout
from tests.faults.proxy import Fault, Proxy
from tests.project import ROOT, TWO, make

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from runner.model import Migration
    from runner.planning import Site
    from tests.servers import Server

SILENT = {  # a command, and what it asks when nothing passes any more
    "a first look": (runner.status, b"pg_is_in_recovery"),
    "a look at the ledger": (runner.plan, b"from public.schema_migrations"),
    "who is at work": (runner.status, b"pg_catalog.pg_locks"),
    "what is unsound": (runner.verify, b"i.indisvalid and i.indisready"),
    "before a change": (runner.migrate, b"pg_is_in_recovery"),
}
EDITED = {"000_one.sql": "create table if not exists public.one (id bigint);"}


def test_status_returns_what_is_wrong(tmp_path: Path, each_url: str) -> None:
    """An edited file stands among the steps, and raises nothing."""
    app = make(tmp_path, app=TWO)
    runner.migrate("app", url=each_url, config=app.file, to=0)
    app.write("app", EDITED)
    [found] = runner.status("app", url=each_url, config=app.file)
    assert [step.state for step in found.steps] == [runner.State.EDITED, runner.State.PENDING]
    assert [step.label for step in found.pending] == ["001_two"]
    problem = found.steps[0].problem
    assert problem is not None
    assert problem.name == "CHECKSUM_MISMATCH"


HOST = """
import json, sys
import psycopg
from psycopg.types.json import JsonbDumper, set_json_loads
from psycopg.types.string import TextLoader
from psycopg.types.none import NoneDumper
import runner

for name in ("bool", "int4", "int8", "jsonb", "json", "text[]", "name[]", "oid", "timestamptz"):
    psycopg.adapters.register_loader(name, TextLoader)
psycopg.adapters.register_dumper(list, JsonbDumper)
set_json_loads(lambda text: "mine")
for call in (runner.plan, runner.migrate, runner.migrate, runner.status):
    [found] = call("app", url=sys.argv[1], config=sys.argv[2])
[found] = runner.verify("app", url=sys.argv[1], config=sys.argv[2], drift=True)
print(len(found.steps), found.steps[0].applied.running, found.problems, found.comparison.found)
"""


def test_what_a_program_has_registered_for_its_own_values_is_not_the_runners(
    tmp_path: Path, url: str
) -> None:
    """By tables that belong to the process values are read and written: a standby was seen in "f"."""
    app = make(tmp_path, app=TWO)
    command = [sys.executable, "-c", HOST, url, str(app.file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("2 False () ()\n", "")


def test_the_variable_of_the_scratch_server_counts_for_all_that_need_one(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The remedy names it, and where an operator has set it no file runs elsewhere."""
    monkeypatch.setenv("RUNNER_SCRATCH_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    app = make(tmp_path, app=TWO)
    with pytest.raises(CannotConnect, match="scratch"):
        runner.plan("app", url=url, config=app.file, locks=True)
    runner.migrate("app", url=url, config=app.file)
    with pytest.raises(CannotConnect, match="scratch"):
        runner.verify("app", url=url, config=app.file, drift=True)
    [visit] = runner.verify_fleet({"one": url}, "app", config=app.file, drift=True)
    assert isinstance(visit.problem, CannotConnect)


def test_an_iterator_names_series_as_a_list_does(tmp_path: Path, url: str) -> None:
    """It is used up by the first who looks."""
    app = make(tmp_path, app=TWO)
    names: Any = (name for name in ["app"])
    assert len(runner.migrate(names, url=url, config=app.file)) == 1


@pytest.mark.parametrize(("look", "when"), SILENT.values(), ids=SILENT.keys())
def test_a_server_that_falls_silent_is_given_up(
    tmp_path: Path, each_url: str, monkeypatch: pytest.MonkeyPatch, look: Callable[..., object], when: bytes
) -> None:
    """Whoever looks is told, and may try again; nothing else would ever end it where the wire holds."""
    app = make(tmp_path, app=TWO)
    runner.migrate("app", url=each_url, config=app.file)
    monkeypatch.setattr(attention, "PATIENCE", 1.0)
    options = conninfo_to_dict(each_url)
    with Proxy(f"{options['host']}/.s.PGSQL.5432") as hole:
        hole.plant(Fault.HOLE, when=when)
        began = time.monotonic()
        with pytest.raises(runner.RunnerError, match="has not answered for 1 s") as caught:
            look("app", url=hole.url(str(options["dbname"])), config=app.file)
        assert hole.struck.is_set()
    assert (caught.value.name, caught.value.exit_code) == ("CONNECTION_LOST", 5)
    assert time.monotonic() - began < 10


def test_plan_returns_what_is_pending_or_raises(tmp_path: Path, each_url: str) -> None:
    """It refuses for what migrate would refuse for, and writes nothing."""
    app = make(tmp_path, app=TWO)
    [found] = runner.plan("app", url=each_url, config=app.file)
    assert [step.file.path for step in found.pending] == ["app/000_one.sql", "app/001_two.sql"]
    with psycopg.connect(each_url) as connection:
        assert connection.execute("select from pg_class where oid >= 16384").rowcount == 0
    runner.migrate("app", url=each_url, config=app.file)
    app.write("app", EDITED)
    with pytest.raises(runner.RunnerError, match="was edited"):
        runner.plan("app", url=each_url, config=app.file)


def test_verify_returns_problems(tmp_path: Path, each_url: str) -> None:
    """Edited files with their difference; with ``drift`` also what was made by hand."""
    app = make(tmp_path, app=TWO)
    runner.migrate("app", url=each_url, config=app.file)
    assert runner.verify("app", url=each_url, config=app.file, drift=True)[0].problems == ()
    with psycopg.connect(each_url, autocommit=True) as connection:
        connection.execute("alter table public.two add column by_hand int")
    app.write("app", EDITED)
    [without] = runner.verify("app", url=each_url, config=app.file)
    assert [problem.name for problem in without.problems] == ["CHECKSUM_MISMATCH"]
    assert any("bigint" in note for note in without.problems[0].notes)
    app.write("app", TWO)
    [found] = runner.verify("app", url=each_url, config=app.file, drift=True)
    [problem] = found.problems
    assert problem.name == "DRIFT"
    assert any("by_hand" in note for note in problem.notes)


def test_what_a_runner_makes_during_a_comparison_is_no_drift(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger is read again before anything is called drift."""
    app = make(tmp_path, app=TWO)
    app.migrate(url, to=0)
    differences = schema.differences

    def late(site: Site, files: Sequence[Migration], *, scratch_url: str | None) -> schema.Comparison:
        app.migrate(url)
        return differences(site, files, scratch_url=scratch_url)

    monkeypatch.setattr(schema, "differences", late)
    with pytest.raises(LedgerChanged, match="a runner is at work"):
        runner.verify("app", url=url, config=app.file, drift=True)
    [found] = runner.verify("app", url=url, config=app.file, drift=True)
    assert found.problems == ()


def test_verify_takes_the_scratch_server_of_the_environment(
    tmp_path: Path, server_15: Server, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the command line does; what is given goes first."""
    app = make(tmp_path, app=TWO)
    with psycopg.connect(server_15.url("postgres"), autocommit=True) as connection:
        connection.execute("create database look_live")
        try:
            url = server_15.url("look_live")
            runner.migrate("app", url=url, config=app.file)
            for variable, where in (
                (server.url("postgres"), "the scratch server"),
                ("", "a private PostgreSQL 15"),
            ):
                monkeypatch.setenv("RUNNER_SCRATCH_URL", variable)
                [found] = runner.verify("app", url=url, config=app.file, drift=True)
                assert found.comparison
                assert found.comparison.where == where
            monkeypatch.setenv("RUNNER_SCRATCH_URL", "postgresql:///nowhere?host=/nowhere")
            given = server.url("postgres")
            [found] = runner.verify("app", url=url, config=app.file, drift=True, scratch=given)
            assert found.problems == ()
        finally:
            connection.execute("drop database look_live with (force)")


def test_importing_the_package_loads_nothing_of_it() -> None:
    """Names are loaded when they are used: what is imported with it is the interpreter's own."""
    code = "import sys; before = set(sys.modules); import runner; print(*sorted({*sys.modules} - before))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert set(done.stdout.split()) <= {"runner", "__future__"}


def test_what_is_not_there_is_told_as_by_any_module() -> None:
    """A misspelt name is an AttributeError that names the package."""
    with pytest.raises(AttributeError, match="module 'runner' has no attribute 'migrat'"):
        _ = runner.migrat  # type: ignore[attr-defined] # which is the point


def test_who_keeps_a_table_from_readers_is_named(
    tmp_path: Path, each_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comparison waits for a while, not for ever; what ends it stands there to be pasted."""
    monkeypatch.setitem(question._SETTINGS, "lock_timeout", "300ms")
    checked = "create table if not exists public.one (id int check (id > 0));"
    app = make(tmp_path, app={"000_one.sql": checked})
    app.migrate(each_url)

    def compared() -> tuple[runner.Database, ...]:
        return runner.verify("app", url=each_url, config=app.file, drift=True)

    with (
        closing(psycopg.connect(each_url, application_name="an owner")) as other,
        psycopg.connect(each_url, application_name="an innocent") as innocent,
    ):
        innocent.execute("create schema theirs; create table theirs.one (id int)")
        other.execute("lock table public.one in access exclusive mode")
        with pytest.raises(LockTimeout, match=r"a lock on public\.one, which") as caught:
            compared()
        [note] = caught.value.notes
        assert "application an owner, idle in transaction" in note
        with psycopg.connect(each_url, autocommit=True) as db:
            db.execute(note.partition("to end it: ")[2].encode())
    assert not compared()[0].problems
