"""The SQL files keep the conventions of the project; no database is needed to see it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner import files
from tests.conftest import ROOT, SERIES
from tests.sql.psql import forward, rollback

if TYPE_CHECKING:
    from collections.abc import Iterable

FORWARD = [file for series in SERIES for file in forward(series)]
ROLLBACKS = sorted((ROOT / "sql").glob("*/rollback/*"))
FILES = [*FORWARD, *ROLLBACKS]
SQUAWK = Path(sys.executable).with_name("squawk")

BODY = re.compile(r"\$(\w*)\$(.*?)\$\1\$", re.DOTALL)
PROTECTED = re.compile(r"\$rollback\$\n(declare\n.*?    end if;\n\n)(?=    (?:drop|if|alter))", re.DOTALL)


def named(files: Iterable[Path]) -> pytest.MarkDecorator:
    """Run a test on each file, named by its path."""
    return pytest.mark.parametrize("file", files, ids=lambda file: str(file.relative_to(ROOT)))


def read(file: Path) -> str:
    """Return the text as it is on disk, line ends included."""
    return file.read_bytes().decode()


def code(text: str) -> str:
    """Return the text without comments, strings and quoted names, but with the bodies of functions."""
    outside = "\n".join(statement.code for statement in files.scan(text).statements)
    return "\n".join([outside, *(code(body) for _, body in BODY.findall(text))])


def header(file: Path) -> list[str]:
    """Return the lines of the comment a file begins with."""
    lines = read(file).split("\n")
    return lines[: next(number for number, line in enumerate(lines) if not line.startswith("--"))]


@named(FORWARD)
def test_a_file_begins_by_saying_what_it_is(file: Path) -> None:
    """The header names file and series, what is made, why, and what rolling it back loses."""
    first, *rest = header(file)
    text = " ".join(line.removeprefix("--").strip() for line in rest)
    assert first == f"-- {file.name} (series {file.parent.name})"
    assert re.search(r"\b(Makes|Adds) ", text)
    assert re.search(r"\bWhy\b", text)
    assert "Rolling back loses " in text


@named(ROLLBACKS)
def test_a_rollback_begins_by_saying_what_is_lost_and_how_to_run_it(file: Path) -> None:
    """The header names file and series, what is undone and lost, and the line to run it with psql."""
    series = file.parent.parent.name
    first, *rest = header(file)
    text = " ".join(line.removeprefix("--").strip() for line in rest)
    assert first == f"-- rollback/{file.name} (series {series})"
    assert f"Undoes {file.stem}: drops " in text
    assert "Lost: " in text
    path = file.relative_to(ROOT).as_posix()
    run = f'-- Run: psql -X -v ON_ERROR_STOP=1 -1 -f {path} "$DATABASE_URL_{series.upper()}"'
    assert run in rest


@named(FILES)
def test_text_is_tidy(file: Path) -> None:
    """Lines end in LF without blanks before it, hold no tab, and the last one ends too."""
    text = read(file)
    assert text.endswith(";\n")
    assert not re.search(r"[\t\r]|[ ]+$|\n\n\n\n", text, re.MULTILINE)


@named(FILES)
def test_lines_fit_on_a_screen(file: Path) -> None:
    """No line is longer than 120 characters, but for a comment's sentence, which cannot be broken."""
    lines = [line for line in read(file).split("\n") if not re.fullmatch(r"    '.*';", line)]
    assert [line for line in lines if len(line) > 120] == []


@named(FILES)
def test_code_is_lower_case(file: Path) -> None:
    """Keywords and names are written in lower case, in functions too."""
    assert re.findall(r"\w*[A-Z]\w*", code(read(file))) == []


@named(FILES)
def test_names_fit_into_63_bytes(file: Path) -> None:
    """No name is longer than PostgreSQL keeps; it would cut it without a word."""
    assert re.findall(r"\w{64,}", code(read(file))) == []


@named(FILES)
def test_a_file_is_one_a_runner_would_send(file: Path) -> None:
    """Each file passes the scanner: no transaction control, no psql command, nothing unterminated."""
    text = read(file)
    assert files.check(text, path=file.name)
    assert re.findall(r"\b(?:commit|rollback|savepoint|start transaction)\b", code(text)) == []


@named(FORWARD)
def test_nothing_is_dropped_on_the_way_forward(file: Path) -> None:
    """A forward file takes nothing away and deletes nothing."""
    assert re.findall(r"\b(?:drop|truncate|delete from)\b.*", code(read(file))) == []


@named(FORWARD)
def test_everything_is_made_only_where_it_is_missing(file: Path) -> None:
    """Each create and add can be run again: if not exists, or replace."""
    text = code(read(file)).replace("create extension vector", "")  # in a branch of its own
    made = re.findall(r"\bcreate (?:unique )?(?:table|index|schema|extension|function|trigger)\b.*", text)
    careless = [line for line in made if "if not exists" not in line]
    assert careless == []


@named(ROLLBACKS)
def test_a_rollback_drops_without_cascade(file: Path) -> None:
    """What hangs on a table and is not of its file keeps the rollback from running."""
    assert re.findall(r"\bcascade\b", code(read(file))) == []


@pytest.mark.parametrize("series", SERIES)
def test_files_are_numbered_without_a_gap(series: str) -> None:
    """The numbers of a series run from 000 and no other file lies beside them."""
    folder = ROOT / "sql" / series
    files = sorted(path for path in folder.iterdir() if path.is_file())
    assert [path.name[:4] for path in files] == [f"{number:03d}_" for number in range(len(files))]
    assert [path.name for path in files if not re.fullmatch(r"\d{3}_[a-z0-9_]+\.sql", path.name)] == []


def test_every_file_has_its_rollback() -> None:
    """Each forward file has a rollback of the same name, and none is left over."""
    assert [*ROLLBACKS] == sorted(rollback(file) for file in FORWARD)


def test_all_rollbacks_are_guarded_alike() -> None:
    """What checks lock, record and order is one text, but for the series and the version."""
    guards = set()
    for file in ROLLBACKS:
        found = PROTECTED.search(read(file))
        assert found, file
        series, version = file.parent.parent.name, file.name[:3]
        own = found[1].replace(f"text := '{series}'", "text := <series>")
        guards.add(own.replace(f"text := '{version}'", "text := <version>"))
    [guard] = guards
    assert "pg_try_advisory_xact_lock" in guard
    assert "<series>" in guard
    assert "<version>" in guard


def lint(*files: Path) -> subprocess.CompletedProcess[str]:
    """Run squawk with the settings of the project."""
    return subprocess.run([SQUAWK, *files], cwd=ROOT, check=False, capture_output=True, text=True)


def test_squawk_is_content() -> None:
    """The linter for migrations finds nothing in any file."""
    done = lint(*FILES)
    assert done.returncode == 0, done.stdout
    assert f"Found 0 issues in {len(FILES)} files" in done.stdout


def test_squawk_would_notice(tmp_path: Path) -> None:
    """The linter is really on: the same files with a fault in one of them fail."""
    faulty = tmp_path / "000_users.sql"
    faulty.write_text(read(FORWARD[0]) + "drop table public.users;\n", encoding="utf-8")
    done = lint(*FILES, faulty)
    assert done.returncode != 0
    assert "ban-drop-table" in done.stdout
