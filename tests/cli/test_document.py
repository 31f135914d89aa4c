"""The guides say what is so."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest
from click.testing import CliRunner

from runner import errors
from runner.cli import cli
from runner.errors import RunnerError
from tests.project import ROOT, Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Server

GUIDES = sorted((ROOT / "docs").glob("*.md"))
TABLE = re.compile(r"^\| `([A-Z_]+)` \| (\d) \| \S.* \| .*\|$", re.MULTILINE)
ROLES = ("t_owner", "t_migrator", "t_app")


def test_every_error_is_listed_with_its_code() -> None:
    """Name and exit code of each class, cause and cure; nothing else."""
    listed = dict(TABLE.findall((ROOT / "docs" / "errors.md").read_text(encoding="utf-8")))
    classes = [
        found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, RunnerError)
    ]
    assert listed == {found.name: str(found.exit_code) for found in classes}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_option_and_link_in_a_guide_exists(guide: object) -> None:
    """What a reader types or follows is there."""
    text = (ROOT / "docs" / str(guide)).read_text(encoding="utf-8")
    text = re.sub(r"\bpg_\w+ [^`\n]*", "", text)  # PostgreSQL's own programs
    helps = "".join(
        CliRunner().invoke(cli, [*command, "--help"]).stdout
        for command in ([], *([name] for name in cli.commands or cli.list_commands(None)))  # type: ignore[arg-type] # no context needed
    )
    for option in set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", text)):
        assert option in helps, option
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / "docs" / link).exists(), link


@pytest.fixture
def roles(each_url: str, each_server: Server) -> Iterator[dict[str, str]]:
    """Run docs/roles.sql as its header says; return the URL of each login."""
    variables = [f"-v{name.removeprefix('t_')}={name}" for name in ROLES]
    script = ["-f", str(ROOT / "docs" / "roles.sql")]
    command = [each_server.psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-1", *variables, *script, each_url]
    subprocess.run(command, check=True)
    try:
        yield {name: each_url.replace("postgres@", f"{name}@") for name in ROLES[1:]}
    finally:
        with psycopg.connect(each_url, autocommit=True) as connection:
            for name in reversed(ROLES):
                connection.execute(f"drop owned by {name} cascade; drop role {name}".encode())


def test_a_migrator_that_is_no_superuser_migrates(roles: dict[str, str], each_url: str) -> None:
    """Both runs work, everything belongs to the owner, and 008 waits for an administrator."""
    environ = {"DATABASE_URL_SPECS": roles["t_migrator"]}
    result = Project(ROOT).run(CliRunner(), "migrate", "specs", **environ)
    assert result.exit_code == 0, result.output
    assert "  skipped (needs vector: " in result.stdout
    assert "sql/specs/008_pgvector.sql" in result.stdout
    assert Project(ROOT).run(CliRunner(), "migrate", "specs", **environ).exit_code == 0
    with psycopg.connect(each_url) as connection:
        owners = "select distinct relowner::regrole::text from pg_class"
        owners += " where relnamespace = 'public'::regnamespace"
        assert connection.execute(owners.encode()).fetchall() == [("t_owner",)]
        row = connection.execute("select distinct applied_by from public.schema_migrations").fetchall()
        assert row == [("t_migrator",)], "who logged in is recorded"


def test_the_application_has_rows_and_nothing_else(roles: dict[str, str]) -> None:
    """It writes and reads rows, and can neither see the ledger nor make or drop a table."""
    Project(ROOT).run(CliRunner(), "migrate", "auth", DATABASE_URL_AUTH=roles["t_migrator"])
    with psycopg.connect(roles["t_app"], autocommit=True) as app:
        app.execute("insert into public.users (username, hashed_password) values ('a', 'b')")
        app.execute("update public.users set name = 'A'")
        assert app.execute("select count(*) from public.users").fetchone() == (1,)
        for forbidden in (
            "select * from public.schema_migrations",
            "delete from public.schema_migrations",
            "create table public.mine ()",
            "drop table public.users",
            "truncate public.users",
            "set role t_owner",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(forbidden.encode())
