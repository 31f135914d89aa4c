"""Comments blanked out, and the body of a statement."""

from __future__ import annotations

import pytest

from runner.files import blanked, body

BLANKED = {
    "select 1 -- it's\n;": "select 1        \n;",
    "select /* a /* b */ ' */ 1": "select                   1",
    "select '-- no', \"/* no\", E'\\'-- no' -- yes": "select '-- no', \"/* no\", E'\\'-- no'       ",
    "do $a$ begin -- yes\n null; end $a$;": "do $a$ begin       \n null; end $a$;",
    "do $a$ x $b$ /* yes */ $b$ $a$": "do $a$ x $b$           $b$ $a$",
    "select $x$it's -- data$x$": "select $x$it's -- data$x$",
    "select a$1 -- yes": "select a$1       ",
    "select sys$log$x, b$$, _$1$ -- yes": "select sys$log$x, b$$, _$1$       ",
    "select 'open -- no": "select 'open -- no",
    "": "",
}
BODIES = {
    "do $$ begin end $$;": " begin end ",
    "do language 'plpgsql' $x$ begin null; end $x$": " begin null; end ",
    "do $$ begin end $$ language 'plpgsql'": " begin end ",
    "do 'begin raise ''x''; end'": "begin raise ''x''; end",
    "create function f(a text default 'x') returns int language 'sql' as $$ select 1 $$": " select 1 ",
    "do /* 'a longer one than the body' */ $$ x $$ -- '": " x ",
    "select 1": None,
    "call p(a$b$c => 1)": None,
    "do $$ select sys$log$x $$": " select sys$log$x ",
}


@pytest.mark.parametrize(("text", "seen"), BLANKED.items())
def test_comments_become_blanks(text: str, seen: str) -> None:
    """In the text and in bodies; strings and names stay, as does what cannot be scanned, and every offset."""
    assert blanked(text) == seen
    assert len(seen) == len(text)


@pytest.mark.parametrize(("text", "found"), BODIES.items())
def test_the_longest_string_is_the_body(text: str, found: str | None) -> None:
    """Not the name of a language, a default, or what stands in a comment."""
    place = body(text)
    assert (text[place[0] : place[1]] if place else None) == found


def test_quotes_within_quotes_may_be_deeper_than_any_stack() -> None:
    """PostgreSQL sees one string there."""
    quotes = [f"$a{n}$" for n in range(1200)]
    text = f"{' '.join(quotes)} x {' '.join(reversed(quotes))}"
    assert len(blanked(f"-- x\nselect {text};")) == len(f"-- x\nselect {text};")
