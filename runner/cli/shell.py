"""Write commands that somebody pastes into a shell: PowerShell on Windows, elsewhere any shell of POSIX."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

IS_POWERSHELL = sys.platform == "win32"
_PLAIN = re.compile(r"[\w./\\:=+-]+")


def quote(word: str, *, powershell: bool = IS_POWERSHELL) -> str:
    """Return a word so that the shell takes it as it is."""
    if powershell:
        return word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "''") + "'"
    import shlex  # noqa: PLC0415 - start-up time

    return shlex.quote(word)


def join(words: Sequence[str], *, powershell: bool = IS_POWERSHELL) -> str:
    """Return words as a command; PowerShell calls what is quoted only behind an ampersand."""
    line = " ".join(quote(word, powershell=powershell) for word in words)
    return f"& {line}" if powershell and line.startswith("'") else line


def variable(name: str, *, powershell: bool = IS_POWERSHELL) -> str:
    """Return what stands for the value of an environment variable."""
    return f'"$env:{name}"' if powershell else f'"${name}"'
