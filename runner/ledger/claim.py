"""Tell when a statement of a file, or what the server says of one, is about the ledger itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.database import Error

NAME = "schema_migrations"
OWN = (
    "public.schema_migrations is the runner's own ledger: no file makes, changes or drops it. Take that out; "
    "a table of another tool needs another name, or a schema that is written with it."
)

# SQLSTATEs of a statement that takes the ledger for something else: there is one already, there is none, it
# has no such column, is no view, has a value missing or twice.
_MISTAKEN = ("42P07", "42P01", "42703", "42809", "23502", "23505")
_THING = r"(?:(?:unlogged|foreign|materialized)\s+)?(?:table|view|sequence|type)\s+"
_NAMED = r"""
    (?:public\s*\.\s*|(?-i:"public")\s*\.\s*)?
    (?:schema_migrations(?![\w$])|(?-i:"schema_migrations"))
    (?!\s*\.|\s+owner\s+to\b)
"""
_WRITES = r"(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?)\s+(?:only\s+)?"
_CLAIM = rf"""(?isx)
    (?:
        create\s+(?:or\s+replace\s+)?{_THING}(?:if\s+not\s+exists\s+)?
      | (?:alter|drop)\s+{_THING}(?:if\s+exists\s+)?(?:only\s+)?
      | {_WRITES}
      | (?:truncate|drop\s+table)\b[^;']*?,\s*(?:only\s+)?
      | with\b.*?\b{_WRITES}
      | do\b.*?\b(?!insert|merge){_WRITES}  # these two fail by themselves, with the same words
      | create\s+{_THING}[^;]*?\binherits\s*\((?:[^;)]*,)?\s*
      | alter\s+{_THING}[^;]*?(?<!\bno)\s+inherit\s+
      | create\s+(?:or\s+replace\s+)?(?:constraint\s+trigger|trigger|rule|policy)\b[^;]*?\s(?:on|to)\s+
    )
    {_NAMED}
"""


def claims(statement: str) -> bool:
    """Tell whether a statement makes, changes, drops or writes what is, or would be, the ledger."""
    return bool(re.match(_CLAIM, statement))


def is_mistaken(error: Error) -> bool:
    """Tell whether an error comes of taking the ledger for a table of the file's own."""
    return error.sqlstate in _MISTAKEN and NAME in (error.diag.message_primary or "")
