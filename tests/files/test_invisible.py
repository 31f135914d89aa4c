"""Characters that nobody sees are no part of a name."""

from __future__ import annotations

import re
import sys
import unicodedata

import psycopg
import pytest

from runner import files
from runner.errors import FileRefused
from runner.files import invisible

# Signs that Unicode lists among what only directs the text, though they are drawn.
DRAWN = {*range(0x600, 0x606), 0x6DD, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
SOME = "\u00a0\u00ad\u034f\u115f\u180e\u2003\u200b\u200d\u200f\u2028\u2029\u202e\u2060\u2066"
SOME += "\u2800\u3000\u3164\ufe0f\U000e0041"


def test_every_one_is_known() -> None:
    """All that Unicode calls a blank, a line end, a control or a format character."""
    unseen = {
        code
        for code in range(0x80, sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Zs", "Zl", "Zp") and code not in DRAWN
    }
    assert [hex(code) for code in sorted(unseen) if not re.match(invisible._INVISIBLE, chr(code))] == []
    seen = "".join(chr(code) for code in range(0x20, 0x3000) if chr(code).isalnum() and code not in unseen)
    fillers = "\u115f\u1160\u17b4\u17b5"
    assert [hex(ord(one)) for one in re.findall(invisible._INVISIBLE, seen) if one not in fillers] == []


@pytest.mark.parametrize("letter", SOME, ids=lambda letter: f"U+{ord(letter):04X}")
@pytest.mark.parametrize(
    ("before", "behind"),
    [
        ("create table public.users", "(id int);"),
        ("select 1;\n", "select 2;"),
        ("select 1;", ""),
        ("", "select 1;"),
        ("-- é\nselect 'é', \"é\", $$é$$", ";"),
        ("select a", "$$b$$;"),
        ("/* é */ select 1", " as x; select 2;"),
        ("create function f() returns int begin atomic select 1;", "select 2; end;"),
        ("select E'\\''", ";"),
    ],
)
def test_one_is_refused_with_its_place(before: str, behind: str, letter: str) -> None:
    """Wherever a statement has it, in the fast way through a file and in the slow one."""
    with pytest.raises(FileRefused) as caught:
        files.check(before + letter + behind, path="a.sql")
    assert f"U+{ord(letter):04X} ({unicodedata.name(letter)})" in caught.value.message
    assert caught.value.place
    line = before.count("\n") + 1
    assert caught.value.place[1:3] == (line, len(before) - before.rfind("\n"))
    assert "double quotes" in (caught.value.remedy or "")


@pytest.mark.parametrize("letter", SOME, ids=lambda letter: f"U+{ord(letter):04X}")
@pytest.mark.parametrize(
    "text",
    [
        "select 'a{}b';",
        "select E'a\\'{}b';",
        'create table "a{}b" ();',
        "select $$a{}b$$; select $x$ {} $x$;",
        "select 1 -- {}\n;",
        "/* {} /* {} */ {} */ select 1;",
        "do $$ begin raise notice '{}'; end $$;",
    ],
)
def test_where_it_is_meant_it_stays(text: str, letter: str) -> None:
    """In strings, comments and quoted names it is text."""
    files.check(text.replace("{}", letter), path="a.sql")


def test_letters_of_other_languages_are_letters() -> None:
    """Names may hold any that is seen."""
    files.check("create table größe (名前 text, имя text, naïve int, \u0627\u0633\u0645 int);", path="a.sql")


def test_postgresql_would_take_it_for_a_letter(each_url: str) -> None:
    """Which is why it is refused before."""
    with psycopg.connect(each_url) as db:
        db.execute("create table public.users\u00a0(id int)")
        assert db.execute("select to_regclass('public.users')").fetchone() == (None,)
