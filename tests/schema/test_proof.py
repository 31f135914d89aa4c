"""Prove good files, and catch a bad one of each kind."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import md5
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import config
from runner.files import folder
from runner.schema import proof, scratch, verdict
from tests.project import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from runner.model import Migration
    from tests.servers import Server

FOLDERS = Path(__file__).parent.parent / "folders" / "proof"

# folder -> what is found: file, stage, and how the sentence begins
CASES: dict[str, list[tuple[str, str, str]]] = {
    "good": [],
    "drops_a_column": [],  # its values are gone, its rows are not
    "drops_attribute": [],  # as with a column
    "drops_a_column_and_rows": [("001", "undo", "table public.a holds 0 rows instead of 3")],
    "fails": [("000", "apply", 'fails/000_a.sql failed: column "nope" does not exist')],
    "not_twice": [("000", "repeat", 'it cannot be run twice: relation "a" already exists')],
    "twice_adds_rows": [("000", "repeat", "table public.a holds 2 rows instead of 1")],
    "twice_loses_rows": [("000", "repeat", "table public.a holds 0 rows instead of 3")],
    "twice_changes_rows": [("000", "repeat", "table public.a holds other rows than before")],
    "twice_changes_schema": [
        ("000", "repeat", "column public.a.late was made by the second run"),
    ],
    "undo_forgets": [
        ("000", "undo", "function public.f() is left over"),
        ("000", "undo", "sequence public.s is left over"),
    ],
    "undo_takes_too_much": [
        ("001", "undo", "column public.a.word is missing"),
        ("001", "undo", "constraint public.a.a_word_check is missing"),
        (
            "001",
            "again",
            'after its rollback it cannot be applied: undo_takes_too_much/001_b.sql failed: column "word"',
        ),
    ],
    "undo_loses_rows": [("001", "undo", "table public.a holds 0 rows instead of 3")],
    "undo_leaves_version": [("001", "undo", "extension vector has version 0.8.4, before it was ")],
    "undo_fails": [("000", "undo", "the rollback failed: ")],
    "undo_keeps_the_record": [("000", "undo", "the ledger records 000 instead of nothing")],
    "undo_out_of_order": [("001", "order", "the rollback of 000_a ran although this file is still recorded")],
    "no_undo": [("000", "undo", "it has no rollback file")],
    "not_again": [
        ("000", "undo", "table public.kept is left over"),
        ("000", "again", "enum public.mood is missing"),
    ],
    "cannot_be_filled": [],
    "keeps_data": [],
    "later_check": [],
    "undo_forgets_a_change": [
        ("001", "undo", "table public.a holds other rows than before: n is '9', was '7'")
    ],
    "raises_at_commit": [("001", "repeat", "it cannot be run twice: no")],
    "needs_more": [],
}


def load(name: str) -> tuple[Migration, ...]:
    """Read one folder."""
    return folder.load("app", FOLDERS / name, root=FOLDERS)


def prove(migrations: tuple[Migration, ...], server: Server) -> list[proof.Proof]:
    """Prove files on a server, and see that the scratch database is gone."""
    proofs = list(proof.prove(migrations, server.url("postgres"), source="the test server"))
    with psycopg.connect(server.url("postgres")) as connection:
        left = connection.execute("select datname from pg_database where datname ~ 'scratch'").fetchall()
    assert left == []
    return proofs


def test_every_folder_is_a_case() -> None:
    """A folder that no table names would test nothing."""
    assert {path.name for path in FOLDERS.iterdir()} == CASES.keys()


PROJECTS = {"auth": ROOT, "specs": ROOT, "todo": ROOT / "examples" / "todo"}


@pytest.mark.parametrize("series", PROJECTS)
def test_every_file_of_the_project_is_proven(each_server: Server, series: str) -> None:
    """All 17 files may run twice and can be undone, on every supported version."""
    project = config.load(PROJECTS[series] / config.FILE)
    [chosen] = config.choose(project, [series])
    proofs = prove(folder.load(series, chosen.folder, root=project.root), each_server)
    assert [one.findings for one in proofs if one.findings] == []
    assert [one.empty for one in proofs if one.empty] == [], "a row is made for every table"
    skipped = [one.migration.label for one in proofs if one.needs]
    assert skipped == (["008_pgvector"] if series == "specs" and each_server.version == 15 else [])


@pytest.mark.parametrize(("name", "expected"), CASES.items())
def test_a_bad_file_of_each_kind_is_caught(
    server: Server, name: str, expected: list[tuple[str, str, str]]
) -> None:
    """The report names file, stage and object."""
    found = [
        (one.migration.version, f.stage, f.text) for one in prove(load(name), server) for f in one.findings
    ]
    assert [(version, stage) for version, stage, _ in found] == [case[:2] for case in expected], found
    for (_, _, text), (_, _, begins) in zip(found, expected, strict=True):
        assert text.startswith(begins)


def test_no_secret_of_a_setting_is_told(server: Server, tmp_path: Path) -> None:
    """Of one of somebody's own it is said that it is another, of those beside it what they are."""
    text = """do $$ begin
        execute format('alter database %I set app.jwt_secret = ''hunter2, a=b''', current_database());
        execute format('alter database %I set work_mem = ''9MB''', current_database());
    end $$;"""
    (tmp_path / "rollback").mkdir()
    (tmp_path / "000_set.sql").write_text(text)
    (tmp_path / "rollback" / "000_set.sql").write_text("select 1;")
    told = [
        f.text for one in prove(folder.load("app", tmp_path, root=tmp_path), server) for f in one.findings
    ]
    assert "hunter2" not in str(told)
    assert "app.jwt_secret=***, work_mem=9MB, before it was none" in str(told)


def test_no_secret_of_alter_system_is_told() -> None:
    """Nor what connects to another server, or what a command holds."""
    lines = "app.key = 'hunter2'\nprimary_conninfo = 'password=hunter2'\nwork_mem = '9MB'"
    told = verdict._server_told("settings of the server", "restore_command = 'hunter2'", lines, "left")
    shown = "app.key = ***\nprimary_conninfo = ***\nwork_mem = '9MB', before it was restore_command = ***"
    assert told == f"settings of the server: {shown}"


def test_behind_a_spoiled_database_the_proof_goes_on(server: Server) -> None:
    """A rollback out of order takes a table away; the next file is proven in a fresh database."""
    first, second, third = prove(load("undo_out_of_order"), server)
    assert (first.is_proven, second.is_proven, third.is_proven) == (True, False, True)


def test_a_spoiled_database_is_gone_before_the_next_is_made(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hundreds of files may spoil one each; roles and slots of the first must not meet the second."""
    there: list[str] = []
    make = scratch.scratch_database

    @contextmanager
    def counted(url: str, *, source: str) -> Iterator[str]:
        assert there == []
        with make(url, source=source) as one:
            there.append(one)
            yield one
        there.remove(one)

    monkeypatch.setattr(scratch, "scratch_database", counted)
    assert [one.is_proven for one in prove(load("undo_out_of_order"), server)] == [True, False, True]


def test_a_file_that_trips_over_made_up_rows_needs_no_fresh_database(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of its tables are taken back, and made anew behind it; the file is not blamed."""
    opened: list[str] = []
    make = scratch.scratch_database

    def counted(url: str, *, source: str) -> AbstractContextManager[str]:
        opened.append(url)
        return make(url, source=source)

    monkeypatch.setattr(scratch, "scratch_database", counted)
    proofs = prove(load("later_check"), server)
    assert [one.is_proven for one in proofs] == [True, True]
    assert (len(opened), proofs[1].empty) == (1, ())


def test_a_server_that_counts_no_rows_is_refused(server: Server) -> None:
    """What nobody counts would be taken for unchanged."""
    [one, _] = proof.prove(load("good"), f"{server.url('postgres')}&options=-ctrack_counts%3Doff", source="x")
    assert one.untried
    assert "does not count rows" in one.untried


def test_behind_a_file_that_cannot_be_applied_nothing_is_tried(server: Server) -> None:
    """The files behind it are named as not tried, with the reason."""
    proofs = prove((*load("fails"), *load("fails")), server)
    assert [one.untried for one in proofs] == [None, "000_a cannot be applied"]


def test_files_before_the_first_one_wanted_are_only_applied(server: Server) -> None:
    """A pipeline proves what is new; what is older is there, with rows."""
    proofs = list(proof.prove(load("good"), server.url("postgres"), source="the test server", begin=1))
    assert [(one.migration.version, one.is_proven) for one in proofs] == [("001", True)]


def test_rows_that_a_rollback_cannot_bring_back_are_told_apart(server: Server) -> None:
    """Its header says so; the schema is undone, and what became of the rows is a note."""
    _, second = prove(load("keeps_data"), server)
    assert second.is_proven
    assert second.notes == ("table public.a holds other rows than before: n is '9', was '7'",)


def test_values_that_went_with_an_attribute_are_told(server: Server) -> None:
    """A rollback can make the attribute of a composite type again, not what rows held in it."""
    _, second = prove(load("drops_attribute"), server)
    assert second.is_proven, second.findings
    assert second.notes == tuple(
        f"table public.a has an attribute in column {name} made anew: what it held is gone"
        for name in ("home", "old")
    )


def test_the_rows_of_the_project_come_first(server: Server, tmp_path: Path) -> None:
    """A table that takes no guess is filled from the file of its name; a file that fails is told."""
    (tmp_path / "public.a.sql").write_text("insert into public.a values ('nope')")
    arguments = {"source": "the test server", "own": tmp_path}
    url = server.url("postgres")
    [one] = proof.prove(load("cannot_be_filled"), url, **arguments)  # type: ignore[arg-type]
    assert one.empty == ("public.a",)
    assert one.notes[0].startswith("public.a.sql: ")
    lucky = _lucky()
    (tmp_path / "public.a.sql").write_text(f"insert into public.a values ('{lucky}')")  # noqa: S608 - digits
    [one] = proof.prove(load("cannot_be_filled"), url, **arguments)  # type: ignore[arg-type]
    assert (one.empty, one.notes) == ((), ())


def _lucky() -> str:
    """Return a text whose checksum begins with zeros enough, as the file demands."""
    return next(text for text in map(str, range(10**7)) if md5(text.encode()).hexdigest().startswith("0000"))  # noqa: S324 - no secret


@pytest.mark.parametrize("name", ["undo_forgets", "undo_loses_rows", "twice_adds_rows"])
def test_only_the_schemas_that_count_are_watched(server: Server, name: str) -> None:
    """What a file does to objects and rows in another schema is nobody's affair."""
    url = server.url("postgres")
    for schemas, is_proven in (("elsewhere",), True), (("elsewhere", "public"), False):
        proofs = proof.prove(load(name), url, source="the test server", schemas=schemas)
        assert all(one.is_proven for one in proofs) == is_proven


def test_a_table_that_cannot_be_filled_is_named(server: Server) -> None:
    """What could not be watched is said, not hidden."""
    assert [one.empty for one in prove(load("cannot_be_filled"), server)] == [("public.a",)]


def test_a_file_that_needs_more_is_passed_over(server: Server) -> None:
    """A file whose extension is not to be had is not proven, and says so; the others are."""
    first, second = prove(load("needs_more"), server)
    assert first.needs == ("nowhere_to_be_found",)
    assert not second.findings


def test_ctrl_c_removes_the_scratch_database(server: Server) -> None:
    """Whatever ends the block, the database goes."""
    proofs = proof.prove(load("good"), server.url("postgres"), source="the test server")
    next(proofs)
    with pytest.raises(KeyboardInterrupt):
        proofs.throw(KeyboardInterrupt())  # type: ignore[attr-defined] # it is a generator
    assert prove(load("fails"), server)
