"""rollback and new."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner import embedded
from runner.cli import cli
from runner.files import template
from tests.cli import data, lines
from tests.project import ROOT, TWO, Project

if TYPE_CHECKING:
    from click.testing import CliRunner

    from tests.servers import Server


@pytest.mark.usefixtures("psql_on_path")
def test_rollback_prints_commands_that_work(runner: CliRunner, url: str) -> None:
    """The printed lines, run by a shell as they are, undo the real files; nothing ran before."""
    real = Project(ROOT)
    environ = {"DATABASE_URL_AUTH": url, "DATABASE_URL_SPECS": url}
    assert real.run(runner, "migrate", "auth", **environ).exit_code == 0
    files = sorted(path.stem for path in (ROOT / "sql" / "auth").glob("*.sql"))
    result = real.run(runner, "rollback", "auth", "--to", "001", **environ)
    assert lines(result) == [
        f'psql -X -v ON_ERROR_STOP=1 -1 -f sql/auth/rollback/{name}.sql "$DATABASE_URL_AUTH"'
        for name in reversed(files[2:])
    ]
    assert "skipped" not in real.run(runner, "status", "auth", **environ).stdout
    path = os.environ["PATH"]
    subprocess.run(["sh", "-ec", result.stdout], check=True, cwd=ROOT, env={"PATH": path, **environ})
    states = [
        step["state"]
        for step in data(real.run(runner, "status", "auth", "--json", **environ))["databases"][0]["steps"]
    ]
    assert states == ["applied"] * 2 + ["pending"] * len(files[2:])


@pytest.mark.usefixtures("psql_on_path")
def test_rollback_to_base_lists_every_file(runner: CliRunner, app: Project, url: str) -> None:
    """`base` is before the first file; a file without rollback is named."""
    app.run(runner, "migrate", APP_URL=url)
    assert (
        "app 001_two has no rollback file"
        in app.run(runner, "rollback", "app", "--to", "base", APP_URL=url).stderr
    )
    (app.root / "app" / "rollback").mkdir()
    for name in TWO:
        (app.root / "app" / "rollback" / name).touch()
    shown = lines(app.run(runner, "rollback", "app", "--to", "base", APP_URL=url))
    names = ["001_two.sql", "000_one.sql"]
    assert [line.split()[-2] for line in shown] == [
        str(app.root / "app" / "rollback" / name) for name in names
    ]
    assert app.run(runner, "rollback", "app", "--to", "1", APP_URL=url).stdout == ""
    assert app.run(runner, "rollback", "app", "--to", "x", APP_URL=url).exit_code == 2
    assert app.run(runner, "rollback", "app", "--to", "7", APP_URL=url).exit_code == 2


def _back(number: str, name: str, table: str) -> str:
    """Return a rollback as `new` lays it out."""
    facts = {"series": "app", "version": number, "name": name, "folder": "app", "variable": "APP_URL"}
    text = template.ROLLBACK.format_map(facts)
    unwritten = f"raise exception 'rollback/{number}_{name}.sql is not written yet'"
    return text.replace(unwritten, f"drop table public.{table}")


@pytest.fixture
def undoable(app: Project) -> Project:
    """Return the project with a rollback for each file."""
    (app.root / "app" / "rollback").mkdir()
    app.write("app/rollback", {"000_one.sql": _back("000", "one", "one")})
    app.write("app/rollback", {"001_two.sql": _back("001", "two", "two")})
    return app


def _run_printed(printed: str, *, cwd: Path, path: str = "", **environ: str) -> None:
    """Run what `rollback` printed, by a shell as it is; of the environment, only the runner on PATH."""
    found = shutil.which("socrates-migrate")  # where the environment is active, it is printed by its name
    path = ":".join(filter(None, [path, found and os.path.dirname(found), "/usr/bin", "/bin"]))  # noqa: PTH120 - a text
    done = subprocess.run(
        ["sh", "-ec", printed],
        cwd=cwd,
        env={"PATH": path, **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _states(runner: CliRunner, app: Project, url: str) -> list[str]:
    steps = data(app.run(runner, "status", "--json", APP_URL=url))["databases"][0]["steps"]
    return [step["state"] for step in steps]


NO_PSQL = "/nowhere"


@pytest.mark.parametrize("where", ["environment", "no psql", ".env", "option"])
def test_what_rollback_prints_runs_wherever_the_url_stands(
    runner: CliRunner, undoable: Project, each_server: Server, each_url: str, where: str
) -> None:
    """In the environment, in .env, given by option, or without psql: the lines run in that shell."""
    undoable.run(runner, "migrate", APP_URL=each_url)
    psql = os.path.dirname(each_server.psql)  # noqa: PTH120 - a text for PATH
    environ = {"PATH": NO_PSQL if where == "no psql" else f"{psql}:/usr/bin:/bin"}
    option = ["--url", each_url] if where == "option" else []
    if where == ".env":
        (undoable.root / ".env").write_text(f"APP_URL={each_url}\n")
    elif where != "option":
        environ["APP_URL"] = each_url
    result = undoable.run(runner, "rollback", "app", "--to", "base", *option, **environ)
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 2)
    assert ("$APP_URL" in result.stdout) == (where == "environment")
    environ.pop("PATH")
    _run_printed(result.stdout, cwd=ROOT, path="" if where == "no psql" else psql, **environ)
    assert _states(runner, undoable, each_url) == ["pending", "pending"]


def test_what_rollback_prints_names_a_folder_of_any_letters(
    runner: CliRunner, tmp_path: Path, undoable: Project, url: str
) -> None:
    """Blanks of other kinds, and what nobody sees: the path is that of the file."""
    moved = Project(undoable.root.rename(tmp_path.with_name("日本\u3000語\xa0\xad\u200d")))
    moved.run(runner, "migrate", APP_URL=url)
    (moved.root / ".env").write_text(f"APP_URL={url}\n")
    result = moved.run(runner, "rollback", "app", "--to", "base")
    _run_printed(result.stdout, cwd=ROOT)
    assert _states(runner, moved, url) == ["pending", "pending"]


def test_what_rollback_prints_runs_on_the_embedded_server(runner: CliRunner, undoable: Project) -> None:
    """The command opens it by itself, also when it was stopped meanwhile."""
    home = Path(tempfile.mkdtemp(prefix="rollback home-"))
    moved = Project(Path(shutil.copytree(undoable.root, home, dirs_exist_ok=True)))
    try:
        moved.run(runner, "migrate")
        result = moved.run(runner, "rollback", "app", "--to", "000")
        assert len(result.stdout.splitlines()) == 1
        embedded.stop(home)
        _run_printed(result.stdout, cwd=ROOT)
        assert lines(moved.run(runner, "status"))[3] == "001 two pending"
    finally:
        embedded.stop(home)
        shutil.rmtree(home)


def test_rollback_prints_the_command_by_its_name_where_it_is_found(
    runner: CliRunner, undoable: Project, url: str
) -> None:
    """With the environment active, the short form; with the nearest configuration, no --config."""
    undoable.run(runner, "migrate", APP_URL=url)
    binary = os.path.dirname(sys.executable)  # noqa: PTH120 - a text for PATH
    (undoable.root / ".env").write_text(f"APP_URL={url}\n")
    done = subprocess.run(
        ["socrates-migrate", "rollback", "app", "--to", "000"],
        cwd=undoable.root,
        env={"PATH": f"{binary}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == (
        "socrates-migrate server psql app -X -v ON_ERROR_STOP=1 -1 -f app/rollback/001_two.sql\n"
    )
    _run_printed(done.stdout, cwd=undoable.root, path=binary)
    assert _states(runner, undoable, url) == ["applied", "pending"]


def test_what_rollback_prints_runs_beside_a_runner_of_the_users_own(
    runner: CliRunner, undoable: Project, url: str
) -> None:
    """The command by its path, where it is not found by its name: the module would be the other one."""
    undoable.run(runner, "migrate", APP_URL=url)
    (undoable.root / ".env").write_text(f"APP_URL={url}\n")
    (undoable.root / "runner.py").touch()
    printed = undoable.run(runner, "rollback", "app", "--to", "000", PATH=NO_PSQL).stdout
    _run_printed(printed, cwd=undoable.root)
    assert _states(runner, undoable, url) == ["applied", "pending"]


def test_rollback_never_prints_a_password(runner: CliRunner, undoable: Project, url: str) -> None:
    """A secret given by option is left out of the printed command; psql asks for a password."""
    undoable.run(runner, "migrate", APP_URL=url)
    key = base64.b64encode(b"s3cr3t" * 5 + b"..").decode().rstrip("=")
    secret = "&password=s3cr3t&sslpassword=s3cr3t&oauth_client_secret=s3cr3t"
    keys = f"&scram_client_key={key}%3D&scram_server_key={key}%3D"
    result = undoable.run(runner, "rollback", "app", "--to", "base", "--url", url + secret + keys)
    assert result.exit_code == 0
    assert "s3cr3t" not in result.output
    assert key not in result.output
    _run_printed(result.stdout, cwd=ROOT, PGPASSWORD="s3cr3t")
    assert _states(runner, undoable, url) == ["pending", "pending"]


def test_a_rollback_that_leaves_its_row_is_named(runner: CliRunner, undoable: Project, url: str) -> None:
    """The undo file of another tool drops the table, and the ledger would go on to say that it is there."""
    undoable.run(runner, "migrate", APP_URL=url)
    shown = undoable.run(runner, "rollback", "app", "--to", "base", APP_URL=url)
    assert "warning" not in shown.stderr
    undoable.write("app/rollback", {"001_two.sql": "drop table two;"})
    warned = undoable.run(runner, "rollback", "app", "--to", "base", APP_URL=url)
    assert (warned.exit_code, warned.stdout) == (0, shown.stdout)
    said = " ".join(warned.stderr.split())
    assert "warning: app 001_two stays recorded as applied when its rollback file has run" in said
    assert "000_one" not in said


@pytest.mark.parametrize(
    ("now", "error"),
    [
        ({"001_zwei.sql": "select 2;"}, "FILE_RENAMED: Another file holds this number: 001_two"),
        ({"001_zwei.sql": TWO["001_two.sql"]}, "FILE_RENAMED: app/001_zwei.sql was applied as"),
        ({"001_two.sql": "select 2;"}, "CHECKSUM_MISMATCH: app/001_two.sql was edited"),
        ({}, "FILE_MISSING: app 001_two is recorded as applied"),
        ({"002_b.sql": "select 2;"}, "VERSION_GAP"),
    ],
    ids=["another branch", "renamed", "edited", "an older release", "gap"],
)
def test_rollback_refuses_what_is_not_the_file_that_was_applied(
    runner: CliRunner, undoable: Project, each_url: str, now: dict[str, str], error: str
) -> None:
    """After `git switch` a number may belong to another file: nothing is printed that would undo that one."""
    undoable.run(runner, "migrate", APP_URL=each_url)
    for folder in ("app", "app/rollback"):
        (undoable.root / folder / "001_two.sql").unlink()
        undoable.write(folder, now)
    for to in ("base", "000"):
        result = undoable.run(runner, "rollback", "app", "--to", to, APP_URL=each_url)
        assert (result.exit_code, result.stdout) == (4, "")
        assert f"error {error}" in result.stderr


def test_the_rollback_of_another_file_with_that_number_changes_nothing(
    runner: CliRunner, undoable: Project, each_server: Server, each_url: str
) -> None:
    """Run by hand all the same: it compares the name, and leaves the row and the tables."""
    undoable.run(runner, "migrate", APP_URL=each_url)
    other = undoable.root / "other.sql"
    other.write_text(_back("001", "zwei", "two"))
    done = subprocess.run(
        [each_server.psql, "-X", "-v", "ON_ERROR_STOP=1", "-1", "-f", other, each_url],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert "app 001_zwei is not recorded here: number 001 is 001_two" in done.stderr
    assert _states(runner, undoable, each_url) == ["applied", "applied"]


def test_new_writes_both_files(runner: CliRunner, app: Project, url: str) -> None:
    """They are named by the next number, and refused until they are written."""
    result = app.run(runner, "new", "app", "more_things")
    assert lines(result) == ["app/002_more_things.sql", "app/rollback/002_more_things.sql"]
    refused = app.run(runner, "migrate", APP_URL=url)
    assert refused.exit_code == 1
    assert "app/002_more_things.sql holds no statement" in refused.stderr
    assert app.run(runner, "new", "app", "Bad-Name").exit_code == 2


def test_an_unwritten_rollback_undoes_nothing(
    runner: CliRunner, app: Project, url: str, server: Server
) -> None:
    """The template of a rollback refuses to run, so a ledger row never vanishes without the objects."""
    app.run(runner, "new", "app", "more")
    app.write("app", {"002_more.sql": "select 1;"})
    app.run(runner, "migrate", APP_URL=url)
    file = str(app.root / "app" / "rollback" / "002_more.sql")
    process = subprocess.run(
        [server.psql, "-X", "-f", file, url], capture_output=True, text=True, check=False
    )
    assert "002_more.sql is not written yet" in process.stderr
    assert "002_more" in app.run(runner, "rollback", "app", "--to", "1", APP_URL=url).stdout


def test_init_lays_out_a_project_that_migrates(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """In an empty folder; once the first file is written, it is applied."""
    monkeypatch.chdir(tmp_path)
    result = runner.invoke(cli, ["init", "app"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert "written sql/app/000_first.sql" in lines(result)
    (tmp_path / "sql" / "app" / "000_first.sql").write_text(TWO["000_one.sql"])
    migrated = runner.invoke(cli, ["migrate"], env={"DATABASE_URL_APP": url})
    assert (migrated.exit_code, "1 applied, app is at 000_first." in migrated.stdout) == (0, True)
    assert runner.invoke(cli, ["init", "app"]).exit_code == 2


def test_init_leaves_the_lines_of_others_as_they_end(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is added ends as they do; a byte order mark stays, and is no reason to read nothing."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_bytes('\ufeff[project]\r\nname = "x"\r\n'.encode())
    (tmp_path / ".gitignore").write_bytes(b".venv\r\n")
    assert runner.invoke(cli, ["init", "app"]).exit_code == 0
    written = (tmp_path / "pyproject.toml").read_bytes()
    assert written.startswith('\ufeff[project]\r\nname = "x"\r\n\r\n# What'.encode())
    assert written.count(b"\n") == written.count(b"\r\n")
    assert (tmp_path / ".gitignore").read_bytes() == b".venv\r\n.env\r\n.postgres/\r\n"
    shown = runner.invoke(cli, ["new", "app", "more"])
    assert (shown.exit_code, shown.stderr) == (0, ""), "the configuration is read"


@pytest.mark.parametrize("command", [["status"], ["init", "other"], ["server", "stop"]])
def test_a_working_directory_that_is_gone_is_told(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """As of a release that a deploy has deleted."""
    _go_nowhere(tmp_path, monkeypatch)
    document = data(runner.invoke(cli, [*command, "--json"]))
    assert (document["error"]["name"], document["error"]["exit_code"]) == ("CONFIG_INVALID", 2)
    assert "The working directory cannot be read" in document["error"]["message"]


def test_who_names_the_configuration_needs_no_working_directory(
    runner: CliRunner, app: Project, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its whole path; what else is told is whole, too."""
    _go_nowhere(tmp_path, monkeypatch)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    runner.invoke(cli, ["new", "app", "three", "--config", str(app.file)])
    assert app.run(runner, "status", APP_URL=url).exit_code == 0
    failed = app.run(runner, "migrate", APP_URL=url)
    assert (failed.exit_code, "FILE_REFUSED" in failed.stderr) == (1, True)
    made = runner.invoke(cli, ["init", "other", "--config", str(tmp_path / "other.toml")])
    assert (made.exit_code, str(tmp_path / "sql") in made.stdout) == (0, True), made.output


def _go_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
