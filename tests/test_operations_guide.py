"""The guide for what comes after the first year: its scripts and commands, run as they are written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests import servers
from tests.conftest import SERIES
from tests.faults import bad
from tests.faults.stage import until
from tests.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from psycopg import Connection

    from tests.servers import Server

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SCRIPTS = sorted(path.name for path in (ROOT / "docs" / "operations").glob("*.sql"))

# Each trail with its time and what a row needs besides; $n is the number of the row.
TRAILS = {
    ("auth", "refresh_tokens"): ("expires_at", "user_id, token", "ada, 'token' || $n"),
    ("auth", "password_reset_requests"): ("expires_at", "user_id, token", "ada, 'reset' || $n"),
    ("auth", "audit_logs"): ("timestamp", "user_id, action", "ada, 'user.login'"),
    ("auth", "admin_audit_logs"): (
        "created_at",
        "admin_id, action, resource_type, resource_id",
        "ada, 'seen', 'user', $n",
    ),
    ("specs", "activity_logs"): (
        "created_at",
        "project_id, user_id, action_type, entity_type, description",
        "one, ada, 'made', 'file', ''",
    ),
    ("specs", "conversation_history"): ("created_at", "session_id, role, content", "one, 'user', ''"),
}
IDS = [table for _, table in TRAILS]
PARENTS = {
    "auth": "insert into public.users (id, username, hashed_password) values (ada, 'ada', 'x');",
    "specs": """
        insert into public.projects (id, user_id, name) values (one, ada, 'x');
        insert into public.sessions (id, project_id) values (one, one);
    """,
}
ADA, ONE = "00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-000000000001"
OLD = 3000  # rows of a trail that must go; ten stay
BATCH = 300


@dataclass(frozen=True)
class Shell:
    """Somebody at a shell in the project's folder, with psql, the runner and both databases."""

    server: Server
    environ: dict[str, str]
    connections: dict[str, Connection]

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a block as it is written."""
        shell = ["bash", "-euo", "pipefail", "-c", command]
        return subprocess.Popen(
            shell, cwd=ROOT, env=self.environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def type(self, command: str, *, code: int = 0) -> str:
        """Run a block as it is written; return all it printed."""
        process = self.start(command)
        printed, _ = process.communicate(timeout=120)
        assert process.returncode == code, printed
        return printed

    def script(
        self, name: str, series: str, *options: str, code: int = 0, **variables: str | int | float
    ) -> str:
        """Run one of the scripts."""
        return self.type(self.command(name, series, *options, **variables), code=code)

    def command(self, name: str, series: str, *options: str, **variables: object) -> str:
        """Return the command that runs one of the scripts."""
        words = ["psql -X -A", *options, *(f"-v {name}='{value}'" for name, value in variables.items())]
        return f'{" ".join(words)} -f docs/operations/{name}.sql "$DATABASE_URL_{series.upper()}"'

    def query(self, series: str, statement: str) -> list[tuple[object, ...]]:
        """Run statements in one of the databases; ``ada`` and ``one`` stand for ids, ``$n`` for ``n``."""
        text = statement.replace("$n", "n")
        for name, value in (("ada", ADA), ("one", ONE)):
            text = re.sub(rf"\b{name}\b(?!')", f"'{value}'::uuid", text)
        cursor = self.connections[series].execute(text.encode())
        return cursor.fetchall() if cursor.description else []

    def one(self, series: str, statement: str) -> object:
        """Return the single value a statement gives."""
        return self.query(series, statement)[0][0]


def blocks(heading: str) -> list[str]:
    """Return the commands of a section of the guide, block by block."""
    section = re.split(rf"^## {heading}.*$", GUIDE, flags=re.MULTILINE)[1].split("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)


def environ_of(server: Server, folder: Path, **variables: str) -> dict[str, str]:
    """Return what a shell needs to find the server's own programs and the runner."""
    command = folder / "socrates-migrate"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m runner "$@"\n')
    command.chmod(0o755)
    path = f"{folder}:{servers.PROGRAMS[server.version]}:{os.environ['PATH']}"
    return {"PATH": path, "LC_ALL": "C.UTF-8", "COLUMNS": "120", "BACKUP": str(folder), **variables}


@pytest.fixture
def shell(request: pytest.FixtureRequest, tmp_path: Path, each_server: Server) -> Shell:
    """Return a shell on both databases, with an account, a project and a session, on every server in turn."""
    connections: dict[str, Connection] = {}
    environ = environ_of(each_server, tmp_path)
    for series in SERIES:
        connections[series] = request.getfixturevalue(f"{series}_{each_server.version}")
        connections[series].rollback()
        connections[series].autocommit = True
        environ[f"DATABASE_URL_{series.upper()}"] = each_server.url(connections[series].info.dbname)
    found = Shell(each_server, environ, connections)
    for series in SERIES:
        found.query(series, PARENTS[series])
    return found


def fill(shell: Shell, series: str, table: str, *, keep: str = "400 days") -> None:
    """Write rows that are too old by an hour and more, and ten that are not, by an hour and more."""
    clock, columns, values = TRAILS[series, table]
    shell.query(
        series,
        f"""
        insert into public.{table} ({columns}, {clock})
        select {values}, now() - interval '{keep}'
            + case when n <= {OLD} then - n * interval '1 minute' - interval '1 hour'
                else (n - {OLD}) * interval '1 hour' end
        from generate_series(1, {OLD + 10}) as n;
        """,  # noqa: S608 - from above
    )
    shell.query(series, f"analyze public.{table}")


def rows(shell: Shell, series: str, table: str) -> object:
    """Return how many rows a trail has."""
    return shell.one(series, f"select count(*) from public.{table}")  # noqa: S608 - from above


def test_the_guide_names_every_script() -> None:
    """In its commands and in its text, and no other."""
    used = {name for heading in ("Trails", "Looking") for text in blocks(heading)
            for name in re.findall(r"docs/operations/(\w+\.sql)", text)}  # fmt: skip
    linked = set(re.findall(r"\(operations/(\w+\.sql)\)", GUIDE))
    assert sorted(used) == sorted(linked) == SCRIPTS


def test_the_commands_for_trails_delete_what_is_old(shell: Shell) -> None:
    """Typed as the guide has them; each trail keeps what is younger than its interval."""
    [commands] = blocks("Trails")
    kept = dict(re.findall(r"trail=(\w+) -v keep='([^']*)'", commands))
    for series, table in TRAILS:
        if table in kept:
            fill(shell, series, table, keep=kept[table])
    said = shell.type(commands)
    for series, table in TRAILS:
        if table in kept:
            assert rows(shell, series, table) == 10, table
            assert f"{table}: {OLD} rows from before" in said


@pytest.mark.parametrize(("series", "table"), TRAILS, ids=IDS)
def test_a_trail_goes_in_batches_along_its_index(shell: Shell, series: str, table: str) -> None:
    """The table is never read from end to end; the batches are as many as they must be."""
    fill(shell, series, table)
    scans = f"select seq_scan from pg_stat_user_tables where relname = '{table}'"  # noqa: S608 - from a test
    shell.query(series, "select pg_stat_force_next_flush()")
    before = shell.one(series, scans)
    said = shell.script("retention", series, trail=table, keep="400 days", batch=BATCH, pause=0)
    assert f"deleted in {OLD // BATCH} batches" in said
    assert rows(shell, series, table) == 10
    shell.query(series, "select pg_stat_force_next_flush()")
    mine = 1  # the count above
    assert shell.one(series, scans) in (before, int(str(before)) + mine)


def test_each_batch_is_done_when_it_is_done(shell: Shell) -> None:
    """Others see a trail shrink while the script runs, so no row stays locked until its end."""
    words = {"trail": "activity_logs", "keep": "400 days", "batch": BATCH}
    for pause in (0.1, 0.5, 2.5):  # who looks on a busy machine may miss the most: then again with more time
        shell.query("specs", "truncate public.activity_logs")
        fill(shell, "specs", "activity_logs")
        running = shell.start(shell.command("retention", "specs", **words, pause=pause))
        seen = set()
        while running.poll() is None:
            seen.add(rows(shell, "specs", "activity_logs"))
            time.sleep(0.02)
        running.communicate()
        assert rows(shell, "specs", "activity_logs") == 10
        if is_seen := len(seen) > OLD // BATCH / 2:
            break
    assert is_seen


def test_rows_that_somebody_holds_are_left_for_the_next_run(shell: Shell) -> None:
    """The script does not wait for them; it says what it deleted, and deletes them later."""
    fill(shell, "auth", "audit_logs")
    with psycopg.connect(shell.environ["DATABASE_URL_AUTH"]) as other:
        other.execute("select from public.audit_logs order by timestamp limit 3 for update")
        said = shell.script("retention", "auth", trail="audit_logs", keep="400 days", batch=BATCH, pause=0)
        assert f"audit_logs: {OLD - 3} rows" in said
    shell.script("retention", "auth", trail="audit_logs", keep="400 days")
    assert rows(shell, "auth", "audit_logs") == 10


def test_equal_times_are_cut_into_batches_too(shell: Shell) -> None:
    """Rows of one load have one time; that many at once would be no moment."""
    fill(shell, "specs", "activity_logs")
    shell.query("specs", "update public.activity_logs set created_at = '2020-01-01'")
    said = shell.script("retention", "specs", trail="activity_logs", keep="400 days", batch=BATCH, pause=0)
    assert f"{OLD + 10} rows" in said
    assert f"deleted in {OLD // BATCH + 1} batches" in said


@pytest.mark.parametrize(
    ("variables", "options", "told"),
    [
        ({"trail": "users", "keep": "0 days"}, (), "users is no trail that this script knows"),
        ({"trail": "audit_logs", "keep": "soon"}, (), 'invalid input syntax for type interval: "soon"'),
        ({"trail": "audit_logs", "keep": "400 days"}, ("-1",), "invalid transaction termination"),
        ({"trail": "audit_logs"}, (), 'syntax error at or near ":"'),
    ],
    ids=["no trail", "no interval", "one transaction", "keep forgotten"],
)
def test_a_wrong_call_deletes_nothing(
    shell: Shell, variables: dict[str, str], options: tuple[str, ...], told: str
) -> None:
    """It ends with psql's code for a failed script."""
    fill(shell, "auth", "audit_logs")
    assert told in shell.script("retention", "auth", *options, code=3, **variables)
    assert rows(shell, "auth", "audit_logs") == OLD + 10


@pytest.mark.parametrize("keep", ["400", "-400 days", "-1 year 2 days", "00:00:00"])
def test_what_is_no_length_of_time_deletes_nothing(shell: Shell, keep: str) -> None:
    """A bare number would be seconds, and what is negative would take the rows of today."""
    told = f"keep is {keep}, which has no unit or reaches into the future"
    fill(shell, "auth", "audit_logs")
    assert told in shell.script("retention", "auth", trail="audit_logs", keep=keep, code=3)
    assert rows(shell, "auth", "audit_logs") == OLD + 10
    calls = write_calls(shell)
    assert told in shell.script("usage_by_month", "specs", keep=keep, code=3)
    assert shell.query("specs", SUMS) == calls


SHADOWS = """
create schema shadows;
create function shadows.now(timestamptz, interval) returns timestamptz language sql immutable return $1;
create function shadows.now(timestamp, interval) returns timestamp language sql immutable return $1;
create operator shadows.- (leftarg = timestamptz, rightarg = interval, function = shadows.now);
create operator shadows.- (leftarg = timestamp, rightarg = interval, function = shadows.now);
do $$
begin
    execute format('alter database %I set search_path = shadows, pg_catalog, public', current_database());
end
$$;
"""


def test_operators_of_others_make_no_row_old(shell: Shell) -> None:
    """Those that the path of a database finds before PostgreSQL's own, as here what forgets the interval."""
    for series in SERIES:
        shell.query(series, SHADOWS)
    fill(shell, "auth", "audit_logs")
    shell.script("retention", "auth", trail="audit_logs", keep="400 days")
    assert rows(shell, "auth", "audit_logs") == 10
    gone = sum(int(str(calls)) for *_, calls, _, _, _ in write_calls(shell))
    before = int(str(rows(shell, "specs", "llm_usage_tracking")))
    shell.script("usage_by_month", "specs", keep="13 months")
    assert rows(shell, "specs", "llm_usage_tracking") == before - gone


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_leaves_a_setting_to_its_next_statement(name: str) -> None:
    """Behind a pool in transaction mode it may be of another run: an old interval deletes what is young."""
    text = (ROOT / "docs" / "operations" / name).read_text(encoding="utf-8")
    assert not re.search(r"set_config|current_setting\('\w+\.|^set (?!local)", text, re.MULTILINE)


@pytest.mark.parametrize("longer", ["5", "-5 minutes"])
def test_what_is_no_length_of_time_names_no_transaction(shell: Shell, longer: str) -> None:
    """Beside each stands the statement that ends it: a bare number would name young ones."""
    told = shell.script("long_transactions", "specs", longer=longer, code=3)
    assert "longer has no unit or is negative" in told
    assert "remedy" not in told


CALLS = """
insert into public.llm_usage_tracking (
    user_id, provider, model, tokens_input, tokens_output, tokens_total, cost_usd, timestamp, created_at
)
select
    md5((n % 3)::text)::uuid, 'claude', 'model' || n % 2, n, 1, n + 1, nullif(n % 7, 0) * 0.01,
    date_trunc('month', now() at time zone 'UTC' - {back}) at time zone 'UTC' + n * interval '1 hour',
    now() - interval '1 day'
from generate_series(0, {rows} - 1) as n
"""
SUMS = """
select date_trunc('month', timestamp at time zone 'UTC')::date, user_id::text, provider, model,
    coalesce(sum(cost_usd), 0)::numeric(20,4), count(*),
    sum(tokens_input), sum(tokens_output), sum(tokens_total)
from public.llm_usage_tracking
where timestamp < date_trunc('month', now() at time zone 'UTC' - interval '13 months') at time zone 'UTC'
group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""
FIGURES = """
select date, tags ->> 'user_id', tags ->> 'provider', tags ->> 'model', sum(value),
    sum((metadata ->> 'calls')::bigint)::bigint, sum((metadata ->> 'tokens_input')::bigint)::bigint,
    sum((metadata ->> 'tokens_output')::bigint)::bigint, sum((metadata ->> 'tokens_total')::bigint)::bigint
from public.analytics_metrics
where metric_type = 'llm_usage' and metric_name = 'cost_usd'
group by 1, 2, 3, 4 order by 1, 2, 3, 4
"""


def write_calls(shell: Shell) -> list[tuple[object, ...]]:
    """Write two months of calls that must go and a day that stays; return the sums of what must go."""
    shell.query("specs", CALLS.format(back="interval '15 months'", rows=1300))
    shell.query("specs", CALLS.format(back="interval '13 months'", rows=24))
    return shell.query("specs", SUMS)


def test_usage_is_added_up_before_it_goes(shell: Shell) -> None:
    """Cost, calls and tokens are the same to the last digit; the first hour of the next month stays."""
    sums = write_calls(shell)
    assert len(sums) == 12
    stay = "select count(*) from public.llm_usage_tracking"
    before = int(str(shell.one("specs", stay)))
    said = shell.script("usage_by_month", "specs", batch=100, pause=0)
    assert shell.query("specs", FIGURES) == sums
    assert shell.query("specs", SUMS) == []
    gone = sum(int(str(calls)) for *_, calls, _, _, _ in sums)
    assert shell.one("specs", stay) == before - gone
    assert f"{gone} calls" in said
    assert "0 calls" in shell.script("usage_by_month", "specs")
    assert shell.query("specs", FIGURES) == sums


def test_usage_that_arrives_late_is_added(shell: Shell) -> None:
    """A month that was rolled up gets a further row; the sum over the rows is right."""
    write_calls(shell)
    shell.script("usage_by_month", "specs", pause=0)
    first = shell.query("specs", FIGURES)
    shell.query("specs", CALLS.format(back="interval '15 months'", rows=1).replace(" - interval '1 day'", ""))
    late = shell.query("specs", SUMS)
    shell.script("usage_by_month", "specs", pause=0)
    assert shell.query("specs", SUMS) == []
    assert [row[5] for row in shell.query("specs", FIGURES)] == [
        int(str(row[5])) + (row[:4] == late[0][:4]) for row in first
    ]


def test_usage_that_was_broken_off_is_not_added_twice(shell: Shell) -> None:
    """The session is ended while calls go; the next run deletes the rest and changes no figure."""
    sums = write_calls(shell)
    running = shell.start(shell.command("usage_by_month", "specs", batch=10, pause=0.2))
    while shell.query("specs", SUMS) == sums:
        assert running.poll() is None
        time.sleep(0.02)
    shell.query(
        "specs",
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid() and application_name = 'psql'",
    )
    running.communicate()
    assert running.returncode != 0
    assert shell.query("specs", SUMS) not in ([], sums)
    shell.script("usage_by_month", "specs", pause=0)
    assert shell.query("specs", FIGURES) == sums
    assert shell.query("specs", SUMS) == []


def test_a_call_is_counted_whenever_it_was_written(shell: Shell) -> None:
    """Not by the time in its row: an import sets it, and a transaction that was open has an older one."""
    write_calls(shell)
    shell.script("usage_by_month", "specs", pause=0)
    first = sum(int(str(row[5])) for row in shell.query("specs", FIGURES))
    shell.query("specs", CALLS.format(back="interval '15 months'", rows=40).replace("'1 day'", "'9 months'"))
    said = shell.script("usage_by_month", "specs", batch=7, pause=0)
    assert "40 calls" in said
    assert shell.query("specs", SUMS) == []
    assert sum(int(str(row[5])) for row in shell.query("specs", FIGURES)) == first + 40


def test_a_cost_that_is_no_number_stays_by_itself(shell: Shell) -> None:
    """Its figure would be none either, and the others of its month would be lost with it."""
    sums = write_calls(shell)
    nan = CALLS.format(back="interval '15 months'", rows=1).replace("nullif(n % 7, 0) * 0.01", "'NaN'")
    shell.query("specs", nan)
    said = shell.script("usage_by_month", "specs", pause=0)
    assert "1 calls stay, whose cost_usd is NaN" in said
    assert shell.query("specs", FIGURES) == sums


def test_names_with_blanks_are_kept_apart(shell: Shell) -> None:
    """What a provider is called and what its model is no figure mixes up; a call of no time at all stays."""
    calls = CALLS.format(back="interval '15 months'", rows=40)
    for provider, model in (("azure openai", "gpt"), ("azure", "openai gpt")):
        text = calls.replace("'claude'", f"'{provider}'").replace("'model' || n % 2", f"'{model}'")
        shell.query("specs", text)
    sums = shell.query("specs", SUMS)
    first = CALLS.format(back="interval '1 day'", rows=1)
    shell.query("specs", first)
    shell.query(
        "specs", "update public.llm_usage_tracking set timestamp = '-infinity' where provider = 'claude'"
    )
    shell.script("usage_by_month", "specs", batch=7, pause=0)
    assert shell.query("specs", FIGURES) == sums
    assert shell.one("specs", "select count(*) from public.llm_usage_tracking") == 1


def test_fractions_of_a_cent_are_not_rounded_batch_by_batch(shell: Shell) -> None:
    """The sum is rounded once: 1,300 calls of a third of a hundredth of a cent are no nothing."""
    calls = CALLS.format(back="interval '15 months'", rows=1300).replace(
        "nullif(n % 7, 0) * 0.01", "0.000033"
    )
    shell.query("specs", calls)
    sums = shell.query("specs", SUMS)
    shell.script("usage_by_month", "specs", batch=50, pause=0)
    assert shell.query("specs", FIGURES) == sums


def test_two_sessions_do_not_roll_up_at_once(shell: Shell) -> None:
    """The second is refused: both would add the same calls."""
    write_calls(shell)
    running = shell.start(shell.command("usage_by_month", "specs", batch=10, pause=0.5))
    begun = "select 1 from public.analytics_metrics limit 1"
    until(lambda: shell.query("specs", begun) or running.poll() is not None, what="the first batch")
    assert "another session is rolling up" in shell.script("usage_by_month", "specs", code=3)
    running.kill()
    running.communicate()


def test_the_commands_for_looking_around_run(shell: Shell) -> None:
    """Typed as the guide has them; where pg_stat_statements is missing, that is said."""
    [commands] = blocks("Looking")
    said = shell.type(commands)
    assert "activity_logs" in said
    assert "pg_stat_statements is not installed in this database." in said


def test_sizes_name_every_table(shell: Shell) -> None:
    """Those with rows come first, with their rows."""
    fill(shell, "specs", "activity_logs")
    said = shell.script("sizes", "specs", "-t").splitlines()
    assert said[0].startswith(f"activity_logs|{OLD + 10}|")
    assert len(said) == shell.one("specs", "select count(*) from pg_tables where schemaname = 'public'")


def test_a_table_that_was_never_analyzed_has_no_estimate(shell: Shell) -> None:
    """The server writes -1 for that, which is no number of rows."""
    shell.query("specs", "create table public.fresh ()")
    assert any(line.startswith("fresh||") for line in shell.script("sizes", "specs", "-t").splitlines())


def findings(shell: Shell, series: str, *, least: str = "10 MB") -> set[tuple[str, str]]:
    """Return what indexes.sql finds, as kind and index."""
    said = shell.script("indexes", series, "-t", least=least)
    return {(line.split("|")[0], line.split("|")[1]) for line in said.splitlines()}


def test_unused_indexes_are_those_nobody_needs(shell: Shell) -> None:
    """None that keeps rows unique or leads with a reference; one that a query uses is no longer listed."""
    found = findings(shell, "specs")
    assert ("unused", "idx_activity_logs_created_at") in found
    assert ("unused", "idx_activity_logs_action_type") in found
    for backs in (
        "activity_logs_pkey",
        "uq_api_keys_user_id_provider",
        "idx_activity_logs_project_id_created_at",
        "idx_activity_logs_user_id",
    ):
        assert ("unused", backs) not in found, backs
    fill(shell, "specs", "activity_logs")
    shell.query("specs", "select pg_stat_force_next_flush()")
    shell.query("specs", "select from public.activity_logs order by created_at desc limit 5")
    shell.query("specs", "select pg_stat_force_next_flush()")
    assert ("unused", "idx_activity_logs_created_at") not in findings(shell, "specs")


@pytest.mark.parametrize("version", [servers.OLDEST, servers.NEWEST])
def test_an_unused_index_has_a_date(tmp_path: Path, version: int) -> None:
    """Of the server, while nobody has reset the statistics of the database; of the reset after it."""
    with own_server(version, tmp_path) as shell:
        shell.query("specs", "create table public.t (x int); create index idle on public.t (x)")
        [line] = shell.script("indexes", "specs", "-t").splitlines()
        kind, index, _, _, _, date, _ = line.split("|")
        assert (kind, index) == ("unused", "idle")
        assert date == shell.one("specs", "select stats_reset::timestamptz(0)::text from pg_stat_bgwriter")
        time.sleep(1.1)
        shell.query("specs", "select pg_stat_reset()")
        [line] = shell.script("indexes", "specs", "-t").splitlines()
        assert line.split("|")[5] > date


def test_bloated_and_invalid_indexes_are_found(shell: Shell) -> None:
    """Nothing while an index is as large as its rows need; after nine tenths went, until it is built anew."""
    fill(shell, "specs", "activity_logs")
    _, columns, values = TRAILS["specs", "activity_logs"]
    many = f"select {values}, now() - n * interval '1 s' from generate_series(1, 40000) as n"  # noqa: S608 - from above
    shell.query("specs", f"insert into public.activity_logs ({columns}, created_at) {many}")
    shell.query("specs", "vacuum (analyze) public.activity_logs")
    bloated = {name for kind, name in findings(shell, "specs", least="1 MB") if kind == "bloated"}
    assert bloated == set()
    shell.query("specs", "delete from public.activity_logs where left(id::text, 1) not in ('a', 'b')")
    shell.query("specs", "vacuum (analyze) public.activity_logs")
    found = findings(shell, "specs", least="1 MB")
    assert ("bloated", "activity_logs_pkey") in found
    assert ("bloated", "activity_logs_pkey") not in findings(shell, "specs"), "it is smaller than 10 MB"
    shell.query("specs", "reindex index concurrently public.activity_logs_pkey")
    assert ("bloated", "activity_logs_pkey") not in findings(shell, "specs", least="1 MB")
    with pytest.raises(psycopg.errors.UniqueViolation):
        shell.query("specs", "create unique index concurrently broken on public.activity_logs (action_type)")
    assert ("invalid", "broken") in findings(shell, "specs")
    shell.query("specs", "delete from public.activity_logs")
    shell.query("specs", "vacuum (analyze) public.activity_logs")
    emptied = ("bloated", "idx_activity_logs_project_id_created_at")
    assert emptied in findings(shell, "specs", least="1 MB"), "no entry needs no room"


def test_an_index_of_values_outside_the_rows_is_not_bloated(shell: Shell) -> None:
    """The statistics of a value in toast are those of the pointer to it; rebuilding could not help."""
    user = shell.one("auth", "insert into users (email, hashed_password) values ('a@x', 'h') returning id")
    token = "select string_agg(md5(n::text || '.' || g), '') from generate_series(1, 67) as g"
    shell.query(
        "auth",
        "insert into refresh_tokens (user_id, token, expires_at)"  # noqa: S608 - from this test
        f" select '{user}', ({token}), now() from generate_series(1, 1000) as n",
    )
    shell.query("auth", "vacuum (analyze) refresh_tokens")
    assert shell.one("auth", "select pg_relation_size('uq_refresh_tokens_token') > 1024 * 1024")
    assert ("bloated", "uq_refresh_tokens_token") not in findings(shell, "auth", least="1 MB")


@pytest.mark.parametrize(
    "statement",
    [
        "create index concurrently built on public.projects (name)",
        "reindex index concurrently public.idx_projects_user_id_status",
        "reindex table concurrently public.projects",
    ],
)
def test_an_index_that_is_being_built_is_not_invalid(shell: Shell, statement: str) -> None:
    """Whoever dropped it would undo what somebody else waits for."""
    url = shell.environ["DATABASE_URL_SPECS"]
    begun = "select 1 from pg_index where not indisvalid and indrelid = 'public.projects'::regclass"
    with psycopg.connect(url) as blocker:
        blocker.execute("lock public.projects in row exclusive mode")
        building = shell.start(f'psql -X -c "{statement}" "$DATABASE_URL_SPECS"')
        until(lambda: shell.query("specs", begun), seconds=10, what="the build")
        found = findings(shell, "specs")
        blocker.commit()
        said, _ = building.communicate(timeout=60)
    assert building.returncode == 0, said
    assert {index for kind, index in found if kind == "invalid"} == set()


def test_a_long_transaction_is_named_with_its_remedy(shell: Shell) -> None:
    """One that is open for longer than asked, not a younger one; the statement beside it ends it."""
    with psycopg.connect(shell.environ["DATABASE_URL_SPECS"], application_name="report") as other:
        pid = other.info.backend_pid
        other.execute("select count(*) from public.projects")
        assert "|report|" not in shell.script("long_transactions", "specs")
        said = shell.script("long_transactions", "specs", "-t", longer="0 seconds")
        [line] = [line for line in said.splitlines() if "|report|" in line]
        assert line.startswith(f"transaction|{pid}|postgres|report|")
        assert "|idle in transaction|select count(*) from public.projects|" in line
        shell.query("specs", line.split("|")[-1])
        with pytest.raises(psycopg.OperationalError):
            other.execute("select 1")


def test_who_may_not_see_how_long_others_last_is_told(shell: Shell) -> None:
    """Nothing found would be read as nothing there; the remedy beside it is what an administrator grants."""
    url = shell.environ["DATABASE_URL_SPECS"]
    shell.query("specs", "create role r_watcher login")
    try:
        with psycopg.connect(url, application_name="report") as other:
            other.execute("select 1")
            url = url.replace("postgres@", "r_watcher@")
            watching = replace(shell, environ=shell.environ | {"DATABASE_URL_SPECS": url})
            said = watching.script("long_transactions", "specs", "-t", longer="0 seconds")
            [hidden] = [line for line in said.splitlines() if line.startswith("hidden|")]
            assert "|report|" not in said
            shell.query("specs", hidden.split("|")[-1])
            said = watching.script("long_transactions", "specs", "-t", longer="0 seconds")
            assert "|report|" in said
            assert "hidden|" not in said
    finally:
        shell.query("specs", "drop role r_watcher")


def test_an_index_is_never_falsely_called_bloated(shell: Shell) -> None:
    """One on an expression, whose statistics stand elsewhere; and one of a table that has none."""
    long = "select md5(n::text) || md5(n::text) || '@example.org' as e, n from generate_series(1, 30000) as n"
    users = f"insert into public.users (username, email, hashed_password) select n, e, 'x' from ({long}) as x"  # noqa: S608 - from above
    shell.query("auth", users)
    shell.query("auth", "reindex table public.users")

    def bloated() -> set[str]:
        return {name for kind, name in findings(shell, "auth", least="1 MB") if kind == "bloated"}

    assert bloated() == set(), "no statistics"
    shell.query("auth", "vacuum (analyze) public.users")
    assert bloated() == set()
    shell.query("auth", "delete from public.users where left(id::text, 1) not in ('a', 'b')")
    shell.query("auth", "vacuum (analyze) public.users")
    assert "idx_users_email_lower" in bloated()
    shell.query("auth", "select pg_stat_reset()")
    shell.query("auth", "update pg_class set reltuples = -1 where relname ~ 'users'")
    assert bloated() == set()


@contextmanager
def own_server(version: int, folder: Path, *options: str) -> Iterator[Shell]:
    """Run a server with these settings; the shell knows its database ``postgres`` as specs."""
    with bad.started(version, *options) as server:
        url = server.url("postgres")
        with psycopg.connect(url, autocommit=True) as connection:
            environ = environ_of(server, folder, DATABASE_URL_SPECS=url)
            yield Shell(server, environ, {"specs": connection})


def test_prepared_transactions_and_slots_are_named(tmp_path: Path) -> None:
    """With the statement that ends each, which works."""
    with own_server(servers.NEWEST, tmp_path, "max_prepared_transactions=2", "wal_level=logical") as shell:
        # In this order: a slot waits for every transaction that is open, prepared ones too.
        shell.query("specs", "select pg_create_logical_replication_slot('gone', 'pgoutput')")
        shell.query("specs", "begin; create table x (); prepare transaction 'it''s'")
        said = shell.script("long_transactions", "specs", "-t", longer="0 seconds").splitlines()
        kinds = {line.split("|")[0]: line.split("|")[-1] for line in said}
        assert set(kinds) == {"prepared", "slot"}
        for remedy in kinds.values():
            shell.query("specs", remedy)
        assert shell.script("long_transactions", "specs", "-t", longer="0 seconds") == ""


def test_a_replica_that_holds_rows_back_is_named(tmp_path: Path) -> None:
    """It has no slot; who may not see that it does is told so, and what an administrator can grant."""
    with own_server(servers.NEWEST, tmp_path) as shell:
        feedback = ("hot_standby_feedback=on", "wal_receiver_status_interval=1s")
        shell.query("specs", "create role r_watcher login")
        with (
            bad.started(servers.NEWEST, *feedback, copy_of=shell.server) as replica,
            psycopg.connect(replica.url("postgres")) as other,
        ):
            other.execute("select 1")
            held = "select pid from pg_stat_replication where backend_xmin is not null"
            deadline = time.monotonic() + 30
            while not shell.query("specs", held):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            [line] = shell.script("long_transactions", "specs", "-t").splitlines()
            kind, _, user, *_, query, remedy = line.split("|")
            assert (kind, user) == ("replica", "postgres")
            assert query.startswith("holds rows back since transaction ")
            assert remedy.startswith("-- on that replica: ")
            url = shell.environ["DATABASE_URL_SPECS"].replace("postgres@", "r_watcher@")
            watching = replace(shell, environ=shell.environ | {"DATABASE_URL_SPECS": url})
            said = watching.script("long_transactions", "specs", "-t")
            assert "grant pg_read_all_stats to r_watcher" in said


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Return a shell on a server that has the extension: the wheels have not, Debian's own packages have."""
    if not (servers.SYSTEM_15.parent / "lib" / "pg_stat_statements.so").is_file():
        pytest.skip("no PostgreSQL with pg_stat_statements is installed")
    monkeypatch.setitem(servers.PROGRAMS, 15, servers.SYSTEM_15)
    with own_server(15, tmp_path, "shared_preload_libraries=pg_stat_statements") as shell:
        shell.query("specs", "create schema watch; create extension pg_stat_statements schema watch")
        yield shell


def test_statements_are_ranked_by_their_time(watched: Shell) -> None:
    """First stands what took the most of it."""
    watched.query("specs", "select pg_sleep(0.3)")
    first, *_ = watched.script("statements", "specs", "-t").splitlines()
    total, calls, *_, user, query = first.split("|")
    assert (float(total) >= 0.3, calls, user, query) == (True, "1", "postgres", "select pg_sleep($1)")


def test_who_may_not_see_the_statements_of_others_is_told(watched: Shell) -> None:
    """With what an administrator grants, after which the script shows them and tells no more of it."""
    watched.query("specs", "create role r_watcher login; grant usage on schema watch to r_watcher")
    url = watched.environ["DATABASE_URL_SPECS"].replace("postgres@", "r_watcher@")
    watching = replace(watched, environ=watched.environ | {"DATABASE_URL_SPECS": url})
    told, *_ = watching.script("statements", "specs", "-t").splitlines()
    said, _, grant = told.partition("; an administrator can: ")
    assert re.fullmatch(r"hidden: \d+ statements of other roles", said)
    watched.query("specs", grant)
    said = watching.script("statements", "specs", "-t")
    assert "hidden: " not in said
    assert "create schema watch" in said


def test_a_backup_can_be_restored(shell: Shell) -> None:
    """The runbook from top to bottom: rows, ledger and catalog are the same."""
    for series, table in TRAILS:
        fill(shell, series, table)
    write_calls(shell)
    callers = "select md5(n::text)::uuid, 'caller' || n, 'x' from generate_series(0, 2) as n"
    shell.query("auth", f"insert into public.users (id, username, hashed_password) {callers}")
    shell.script("usage_by_month", "specs", pause=0)
    ledger = "select version, name, checksum, sql, applied_at from public.schema_migrations order by 1"
    with restored(shell) as copies:
        dump, restore, ask = blocks("Backup")
        shell.type(dump)
        shell.type(restore)
        said = shell.type(ask)
        assert "no row points at nothing" in said
        for series in SERIES:
            for what in (ledger, *counts(shell, series)):
                assert copies.query(series, what) == shell.query(series, what)
        if shell.server.version == servers.NEWEST:  # how a difference is told no restore decides
            copies.query("specs", "drop index public.idx_activity_logs_created_at")
            assert "idx_activity_logs_created_at is missing" in shell.type(ask, code=4)


@contextmanager
def restored(shell: Shell) -> Iterator[Shell]:
    """Make two empty databases, tell the shell their addresses, and drop them at the end."""
    admin = shell.server.url("postgres")
    connections: dict[str, Connection] = {}
    for series in SERIES:
        name = f"restored_{series}"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"create database {name} template template0".encode())
        shell.environ[f"RESTORED_URL_{series.upper()}"] = shell.server.url(name)
        connections[series] = psycopg.connect(shell.server.url(name), autocommit=True)
    try:
        yield Shell(shell.server, shell.environ, connections)
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            for series in SERIES:
                connections[series].close()
                connection.execute(f"drop database restored_{series} with (force)".encode())


def counts(shell: Shell, series: str) -> list[str]:
    """Return a query for the rows of each table."""
    tables = shell.query(series, "select tablename from pg_tables where schemaname = 'public' order by 1")
    return [f"select count(*) from public.{table}" for (table,) in tables]  # noqa: S608 - from the catalog
