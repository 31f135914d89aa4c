"""Know which options are secret, and where one stands that libpq takes for a part of another."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from psycopg import pq

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNMARKED = {"scram_client_key", "scram_server_key", "oauth_client_secret"}
# A setting may be called so behind a dot, in the options of a session.
_NAME = rf"(?<![\w.])(?:(?:ssl)?password|passwd|passphrase|pass|pwd|{'|'.join(sorted(_UNMARKED))})\s*="
_OTHER = r"[&;?]\s*(?:user|username|uid|host|hostaddr|server|port|dbname|database|sslmode)\s*="
_MISREAD = f"(?i){_NAME}|{_OTHER}"  # compiled where an option holds another name
_SAID = f"(?i)({_NAME}).+"  # to the end of the line: who knows where it ends
_APART = "In a URL, parameters begin with ? and stand apart with &; in name=value text, with blanks."


def secrets() -> set[str]:
    """Return which of libpq's options are secret: what it marks as a password, and what it does not."""
    return _UNMARKED | {one.keyword.decode() for one in pq.Conninfo.get_defaults() if one.dispchar == b"*"}


def misread(options: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what is wrong with an option that holds another one, and the remedy; it can never be shown."""
    doubtful = {name for name, has in options.items() if "=" in str(has)}
    # user before the dbname that it stands for
    for name in sorted(doubtful - secrets(), reverse=True) if doubtful else ():
        if re.search(_MISREAD, str(options[name])):
            return f"its {name} holds another parameter", _APART
    return None


def veiled(text: str) -> str:
    """Return a text without what stands behind the name of a secret."""
    return re.sub(_SAID, r"\1***", text)
