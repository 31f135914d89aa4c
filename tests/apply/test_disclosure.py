"""What may hold values of rows stays out of what is told, whatever the server's language."""

from __future__ import annotations

import traceback

import psycopg
import pytest

from runner.apply import disclosure, failure
from runner.database import Heard
from runner.errors import LEFT_OUT, LockTimeout, SqlFailed
from runner.model import Migration

SECRET = "hunter2"
SETUP = """
    create table public.people (id int primary key, email text unique, age int check (age > 0), note text,
        exclude (note with =));
    create table public.pets (owner text references public.people (email));
    insert into public.people values (1, 'hunter2', 1, 'hunter2');
    insert into public.pets values ('hunter2');
    create table public.twice as table public.people;
    insert into public.twice table public.people;
    create function public.told() returns text language sql as $$ select email from public.people $$;
"""
FAILING = {
    "unique": "insert into public.people (id, email) select 2, public.told();",
    "duplicates": "create unique index on public.twice (email);",
    "not null": "insert into public.people (email) select public.told() || 'x';",
    "check": "insert into public.people (id, email, age) select 2, public.told() || 'x', 0;",
    "exclusion": "insert into public.people (id, note) select 3, public.told();",
    "foreign key": "delete from public.people;",
    "json": "select ('{' || public.told() || '}')::json;",
    "put together": "do $$ begin execute format('insert into public.pets select (1 / 0)::text "
    "where %L = %L', public.told(), public.told()); end $$;",
    "of several lines": "do $$ begin execute format(E'insert into public.pets\\nvalues (lower($q$%s$q$) "
    "|| 1 / 0)\\nreturning owner', public.told()); end $$;",
    "raised": "do $$ declare v text := public.told(); begin raise exception 'no' using detail = v, hint = v; "
    "end $$;",
    "raised anew": "do $$ begin insert into public.people (id, email) select 2, public.told(); exception "
    "when others then raise exception 'no' using errcode = 'XX001', detail = public.told(); end $$;",
}


@pytest.fixture
def filled(url: str) -> str:
    """Return a database with a row that nobody is to read in a log."""
    with psycopg.connect(url) as db:
        db.execute(SETUP)
    return url


def _fail(url: str, sql: str) -> SqlFailed | LockTimeout:
    """Return the error of a file, caused by the driver's."""
    migration = Migration("app", "000", "a", "app/000_a.sql", sql, "sha256:0")
    with psycopg.connect(url) as db, pytest.raises(psycopg.Error) as caught:
        db.execute(sql.encode())
    problem = failure.failed(caught.value, migration, done=0)
    assert isinstance(problem, SqlFailed | LockTimeout)
    problem.__cause__ = caught.value
    return problem


@pytest.mark.parametrize("case", FAILING)
def test_an_error_shows_no_row(filled: str, case: str) -> None:
    """Neither in its lines nor in a traceback of it; who asks finds it, and its place is as before."""
    problem = _fail(filled, FAILING[case])
    assert SECRET not in "".join(traceback.format_exception(problem)) + str((problem.message, problem.notes))
    assert SECRET in str(problem.private)
    assert problem.notes[-1] == LEFT_OUT
    assert problem.place
    assert problem.place.line == 1


def test_a_password_in_the_file_is_not_repeated(url: str) -> None:
    """The server quotes the statement that failed in a block, which the file holds."""
    problem = _fail(url, f"do $$ begin alter role no_such password '{SECRET}'; end $$;")
    assert problem.notes[0] == "CONTEXT: SQL statement \"alter role no_such password '*******'\""
    assert SECRET not in "".join(traceback.format_exception(problem))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select %L, nothing", 'column "nothing" does not exist'),
        ("do $x$ begin raise ''busy'' using errcode = ''55P03''; end $x$ -- %L", "busy"),
    ],
)
def test_a_statement_that_was_put_together_is_not_in_a_traceback(filled: str, query: str, said: str) -> None:
    """The driver's error quotes it where it cannot be parsed, and where a lock was not to be had."""
    problem = _fail(filled, f"do $$ begin execute format('{query}', public.told()); end $$;")
    assert str(problem.__cause__) == said
    assert SECRET not in "".join(traceback.format_exception(problem)) + str(problem.notes)


def _heard(**facts: str) -> Heard:
    known = {name: facts.get(name) for name in (*Heard._fields[1:9], "source_function")}
    return Heard("WARNING", statement=0, **{**known, "message_primary": "m"})  # type: ignore[arg-type] # a test's


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"sqlstate": "23502", "message_detail": "Fehlgeschlagene Zeile enthält (1, hunter2)."}, False),
        ({"sqlstate": "23505", "message_detail": "Schlüssel »(email)=(hunter2)« existiert bereits."}, False),
        ({"sqlstate": "23503", "message_hint": "La clé « (id)=(hunter2) » est encore référencée."}, False),
        ({"sqlstate": "22P02", "message_detail": "Token »hunter2« ist ungültig."}, False),
        ({"sqlstate": "2200M", "message_detail": "line 1: hunter2\n^"}, False),
        ({"sqlstate": "22003", "message_detail": "A field with precision 5 must round to less."}, True),
        ({"sqlstate": "2BP01", "message_detail": "view v depends on table t"}, True),
        ({"sqlstate": "42704", "message_hint": 'Perhaps you meant "x".'}, True),
        ({"sqlstate": "P0001", "message_detail": "in the file"}, True),
        ({"sqlstate": "P0001", "message_detail": "hunter2"}, False),
        ({"sqlstate": "01000", "message_detail": "hunter2", "context": "f() line 3 at RAISE\nf()"}, False),
        (
            {"sqlstate": "AX001", "message_detail": "hunter2", "context": "在RAISE的第4行的PL/pgSQL函数f()"},
            False,
        ),
        ({"sqlstate": "AX001", "message_detail": "hunter2", "source_function": "exec_stmt_raise"}, False),
        ({"sqlstate": "01000", "message_detail": "drop cascades to table t"}, True),
    ],
)  # fmt: skip
def test_detail_is_judged_by_its_sqlstate(facts: dict[str, str], told: bool) -> None:
    """Words are the server's language; class 23 is class 23 in every one."""
    found = disclosure.lines(_heard(**facts), "select 'in the file'", context=False)
    assert (LEFT_OUT not in found.notes, found.private == ()) == (told, told)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("PL/pgSQL function inline_code_block line 3 at RAISE", True),
        ("PL/pgSQL-Funktion public.f(integer,text) Zeile 3 bei SQL-Anweisung", True),
        ('SQL function "f" statement 1', True),
        ("SQL-Funktion »f« Anweisung 1", True),
        ('SQL statement "select secret from t"', True),
        ("SQL-Anweisung »select secret from t«", True),
        ("fonction SQL « f », instruction 2", True),
        ("fonction SQL «\xa0f\xa0», instruction 2", True),
        ("fonction PL/pgSQL f(), ligne 2, lors de l'initialisation des variables locales", True),
        ("f() PL/pgSQL fonksiyonu, 2. sat\u0131r, RAISE içinde", True),
        ('  PL/Python function "f", line 3, in <module>', True),
        ("values (lower(hunter2), 1 / 0)", False),
        ("SQL statement \"insert into t values ('hunter2')\"", False),
        ("instruction SQL « insert into t values (hunter2) »", False),
        ("values ('hunter2')\"", False),
        ('COPY people, line 3, column email: "hunter2"', False),
        ("COPY people, Zeile 3: »1,hunter2«", False),
        ("JSON data, line 1: {hunter2", False),
        ("unnamed portal with parameters: $1 = 'hunter2'", False),
    ],
)
def test_context_is_told_where_it_shows_code(line: str, told: bool) -> None:
    """A function with its line, or what the file holds; a value of a row is neither."""
    found = disclosure.lines(_heard(context=line), "do $$ begin select secret from t; end $$;")
    assert found == (((f"CONTEXT: {line}",), ()) if told else ((LEFT_OUT,), (f"CONTEXT: {line}",)))


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ('SQL statement "', '"'),
        ("instruction SQL « ", " »"),
        ('SQL statement "select "a", ', ' as "b""'),
    ],
)
def test_no_line_within_a_statement_is_taken_for_code(begins: str, ends: str) -> None:
    """What was put together may hold anything, and what comes behind it is told again."""
    code = "PL/pgSQL function inline_code_block line 3 at EXECUTE"
    lines = [f"{begins}insert into t", "values (lower($q$hunter2, SQL$q$), 1)", f"returning 2{ends}", code]
    found = disclosure.lines(_heard(context="\n".join(lines)), "select 'in the file'")
    assert found.notes == (f"CONTEXT: {code}", LEFT_OUT)
    assert found.private == tuple(f"CONTEXT: {line}" for line in lines[:3])


@pytest.mark.parametrize(
    "line", ['SQL statement "select \'5" tall\', hunter2"', 'JSON data, line 1: {"a": "hunter2\\q...']
)
def test_behind_a_line_with_a_lone_quote_code_is_told(line: str) -> None:
    """One that stands for inches in a statement of one line opens nothing, nor one in JSON cut off."""
    code = "CONTEXT: PL/pgSQL function inline_code_block line 3 at SQL statement"
    context = f"{line}\n{code.removeprefix('CONTEXT: ')}"
    assert disclosure.lines(_heard(context=context), "select 1").notes == (code, LEFT_OUT)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("update people set email = 'hunter2' where id = 7", "update people set email = '…' where id = 7"),
        ("select 'it''s', E'a\\'hunter2', 1", "select '…', E'…', 1"),
        ("insert into people values ('hunt", "insert into people values ('…'"),
        ("do $x$ begin perform 'hunter2'; end $x$; select 1", "do '…'; select 1"),
        ("do $$ begin perform hunter2", "do '…'"),
        ('lock table "people"', 'lock table "people"'),
        ("/* the user's row */ select 'hunter2'", "/*…*/ select '…'"),
        ("/* job 7 */ select 'hunter2'", "/* job 7 */ select '…'"),
        ("/* /* it's */ */ select 'hunter2' /* it's hunter2", "/*…*/ select '…' …"),
        ("-- the user's row\nselect\n  'hunter2' -- it's", "/*…*/ select '…' /*…*/"),
        ("select a like 'b' escape '\\', 'hunter2'", "select a like '…' escape '…' …"),
        ("select 'it\\'s', 'hunter2'", "select '…' …"),
        ("select e'\\\\', 'hunter2'", "select e'…', '…'"),
        ("""select "it's", 'hunter2', a$b, $1, "pe""", """select "it's", '…', a$b, $1, …"""),
        ("select $a$it's$b$ $a$, 'hunter2'", "select '…', '…'"),
        ("select 'a'\n'hunter2'", "select '…' '…'"),
        ("select '" + 200 * "x" + f"', {100 * 'a'}", "select '…', " + 88 * "a"),
    ],
)
def test_the_query_of_who_blocks_is_told_without_its_texts(query: str, told: str) -> None:
    """Also where it was cut off within one."""
    assert disclosure.veiled(query) == told
