"""The command line: what a person and a pipeline get."""

from __future__ import annotations

import json
import re
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


def settled(written: str) -> str:
    """Return what stays on a terminal: bars that come and go erase what they drew; colours stay."""
    rows, at = [""], 0
    for token in re.findall(r"\x1b\[[\d;?]*[A-Za-z]|[\r\n]|[^\x1b\r\n]+", written):
        if token == "\n":
            at += 1
            rows += [""] * (at == len(rows))
        elif token == "\x1b[1A":
            at -= 1
        elif token == "\x1b[2K":
            rows[at] = ""
        elif token[0] != "\r" and (token[0] != "\x1b" or token[-1] == "m"):
            rows[at] += token
    return "\n".join(rows)
