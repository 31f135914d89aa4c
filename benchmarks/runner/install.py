"""Install the tools to compare with into ``.bench/``, each kind by its own package manager."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.runner.model import Failed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FOLDER = Path(__file__).parents[2] / ".bench"
_PYPI = ("alembic>=1.18", "sqlalchemy>=2.0.46", "yoyo-migrations>=9.0.0")
_NPM = ("dbmate@>=2.29.0", "node-pg-migrate@>=8.0.4", "pg@>=8.17.0")


@dataclass(frozen=True, slots=True)
class Tools:
    """Where tools are, or the reason why there are none: a virtual environment and a node_modules."""

    python: Path | str
    node: Path | str


NO_TOOLS = Tools("was not wanted", "was not wanted")


def install() -> Tools:
    """Install what is not there yet. Writes to ``.bench/``, which git and ruff do not look into."""
    print("installing the other tools into .bench/ where they are missing", file=sys.stderr)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n")
    return Tools(_attempt(_python), _attempt(_node))


def program(name: str) -> Path:
    """Return the absolute path of a program. Raises ``Failed`` when it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise Failed(f"{name} is not installed")
    return Path(found).resolve()


def output(*arguments: str | Path) -> str:
    """Return what a program prints. Raises ``Failed`` with its last words."""
    done = subprocess.run(arguments, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Failed(f"{Path(arguments[0]).name}: {words[-1] if words else done.returncode}")
    return done.stdout.strip()


def _attempt(step: Callable[[], Path]) -> Path | str:
    try:
        return step()
    except Failed as error:
        return str(error)


def _python() -> Path:
    """Install the tools in Python, with the driver that the runner has: it shall make no difference."""
    wanted = [*_PYPI, f"psycopg[binary]=={version('psycopg')}"]
    folder = FOLDER / "python"
    if _is_new(folder, wanted):
        output(sys.executable, "-m", "venv", "--clear", folder)
        output(folder / "bin" / "python", "-m", "pip", "install", "--quiet", *wanted)
        _keep(folder, wanted)
    return folder


def _node() -> Path:
    folder = FOLDER / "node"
    if _is_new(folder, _NPM):
        output(program("npm"), "install", "--no-audit", "--no-fund", "--prefix", folder, *_NPM)
        _keep(folder, _NPM)
    return folder / "node_modules"


def _is_new(folder: Path, wanted: Sequence[str]) -> bool:
    note = folder / "installed"
    return not note.is_file() or note.read_text().splitlines() != list(wanted)


def _keep(folder: Path, wanted: Sequence[str]) -> None:
    (folder / "installed").write_text("\n".join(wanted))
