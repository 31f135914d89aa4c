"""Number the files of another tool: print what a shell does, where their order is beyond doubt."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from runner.errors import FileName

if TYPE_CHECKING:
    from collections.abc import Iterable

# Numbers what has a stamp or needless zeros, in the order of a series, from the number put into i before.
_RENUMBER = (
    "printf '%s\\n' *.sql | awk -F_ 'length($1) > 7 || /^0/ && length($1) > 3 { print length($1), $0 }' | "
    'LC_ALL=C sort -n | while read -r _ f; do n=$(printf %03d $i)_$(echo "${f#*_}" | tr A-Z- a-z_); '
    '[ -e "$n" ] || { mv -n "$f" "$n"; [ ! -e "rollback/$f" ] || mv -n "rollback/$f" "rollback/$n"; }; '
    "i=$((i + 1)); done"
)
_DATE = r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d*(?=_)"  # with or without a time
_LONGEST = 20  # digits: a date, and a time with microseconds


def foreign(problem: str, cure: str, expected: int) -> FileName:
    """Return the error for a number that only another tool writes, with the line that numbers them all."""
    return FileName(
        f"{problem}.",
        remedy=f"Numbers run from 000 without gaps: {cure}. The line above does it for all of them, in a "
        "shell, in their folder.",
        notes=(f"i={expected}; {_RENUMBER}",),
    )


def unordered(files: Iterable[str]) -> FileName | None:
    """Return the error for dates that are in another order as numbers: a line would have to guess which."""
    dates = [(found.group(), file) for file in files if (found := re.match(_DATE, file))]
    for (short, first), (long, second) in pairwise(dates):
        if short.ljust(_LONGEST, "0") > long.ljust(_LONGEST, "0"):
            return FileName(
                f"{first} has a timestamp for a number, which comes before that of {second} as a number, but "
                "behind it as a date.",
                remedy="Where the other tool went by date, lengthen the shorter ones with zeros, this one to "
                f"{short.ljust(len(long), '0')}{first.removeprefix(short)}, and those in rollback/ alike; "
                "where it went by number, rename the files by hand, in that order.",
            )
    return None
