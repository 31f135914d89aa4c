"""Write the two files of a new migration."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner import folder
from runner.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

FORWARD = """\
-- {version}_{name}.sql  (series: {series})
--
-- Makes:   what this file adds.
-- Why:     the need it answers.
-- Rolling back loses what is stored in it.
--
-- Write statements that may run twice: create table if not exists, create index if not exists,
-- create or replace function, alter table ... add column if not exists. No begin, no commit.
"""

ROLLBACK = """\
-- rollback/{version}_{name}.sql  (series: {series})
--
-- Undoes:  {folder}/{version}_{name}.sql
-- Loses:   what is stored in it.
-- Run:     psql -X -v ON_ERROR_STOP=1 -1 -f {folder}/rollback/{version}_{name}.sql "${variable}"
--
-- One statement: all of it happens or nothing does, however psql is called.

do $rollback$
"""


def create(series: str, sql: Path, name: str, *, root: Path, variable: str) -> tuple[Path, Path]:
    """Write the next forward file and its rollback; return both paths.

    The forward file holds no statement, so the runner refuses it until it is written.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise UsageError(f"{name!r} is not a name for a migration.", remedy="Use a-z, 0-9 and _.")
    facts = {
        "series": series,
        "version": f"{len(folder.load(series, sql, root=root)):03}",
        "name": name,
        "folder": folder.shown(sql, root=root),
        "variable": variable,
    }
    forward = sql / "{version}_{name}.sql".format_map(facts)
    rollback = sql / folder.ROLLBACK / forward.name
    rollback.parent.mkdir(exist_ok=True)
    for path, text in ((forward, FORWARD), (rollback, ROLLBACK)):
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text.format_map(facts))
    return forward, rollback
