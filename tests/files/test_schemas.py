"""The schemas a file makes."""

from __future__ import annotations

import pytest

from runner.files import made_schemas, replaced_routines

CASES = {
    "create schema app;": ("app",),
    "CREATE SCHEMA IF NOT EXISTS App;": ("app",),
    'create schema "My ""App"; create schema app': ('My "App', "app"),
    "create schema authorization joe;": ("joe",),
    "create schema if not exists authorization joe;": ("joe",),
    "create schema app authorization joe;": ("app",),
    "create schema a create table t (id int);": ("a",),
    "create /* why */ table t (); create\n    schema\tapp;": ("app",),
    "create /* why */ schema app;": ("app",),
    "create schema -- why\n /* it's */ if not exists app;": ("app",),
    "create -- the app's\n -- own\n\n schema app; select 1": ("app",),
    "alter /* x */ schema old rename -- y\n to new;": ("new",),
    "create" + " /* x */" * 60 + " schema app;": ("app",),
    "-- the schema\n-- of all\nselect 1; -- schema\nselect 2;": (),
    "do $$ begin -- create schema no\n null; end $$;": (),
    "alter schema old rename to new;": ("new",),
    "alter schema old owner to joe;": (),
    "do $$ begin create schema if not exists app; end $$;": ("app",),
    "do $x$ begin execute 'create schema \"Q\"'; end $x$;": ("Q",),
    "select 'create schema no';": (),
    "-- create schema no\nselect 1;": (),
    "create table t ();": (),
    "create schema app; create schema app;": ("app",),
    "create schema 'open": (),
    "create schema über;": ("über",),
}


@pytest.mark.parametrize(("text", "names"), CASES.items())
def test_schemas_are_found_where_sql_makes_them(text: str, names: tuple[str, ...]) -> None:
    """In statements and do blocks, not in strings and comments; names are what PostgreSQL makes of them."""
    assert made_schemas(text) == names


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("create function public.f() returns int return 1;", ()),
        ("create or replace function f () returns int return 1;", ((None, "f", "int"),)),
        ('CREATE OR\nREPLACE PROCEDURE "My s" . "P"(a int) begin atomic; end;', (("My s", "P", None),)),
        ("create or replace /* x */ aggregate public.A(int) (sfunc = f);", (("public", "a", None),)),
        ("-- create or replace function f()\nselect 1;", ()),
        ("create or replace view public.v as select 1; create or replace trigger f on t", ()),
        ("do $$ begin create or replace function f() returns s.t return 1; end $$;", ((None, "f", None),)),
        (
            "create or replace function f(a int = g(1)) returns setof timestamp with time zone[] stable",
            ((None, "f", "timestamp with time zone[]"),),
        ),
        ("create or replace function f() returns table (a int) language sql as '';", ((None, "f", None),)),
        *(
            (f"create or replace function f() returns {of} stable", ((None, "f", of),))
            for of in ("double precision", "character varying", "time without time zone", "tables")
        ),
    ],
)
def test_which_routines_a_text_would_replace(text: str, found: tuple[tuple[str | None, ...], ...]) -> None:
    """Those that it makes or replaces: what only makes one fails where it is there already."""
    assert replaced_routines(text) == found
