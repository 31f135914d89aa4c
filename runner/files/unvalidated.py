"""Know the constraints that files leave ``not valid`` on purpose, so that nobody calls it a fault."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from runner.files.hidden import blanked
from runner.files.outside import NAME, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

# Anywhere in the text, because it may stand in a block that asks first, or in a string that is executed.
_ALTER = re.compile(
    r"\balter\s+(?:(?:foreign\s+)?table|domain)\s+(?:if\s+exists\s+)?(?:only\s+)?"
    rf"(?:{NAME}\s*\.\s*)*({NAME})\s*\*?\s*((?:add|validate|drop|alter|rename)\b[^;]*)",
    re.IGNORECASE,
)
_ACTION = re.compile(
    rf"""\b(?: (?P<did>add|validate|drop) \s+ constraint \s+ (?:if\s+exists\s+)? (?P<name>{NAME})
        | (?P<unnamed>add) \s+ (?:check|foreign|not)\b
        | rename \s+ (?:constraint\s+ (?P<old>{NAME}) \s+)? to \s+ (?P<new>{NAME}) )""",
    re.IGNORECASE | re.VERBOSE,
)
_NOT_VALID = re.compile(r"\bnot\s+valid\b", re.IGNORECASE)


class Unvalidated:
    """Follows files in order, and tells of a constraint whether they leave it so.

    The key is the name of the table or domain, without schema, and that of the constraint; ``None`` stands
    for one to which PostgreSQL gives a name.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._left: dict[tuple[str, str | None], bool] = {}
        for text in texts:
            for owner, actions in _ALTER.findall(blanked(text)):
                self._follow(plain(owner), actions)

    def says(self, owner: str, name: str) -> bool | None:
        """Return whether the files leave it unvalidated; ``None`` when they do not name it."""
        unnamed = self._left.get((owner, None)) if name.startswith(f"{owner}_") else None
        return self._left.get((owner, name), unnamed)

    def _follow(self, owner: str, actions: str) -> None:
        found = list(_ACTION.finditer(actions))
        for action, following in zip_longest(found, found[1:]):
            text = actions[action.start() : following.start() if following else None]
            if action["new"]:
                self._rename(owner, action["old"] and plain(action["old"]), plain(action["new"]))
            elif action["unnamed"]:
                if _NOT_VALID.search(text):
                    self._left[owner, None] = True
            else:
                left = action["did"].lower() == "add" and bool(_NOT_VALID.search(text))
                self._left[owner, plain(action["name"])] = left

    def _rename(self, owner: str, old: str | None, new: str) -> None:
        if old is not None:
            self._left[owner, new] = self._left.pop((owner, old), False)
            return
        for key in [key for key in self._left if key[0] == owner]:
            self._left[new, key[1]] = self._left.pop(key)
