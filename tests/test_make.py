"""The Makefile and the run of CI: goals come in their order, and only what the README asks for is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def run(*command: str, cwd: Path = ROOT, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run a command as if no other make were above it."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        command, cwd=cwd, env=outside | environ, check=False, capture_output=True, text=True, timeout=60
    )


# ---------------------------------------------------------------- make


@pytest.mark.parametrize("jobs", ["", "-j4"])
def test_goals_run_in_the_order_they_are_named(tmp_path: Path, jobs: str) -> None:
    """`make -j4 migrate status` shows the state after the migration."""
    slow = tmp_path / "runner"
    slow.write_text('#!/bin/sh\n[ "$1" != migrate ] || sleep 0.3\necho "$@"\n', encoding="utf-8")
    slow.chmod(0o755)
    goals = ["migrate", "migrate-specs", "status"]
    done = run("make", f"-s{jobs.lstrip('-')}", "-o", "install", f"RUNNER={slow}", *goals)
    assert done.stdout.splitlines() == ["migrate", "migrate specs", "status"], done.stderr


def test_make_turns_every_failure_into_its_own() -> None:
    """What the README says about exit codes: 5 becomes 2."""
    assert run("make", "-o", "install", "RUNNER=exit 5;", "status").returncode == 2


@pytest.mark.parametrize("is_stale", [True, False])
def test_what_was_installed_for_another_python_is_installed_anew(tmp_path: Path, *, is_stale: bool) -> None:
    """After an upgrade .venv/bin/python is the next version, for which lib/ holds nothing."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    run(sys.executable, "-m", "venv", "--without-pip", ".venv", cwd=tmp_path)
    [packages] = tmp_path.glob(".venv/lib/*/site-packages")
    (packages / "pip").mkdir()
    (tmp_path / ".venv" / ".migrate").touch()
    if is_stale:
        packages.parent.rename(packages.parent.with_name("python3.1"))
    planned = run("make", "-n", "install", cwd=tmp_path).stdout
    assert ("-m venv --clear .venv" in planned, "-m pip install" in planned) == (is_stale, is_stale), planned


# ---------------------------------------------------------------- .ci/run


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the script of CI, for a Makefile of the test's own."""
    shutil.copytree(ROOT / ".ci", tmp_path / "project" / ".ci")
    return tmp_path / "project"


def ci(checkout: Path, recipe: str, *, path: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    """Run CI on a Makefile whose `test` is this one line."""
    (checkout / "Makefile").write_text(f"test:\n\t@{recipe}\nmiddle:\n\t@:\n", encoding="utf-8")
    return run("bash", ".ci/run", cwd=checkout, **environ, PATH=f"{path}:{os.environ['PATH']}".lstrip(":"))


@pytest.mark.parametrize("folder", ["bin", "sbin"])
def test_a_program_that_no_readme_asks_for_is_not_found(checkout: Path, tmp_path: Path, folder: str) -> None:
    """It stands first on the PATH of whoever calls CI, and still the call fails."""
    planted = tmp_path / folder / "dot"
    planted.parent.mkdir()
    planted.write_text("#!/bin/sh\n", encoding="utf-8")
    planted.chmod(0o755)
    path = str(planted.parent)
    assert run("dot", PATH=f"{path}:{os.environ['PATH']}").returncode == 0
    done = ci(checkout, "dot -V", path=path)
    assert done.returncode == 2
    assert "dot: " in done.stdout


def test_what_machines_often_have_is_not_on_path(checkout: Path) -> None:
    """Whether or not this machine has it."""
    often = "pip gcc curl psql docker node sudo"
    done = ci(checkout, f"for name in {often}; do ! command -v $$name || exit 1; done")
    assert done.returncode == 0, done.stdout


def test_the_promised_programs_are_there(checkout: Path) -> None:
    """The essential ones, make, git, and a Python whose environments outlive the run."""
    recipe = "sed --version && awk 1 /dev/null && git --version && python3 -m venv --without-pip .venv"
    done = ci(checkout, recipe)
    assert done.returncode == 0, done.stdout
    assert run(".venv/bin/python", "-c", "", cwd=checkout).returncode == 0


def test_the_environment_holds_what_pip_needs_and_an_empty_home(checkout: Path) -> None:
    """PATH and HOME are new, pip's variables are kept, the rest of the caller's is gone."""
    recipe = "env | cut -d= -f1; ls -A ~; stat -c %a ~/../bin | sed s/^/mode=/"
    kept = {"PIP_INDEX_URL": "x y", "PIP_CERT": "", "SSL_CERT_FILE": "f", "https_proxy": "p"}
    lost = {"CI": "true", "TERM": "xterm", "DATABASE_URL_AUTH": "postgresql://", "PYTHONPATH": "/x"}
    done = ci(checkout, recipe, **kept, **lost)
    shown = set(done.stdout.splitlines())
    assert {"PATH", "HOME", "mode=755", *kept} <= shown, done.stderr
    own = {"PATH", "HOME", "PWD", "OLDPWD", "SHLVL", "_", "mode=755"}  # some shells add their own
    extra = {name for name in shown - own if not name.startswith(("MAKE", "MFLAGS", "PIP_", "SSL_CERT_"))}
    assert extra <= {"https_proxy", "http_proxy", "no_proxy", "REQUESTS_CA_BUNDLE"}


def test_only_pgbouncer_may_be_missing(checkout: Path) -> None:
    """A test that was skipped for want of anything else fails the run, although make succeeds."""
    assert ci(checkout, "echo 'PgBouncer is not installed: 5'").returncode == 0
    done = ci(checkout, "echo 'PgBouncer is not installed: 5'; echo 'PostgreSQL 15 is not installed: 9'")
    assert done.returncode == 1
    assert "PostgreSQL 15 is not installed" in done.stdout


def test_a_failure_is_passed_on(checkout: Path) -> None:
    """Make's exit code is the script's, although its output goes through a pipe."""
    assert ci(checkout, "false").returncode == 2


# ---------------------------------------------------------------- what pytest says at its end

TESTS = """
import pytest

@pytest.mark.skip(reason="PostgreSQL 15 is not installed")
@pytest.mark.parametrize("number", [1, 2])
def test_marked(number): ...

def test_left(): pytest.skip("PgBouncer is not installed")
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_what_was_skipped_is_told_by_reason_and_name(tmp_path: Path, workers: str) -> None:
    """By one process and by several; .ci/run reads the lines that end with a count."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    options = ("-p", "tests.conftest", "-p", "no:cacheprovider", "-n", workers)
    done = run(sys.executable, "-m", "pytest", *options, str(tmp_path), PYTHONPATH=str(ROOT))
    _, _, told = done.stdout.partition(" 3 skipped =")
    assert told.splitlines()[1:-1] == [
        "PgBouncer is not installed: 1",
        "    test_it.py::test_left",
        "PostgreSQL 15 is not installed: 2",
        "    test_it.py::test_marked[1]",
        "    test_it.py::test_marked[2]",
    ]
