"""Prove some 150 small projects, each with one thing that is wrong, or that only looks so."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml

from runner import database
from runner.files import folder, template
from runner.schema import proof
from tests import servers
from tests.servers import NEWEST, PROGRAMS, SYSTEM_15, VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.model import Migration
    from tests.servers import Server

CASES = yaml.load((Path(__file__).parent / "proofs.yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
VOLATILE = {
    r"[\w./-]*?/(rollback/)?(?=\d{3}_f\.sql)": r"\1",
    r": (\w+) is .*, was .*": r": \1",
    r"large object \d{5}\b": "large object N",
}
ROLES = "r_owner r_app r_nobody r_creator"


def write(root: Path, case: dict[str, Any]) -> tuple[Migration, ...]:
    """Write the files of a project and read them."""
    (root / "rollback").mkdir()
    for number, file in enumerate(case["files"]):
        facts = {
            "series": "app",
            "version": f"{number:03}",
            "name": "f",
            "folder": "app",
            "variable": "APP_URL",
        }
        (root / f"{number:03}_f.sql").write_text(file["forward"])
        frame = template.ROLLBACK.format_map(facts)
        begin = frame.index("    raise exception 'rollback/")
        end = frame.index("\n", begin)
        (root / "rollback" / f"{number:03}_f.sql").write_text(
            f"{frame[:begin]}    {file['rollback']}{frame[end:]}"
        )
    return folder.load("app", root, root=root.parent)


def prove(root: Path, case: dict[str, Any], server: Server) -> list[proof.Proof]:
    """Prove a project on a server that has the roles it names; afterwards they are as they were."""
    url = server.url("postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        for role in ROLES.split():
            options = "login createdb" if role == case.get("role") else ""
            connection.execute(f"create role {role} {options}".encode())
        try:
            role = case.get("role", "postgres")
            there = database.sibling(url, "postgres", source="x") + f" user={role}"
            return list(proof.prove(write(root, case), there, source="the test server"))
        finally:
            connection.execute(f"drop owned by {ROLES.replace(' ', ', ')}".encode())
            connection.execute(f"drop role {ROLES.replace(' ', ', ')}".encode())


@pytest.fixture(scope="module", params=VERSIONS if os.environ.get("PROOFS") == "all" else [NEWEST])
def proving(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Return a newest server of its own, for its roles; with PROOFS=all, one of every version in turn."""
    with servers.running(request.param, wal_level="logical") as server:
        yield server


def told(proofs: list[proof.Proof]) -> list[str]:
    """Return what was found, and why a file was not tried."""
    found = [f"{one.migration.version} {f.stage}: {f.text}" for one in proofs for f in one.findings]
    return found or [f"not tried: {one.untried}" for one in proofs if one.untried]


def unfilled(proofs: list[proof.Proof]) -> set[str]:
    """Return the tables that stayed empty."""
    return {table for one in proofs for table in one.empty}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_what_is_wrong_is_found_and_nobody_is_accused_falsely(
    proving: Server, tmp_path: Path, case: dict[str, Any]
) -> None:
    """Each project has a finding, or none, as its line says; what could not be filled is named."""
    proofs = prove(tmp_path, case, proving)
    found = [_lasting(f"{one.migration.version} {f.stage}: {f.text}") for one in proofs for f in one.findings]
    assert bool(found) == (case["expect"] == "bad"), (found, [one.untried for one in proofs if one.untried])
    assert found == case.get("found", [])
    if "only" in case:
        assert [one.migration.version for one in proofs if not one.is_proven] == case["only"]
    if case["expect"] == "good":
        empty = {table for one in proofs for table in one.empty}
        assert empty == set(case.get("empty", [])) - _fillable(case, proving)
        assert case.get("note", "") in "\n".join(note for one in proofs for note in one.notes)


def _lasting(text: str) -> str:
    """Leave out of what is told the values of rows, and what is new in each run: numbers and folders."""
    for volatile, instead in VOLATILE.items():
        text = re.sub(volatile, instead, text, flags=re.DOTALL)
    return text


def _fillable(case: dict[str, Any], server: Server) -> set[str]:
    """Return what is filled on a server that is built with XML, as Debian's is."""
    has_xml = PROGRAMS[server.version] == SYSTEM_15
    return {"public.y"} if "xml" in case["files"][0]["forward"] and has_xml else set()


X = "create table if not exists public.x (id integer primary key, n integer not null, t timestamp)"
RETYPED = """
    do $$ begin if (
        select atttypid = 'timestamp'::regtype from pg_attribute
        where attrelid = 'public.x'::regclass and attname = 't'
    ) then alter table public.x alter column t type timestamptz using date_trunc('day', t) at time zone 'utc';
    end if; end $$;
"""
BACK = "alter table public.x alter column t type timestamp using t at time zone 'utc';"
NOTES = {
    "over rows": (
        "update public.x set n = 1 / (n - n);",
        "null;",
        "tried without those of its tables, .* division by",
    ),
    "of a type": (
        RETYPED,
        BACK,
        "table public.x holds other values where the type was another for a while: t is ",
    ),
}


@pytest.mark.parametrize(("forward", "rollback", "note"), NOTES.values(), ids=NOTES)
def test_what_was_tried_otherwise_or_came_back_otherwise_is_told(
    proving: Server, tmp_path: Path, forward: str, rollback: str, note: str
) -> None:
    """It is no fault that can be known, but nobody shall take the file for tried over every row."""
    files = [{"forward": X, "rollback": "drop table public.x;"}, {"forward": forward, "rollback": rollback}]
    _, proven = prove(tmp_path, {"files": files}, proving)
    assert proven.findings == ()
    assert [bool(re.match(note, one)) for one in proven.notes] == [True], proven.notes


def test_what_was_tried_in_a_database_without_rows_is_told(proving: Server, tmp_path: Path) -> None:
    """Nor a file without a transaction, whose rows are not taken out: it goes on in a fresh database."""
    words = "create table if not exists public.x (id integer primary key, s text not null);"
    numbers = "-- runner: no-transaction\nalter table public.x alter column s type integer using s::integer;"
    back = "alter table public.x alter column s type text;"
    files = [
        {"forward": words, "rollback": "drop table public.x;"},
        {"forward": numbers, "rollback": back},
    ]
    _, proven = prove(tmp_path, {"files": files}, proving)
    assert proven.findings == ()
    [told] = proven.notes
    assert re.match("tried without any, for over rows .* invalid input syntax for type integer", told), told
