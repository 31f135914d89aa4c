"""Keep out of an error what the words of a call, and the variables of its options, hold of passwords."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.errors import RunnerError

# What `secrets` of runner.database.url names; to ask it would load psycopg for a misspelt option. Without a
# value it is a name like others: of a series, a table, an index.
_SECRET = re.compile(r"(password|scram_client_key|scram_server_key|oauth_client_secret)\s*=\s*\S", re.I)
_HIDDEN = "***"


def hidden(problem: RunnerError, words: Iterable[str]) -> RunnerError:
    """Return an error without those words that may hold a password, wherever they stood."""
    values = (value for name, value in os.environ.items() if name.startswith("RUNNER_"))
    for secret in _secrets((*words, *values)):
        problem.message = problem.message.replace(secret, _HIDDEN)
        problem.remedy = problem.remedy and problem.remedy.replace(secret, _HIDDEN)
        problem.notes = tuple(note.replace(secret, _HIDDEN) for note in problem.notes)
    return problem


def _secrets(words: Iterable[str]) -> list[str]:
    """Return such words, the longest first: as they are, quoted by Python, and taken for a path."""
    parts = {part for word in words for part in (word, word.partition("=")[2])}
    secret = {part for part in parts if ("://" in part and "@" in part) or _SECRET.search(part)}
    ways = {way for part in secret for way in (part, repr(part)[1:-1], part.replace("//", "/"))}
    return sorted(ways, key=len, reverse=True)
