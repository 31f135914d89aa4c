"""The command line: what a person and a pipeline get."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from click.testing import Result


NEEDS = "-- runner: requires-extension nowhere_to_be_found\nselect 1;"


def lines(result: Result) -> list[str]:
    """Return what went to stdout, line by line, its blanks folded."""
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def data(result: Result) -> dict[str, Any]:
    """Return the one JSON document on stdout."""
    document: dict[str, Any] = json.loads(result.stdout)
    return document
