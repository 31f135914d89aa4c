"""Files no editor should have made: each is refused by name, or does exactly what psql does with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner import planning
from runner.files import folder
from tests.faults import bad, stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from runner.config import Project as Configuration
    from runner.config import Series
    from runner.planning.site import Files
    from tests.servers import Server

TABLE = "create table public.t001 (id int);\n"
SQL_STANDARD = """create function public.f(n int) returns int language sql
begin atomic
    select case when n > 0 then 1 else 2 end;
end;
"""

# Behind the table that must not stay: what ends, or tries to end, the transaction, and where.
CONTROLS = {
    "commit": ("commit;", "2:1"),
    "commit work": ("  COMMIT /* really */ WORK;", "2:3"),
    "rollback": ("rollback;", "2:1"),
    "rollback and fake it": ("rollback; insert into public.schema_migrations default values;", "2:1"),
    "commit and chain": ("commit and chain;", "2:1"),
    "prepare transaction": ("prepare -- --\n transaction 'x';", "2:1"),
    "commit prepared": ("commit prepared 'x';", "2:1"),
    "nested begin": ("begin; select 1; end;", "2:1"),
    "start transaction": ("start\n/* /* */ */ transaction;", "2:1"),
    "abort": ("/* commit */ abort", "2:14"),
    "savepoint": ("savepoint s; release s;", "2:1"),
    "end": ("select 'end'; end;", "2:15"),
    "end after begin atomic": (f"{SQL_STANDARD} end;", "6:2"),
    "behind an escaped quote": (r"select E'\''; commit; --'", "2:15"),
    "behind a dollar quote": ("select $a$ $$ $a$; commit;", "2:20"),
    "behind a doubled quote": ("select '''' ; commit;", "2:15"),
    "behind a quoted name": ('select 1 as """"; commit;', "2:19"),
}

# Words that control transactions elsewhere, and are ordinary here.
ORDINARY = {
    "begin atomic": SQL_STANDARD,
    "plpgsql": "do $$ begin perform 1; begin perform 2; end; end $$;",
    "names": 'create table public."commit" (id int); drop table public."commit"; select 1 as "end";',
    "comments": "-- commit;\n/* rollback; /* end; */ */ select 'commit;', $x$ begin; $x$;",
    "copy to a file of the server": "copy (select 1) to program 'cat > /dev/null';",
}

# Bytes of the second file, the exit code, and words that say what is wrong.
REFUSED = {
    "nul": (f"{TABLE}select 1;\0 commit;".encode(), 4, "holds a NUL character in line 2"),
    "mark in the middle": (f"{TABLE}\ufeffselect 1;".encode(), 4, "byte order mark in line 2"),
    "bad utf-8": (TABLE.encode() + b"-- \xff", 4, "is not UTF-8: byte 0xff in line 2"),
    "latin1": (TABLE.encode() + "-- é".encode("latin1"), 4, "is not UTF-8: byte 0xe9 in line 2"),
    "utf-16": (TABLE.encode("utf-16"), 4, "is not UTF-8: byte 0xff in line 1"),
    "surrogate": (TABLE.encode() + b"-- \xed\xa0\x80", 4, "is not UTF-8: byte 0xed in line 2"),
    "empty": (b"", 1, "holds no statement"),
    "only a mark": ("\ufeff".encode(), 1, "holds no statement"),
    "comment only": (b"-- create table public.t001 (id int);", 1, "holds no statement"),
    "semicolons only": (b" ;; ; ", 1, "holds no statement"),
    "open string": (f"{TABLE}select 'a".encode(), 1, "string that begins here and never ends"),
    "open name": (f'{TABLE}select "a'.encode(), 1, "quoted name that begins here and never ends"),
    "open dollar quote": (f"{TABLE}do $x$ $y$".encode(), 1, "dollar-quoted string $x$ that begins here"),
    "open comment": (f"{TABLE}/* /* */ select 1;".encode(), 1, "comment that begins here and never ends"),
    "psql command": (f"{TABLE}\\set x 1".encode(), 1, "holds a psql command"),
    "pg_dump's restrict": (f"\\restrict abc\n{TABLE}".encode(), 1, "holds a psql command"),
    "psql variable": (f"{TABLE}select :x;".encode(), 1, "syntax error at or near"),
    "copy from stdin": (f"{TABLE}copy public.t001 from stdin;".encode(), 1, "copies from stdin"),
    "copy with data": (f"{TABLE}copy public.t001 from STDIN;\n1\n\\.\n".encode(), 1, "copies from stdin"),
    "copy to stdout": (f"{TABLE}copy public.t001 to stdout;".encode(), 1, "copies to stdout"),
    "commit in do": (
        f"{TABLE}do $$ begin commit; end $$;".encode(),
        1,
        "commits or rolls back while it runs",
    ),
    "hidden commit": (
        f"{TABLE}do $$ begin execute 'call public.p()'; end $$;".encode().replace(
            b"do", b"create procedure public.p() language plpgsql as 'begin commit; end';\ndo"
        ),
        1,
        "SQLSTATE 2D000",
    ),
    "vacuum": (f"{TABLE}vacuum public.t001;".encode(), 1, "holds vacuum, which cannot run in a transaction"),
    "hidden vacuum": (f"{TABLE}do $$ begin execute 'vacuum'; end $$;".encode(), 1, "SQLSTATE 25001"),
}

# Files that look odd and are sound: psql and the runner make the same of each.
EQUAL = {
    "crlf": b"create table public.t001 as select 'a\r\nb' as v; -- x\r\nselect 1;\r\n",
    "lone cr": b"-- x\rcreate table public.t001 as select 'a\rb' as v;\r",
    "no final newline": b"create table public.t001 as select 'a' as v",
    "comment without newline": b"create table public.t001 as select 'a' as v; -- end",
    "mark in front": "\ufeffcreate table public.t001 as select 'é' as v;".encode(),
    "beyond the basic plane": "create table public.t001 as select '漢🐘' as v; -- 🐘".encode(),
    "only one blank": b"create table public.t001 as select ' ' as v;\f\v;",
    "backslashes": rb"create table public.t001 as select 'a\nb' || E'\n\\' || $$\'$$ as v;",
    "percent": b"create table public.t001 as select '%s %(x)s {v} ${v} $1' as v;",
    "continued string": b"create table public.t001 as select 'a' -- x\n 'b' || E'\\'' -- '\n 'c\\'' as v;",
    "deep comment": b"/* /* /* ; */ ' */ $$ */ create table public.t001 as select 'a' as v;",
    "names with dollars": b"create table public.t001 as select 1 as a$$b, 'x' as v, 2 as c$$d;",
}


@pytest.fixture
def url(database: str) -> str:
    """Return the URL of an empty database."""
    return bad.emptied(database)


@pytest.mark.parametrize("name", CONTROLS)
def test_a_file_that_controls_its_transaction_is_refused(tmp_path: Path, url: str, name: str) -> None:
    """The line is named, nothing of any file is sent, and there is neither table nor row."""
    control, place = CONTROLS[name]
    result = bad.run(bad.project(tmp_path, TABLE + control), "migrate", url)
    assert result.exit_code == 1
    assert "app/001_next.sql controls the transaction" in result.stderr
    assert f"app/001_next.sql:{place}" in result.stderr
    bad.check(url)


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_uses_of_the_same_words_are_applied(tmp_path: Path, url: str, name: str) -> None:
    """Bodies, names, strings and comments may say what they like."""
    app = bad.project(tmp_path, TABLE + ORDINARY[name])
    assert bad.run(app, "migrate", url).exit_code == 0
    bad.check(url, "000", "001")


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_applied_says_why_and_leaves_nothing(tmp_path: Path, url: str, name: str) -> None:
    """The file is named, the exit code fits, and once it is corrected the next run completes the work."""
    content, code, words = REFUSED[name]
    app = bad.project(tmp_path, content)
    result = bad.run(app, "migrate", url)
    assert result.exit_code == code, result.output
    assert "app/001_next.sql" in result.stderr
    assert words in result.stderr
    assert bad.tables(url) == bad.recorded(url) in ([], ["000"])
    app.write("app", {"001_next.sql": TABLE})
    assert bad.run(app, "migrate", url).exit_code == 0
    bad.check(url, "000", "001")


@pytest.mark.parametrize("name", EQUAL)
def test_an_odd_but_sound_file_does_what_psql_does(
    tmp_path: Path, server: Server, url: str, name: str
) -> None:
    """The same value is stored; the ledger holds the text as it was sent."""
    app = bad.project(tmp_path, EQUAL[name])
    file = app.root / "app" / "001_next.sql"
    look = "select v from public.t001"
    assert bad.psql(server, url, file).returncode == 0
    expected = bad.query(url, look)
    result = bad.run(app, "migrate", bad.emptied(url))
    assert result.exit_code == 0, result.output
    assert bad.query(url, look) == expected
    assert bad.text(url) == EQUAL[name].decode().removeprefix("\ufeff")
    bad.check(url, "000", "001")


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100 * 2**20)


def _outward(path: Path) -> None:
    target = path.parent.parent / "outside.sql"
    target.write_text(TABLE)
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_sparse, "is larger than 16 MB"),
        (lambda path: path.mkdir(), "is not a regular file"),
        (os.mkfifo, "is not a regular file"),
        (lambda path: path.symlink_to("000_gone.sql"), "cannot be read: No such file"),
        (_outward, "is a link out of its folder"),
    ],
    ids=["100 MB", "directory", "fifo", "dangling link", "outward link"],
)
def test_what_is_no_file_of_its_own_stops_the_run_at_once(
    tmp_path: Path, url: str, make: Callable[[Path], None], words: str
) -> None:
    """A process of its own ends in time, names the file, exits 4, and has changed nothing."""
    app = bad.project(tmp_path)
    make(app.root / "app" / "001_next.sql")
    with stage.started(app, url) as process:
        code, output = stage.finished(process, seconds=10)
    assert code == 4
    assert f"app/001_next.sql {words}" in output
    bad.check(url)


def test_a_file_replaced_behind_the_reader_changes_nothing(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read is what is hashed, sent and recorded; the new content is found by the next run."""
    app = bad.project(tmp_path, TABLE)
    read = planning.read

    def read_and_replace(project: Configuration, chosen: tuple[Series, ...]) -> Files:
        files = read(project, chosen)
        app.write("app", {"001_next.sql": "create table public.t666 (id int);"})
        return files

    monkeypatch.setattr("runner.planning.read", read_and_replace)
    assert bad.run(app, "migrate", url).exit_code == 0
    bad.check(url, "000", "001")
    assert bad.text(url) == TABLE
    assert folder.load("app", app.root / "app", root=app.root)[1].sql != TABLE
    result = bad.run(app, "verify", url)
    assert (result.exit_code, "001_next.sql was edited" in result.output) == (4, True)
