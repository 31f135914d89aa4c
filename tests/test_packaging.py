"""What is shipped: the wheel, the Makefile and the README."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipapp
from pathlib import Path
from typing import Any

import pytest

from tests.project import ROOT, TWO, make

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
WITHOUT = (
    "import sys; sys.modules[{!r}] = None; sys.argv = ['x', 'status']; import runner.__main__ as x; x.main()"
)
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources and install it, alone, into a folder."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("runner", "sql"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "install", *offline, "--target", str(folder / "site"), str(source)], check=True)
    return folder / "site"


def run(site: Path, cwd: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the installed package in another folder, far from any checkout."""
    return subprocess.run(
        [sys.executable, "-m", "runner", *arguments],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(site), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("psql_on_path")
def test_an_installed_package_migrates_without_a_checkout(
    installed: Path, tmp_path: Path, url: str, other_url: str
) -> None:
    """The SQL and its configuration travel inside; rollback commands name files that are there."""
    environ = {"DATABASE_URL_AUTH": url, "DATABASE_URL_SPECS": other_url}
    migrated = run(installed, tmp_path, "migrate", **environ)
    assert migrated.returncode == 0, migrated.stderr
    for series in ("auth", "specs"):
        files = sorted((ROOT / "sql" / series).glob("*.sql"))
        assert f"  {len(files)} applied, {series} is at {files[-1].stem}.\n" in migrated.stdout
    undo = run(installed, tmp_path, "rollback", "specs", "--to", "007", **environ).stdout
    assert f"-f {installed}/runner/bundled/sql/specs/rollback/008_pgvector.sql " in undo
    assert run(ROOT, ROOT, "verify", **environ).returncode == 0, "a checkout sees the same files"


@pytest.mark.parametrize("command", [("new", "auth", "more"), ("docs",)])
@pytest.mark.parametrize("where", ["nearest", "named"])
def test_an_installed_package_does_not_write_into_itself(
    installed: Path, tmp_path: Path, command: tuple[str, ...], where: str
) -> None:
    """A file more there, and every later run of that installation would be refused."""
    before = sorted(installed.rglob("*.sql"))
    named = ("--config", str(installed / "runner" / "bundled" / "pyproject.toml")) if where == "named" else ()
    done = run(installed, tmp_path, *command, *named)
    assert (done.returncode, done.stdout) == (2, "")
    assert "The files of the installed package are not to be changed." in done.stderr
    assert "in a checkout" in done.stderr
    assert "--config" in done.stderr
    assert (sorted(installed.rglob("*.sql")), list(tmp_path.iterdir())) == (before, [])


def test_a_module_runner_of_the_users_own_does_not_hide_the_command(tmp_path: Path) -> None:
    """`python -m runner` finds what lies in the working folder; the installed command does not look there."""
    (tmp_path / "runner.py").write_text("raise SystemExit('the module of the user')")
    installed = [str(Path(sys.executable).with_name("socrates-migrate"))]
    hidden, found = (
        subprocess.run([*command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=False)
        for command in ([sys.executable, "-m", "runner"], installed)
    )
    assert "the module of the user" in hidden.stderr
    assert (found.returncode, found.stdout.split()[0]) == (0, "socrates-migrate,")


def test_types_travel_with_the_package(installed: Path) -> None:
    """py.typed tells mypy that the annotations count."""
    assert (installed / "runner" / "py.typed").is_file()


def test_the_only_runtime_dependencies_are_the_agreed_ones() -> None:
    """Few dependencies, each earning its place."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[\[<>=]", line)[0] for line in project["dependencies"]}
    assert names == {"click", "psycopg", "python-dotenv", "rich"}


def test_make_help_lists_every_target() -> None:
    """`make` alone explains itself."""
    shown = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in shown.splitlines() if line.startswith("  ")} == TARGETS
    phony = MAKEFILE.partition(".PHONY:")[2].replace("\\", "").split()
    assert set(phony) == TARGETS


def test_no_secret_can_be_an_argument_in_the_makefile() -> None:
    """The variables are read by the runner; make never expands them."""
    recipes = [line for line in MAKEFILE.splitlines() if line.startswith("\t")]
    assert not [line for line in recipes if "DATABASE_URL" in line or "--url" in line]


def test_the_readme_is_short_and_names_only_targets_that_exist() -> None:
    """A newcomer can type what it says."""
    assert len(README.splitlines()) < 150
    named = set(re.findall(r"(?:`|^|\$ )make ([a-z-]+)", README, re.MULTILINE))
    assert named >= {"migrate", "test", "psql-auth"}
    assert named <= TARGETS, named - TARGETS


def test_the_readme_shows_the_picture() -> None:
    """The picture is there, and loads nothing from elsewhere."""
    [path] = re.findall(r"!\[.*?\]\((.*?)\)", README)
    picture = (ROOT / path).read_text(encoding="utf-8")
    assert "applied" in picture
    assert "url(http" not in picture


def test_a_zipapp_does_all_but_bring_its_own_files(tmp_path: Path, url: str) -> None:
    """Queries are read from within the archive; of the files in it the configuration is told."""
    source = tmp_path / "source"
    shutil.copytree(ROOT / "runner", source / "runner", ignore=shutil.ignore_patterns("__pycache__"))
    app = make(tmp_path / "app", app=TWO)
    compileall.compile_dir(source, quiet=1, legacy=True)  # or each start would compile all of it
    zipapp.create_archive(source, tmp_path / "runner.pyz", main="runner.__main__:main")

    def run_zip(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, tmp_path / "runner.pyz", *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "APP_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )

    where = "from runner.database import resource; print(resource.__file__)"
    loaded = subprocess.run(
        [sys.executable, "-c", where], env={"PYTHONPATH": str(tmp_path / "runner.pyz")},
        cwd=tmp_path, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert loaded.startswith(str(tmp_path / "runner.pyz"))
    for command in (["migrate"], ["verify", "--drift"], ["prove"], ["docs"]):
        done = run_zip(*command, "--config", str(app.file))
        assert "Traceback" not in done.stderr
        assert done.returncode == (4 if command == ["prove"] else 0), done.stderr
    assert (app.root / "docs" / "schema" / "app.md").is_file()
    alone = run_zip("status")
    assert (alone.returncode, "name the file with --config" in alone.stderr) == (2, True)


@pytest.mark.parametrize("lacking", ["click", "psycopg"])
def test_a_python_without_the_packages_is_told_apart_from_a_fault(lacking: str) -> None:
    """Whoever forgot the virtual environment gets no traceback to report."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(lacking)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr, "report" in done.stderr) == (1, False, False), done
    assert lacking in done.stderr
    assert f"{sys.executable} " in done.stderr
    assert "make install" in done.stderr
