"""rollback and new."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from runner.cli import cli
from tests.cli import data, lines
from tests.project import ROOT, TWO, Project

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from click.testing import CliRunner

    from tests.servers import Server


def test_rollback_prints_commands_that_work(runner: CliRunner, server: Server, url: str) -> None:
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
    path = f"{os.path.dirname(server.psql)}:{os.environ['PATH']}"  # noqa: PTH120 - a text for PATH
    subprocess.run(["sh", "-ec", result.stdout], check=True, cwd=ROOT, env={"PATH": path, **environ})
    states = [
        step["state"]
        for step in data(real.run(runner, "status", "auth", "--json", **environ))["databases"][0]["steps"]
    ]
    assert states == ["applied"] * 2 + ["pending"] * len(files[2:])


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


def test_rollback_never_prints_a_url(runner: CliRunner, app: Project, url: str) -> None:
    """A URL given by option is not repeated: it may hold a password."""
    (app.root / "app" / "rollback").mkdir()
    for name in TWO:
        (app.root / "app" / "rollback" / name).touch()
    app.run(runner, "migrate", APP_URL=url)
    result = app.run(runner, "rollback", "app", "--to", "base", "--url", url + "&password=s3cr3t")
    assert result.exit_code == 0
    assert "s3cr3t" not in result.output
    assert '"$URL"' in result.stdout


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
