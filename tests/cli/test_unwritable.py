"""Where nothing can be written, one line says where and why."""

from __future__ import annotations

import errno
import json
import os
import pwd
import resource
import stat
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest
from click.testing import CliRunner

from runner.cli import cli
from runner.errors import FileUnwritable
from runner.reference import picture, shelf
from tests import servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.project import Project

COMMANDS = {
    "new": ["new", "app", "more"],
    "plan": ["plan", "app", "--sql", "out/b.sql"],
    "docs": ["docs"],
    "init": ["init", "other"],
}


@contextmanager
def _file_in_place(app: Project) -> Iterator[str]:
    """Put files where folders are to be."""
    for name in ("out", "docs", "sql"):
        (app.root / name).touch()
    yield "Not a directory"


@contextmanager
def _no_room(app: Project) -> Iterator[str]:
    """Let no file grow, as on a full disk."""
    (app.root / "out").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield "File too large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("command", "spoiled"),
    [
        # where no file may grow, docs finds no room for its private server either
        *((command, _no_room) for command in COMMANDS if command != "docs"),
        *((command, _file_in_place) for command in COMMANDS if command != "new"),
    ],
)
def test_file_and_reason_are_named(
    app: Project,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    spoiled: Callable[[Project], AbstractContextManager[str]],
) -> None:
    """Exit 2, no traceback, and nothing half-written stays."""
    monkeypatch.chdir(app.root)
    with spoiled(app) as reason:
        result = CliRunner().invoke(cli, COMMANDS[command], env={"APP_URL": url})
    assert (result.exit_code, "error FILE_UNWRITABLE: " in result.stderr) == (2, True), result.output
    assert f" cannot be written: {reason}." in result.stderr
    written = [path.name for path in app.root.rglob("*") if path.is_file() and not path.stat().st_size]
    assert set(written) <= {"out", "docs", "sql"}
    assert not (app.root / "app" / "002_more.sql").exists()
    assert CliRunner().invoke(cli, ["status"], env={"APP_URL": url}).exit_code == 0


@pytest.mark.parametrize(("command", "spoiled"), [("init", ".gitignore"), ("docs", "docs/schema/app.md")])
def test_the_document_says_what_was_written_before(
    app: Project, url: str, monkeypatch: pytest.MonkeyPatch, command: str, spoiled: str
) -> None:
    """Whoever cleans up need not guess."""
    monkeypatch.chdir(app.root)
    (app.root / spoiled).parent.mkdir(parents=True, exist_ok=True)
    (app.root / spoiled).symlink_to("nowhere/at all")
    result = CliRunner().invoke(cli, [*COMMANDS[command], "--json"], env={"APP_URL": url})
    written = {
        "init": ["sql/other/000_first.sql", "sql/other/rollback/000_first.sql"],
        "docs": ["docs/schema/README.md"],
    }
    assert (result.exit_code, json.loads(result.stdout)["written"]) == (2, written[command]), result.output


@contextmanager
def _somebody_else(app: Project) -> Iterator[None]:
    """Be a user who may look into the project and write nothing."""
    for path in (*app.root.rglob("*"), app.root):
        path.chmod(0o555 if path.is_dir() else 0o644)
    for folder in list(app.root.parents)[:-2]:  # not ours alone: /dev/shm may be one of them
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | 0o555)
    if os.geteuid() == 0:
        servers.wheel.ensure_user_exists(servers._USER)
        os.seteuid(pwd.getpwnam(servers._USER).pw_uid)
    try:
        yield
    finally:
        os.seteuid(os.getuid())


def test_a_folder_that_may_not_be_written(runner: CliRunner, app: Project) -> None:
    """Another user than its owner is told so."""
    app.run(runner, "new", "app", "more")  # loads all it needs, while it may read it
    app.run(runner, "init", "other")
    with _somebody_else(app):
        results = [app.run(runner, "new", "app", "again"), app.run(runner, "init", "third")]
    for result in results:
        assert (result.exit_code, "cannot be written: Permission denied." in result.stderr) == (2, True)


def test_a_file_that_init_cannot_read(runner: CliRunner, tmp_path: Path) -> None:
    """A pyproject.toml that is no text, or a folder in its place, is named."""
    file = tmp_path / "pyproject.toml"
    file.write_bytes(b"\xff\xfe")
    result = runner.invoke(cli, ["init", "app", "--config", str(file)])
    assert (result.exit_code, f"{file} cannot be added to: it is not UTF-8" in result.stderr) == (2, True)
    (tmp_path / ".gitignore").mkdir()
    file.write_text("")
    result = runner.invoke(cli, ["init", "app", "--config", str(file)])
    assert (result.exit_code, ".gitignore cannot be added to: Is a directory" in result.stderr) == (2, True)


def test_docs_leaves_what_it_cannot_read(runner: CliRunner, app: Project, url: str) -> None:
    """Somebody's own page among the generated ones, in whatever letters."""
    (app.root / "docs" / "schema" / "folder.md").mkdir(parents=True)
    (app.root / "docs" / "schema" / "mine.md").write_bytes(b"\xff\xfe mine")
    assert app.run(runner, "docs", APP_URL=url).exit_code == 0
    assert (app.root / "docs" / "schema" / "mine.md").exists()


@pytest.mark.parametrize("asked", ["is_file", "iterdir"])
def test_docs_says_when_its_folder_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """Nobody but its owner may look into it, or list it."""

    def closed(_: Path) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(picture, "program", lambda: None)
    monkeypatch.setattr(type(tmp_path), asked, closed)
    with pytest.raises(FileUnwritable, match=f"{tmp_path} cannot be written: Permission denied"):
        shelf.fill([], tmp_path)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - iterdir is closed
