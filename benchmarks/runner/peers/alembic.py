"""Alembic: a revision per file that runs the file's text, a transaction and a record per revision."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from benchmarks.runner.install import output
from benchmarks.runner.model import Peer
from benchmarks.runner.peers.common import each, there

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.runner.install import Tools
    from benchmarks.runner.model import Action, Command, FileSet, Target
    from benchmarks.runner.server import Server

_INI = "[alembic]\nscript_location = %(here)s\n"
_ENV = """\
import os

from alembic import context
from sqlalchemy import create_engine, pool

url = os.environ["DATABASE_URL"].replace("postgresql:", "postgresql+psycopg:")
with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()
"""
_REVISION = '''\
"""{name}"""

from pathlib import Path

from alembic import op

revision = "{revision}"
down_revision = {down_revision}


def upgrade():
    text = Path(__file__).with_suffix(".sql").read_text()
    # text() would take the :name in a string for a parameter, and the driver a % for a placeholder
    op.get_bind().exec_driver_sql(text, execution_options={{"no_parameters": True}})


def downgrade():
    raise NotImplementedError
'''
_COMMANDS = {"migrate": ("upgrade", "head"), "status": ("current",)}
# Only the newest revision is recorded; its number counts those before it.
_RECORDED = "select coalesce(max(version_num)::int + 1, 0) from alembic_version"


def peer(_server: Server, tools: Tools) -> Peer:
    """Return Alembic with SQLAlchemy and the driver that this runner has."""
    program = there(tools.python) / "bin" / "alembic"

    def commands(action: Action, targets: Sequence[Target], _work: Path) -> list[Command]:
        return each(program, targets, "-c", "{folder}/alembic.ini", *_COMMANDS[action])

    versions = "import alembic, sqlalchemy as s; print(alembic.__version__, 'with SQLAlchemy', s.__version__)"
    version = output(program.with_name("python"), "-c", versions)
    return Peer("alembic", version, _write, commands, _RECORDED)


def _write(files: FileSet, folder: Path) -> None:
    (folder / "alembic.ini").write_text(_INI)
    (folder / "env.py").write_text(_ENV)
    (folder / "versions").mkdir()
    for number, path in enumerate(files.files):
        revision, previous = f"{number:05}", f'"{number - 1:05}"' if number else "None"
        base = folder / "versions" / f"{revision}_{path.stem.partition('_')[2]}"
        text = _REVISION.format(name=path.stem, revision=revision, down_revision=previous)
        base.with_suffix(".py").write_text(text)
        shutil.copy(path, base.with_suffix(".sql"))
