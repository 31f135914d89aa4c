"""The command line: what a person and a pipeline get."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from tests.project import ROOT

if TYPE_CHECKING:
    from click.testing import Result


NEEDS = "-- runner: requires-extension nowhere_to_be_found\nselect 1;"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


def beside(stream: io.StringIO) -> io.StringIO:
    """Return another stream that writes to the same place."""
    other = type(stream)()
    other.write = stream.write  # type: ignore[method-assign] # a stream is its write
    return other


def lines(result: Result) -> list[str]:
    """Return what went to stdout, line by line, its blanks folded."""
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


SCHEMA: dict[str, Any] = json.loads((ROOT / "docs" / "document.schema.json").read_text(encoding="utf-8"))


def _closed(schema: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a schema in which no object has a key that the schema does not name.

    Of the entries, those of each command say it; what a pipeline validates with stays open for new keys.
    """
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inside = {key: _closed(value) for key, value in schema.items()}
    is_entry = schema.get("description") == "An entry."
    is_object = schema.get("type") == "object" and "properties" in schema and not is_entry
    return inside | {"additionalProperties": False} if is_object else inside


_VALIDATOR = Draft202012Validator(_closed(SCHEMA), format_checker=Draft202012Validator.FORMAT_CHECKER)


def checked(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document that the schema allows, to the last key."""
    _VALIDATOR.validate(document)
    return document


def data(result: Result) -> dict[str, Any]:
    """Return the one JSON document on stdout, which is as the schema says."""
    return checked(json.loads(result.stdout))


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
