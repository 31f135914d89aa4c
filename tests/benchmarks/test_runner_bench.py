"""The benchmark of the runner: it counts, checks and compares rightly. Nothing here is about seconds."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from benchmarks.runner import bounds, filesets, measure, peers, server, table, workloads
from benchmarks.runner.bench import Bench
from benchmarks.runner.bounds import Bound
from benchmarks.runner.model import Command, Failed, Peer, Results, Run, Workload
from benchmarks.runner.proxy import Proxy
from runner.files import folder, source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.runner.server import Server

W1 = Workload("W1", "real files", filesets.REAL, runs=1, others=1, has_memory=True, has_share=True)
W3 = Workload("W3", "nothing pending", filesets.REAL, runs=1, others=1, action="status", after="W1")
W4 = Workload("W4", "real files, far away", filesets.REAL, runs=1, others=1, is_slow_network=True)


@pytest.fixture(scope="module")
def durable() -> Iterator[Server]:
    """Return a server of the benchmark's own."""
    with server.running() as running:
        yield running


@pytest.fixture
def proxy(durable: Server) -> Iterator[Proxy]:
    """Return a proxy in front of the server, without any delay."""
    with Proxy(durable.port, 0) as running:
        yield running


def bench(durable: Server, proxy: Proxy, folder: Path, *names: str) -> Bench:
    """Return a benchmark of some tools that are always there."""
    found, absent = peers.find(durable, names)
    assert absent == {}
    return Bench(durable, proxy, folder, found)


# ---------------------------------------------------------------- whole runs


def test_a_run_gives_a_table_with_counts(durable: Server, proxy: Proxy, tmp_path: Path) -> None:
    """Every tool that needs no installation migrates the real files, and the table shows it.

    Their databases stay: what was deleted makes the files of the next ones slow.
    """
    before = _databases(durable)
    names = ("runner", "floor", "floor guarded", "psql")
    both = bench(durable, proxy, tmp_path, *names)
    both.run_all([W1, W3])
    assert both.results.failures == {}
    assert {at: len(runs) for at, runs in both.results.runs.items()} == {
        ("W1", "runner"): 1, ("W1", "floor"): 1, ("W1", "floor guarded"): 1, ("W1", "psql"): 1,
        ("W3", "runner"): 1, ("W3", "floor"): 1, ("W3", "floor guarded"): 1,
    }  # fmt: skip
    shown = table.table([W1, W3], names, both.results).splitlines()
    assert shown[0] == "|  | runs | runner | floor | floor guarded | psql | must reach |"
    assert [line.split(" | ")[0] for line in shown[2:]] == [
        "| real files", "| … outside the server", "| … peak memory", "| nothing pending",
    ]  # fmt: skip
    assert shown[-1].split(" | ")[5] == "-"  # psql records nothing, so it has no status
    assert _databases(durable) - before == len(names) * len(filesets.REAL)


def _databases(durable: Server) -> int:
    with durable.connect() as connection:
        [(found,)] = connection.execute("select count(*) from pg_database").fetchall()
        return int(found)


def test_round_trips(durable: Server, proxy: Proxy, tmp_path: Path) -> None:
    """Three per database: to connect, to look, and to apply all files."""
    own = bench(durable, proxy, tmp_path, "runner")
    own.run_all([W4])
    [run] = own.results.runs["W4", "runner"]
    assert run.trips is not None
    assert run.trips == 3 * len(filesets.REAL)


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("true", "auth has 0 tables of "),
        ("false", "false ended with 1: "),
    ],
)
def test_a_tool_that_does_not_do_the_work_is_not_counted(
    durable: Server, proxy: Proxy, tmp_path: Path, program: str, reason: str
) -> None:
    """The result is checked in the database; the reason is kept, and the tool is not run again."""
    twice = Workload("W1", "real files", filesets.REAL, runs=2, others=2)
    runs = []

    def commands(*_: object) -> list[Command]:
        runs.append(program)
        return [Command(Path("/usr/bin") / program, (), {})]

    liar = Peer("liar", "1", lambda _files, _folder: None, commands, None)
    lies = Bench(durable, proxy, tmp_path, (liar,))
    lies.run_all([twice, W3])
    assert lies.results.runs == {}
    assert lies.results.failures.pop(("W1", "liar")).startswith(reason)
    assert lies.results.failures == {("W3", "liar"): "failed in W1 already"}
    assert runs == [program]


def test_no_tool_always_follows_the_same_one(durable: Server, proxy: Proxy, tmp_path: Path) -> None:
    """What a tool leaves for the server to tidy up does not always meet its neighbour."""
    order: list[str] = []

    def peer(name: str) -> Peer:
        def commands(*_: object) -> list[Command]:
            order.append(name)
            return [Command(Path("/usr/bin/true"), (), {})]

        return Peer(name, "1", lambda _files, _folder: None, commands, None)

    three = Bench(durable, proxy, tmp_path, (peer("a"), peer("b"), peer("c")))
    three.run_all([Workload("none", "no databases", (), runs=3, others=3)])
    assert order == [*"abc", *"cba", *"abc"]


# ---------------------------------------------------------------- measuring


def test_the_peak_of_a_small_program_is_its_own(tmp_path: Path) -> None:
    """A large benchmark does not make the programs it starts look large."""
    large = os.urandom(200 * 2**20)
    small = measure.run([Command(Path("/usr/bin/true"), (), {})], tmp_path)
    assert len(large) / 2**20 > 10 * small.peak_mib


def test_a_program_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    """It is ended, and its run does not count."""
    with pytest.raises(Failed, match=r"stopped after 0 s"):
        measure.run([Command(Path("/usr/bin/sleep"), ("60",), {})], tmp_path, limit=0.2)


@pytest.mark.parametrize(("statements", "trips"), [(0, 1), (1, 2), (5, 6)])
def test_the_proxy_counts_answers(durable: Server, proxy: Proxy, statements: int, trips: int) -> None:
    """Connecting is one round trip, and so is each statement that is sent by itself."""
    with psycopg.connect(durable.url("postgres", port=proxy.port), autocommit=True) as connection:
        for _ in range(statements):
            connection.execute("select 1")
    assert proxy.trips == trips


def test_the_proxy_changes_nothing(durable: Server) -> None:
    """Megabytes arrive in order through a slow proxy, both ways, and many pieces are one question."""
    text = os.urandom(2_000_000).hex()
    with (
        Proxy(durable.port, 0.005) as slow,
        psycopg.connect(durable.url("postgres", port=slow.port)) as connection,
    ):
        [(back, digest)] = connection.execute("select %s::text, md5(%s::text)", (text, text)).fetchall()
        assert slow.traffic > 3 * len(text)
        assert slow.trips == 3
    assert back == text
    assert digest == hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - what the server offers


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(("name", "files", "tables"), [("small_1001", 1001, 1001), ("large", 1, 1)])
def test_generated_files_are_migrations(tmp_path: Path, name: str, files: int, tables: int) -> None:
    """The runner takes them as they are named, in order, and finds nothing wrong with their size."""
    made = filesets.make(name, tmp_path)
    loaded = folder.load("some", tmp_path, root=tmp_path)
    assert [one.name for one in made.files] == [f"{one.version}_{one.name}.sql" for one in loaded]
    assert (len(made.files), made.tables) == (files, tables)


def test_the_large_file_is_of_the_size_it_says(tmp_path: Path) -> None:
    """It is at most one piece shorter, and within the runner's limit."""
    [path] = filesets.make("large", tmp_path).files
    assert filesets.LARGE_BYTES - 20_000 < path.stat().st_size <= filesets.LARGE_BYTES < source.MAX_BYTES


# ---------------------------------------------------------------- numbers


def results(**seconds: Sequence[float]) -> Results:
    """Return runs of W1 by tool."""
    runs = {("W1", name): [Run(one, 40, trips=44) for one in values] for name, values in seconds.items()}
    return Results(runs, {})


MEASURED = results(runner=[2.0, 1.0, 9.0], floor=[2.0, 1.0, 4.5], alembic=[2.5])


@pytest.mark.parametrize(
    ("bound", "said"),
    [
        (Bound("W1", 1, "≤ floor", than="floor"), "≤ floor: yes (1.00)"),
        (Bound("W1", 1, "< floor", than="floor", strict=True), "< floor: **NO** (1.00)"),
        (Bound("W1", 0.7, "≤ 0.7", than="alembic"), "≤ 0.7: **NO** (0.80)"),
        (Bound("W1", 1, "yoyo", than="yoyo"), "yoyo: not measured"),
        (Bound("W2-100", 1, "other", than="floor"), "other: not measured"),
        (Bound("W1", 44, "trips", "trips"), "trips: yes (44)"),
        (Bound("W1", 40, "small", "peak_mib", strict=True), "small: **NO** (40)"),
    ],
)
def test_a_bound_says_whether_it_holds(bound: Bound, said: str) -> None:
    """The median counts; a tool that was not measured settles nothing."""
    assert bounds.verdict(bound, MEASURED) == said


def test_a_ratio_is_that_of_the_rounds() -> None:
    """A machine ten times as slow for two rounds changes none; a run without a pair does not count."""
    measured = results(runner=[1.1, 11.0, 11.0, 99.0], floor=[1.0, 10.0, 10.0], psql=[2.2])
    assert measured.ratio("W1", "runner", "floor") == pytest.approx(1.1)
    assert measured.ratio("W1", "runner", "psql") == pytest.approx(0.5)
    assert measured.ratio("W1", "runner", "yoyo") is None


def test_time_per_file_is_compared_between_workloads() -> None:
    """5,000 files in 55 s are 1.1 times as slow, per file, as 100 in 1 s."""
    runs = {("W2-100", "runner"): [Run(1, 40)], ("W2-5000", "runner"): [Run(55, 40)]}
    bound = Bound("W2-5000", 1.2, "per file", than_key="W2-100")
    assert bounds.verdict(bound, Results(runs, {})) == "per file: yes (1.10)"


def test_every_bound_is_about_something_that_is_run() -> None:
    """A bound of a workload or a quantity that no row shows would never be seen."""
    shown = {(row.workload.key, row.quantity) for row in table.rows(workloads.ALL)}
    assert {(bound.key, bound.quantity) for bound in bounds.ALL} <= shown
    assert {bound.than for bound in bounds.ALL} <= {None, *peers.NAMES}


def test_a_page_names_what_is_missing() -> None:
    """An absent tool and a failed one are listed with their reasons, and have no number."""
    measured = Results({("W1", "floor"): [Run(2, 34)]}, {("W1", "yoyo"): "ended with 1: no"})
    shown = table.table([W1], ["floor", "yoyo"], measured)
    page = table.page({"machine": "one"}, shown, [], {"sqitch": "sqitch is not installed"}, measured)
    assert "| real files | 1 | 2 s (1.00) | failed |" in page
    assert "- sqitch is absent: sqitch is not installed\n- yoyo failed in W1: ended with 1: no\n" in page


@pytest.mark.parametrize(
    ("only", "quick", "keys"),
    [
        ("W1,W4", False, ["W1", "W4", "W4-idle", "W4-100"]),
        ("W3-status", True, ["W3-status"]),
        ("W2", True, ["W2-100", "W2-1000"]),
        ("W2", False, ["W2-100", "W2-1000", "W2-5000"]),
    ],
)
def test_workloads_are_chosen_by_how_they_begin(only: str, quick: bool, keys: list[str]) -> None:
    """The quick choice leaves out 5,000 files."""
    assert [workload.key for workload in workloads.choose(only, quick=quick)] == keys
