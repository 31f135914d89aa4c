"""The SQL files keep the conventions of the project; no database is needed to see it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from runner import config
from runner.files import template
from tests.conftest import SERIES
from tests.project import ROOT, make
from tests.sql import check, file_rules
from tests.sql.file import files

if TYPE_CHECKING:
    from pathlib import Path

    from runner.config import Series
    from tests.sql.file import File, Place
    from tests.sql.rule import Rule

    FileRule = Rule[File, Place]

FILES = [file for root in check.PROJECTS for file in files(config.load(root / config.FILE))]

each_rule = pytest.mark.parametrize("rule", file_rules.RULES, ids=lambda rule: rule.name)


@each_rule
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.shown)
def test_a_rule_holds(file: File, rule: FileRule) -> None:
    """Nothing in a file of the project or of the example breaks it."""
    assert [str(broken) for broken in file.broken(rule)] == []


GOOD = """\
-- 000_good.sql (series app)
-- Makes nothing. Why: it is good. Rolling back loses nothing.
create table if not exists public.good (id int);
"""
HEADER = GOOD.partition("create")[0]
LONG = "x" * 64

# What stands in a forward file under the good header, and what is said about it: line, rule and object.
PLANTED: dict[str, tuple[str, list[tuple[int, str, str]]]] = {
    "header_absent": (
        "select 1;\n",
        [(1, "header", what) for what in ("the first line", "what is lost", "what it does", "why")],
    ),
    "header_of_another_file": (GOOD.replace("000_", "001_"), [(1, "header", "the first line")]),
    "header_of_the_template": (
        template.FORWARD.format(version="000", name="good", series="app") + "select 1;\n",
        [(1, "header", what) for what in ("what is lost", "what it does", "why")],
    ),
    "blanks": (HEADER + "select 1; \nselect 2;\n", [(3, "tidy", "a blank or an empty line")]),
    "tab": (HEADER + "select\t1;\n", [(3, "tidy", "a blank or an empty line")]),
    "carriage_return": (HEADER + "select 1;\r\n", [(3, "tidy", "a blank or an empty line"),
                                                   (3, "tidy", "the last line")]),
    "no_last_line_end": (HEADER + "select 1;", [(3, "tidy", "the last line")]),
    "wide": (HEADER + f"select 1{' + 1' * 40};\n", [(3, "line", "a line of 169 characters")]),
    "upper_case": (HEADER + "SELECT 'A', \"B\";\n", [(3, "lower-case", "SELECT")]),
    "upper_case_in_a_body": (HEADER + "do $$\nbegin\n    PERFORM 1;\nend\n$$;\n",
                             [(5, "lower-case", "PERFORM")]),
    "long_name": (HEADER + f"select 1 as {LONG};\n", [(3, "name-length", LONG)]),
    "commit": (HEADER + "select 1;\ncommit;\n",
               [(4, "plain", "000_good.sql controls the transaction (commit)."), (4, "plain", "commit")]),
    "commit_in_a_body": (
        HEADER + "do $$\nbegin\n    commit;\nend\n$$;\n",
        [(3, "plain", "000_good.sql commits or rolls back while it runs, as no transaction allows."),
         (5, "plain", "commit")],
    ),
    "psql": (HEADER + "\\echo;\n",
             [(3, "plain", "000_good.sql holds a psql command (a backslash outside quotes).")]),
    "inexact": (HEADER + "do $$\nbegin\n    perform from pg_class where oid = 'x'::regclass;\nend\n$$;\n",
                [(5, "exact", "= 'x'::regclass")]),
    "inexact_on_the_left": (HEADER + "select from pg_class where 'x'::pg_catalog.regclass <> oid;\n",
                            [(3, "exact", "::pg_catalog.regclass <>")]),
    "exact": (HEADER + "do $$\ndeclare\n    t regclass := 'x'::regclass;\nbegin\n"
              "    perform from pg_class where oid = 'x'::regclass::oid;\nend\n$$;\n", []),
    "drop": (HEADER + "drop table if exists public.a;\n", [(3, "drop", "drop table if exists public.a")]),
    "drop_column": (HEADER + "alter table public.a drop b;\n", [(3, "drop", "drop b")]),
    "drop_cascade": (
        HEADER + "drop table public.a cascade;\n",
        [(3, "drop", "a cascade"), (3, "drop", "drop table public.a")],
    ),
    "drop_said": (HEADER + "-- Drops a.b.\nalter table public.a drop column b;\n", []),
    "drop_and_add": (HEADER + "-- Changes ck_a.\nalter table public.a drop constraint if exists ck_a,\n"
                     "    add constraint ck_a check (true) not valid;\n", []),
    "drop_of_no_thing": (HEADER + "alter table public.a alter b drop not null, alter c drop default;\n", []),
    "delete_spread": (
        HEADER + "delete\n  from public.a;\ndelete /* all */ from public.a;\n",
        [(3, "drop", "delete\n  from public.a"), (5, "drop", "delete           from public.a")],
    ),
    "delete_merged": (
        HEADER + "merge into public.a using public.b on true when matched then delete;\n",
        [(3, "drop", "then delete")],
    ),
    "delete": (HEADER + "truncate public.a;\n", [(3, "drop", "truncate public.a")]),
    "careless": (HEADER + "create unique index i on public.a (b);\n",
                 [(3, "twice", "create unique index i on public.a")]),
    "careful": (HEADER + "create or replace function public.f() returns int language sql return 1;\n", []),
    "foreign_key": (HEADER + "alter table public.a add foreign key (b) references public.c (id)\n"
                    "    on delete cascade;\n", []),
    "advice_of_the_template": (template.FORWARD.format(version="000", name="good", series="app")
                               .replace("...", "something") + "select 1;\n", []),
}  # fmt: skip


# What is changed in a good rollback, and what is said about it: rule and object.
SPOILT: dict[str, tuple[str, str, list[tuple[str, str]]]] = {
    "nothing": ("", "", []),
    "name": ("-- rollback/000_", "-- 000_", [("rollback-header", "the first line")]),
    "what_it_undoes": ("drops it", "drops ...", [("rollback-header", "what it undoes")]),
    "what_is_lost": ("Lost: it", "Lost: ...", [("rollback-header", "what is lost")]),
    "how_to_run": ("$APP_URL", "$DATABASE_URL", [("rollback-header", "the line that runs it")]),
    "lock": ("pg_try_advisory", "pg_advisory", [("rollback-guard", "its beginning")]),
    "version": ("text := '000'", "text := '001'", [("rollback-guard", "its beginning")]),
    "ledger": ("delete from public.sch", "select from public.sch", [("rollback-guard", "its end")]),
    "unwritten": ("drop table public.good;", "raise exception 'It is not written yet';",
                  [("rollback-guard", "the line of the template")]),
    "cascade": ("public.good;", "public.good cascade;", [("cascade", "good cascade")]),
    "foreign_key": ("drop table", "alter table a add foreign key (b) references c on delete cascade;\n", []),
}  # fmt: skip


@pytest.fixture
def series(tmp_path: Path) -> Series:
    """Return a series of one good file and its rollback."""
    [series] = config.load(make(tmp_path, app={}).file).series
    forward, undo = template.create("app", series.folder, "good", root=tmp_path, variable="APP_URL")
    forward.write_text(GOOD, encoding="utf-8")
    drop = undo.read_text().replace("...", "it")
    undo.write_text(re.sub(r"raise exception .* is not written yet';", "drop table public.good;", drop))
    return series


def said(series: Series, folder: str) -> list[tuple[int, str, str]]:
    """Return line, rule and object of what is found in the files of a folder."""
    root = series.folder.parent
    broken = check.texts(config.load(root / config.FILE))
    return [(one.line, one.rule, one.object) for one in broken if one.file.rpartition("/")[0] == folder]


@pytest.mark.parametrize("name", PLANTED)
def test_a_violation_is_found(series: Series, name: str) -> None:
    """Line, rule and object are named, and nothing else is said."""
    text, expected = PLANTED[name]
    (series.folder / "000_good.sql").write_text(text, encoding="utf-8", newline="")
    assert sorted(said(series, "app")) == sorted(expected)
    assert said(series, "app/rollback") == []


@pytest.mark.parametrize("name", SPOILT)
def test_a_violation_in_a_rollback_is_found(series: Series, name: str) -> None:
    """Rule and object are named, and nothing else is said."""
    old, new, expected = SPOILT[name]
    undo = series.folder / "rollback" / "000_good.sql"
    undo.write_text(undo.read_text().replace(old, new), encoding="utf-8")
    assert [(rule, name) for _, rule, name in said(series, "app/rollback")] == expected
    assert said(series, "app") == []


def test_a_missing_rollback_and_one_left_over_are_found(series: Series) -> None:
    """Each by the name that the other should have."""
    undo = series.folder / "rollback" / "000_good.sql"
    undo.rename(undo.with_name("000_bad.sql"))
    assert said(series, "app") == [(1, "rollback", "app/rollback/000_good.sql")]
    assert (1, "rollback", "app/000_bad.sql") in said(series, "app/rollback")


def test_every_rule_has_its_violation() -> None:
    """No rule is one that cannot fail."""
    tried = {rule for _, expected in PLANTED.values() for _, rule, _ in expected}
    tried |= {rule for _, _, expected in SPOILT.values() for rule, _ in expected}
    assert {rule.name for rule in file_rules.RULES} == tried | {"rollback"}


@pytest.mark.parametrize("series", SERIES)
def test_files_are_numbered_without_a_gap(series: str) -> None:
    """The numbers of a series run from 000 and no other file lies beside them."""
    folder = ROOT / "sql" / series
    files = sorted(path for path in folder.iterdir() if path.is_file())
    assert [path.name[:4] for path in files] == [f"{number:03d}_" for number in range(len(files))]
    assert [path.name for path in files if not re.fullmatch(r"\d{3}_[a-z0-9_]+\.sql", path.name)] == []


def test_squawk_is_content() -> None:
    """The linter for migrations finds nothing in any file."""
    assert check.squawk(*(file.path for file in FILES)) == []


def test_squawk_would_notice(tmp_path: Path) -> None:
    """The linter is really on: a fault in one of the files is found, in its line."""
    faulty = tmp_path / "000_users.sql"
    faulty.write_text(FILES[0].text + "drop table public.users;\n", encoding="utf-8")
    [found] = check.squawk(*(file.path for file in FILES), faulty)
    assert (found.file, found.line) == (str(faulty), FILES[0].text.count("\n") + 1)
    assert found.rule == "ban-drop-table"
    assert "-- squawk-ignore-file ban-drop-table" in found.remedy
