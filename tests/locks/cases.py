"""DDL statements, the lock that the manual gives each, and what happens under it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import yaml


class Case(NamedTuple):
    """A statement, and of each relation that it locks against somebody: the lock and the work."""

    sql: str
    expected: dict[str, tuple[str, str]]


def _cases() -> list[Case]:
    listed = yaml.safe_load((Path(__file__).parent / "cases.yaml").read_text(encoding="utf-8"))
    return [
        Case(one["sql"], {name: tuple(told) for name, told in one.items() if name != "sql"}) for one in listed
    ]


CASES = _cases()
