"""Write commands that somebody pastes into a shell: PowerShell on Windows, elsewhere any shell of POSIX."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from runner.cli import output
from runner.cli.text import OBEYED

if TYPE_CHECKING:
    from collections.abc import Sequence

IS_POWERSHELL = sys.platform == "win32"
_PLAIN = re.compile(r"[\w./\\:=+-]+")


def quote(word: str, *, powershell: bool = IS_POWERSHELL) -> str:
    """Return a word so that the shell takes it as it is.

    What a terminal obeys is written out for it, and what the encoding of stdout has no letter for.
    """
    if not all(map(_is_shown, word)):
        return _written_out(word, powershell=powershell)
    if powershell:
        return word if _PLAIN.fullmatch(word) else "'" + word.replace("'", "''") + "'"
    import shlex  # noqa: PLC0415 - start-up time

    return shlex.quote(word)


def _written_out(word: str, *, powershell: bool) -> str:
    signs, mark, written = ('`$"\u201c\u201d\u201e', "`", _units) if powershell else ("\\'", "\\", _octal)
    told = "".join(f"{mark * (c in signs)}{c}" if _is_shown(c) else written(c) for c in word)
    return f'"{told}"' if powershell else f"$'{told}'"


def _is_shown(letter: str) -> bool:
    return not OBEYED.match(letter) and output.spells(sys.stdout, letter)


def _units(letter: str) -> str:
    """Return a letter as PowerShell counts it: one beyond U+FFFF is two."""
    units = memoryview(letter.encode("utf-16-le", "surrogatepass")).cast("H")
    return "".join(f"$([char]{unit})" for unit in units)


def _octal(letter: str) -> str:
    """Return a letter as bytes of three digits each, so that none that follows counts among them."""
    return "".join(f"\\{byte:03o}" for byte in letter.encode("utf-8", "surrogateescape"))


def join(words: Sequence[str], *, powershell: bool = IS_POWERSHELL) -> str:
    """Return words as a command; PowerShell calls what is quoted only behind an ampersand."""
    line = " ".join(quote(word, powershell=powershell) for word in words)
    return f"& {line}" if powershell and line.startswith(("'", '"')) else line


def variable(name: str, *, powershell: bool = IS_POWERSHELL) -> str:
    """Return what stands for the value of an environment variable."""
    return f'"$env:{name}"' if powershell else f'"${name}"'
