"""Files and ledgers nobody thought of: whatever they are, ledger, files and objects stay together."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg.errors import CheckViolation

from runner.errors import RunnerError
from runner.files.checksum import checksum
from tests.faults import bad

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.project import Project
    from tests.servers import Server

SOME = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
TABLE = "create table public.t001 (id int);\n"
TEXT = f"-- Éa, 'b'\n{TABLE}comment on table public.t001 is 'a  b';\n"

SAFE = st.sampled_from(
    [
        "select 1;", "-- ' $$ /* commit;\n", "/* ' /* $$ */ ; */", "select 'it''s; commit';", "\r\n", ";",
        "do $x$ begin perform 'commit;'; end $x$;", r"select E'\'; rollback; --';", 'select 1 as "a;""b";',
        "create temporary table x (id int);", "prepare p as select 1;", "set search_path = '';",
        "set role pg_monitor;", "set client_encoding = latin1;", "select 'é漢🐘';", "listen news;",
        "set lock_timeout = 0;", "declare c cursor with hold for select 1;", "select $$é';$$;",
        "create function pg_temp.f() returns int begin atomic select case when true then 1 end; end;",
        "select pg_advisory_unlock_all();",
    ]
)  # fmt: skip
UNSAFE = st.sampled_from(
    [
        "commit;", "rollback;", "begin;", "end;", "commit and chain;", "savepoint s;", "abort;", "'", '"',
        "$$", "$x$", "/*", "*/", "--", "\\", "E'", "\\'", "select 1/0;", "(", ")", "begin atomic", "\0",
        "\ufeff", "prepare transaction 'x';", "copy public.t000 from stdin;", "do $$ begin commit; end $$;",
        "case", "start transaction;", "set transaction read only;", "drop table nowhere;", "rollback to s;",
        "\\.\n", "create function f() returns int language sql",
        "select pg_terminate_backend(pg_backend_pid());",
    ]
)  # fmt: skip
PIECES = st.lists(SAFE | UNSAFE | st.sampled_from([" ", "\n"]), max_size=6).map("".join)

VERSIONS = st.sampled_from(["000", "001", "002", "003", "1000"])
ODD_VERSIONS = st.sampled_from(["0000", "1", "", "x", "-1", "٣", "9" * 30, " 01"])
LABELS = st.sampled_from(["a", "b", "x]y[red]"])
FILES = st.dictionaries(VERSIONS, st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["select 1;", ""])))
ROWS = st.dictionaries(
    VERSIONS | ODD_VERSIONS, st.tuples(LABELS, st.sampled_from(["select 1;", "select 2;"]))
)
LEDGER = "insert into public.schema_migrations values ('{}', '{}', '{}', '{}', '{}', now(), 'x', 1, 'x')"


@pytest.fixture(scope="module")
def url(server: Server) -> Iterator[str]:
    """Return the URL of one database for all these tests."""
    with bad.database(server) as url:
        yield url


@pytest.fixture
def applied(tmp_path: Path, url: str) -> Project:
    """Return a project of two files, both applied."""
    app = bad.project(tmp_path, TEXT)
    assert bad.run(app, "migrate", bad.emptied(url)).exit_code == 0
    return app


@SOME
@given(position=st.integers(0, len(TEXT.encode()) - 1), bit=st.integers(0, 7))
@example(position=TEXT.encode().index(b"  b"), bit=1)
def test_one_flipped_bit_of_an_applied_file_is_found(
    applied: Project, url: str, position: int, bit: int
) -> None:
    """In a comment as in a statement: exit 4, the file named, nothing run; only the layout is free."""
    changed = bytearray(TEXT.encode())
    changed[position] ^= 1 << bit
    (applied.root / "app" / "001_next.sql").write_bytes(changed)
    same = checksum(changed.decode(errors="replace")) == checksum(TEXT)
    for command in ("migrate", "verify"):
        result = bad.run(applied, command, url)
        assert result.exit_code == (0 if same else 4)
        assert same or "app/001_next.sql" in result.output
    bad.check(url, "000", "001")


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        (lambda f: (f / "000_first.sql").unlink(), "VERSION_GAP", "Number 000 is missing"),
        (lambda f: (f / "001_next.sql").rename(f / "001_nxt.sql"), "FILE_RENAMED", "was applied as 001_next"),
        (lambda f: (f / "001_next.sql").rename(f / "002_next.sql"), "VERSION_GAP", "Number 001 is missing"),
        (lambda f: (f / "001_a.sql").write_text("select 1;"), "VERSION_DUPLICATE", "carry the same number"),
        (lambda f: (f / "004_a.sql").write_text("select 1;"), "VERSION_GAP", "Number 003 is missing"),
        (lambda f: (f / "001_next.sql").write_text(""), "CHECKSUM_MISMATCH", "was edited"),
        (lambda f: (f / "001_next.sql").write_bytes(TEXT[:-2].encode()), "CHECKSUM_MISMATCH", "was edited"),
    ],
    ids=["first deleted", "renamed", "renumbered", "twin", "gap", "emptied", "cut"],
)
def test_a_changed_history_stops_the_run(
    applied: Project, url: str, change: Callable[[Path], object], name: str, words: str
) -> None:
    """Exit 4 with a name of its own; a sound new file beside it is not applied either."""
    applied.write("app", {"002_new.sql": "create table public.t002 (id int);"})
    change(applied.root / "app")
    result = bad.run(applied, "migrate", url)
    assert (result.exit_code, name in result.stderr, words in result.stderr) == (4, True, True), result.output
    bad.check(url, "000", "001")


def test_deleted_newest_files_are_an_older_release(applied: Project, url: str) -> None:
    """The database is ahead, which is no error; nothing is applied, and with --strict exit 4."""
    (applied.root / "app" / "001_next.sql").unlink()
    result = bad.run(applied, "migrate", url)
    assert (result.exit_code, "ahead of these files: 001_next" in result.stdout) == (0, True), result.output
    result = bad.run(applied, "migrate", url, "--strict")
    assert (result.exit_code, "FILE_MISSING" in result.stderr) == (4, True), result.output
    bad.check(url, "000", "001")


def test_a_late_lower_number_stops_the_run(applied: Project, url: str) -> None:
    """A file whose successors are applied is refused, here because somebody removed its row by hand."""
    bad.query(url, "drop table public.t000; delete from public.schema_migrations where version = '000'")
    result = bad.run(applied, "migrate", url)
    assert (result.exit_code, "FILE_LATE" in result.stderr) == (4, True), result.output
    bad.check(url, "001")


@SOME
@given(before=st.lists(SAFE, max_size=2).map("".join), after=PIECES)
@example(before="set client_encoding = latin1;", after="select 'é';")
@example(before="", after="prepare transaction 'x';")
@example(before="", after="rollback;")
@example(before="", after="rollback; begin; select pg_current_xact_id();")
@pytest.mark.parametrize("blind", [False, True], ids=["scanned", "unscanned"])
def test_table_and_row_come_together_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, url: str, before: str, after: str, *, blind: bool
) -> None:
    """Whatever a file is made of; were the scanner blind, still nothing is recorded that is not there."""
    app = bad.project(
        tmp_path_factory.mktemp("app"), f"{before}{TABLE}{after}", "create table public.t002 ();"
    )
    bad.emptied(url)
    with pytest.MonkeyPatch.context() as patch, suppress(RunnerError):
        if blind:
            patch.setattr("runner.planning.content._check", Mock())
        app.migrate(url)
    tables, recorded = bad.tables(url), bad.recorded(url)
    assert set(recorded) <= set(tables)
    assert blind or tables == recorded
    assert "001" not in recorded or bad.text(url) == f"{before}{TABLE}{after}"


@SOME
@given(files=FILES, rows=ROWS)
@example(files={}, rows={"x": ("a", "select 1;")})
@example(files={"000": ("a", "select 1;")}, rows={"0000": ("a", "select 1;"), "000": ("a", "select 1;")})
def test_no_folder_and_no_ledger_crashes_the_readers(
    tmp_path_factory: pytest.TempPathFactory,
    url: str,
    files: dict[str, tuple[str, str]],
    rows: dict[str, tuple[str, str]],
) -> None:
    """status, plan and verify answer or refuse with a documented exit code, and change nothing."""
    app = bad.project(tmp_path_factory.mktemp("app"))
    assert bad.run(app, "migrate", bad.emptied(url)).exit_code == 0
    (app.root / "app" / "000_first.sql").unlink()
    app.write("app", {f"{version}_{name}.sql": text for version, (name, text) in files.items()})
    bad.query(url, "delete from public.schema_migrations")
    for version, (name, text) in rows.items():
        with suppress(CheckViolation):  # what no file can be called, the ledger may refuse itself
            bad.query(url, LEDGER.format("app", version, name, checksum(text), text))
    before = bad.query(url, "select xmin::text, * from public.schema_migrations order by 1, 2, 3")
    for command in ("status", "plan", "verify"):
        result = bad.run(app, command, url)
        assert isinstance(result.exception, SystemExit | None), result.exception
        assert result.exit_code in (0, 1, 4) or (result.exit_code == 2 and not files), result.output
    assert bad.query(url, "select xmin::text, * from public.schema_migrations order by 1, 2, 3") == before
