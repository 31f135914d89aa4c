"""What a rollback file says of itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from runner import files
from runner.files import template
from runner.model import Migration
from tests.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "deletes"),
    [
        (template.ROLLBACK, True),
        ("DELETE /* its row */ FROM ONLY public.\"schema_migrations\" where series = 'app'", True),
        ("-- delete from public.schema_migrations: not here", False),
        ("delete from public.a; insert into public.log values ('schema_migrations')", False),
    ],
)
def test_a_rollback_deletes_its_row_by_a_statement(tmp_path: Path, text: str, *, deletes: bool) -> None:
    """What a comment or another statement says of the ledger deletes nothing."""
    (tmp_path / "000_a.sql").write_text(text)
    assert files.deletes_row(tmp_path / "000_a.sql") is deletes


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("", "", None),
        ("'000'", "'001'", "this_version is '001', not '000'"),
        (
            "this_version constant text := '000'",
            "THIS_VERSION CONSTANT TEXT:='0'",
            "this_version is '0', not '000'",
        ),
        ("'a'", "'b'", "this_name is 'b', not 'a'"),
        ("'app'", "'auth'", "this_series is 'auth', not 'app'"),
        ("declare", "-- this_version constant text := '001';\ndeclare", None),
        ("do $rollback$", "/*\n    this_version constant text := '001';\n*/\ndo $rollback$", None),
        ("this_version constant text := '000'", "this_version constant text := current_setting('x')", None),
        ("this_", "its_", None),
    ],
)
def test_a_rollback_that_kept_its_old_number_is_told(
    tmp_path: Path, old: str, new: str, wrong: str | None
) -> None:
    """It would find the row of another file; what says nothing of itself is not suspected."""
    facts = {"series": "app", "version": "000", "name": "a", "folder": "app", "variable": "APP_URL"}
    text = template.ROLLBACK.format_map(facts).replace(old, new)
    (tmp_path / "rollback").mkdir()
    (tmp_path / "000_a.sql").write_text("select 1;")
    (tmp_path / "rollback" / "000_a.sql").write_text(text)
    [file] = files.load("app", tmp_path, root=tmp_path)
    assert files.misnamed(file) == wrong
    (tmp_path / "rollback" / "000_a.sql").unlink()
    assert files.misnamed(file) is None, "psql will say it"
    assert files.misnamed(file._replace(rollback=None)) is None


def test_what_a_rollback_says_is_found_in_no_time_below_empty_lines(tmp_path: Path) -> None:
    """Each empty line was read anew from every one above it: a minute for a hundred thousand of them."""
    file = Migration("app", "001", "a", "a.sql", "", "", rollback=str(tmp_path / "a.sql"))
    says = "declare\n    this_version constant text := '000';\n"
    (tmp_path / "a.sql").write_text("\n" * 10**5 + says)
    began = time.monotonic()
    assert files.misnamed(file) == "this_version is '000', not '001'"
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("series", ["auth", "specs"])
def test_our_own_rollbacks_name_their_files(series: str) -> None:
    """No run of the project's own files warns of one."""
    assert not list(filter(files.misnamed, files.load(series, ROOT / "sql" / series, root=ROOT)))
