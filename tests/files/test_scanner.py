"""Splitting SQL text into statements as the server does, and refusing what a file may not contain.

In a case, guillemets stand around each statement that the scanner must find; they are not part of the text.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import database, files
from runner.errors import FileRefused
from runner.files.lexer import Refusal, Script, Statement
from runner.files.place import locate

if TYPE_CHECKING:
    from runner.errors import Place

# Every text here is valid: the server counts its statements, too.
VALID = {
    "two": "«select 1;»\n«select 2;»",
    "no semicolon at the end": "«select 1;» «select 2»",
    "string": "«select ';', '--', '/*';» «select 2;»",
    "doubled quote": "«select 'it''s; here', '''', '';» «select 2;»",
    "backslash in a plain string": r"«select '\';» «select ';\';»",
    "E string": r"«select E'it''s \' ;', e'\\', e'\';';» «select ';\';»",
    "E string of backslashes": r"«select E'\\\\';» «select E'\\\';';» «select 2;»",
    "E string that goes on": "«select E'a'\n  'b\\'; c', E'a' -- it's\n\n 'b\\'; c';» «select ';\\';»",
    "E string that goes on behind a comment": "«select E'a'\n-- it's\n 'b\\'; c';» «select ';\\';»",
    "plain string that goes on": "«select 'a'\n'b\\';» «select ';';»",
    "word that ends in e": r"«select name'\';» «select ';\';»",
    "unicode string": r"«select U&'d\0061t;', u&'!0061;\' uescape '!';» «select ';\';»",
    "bits and national": "«select b'101', x'1F', N';\\';» «select ';';»",
    "quoted name": '«select 1 as "a;b""c;", 2 as ";--", 3 as """;";» «select 4;»',
    "unicode name": r'«select 1 as U&"d\0061;";» «select 2;»',
    "dollar quotes": "«select $$;'--/*$$, $$$$;» «select 2;»",
    "tagged dollar quotes": "«select $a$;$$;$b$;$A$;$a$;» «select $_1$;$_1$;» «select $é$;$é$;»",
    "nested dollar quotes": "«do $x$ begin execute $$select ';'$$; perform $y$;$y$; end $x$;» «select 2;»",
    "dollars in names": "«select 1 as a$b$c;» «select 2 as a$b$;» «select 3 as é$b$;» «select 4 as a$$;»",
    "parameters": "«prepare two (int, text) as select $1, $2||';';» «select 2;»",
    "dollar quote behind an operator": "«select 'a'||$$;$$||$a$;$a$;» «select($$;$$);»",
    "comments": "-- it's;\n/* ; ' \" $$ */ «select 1 /* ; */ -- ;\n + 1;» /* a */ «select 2;» -- b",
    "nested comments": "/* /* ; */ ' */ «select /* /**/ ; */ 1;» /*/*/**/*/*/ «select 2;»",
    "comment without newline at the end": "«select 1 -- done; select 2»",
    "comment directly behind an operator": "«select 6*/* ; */2, 1+--;\n1;» «select 2;»",
    "empty statements": ";;«select 1;»; ; /* */ ;«select 2;»;-- ;\n;",
    "rule": "«create table t (i int);» «create table u (i text);»\n"
    "«create rule r as on insert to t do also (insert into u values (1); insert into u values (';)'));»"
    " «insert into t values (1);»",
    "parentheses": "«select (1), ')', '(';» «select 2 /* ( */;» «select 3;»",
    "atomic body": "«CREATE OR REPLACE FUNCTION f(i int) RETURNS int\nBEGIN\n ATOMIC\n select 1;"
    " select case i when 1 then case when i > 0 then 2 end end; END;» «select f(1);»",
    "comment in begin atomic": "«create function f() returns int begin/**/atomic select 1; end;» «select 2;»",
    "atomic procedure": "«create procedure p() begin atomic select 1; select 2; end;» «call p();»",
    "an argument named begin of type atomic": (
        "«create domain atomic as int;» «create function f(begin atomic) returns int return 1;» «select 1;»"
        " «create function h(a numeric(9), begin atomic) returns int return 1;»"
        " «create function g(begin atomic, a int default (1)) returns int begin atomic select (1); end;»"
        " «end;»"
    ),
    "a routine named end": (
        "«create function public.end() returns int begin atomic select 1;end;» «select public.end();»"
    ),
    "empty atomic body": "«create procedure p() begin atomic end;» «call p();»",
    "names like end": '«create function f("end" int, a$end int, end$case int) returns int begin atomic'
    ' select a$end; select "end"; select end$case; end;» «select 2;»',
    "function without a body": "«create function f() returns int return (select 1);» «select f();»",
    "a column begin as atomic": "«create table t (begin int);» «select begin atomic from t;» «select 2;»",
    "atomic in a string": "«create function f() returns text language sql as 'select ''begin atomic;''';»"
    " «select 2;»",
    "function in plpgsql": "«create function f() returns void language plpgsql as $$begin perform 1; end$$;»"
    " «select f();»",
    "CRLF": "-- a\r\n«select 1;»\r\n-- b\r\n«select ';\r\n';»\r\n",
    "lone CR": "-- a;\r«select 1;»\r-- b;\r«select 2;»\r",
    "multi-byte": "«select 'é;😀' as \"ß;\";» -- ü;\n«select 'д;' as é;» «select 3;»",
    "slices and casts": "«select (array[1, 2])[1:2], '1'::int;» «select 2;»",
    "many kinds": "«create table t (i int check (i > 0));» «comment on table t is ';';»"
    " «insert into t values (1), (2);» «explain select 1;» «do $$begin end$$;» «table t;» «values (1);»"
    " «set local a.b = ';';» «drop table t;»",
}

# What the server would not take, but the scanner must still see as people mean it.
INVALID = {
    "nothing": "",
    "only blanks": " \r\n\t",
    "only comments": "-- a\n/* b */",
    "only semicolons": ";; ;",
    "nested atomic bodies": "«create function f() begin atomic"
    " create function g() begin atomic select 1; end;"
    " select 2; end;» «select 3»",
    "string in front": "«'a' select 1;» «\"b\";» «$$c$$»",
    "too many closing parentheses": "«select 1);» «select 2;»",
}


def _expected(case: str) -> tuple[str, list[str]]:
    return re.sub("[«»]", "", case), re.findall("«(.*?)»", case, re.DOTALL)


def _texts(text: str, script: Script) -> list[str]:
    return [text[statement.start : statement.end] for statement in script.statements]


@pytest.mark.parametrize("name", VALID | INVALID)
def test_statements_are_found(name: str) -> None:
    """A statement runs from its first word to behind its semicolon, wherever semicolons may hide."""
    text, expected = _expected((VALID | INVALID)[name])
    assert _texts(text, files.scan(text)) == expected


def test_the_server_counts_as_the_scanner_does(each_url: str) -> None:
    """One message gives one result per statement: a failure without a position is found by counting."""
    connection = database.connect(each_url, source="test")
    answered: dict[str, int | str] = {}
    for name, case in VALID.items():
        database.run(connection, "begin")
        results = database.send(connection, _expected(case)[0])
        rejected = database.failure(results)
        answered[name] = str(rejected) if rejected else len(results)
        database.roll_back(connection)
    connection.close()
    scanned = {name: len(files.scan(_expected(case)[0]).statements) for name, case in VALID.items()}
    assert answered == scanned


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select 1 ;", "select 1 "),
        ("select 'a;b', E'\\'', \"c;\", $$d;$$", "select '    , E'   , \"   , $     "),
        ("/* x */ select--a\n1", "select   \n1"),
        ("select /* ; /* ' */ */ 1;", "select                 1"),
        ("select a$b$c, $1 + $2;", "select a$b$c, $1 + $2"),
        ("select 'é😀';", "select '   "),
    ],
)
def test_code_hides_what_is_not_code(text: str, code: str) -> None:
    """Comments become blanks, quoted things keep their first character: every offset stays."""
    [statement] = files.scan(text).statements
    assert statement.code == code


def test_comments_are_found() -> None:
    """Line comments end before the line does; nested ones count once."""
    text = "-- a\nselect '--' /* b /* c */ */ --d"
    assert [text[a:b] for a, b in files.scan(text).comments] == ["-- a", "/* b /* c */ */", "--d"]


HALVES = "has a second half that undoes the first"
REFUSED = {
    "half of dbmate": ("-- migrate:up\nselect 1;\n\n-- migrate:down\nselect 2;", "4:1", HALVES),
    "half of goose": ("-- +goose Up\nselect 1;\n-- +goose Down\nselect 2;", "3:1", HALVES),
    "half of sql-migrate": ("select 1;\n  -- +migrate Down\n", "2:3", HALVES),
    "half of node-pg-migrate": ("select 1;\n-- Down Migration\nselect 2;", "2:1", HALVES),
    "half of tern": ("select 1;\n---- create above / drop below ----\nselect 2;", "2:1", HALVES),
    "half of rambler": ("-- rambler up\nselect 1;\n\n-- rambler down\nselect 2;", "4:1", HALVES),
    "half of MyBatis": ("--liquid\nselect 1;\n-- //@UNDO\nselect 2;", "3:1", HALVES),
    "half of Mojo::Pg": ("-- 1 up (users)\nselect 1;\n-- 1 down\nselect 2;", "3:1", HALVES),
    "half of shmig": ("-- ==== UP ====\nselect 1;\n-- ==== DOWN ====\nselect 2;", "3:1", HALVES),
    "half of Play": ("-- !Ups\nselect 1;\n-- !Downs\nselect 2;", "3:1", HALVES),
    "half of sqlite's": ("----\n-- Up\n----\nselect 1;\n----\n-- Down\n----\nselect 2;", "6:1", HALVES),
    "half by an at sign": ("-- @up\nselect 1;\n-- @DOWN\nselect 2;", "3:1", HALVES),
    "half of Atlas": (
        "-- atlas:txtar\n\n-- migration.sql --\nselect 1;\n-- down.sql --\nselect 2;", "5:1", HALVES,
    ),
    "half of Migratus": ("--;; up\nselect 1;\n--;; down\nselect 2;", "3:1", HALVES),
    "half by a plus sign": ("-- +up\nselect 1;\n-- +down\nselect 2;", "3:1", HALVES),
    "half of another tool": ("-- +migration Up\nselect 1;\n-- +migration Down\nselect 2;", "3:1", HALVES),
    "half in brackets": ("-- [up]\r\nselect 1;\r\n-- [down]\r\nselect 2;", "3:1", HALVES),
    "half behind a colon": ("-- Migration: Up\nselect 1;\n-- Migration: Down\nselect 2;", "3:1", HALVES),
    "half of dbmate, misspelt": ("-- migrate: up\nselect 1;\n-- migrate: down\nselect 2;", "3:1", HALVES),
    "half behind prose": ("-- Up: makes it\nselect 1;\n-- Down\n-- Drops it.\nselect 2;", "3:1", HALVES),
    "half before prose": ("-- Up\nselect 1;\n-- Down\n-- Drops it; beware.\nselect 2;", "3:1", HALVES),
    "half with prose behind": ("-- 1 up\nselect 1;\n-- 1 down (drops; all)\nselect 2;", "3:1", HALVES),
    "half behind a hash": ("-- #UP\nselect 1;\n-- #DOWN\nselect 2;", "3:1", HALVES),
    "half like a call": ("-- @Up()\nselect 1;\n-- @Down()\nselect 2;", "3:1", HALVES),
    "half by rollback": ("-- Up\nselect 1;\n-- ---- Rollback ----\nselect 2;", "3:1", HALVES),
    "half by revert": ("-- Up:\nselect 1;\n-- Revert:\nselect 2;", "3:1", HALVES),
    "half without a first": ("-- Makes it.\nselect 1;\n\n-- DOWN\nselect 2;", "4:1", HALVES),
    "half in a box": ("select 1;\r\n-- -----\r\n-- DOWN\r\n-- -----\r\nselect 2;", "3:1", HALVES),
    "half at a sign, without a first": ("select 1;\n-- @down\nselect 2;", "2:1", HALVES),
    "half in capitals": ("select 1;\n--   DOWN \t MIGRATION  \nselect 2;", "2:1", HALVES),
    "half with a word behind": (
        "-- Up Migration\nselect 1;\n-- Down Migration: drops it again\nselect 2;", "3:1", HALVES,
    ),
    "half of Aerich": ("-- upgrade --\nselect 1;\n-- downgrade --\nselect 2;", "3:1", HALVES),
    "half of Aerich, without a first": ("select 1;\r\n-- downgrade --\r\nselect 2;", "2:1", HALVES),
    "half like Aerich's": ("--- upgrade\nselect 1;\n--- downgrade\nselect 2;", "3:1", HALVES),
    "half by downgrade alone": ("select 1;\n-- DOWNGRADE\nselect 2;", "2:1", HALVES),
    "half of pogo": ("-- migrate: apply\nselect 1;\n-- migrate: rollback\nselect 2;", "3:1", HALVES),
    "half of SQLSpec": (
        "-- name: migrate-0001-up\nselect 1;\n-- name: migrate-0001-down\nselect 2;", "3:1", HALVES,
    ),
    "half by backward": ("-- FORWARD\nselect 1;\n-- BACKWARD\nselect 2;", "3:1", HALVES),
    "half by backwards": ("-- Forwards:\nselect 1;\n-- Backwards:\nselect 2;", "3:1", HALVES),
    "half that is a script": ("-- UP script\nselect 1;\n-- DOWN script\nselect 2;", "3:1", HALVES),
    "half that is a script, without a first": ("select 1;\n-- Down Script\nselect 2;", "2:1", HALVES),
    "half by rollback script": ("-- Up Script\nselect 1;\n-- Rollback Script\nselect 2;", "3:1", HALVES),
    "half by rollback migration": ("select 1;\n-- Rollback migration\nselect 2;", "2:1", HALVES),
    "half with odd line ends": ("select 1;\r\n-- Down Migration\r\nselect 2;", "2:1", HALVES),
    "half of node-pg-migrate, below prose": (
        "select 1;\n-- Down Migration\n-- Drop the table\ndrop table t;", "2:1", HALVES,
    ),
    "half of node-pg-migrate, a comment in part": (
        "select 1;\n-- Down Migration\n-- drop table t;\nalter table u drop a;", "2:1", HALVES,
    ),
    "half of dbmate, a comment in part": (
        "select 1;\n-- migrate:down\n-- drop table t;\nselect 2;", "2:1", HALVES,
    ),
    "half that puts rows back": ("-- Up\ndelete from t;\n-- Down\ninsert into t select 1;", "3:1", HALVES),
    "half that copies rows back": (
        "-- Up\ncreate table b ();\n-- Down\ninsert into a select 1;\ndrop table b;", "3:1", HALVES,
    ),
    "half that says so and alters back": (
        "-- Up\nalter table t alter a int;\n-- Down\ninsert into l select 1;\nalter table t alter a set x",
        "3:1", HALVES,
    ),
    "half that makes anew": ("-- Up\ndrop table t;\n-- Down\ncreate table t ();", "3:1", HALVES),
    "half that makes as before": (
        "-- Up\ncreate or replace view v as select 2;\n-- Down\ncreate  or replace view v as select 1;",
        "3:1", HALVES,
    ),
    "half that alters back": (
        "-- Up\ncreate type e as enum ();\n-- Down\ncreate table t ();\nalter table u alter a type text;",
        "3:1", HALVES,
    ),
    "commit": ("select 1;\n  commit;", "2:3", "controls the transaction (commit)"),
    "in any case": ("CoMMiT", "1:1", "(commit)"),
    "behind a comment": ("/* x */ commit;", "1:9", "(commit)"),
    "behind empty statements": (";;\n;commit", "2:2", "(commit)"),
    "behind an odd line end": ("select 1;\r\n\rcommit", "3:1", "(commit)"),
    "behind wide characters": ("select '😀é'; commit", "1:14", "(commit)"),
    "commit and chain": ("commit and chain;", "1:1", "(commit)"),
    "commit prepared": ("commit prepared 'x';", "1:1", "(commit)"),
    "begin": ("begin;", "1:1", "(begin)"),
    "begin with a mode": ("begin isolation level serializable;", "1:1", "(begin)"),
    "start transaction": ("START   TRANSACTION;", "1:1", "(start transaction)"),
    "with a comment inside": ("start /* x */\n transaction;", "1:1", "(start transaction)"),
    "end": ("end;", "1:1", "(end)"),
    "end behind a body": ("create procedure f() begin atomic select 1; end; end;", "1:50", "(end)"),
    "rollback": ("rollback to savepoint a;", "1:1", "(rollback)"),
    "abort": ("abort", "1:1", "(abort)"),
    "savepoint": ("savepoint a;", "1:1", "(savepoint)"),
    "release": ("release a;", "1:1", "(release)"),
    "prepare transaction": ("prepare\ttransaction 'a';", "1:1", "(prepare transaction)"),
    "begin in a rule is none": ("create rule r as on insert to t do (a; b);\nend", "2:1", "(end)"),
    # psql ends the statement there as well, so the file would not run by hand.
    "column t.end in an atomic body": (
        "create function f() returns int begin atomic select t.end from t; end;", "1:67", "(end)",
    ),
    "psql command": ("select 1;\n\\i a.sql\n", "2:1", "holds a psql command"),
    "psql command behind SQL": ("select 1 \\gexec", "1:10", "holds a psql command"),
    "psql command of pg_dump": ("-- x\n\\restrict abc\nselect 1;", "2:1", "holds a psql command"),
    "copy from stdin": ("COPY t (a, b)\n  FROM  STDIN with (format csv);", "1:1", "copies from stdin"),
    "copy to stdout": ("select 1; copy (select ';') to stdout;", "1:11", "copies to stdout"),
    "copy from stdout": ("copy t from stdout;", "1:1", "copies from stdout"),
    "copy to stdin": ("copy t to stdin;", "1:1", "copies to stdin"),
    "copy with data": ("copy t from stdin;\n1\tit's\n\\.\n", "1:1", "copies from stdin"),
    "first of two": ("commit; \\x", "1:1", "(commit)"),
    "open string": ("select 1;\nselect 'a\n;", "2:8", "has a string that begins here"),
    "open string with doubled quotes": ("select 'a''b''c;", "1:8", "has a string that begins here"),
    "open E string": ("select E'a\\'b''c;", "1:9", "has a string that begins here"),
    "open E string on the next line": ("select E'a'\n'b\\';", "1:9", "has a string that begins here"),
    "open name": ('select "a""b;', "1:8", "has a quoted name that begins here"),
    "open dollar quote": ("select $$a;$a$", "1:8", "has a dollar-quoted string $$ that begins"),
    "open tagged dollar quote": ("select $a$ $$ $A$;", "1:8", "has a dollar-quoted string $a$ that"),
    "open comment": ("select 1; /* a /* b */", "1:11", "has a comment that begins here"),
    "comment opened by a line": ("/*/ select 1;", "1:1", "has a comment that begins here"),
    "empty": ("", "1:1", "holds no statement"),
    "only comments and semicolons": ("-- a\n;\n/* b */", "1:1", "holds no statement"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_not_be_sent_is_refused_at_its_place(name: str) -> None:
    """The message names the file and the reason, the place is the first character of it."""
    text, place, reason = REFUSED[name]
    with pytest.raises(FileRefused) as caught:
        files.check(text, path="a.sql")
    assert str(caught.value.place) == f"a.sql:{place}"
    assert caught.value.message.startswith("a.sql ")
    assert reason in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "prepare s as select 1;",
        "create function f() returns int begin atomic select 1; end;",
        "select 'commit;'; select $$;commit;$$; -- ;commit;\n /* ;commit; */",
        'select 1 as "commit"; select 2 as commit;',
        "create table t (\"end\" int, savepoint int, release int); alter table t rename release to abort;",
        "do $$begin perform 'commit;'; /* commit; */ end$$;",
        "create procedure p() language plpgsql as $$begin commit; end$$; call p();",
        "start_it(); commits;",
        "set session characteristics as transaction isolation level serializable;",
        "copy t from '/tmp/stdin';",
        "copy t from '/tmp/x' /* from stdin */; -- to stdout",
        "copy t to program 'cat > stdin';",
        'copy t (stdin, "from stdin") from \'/tmp/x\';',
        "select copy from stdin;",
        "select '\\', E'\\\\', \"\\\", $$\\$$; -- \\i\n /* \\i */",
        "select '\n-- migrate:down\n'; /*\n-- +goose Down\n*/ -- the tool writes -- migrate:down",
        "-- migrate:up\nselect 1; -- Down migration: see rollback/",
        "-- Down migration: rollback/000_a.sql\nselect 1;\n-- 3 down, 2 to go\n-- down\n-- undoes\nselect 2;",
        "insert into t values\n-- up\n('n'),\n-- down\n('s');", "-- ===== down =====\nselect 1;\n-- !downs",
        "create table t (\n  -- Up\n  a int,\n  -- Down\n  b int\n);\n-- 2 ups\nselect 1;",
        "-- DOWN\nselect 1;\n-- Down\nselect 2;\n-- rollback\nselect 3;\n-- revert:\nselect 4;",
        "-- up\nselect 1;\n-- Rollback:\n-- drop table t;", "select 1;\n-- [DOWN]\n-- select 2;\nselect 3;",
        "-- Do\nselect 1;\n-- rollback: see rollback/\nselect 2;",
        "select 1;\n-- BEGIN;\n-- ROLLBACK;\nselect 2;\n-- migrate\nselect 3;\n-- rollback;\nselect 4;",
        "select 1;\n-- The ways:\n-- UP\n-- DOWN\n-- + down\nselect 2; -- DOWN\nselect 3;",
        "-- + up\n-- + down\nselect 1;\n-- Down below\nselect 2;\n-- DOWN PAYMENTS\nselect 3;",
        "-- LEFT\nselect 1;\n-- RIGHT\nselect 2;\n-- DOWN\nselect 3;",
        "-- Up\nselect 1;\n-- Down\n-- drop table t; \nselect 2;",
        "-- Up\nselect 1;\n-- Down\n/* drop table t; */\nselect 2;",
        "select 1;\n\n-- Down Migration\n-- DROP TABLE t;",
        "select 1;\n-- Down migration\n/*\nDROP TABLE t\n*/",
        "select 1;\n-- Down migration\n/*\nalter table t\ndrop a;\n*/\n-- Part 1\nalter table t add b int;",
        "select 1;\n-- +goose Down\n-- drop table t;\n", "-- migrate:up\nselect 1;\n-- migrate:down\n-- none",
        "-- upgrade --\nselect 1;\n-- downgrade --\n", "select 1;\n-- downgrade\nselect 2;",
        "-- UP\nselect 1;\n-- DOWN\n-- alter table t drop a\n\nnotify pgrst, 'reload schema';",
        "create table v (d text);\n-- up\ninsert into v select 1;\n-- down\ninsert into v select 2;",
        "-- Forward\ninsert into t select 1;\n-- Backward\ninsert into t select 2;\nselect 3;",
        "-- Forward\ncreate index on e (a, b);\n-- Backward\ncreate index on e (b, a);\nnotify pgrst;",
        "-- UPGRADE\ncreate table u ();\n-- DOWNGRADE\ncreate table d ();\ncomment on table d is 'drop';",
        "-- BACKWARD\nselect 1;\n-- Backward compatible\nselect 2;\n-- backward\nselect 3;",
        "select 1;\n-- Downgrade plans\nselect 2;\n---- Downgrade --------\nselect 3;",
        "-- Migration\nselect 1;\n-- UNDO\nselect 2;\n-- Apply\nselect 3;\n-- Revert\nselect 4;",
        "select 1;\n-- Migrate down low\nselect 2;\n-- Scaling up\nselect 3;\n-- Scaling down\nselect 4;",
        "create table t (\n  -- UP\n  a int,\n  -- @down\n  b int\n);\nselect 'x\n-- DOWN\n';\nselect 1;",
        "-- up\nselect 1;\n-- broken down by month\n-- down the road\n-- ==== markdown ====\nselect 2;",
    ],
)  # fmt: skip
def test_what_only_looks_alike_is_not_refused(text: str) -> None:
    """The words count at the beginning of a statement, outside strings, names, comments and bodies."""
    assert files.check(text, path="a.sql") == len(files.scan(text).statements)


LINES = ["select 1;", "", "select 'é😀' as wide;", "select 3;", "select 4;"]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("word", "line", "column", "shown"),
    [("select 1", 1, 1, (1, 2)), ("as wide", 3, 13, (1, 2, 3, 4)), ("4;", 5, 8, (3, 4, 5))],
)
def test_an_offset_becomes_a_place(
    newline: str, word: str, line: int, column: int, shown: tuple[int, ...]
) -> None:
    """Lines and columns count characters from 1, with any line ends; the lines around are shown."""
    text = newline.join(LINES)
    place = locate(text, text.index(word), path="a.sql")
    assert (place.path, place.line, place.column, place.caret) == ("a.sql", line, column, column)
    assert place.excerpt == tuple((number, LINES[number - 1]) for number in shown)


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r", "\n\n \t\n"])
def test_the_end_of_the_text_is_a_place_in_its_last_line(end: str) -> None:
    """An error at the end of the input points behind the last word, not into the void."""
    text = f"select 1;\nselect{end}"
    place = locate(text, len(text), path="a.sql")
    assert (place.line, place.column, place.caret) == (2, 7, 7)
    assert place.excerpt[:2] == ((1, "select 1;"), (2, "select"))


def test_an_empty_text_has_a_place() -> None:
    """There is a first line, even if nothing is in it."""
    assert str(locate("", 0, path="a.sql")) == "a.sql:1:1"


def _pointed_at(place: Place) -> str:
    """Return the character above the caret."""
    return dict(place.excerpt)[place.line][place.caret - 1]


@pytest.mark.parametrize("column", [1, 2, 80, 159, 160, 161, 162, 5000, 9999, 10_000])
def test_a_long_line_is_cut_around_its_place(column: int) -> None:
    """At most 160 characters are shown, and the caret stays below the right one."""
    line = "a" * (column - 1) + "X" + "b" * (10_000 - column)
    place = locate(f"short\n{line}\nshort", 6 + column - 1, path="a.sql")
    assert (place.line, place.column) == (2, column)
    assert _pointed_at(place) == "X"
    assert max(len(row) for _, row in place.excerpt) == min(160, 10_000 - column + 80)


# ------------------------------------------------------------------ any text

PIECES = [
    "'", "''", '"', "$$", "$a$", "$", "$1", "--", "\n", "\r\n", "\r", "/*", "*/", ";", "E'", "\\", "(", ")",
    " ", "begin atomic ", "create function f() ", "case ", "end ", "commit", "é", "😀", "a", "e",
]  # fmt: skip
ANY_TEXT = st.lists(st.sampled_from(PIECES)).map("".join) | st.text()
WORDS = ["commit", "begin", "start -- \ntransaction", "copy t from stdin", "create table", "create", "t"]
LONG = {
    "strings": ("", "insert into t values (1, 'a'); comment on table t is 'it''s (one';\n", ""),
    "functions": ("", "create function f() returns int language sql as $a$ select ';' $a$;\n", ""),
    "an atomic body": (
        "create function f() returns int begin atomic ",
        "select case a when 1 then b end; ",
        "end;",
    ),
    "a rule": ("create rule r as on insert to t do also (", "select 1; ", "select 2);"),
    "nested comments": ("/* " * 400, "*/ /* ", "*/ " * 400 + "select 1;"),
    "one string": ("select '", "a ' 'b ", "';"),
    "parameters": ("select ", "$1 + a$b$c + ", "1;"),
    "comments": ("", "-- a\n", "select 1;"),
    "words of other tools": ("", "-- down\nselect 1;\n", ""),
}
WHOLE = [text.removesuffix(";") for case in VALID.values() for text in _expected(case)[1] if "--" not in text]
thorough = settings(max_examples=400, deadline=None, database=None, derandomize=True)


def _scan(text: str) -> Script:
    """Return what the scanner found, nothing in a text it refuses; any other error fails the test."""
    try:
        return files.scan(text)
    except Refusal as refusal:
        return Script((), ((refusal.offset, len(text)),))


@thorough
@given(ANY_TEXT)
def test_any_text_is_split_without_a_rest(text: str) -> None:
    """Nothing but a refusal is raised; between the statements are blanks, comments and semicolons only."""
    script = _scan(text)  # of a refused text, the rest from the refused place on
    gaps, position = text, 0
    for start, end in [*script.comments, *((s.start, s.end) for s in script.statements)]:
        assert start < end
        gaps = gaps[:start] + " " * (end - start) + gaps[end:]
    for statement in script.statements:
        assert position <= statement.start
        position = statement.end
    assert not script.statements or not gaps.replace(";", "").strip()


@thorough
@given(ANY_TEXT)
def test_a_statement_alone_is_the_same_statement(text: str) -> None:
    """What a statement is does not depend on what stands around it; its code is as long as its text."""
    for statement in _scan(text).statements:
        alone = text[statement.start : statement.end]
        assert files.scan(alone).statements == (Statement(0, len(alone), statement.code),)
        ended = len(statement.code) < len(alone)
        assert len(statement.code) + ended == len(alone)
        assert not ended or alone.endswith(";")


def _checked(text: str) -> int | str:
    """Return how many statements a checked text has, or the place and reason of its refusal."""
    try:
        return files.check(text, path="a.sql")
    except FileRefused as refused:
        return f"{refused.place}: {refused.message}"


@thorough
@given(st.lists(st.sampled_from([*WORDS, *PIECES])).filter(lambda p: not {"(", ")"} & set(p)).map("".join))
def test_a_plain_statement_is_checked_as_the_scanner_would(text: str) -> None:
    """The short way for statements in which nothing hides finds the same statements, and refuses the same."""
    quick = _checked(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("runner.files.content._PLAIN", re.compile("(?!)"))
        assert _checked(text) == quick


BEGUN = {
    "a string": ("';", "has a string that begins here and never ends"),
    "a quoted name": ('select ";', "has a quoted name that begins here and never ends"),
    "a comment": ("select 1 /*; */ ; /*; */ commit;", "controls the transaction (commit)"),
    "a continued string": ("select E'a'\n--'", None),
}


@pytest.mark.parametrize("name", BEGUN)
def test_what_is_begun_is_not_taken_for_something_else(name: str) -> None:
    """Python before 3.11.5 forgets what it has read where a possessive group ends within its text."""
    text, reason = BEGUN[name]
    found = _checked(text)
    assert found == 1 if reason is None else reason in str(found)


def _calls(text: str) -> int:
    """Return how many calls checking a text takes."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:  # noqa: ARG001 - the profiler's signature
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        files.check(text, path="a.sql")
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("name", LONG)
def test_twice_the_text_is_twice_the_work(name: str) -> None:
    """Whatever a file is made of, its length counts once."""
    before, repeated, after = LONG[name]
    once, twice = (_calls(before + repeated * count + after) for count in (200, 400))
    assert twice <= once * 2.1, f"{once} calls, then {twice}"


@thorough
@given(
    st.lists(st.sampled_from(WHOLE), max_size=6),
    st.sampled_from([";", " ;\n", "; -- it's\n", ";/* ; */\r\n"]),
)
def test_statements_joined_are_found_again(statements: list[str], separator: str) -> None:
    """A file made of whole statements gives just these."""
    text = separator.join([*statements, ""])
    assert [s.removesuffix(";").rstrip() for s in _texts(text, files.scan(text))] == statements


@thorough
@given(st.text(st.sampled_from("ab é😀\r\n\t"), max_size=400), st.integers(0, 400))
def test_any_place_points_at_its_character(text: str, offset: int) -> None:
    """Line, column and caret lead back to the character they were made from."""
    place = locate(text, offset, path="a.sql")
    if offset < len(text.rstrip()) and text[offset] not in "\r\n":
        assert re.split("\r\n|\r|\n", text)[place.line - 1][place.column - 1] == text[offset]
        assert _pointed_at(place) == text[offset]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("create role x login password 'hunter2';", "create role x login password '*******';"),
        (r"alter role x PASSWORD  e'h\'2' valid", "alter role x PASSWORD  e'**'*' valid"),
        ("options (user 'me', password 'hunter2')", "options (user 'me', password '*******')"),
        ("execute 'create role x password ''hunter2''';", "execute 'create role x password ''*******''';"),
        ("password $a$hunter2$a$ valid", "password $*$*******$*$ valid"),
        ("connection 'host=h password=hunter2 user=u'", "connection 'host=h password=******* user=u'"),
        ("select f('postgresql://u:hunter2@h/d')", "select f('postgresql://u:*******@h/d')"),
        ("f('host=h password=hunter2')", "f('host=h password=*******')"),
        ("f('host = h password = hunter2')", "f('host = h password = *******')"),
        ("f('host=h sslpassword=hunter2')", "f('host=h sslpassword=*******')"),
        ("f('password=''hunter2 x'' user=u')", "f('password=''*********'' user=u')"),
        (r"f(e'password=\'hunter2 x\' user=u')", r"f(e'password=\'*********\' user=u')"),
        ("f($$host=h password = hunter2$$)", "f($$host=h password = *******$$)"),
        ("f('postgresql://h/d?password=hunter2&user=u')", "f('postgresql://h/d?password=*******&user=u')"),
        ("f(password => 'hunter2', a => 'b')", "f(password => '*******', a => 'b')"),
        ("options (add \"password\" 'hunter2')", "options (add \"password\" '*******')"),
        ("password /* new */ u&'hunter2' valid", "password /* new */ u&'*******' valid"),
        (
            "do $$ begin perform f('password=hunter2'); end $$",
            "do $$ begin perform f('password=*******'); end $$",
        ),
        ("-- don't: password=hunter2", "-- don't: password=*******"),
        ("set password = excluded.password, a = 'b'", "set password = excluded.password, a = 'b'"),
        ("if new.password=old.password then", "if new.password=old.password then"),
        ("where u.password=x and password=b.password", "where u.password=x and password=b.password"),
        ("where new_password=p_password and password=$1", "where new_password=p_password and password=$1"),
        ("where password=crypt($1, password)", "where password=crypt($1, password)"),
        ("lost: host=h password=hunter.2", "lost: host=h password=********"),
        ("check (x ~ '^https?://[^:]+:[^@]+@.+')", "check (x ~ '^https?://[^:]+:[^@]+@.+')"),
        ("check (x like 'https://%:%@%')", "check (x like 'https://%:%@%')"),
        (r"x !~ '://(?:\w+:.*@)?a'", r"x !~ '://(?:\w+:.*@)?a'"),
        ("format('host=h password=%s user=%L', a, b)", "format('host=h password=%s user=%L', a, b)"),
        ("format('postgresql://%s:%s@%s/d', a, b, c)", "format('postgresql://%s:%s@%s/d', a, b, c)"),
        ("f('postgresql://a.b-c+d%40e:hunter2@h/d')", "f('postgresql://a.b-c+d%40e:*******@h/d')"),
        ("as $$ select password $$ language 'sql'", "as $$ select password $$ language 'sql'"),
        ("-- password = what people choose", "-- password = what people choose"),
        ("where password = 'password' and a > 'b'", "where password = 'password' and a > 'b'"),
        ("comment on column a.password is 'Its hash'", "comment on column a.password is 'Its hash'"),
    ],
)
def test_a_password_beside_an_error_is_not_shown(text: str, told: str) -> None:
    """A log is read by more people than a file; only what the error points at is shown."""
    for ends in ("\n", "\r\n"):
        place = locate(f"{text}{ends}selct 1;{ends}{text}", len(text + ends), path="a.sql")
        assert place.excerpt == ((1, told), (2, "selct 1;"), (3, told))
    quoted = text.find("hunter2")
    if quoted >= 0:
        assert locate(text, quoted, path="a.sql").excerpt == ((1, text),)
