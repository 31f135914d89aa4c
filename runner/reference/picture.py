"""Draw diagrams as SVG files with Graphviz' layout, which the wheel of the extra ``docs`` brings."""

from __future__ import annotations

import re
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import RunnerError
from runner.reference import dot, sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

WHEEL = "graphviz-pure"
_SIZE = re.compile(r'viewBox="0\.00 0\.00 (\d+)\.00 (\d+)\.00"')
_BODY = re.compile(r"<svg[^>]*>\n(.*)</svg>", re.DOTALL)
# The font is said once, and numbered names would not be unique in a picture of several parts.
_NEEDLESS = re.compile(r'<!--.*?-->\n| (?:id|font-family)="[^"]*"| xml:space="preserve"')


def program() -> Path | None:
    """Return the path of the wheel's program as installed for this Python, ``None`` where it is not."""
    try:
        files = metadata.files(WHEEL) or ()
    except metadata.PackageNotFoundError:
        return None
    found = (Path(str(file.locate())).resolve() for file in files if file.stem == WHEEL)
    return next((path for path in found if path.is_file()), None)


def draw(graphviz: Path, sketches: Sequence[dot.Sketch]) -> str:
    """Return a picture as SVG, each part in its best layout. Raises ``RunnerError`` if the program fails."""
    parts = [sheet.best([_part(graphviz, s.title, one) for one in s.layouts]) for s in sketches]
    return sheet.arrange(parts)


def _part(graphviz: Path, title: str | None, source: str) -> sheet.Part:
    svg = _run(graphviz, source)
    size, body = _SIZE.search(svg), _BODY.search(svg)
    if not (size and body):
        raise _failure(graphviz, svg)
    return sheet.Part(title, int(size[1]), int(size[2]), _NEEDLESS.sub("", body[1]))


def _run(graphviz: Path, source: str) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the wheel's program, with arguments of our own
            [graphviz, "-Tsvg"], input=source, capture_output=True, text=True, encoding="utf-8", check=False
        )
    except OSError as error:
        raise _failure(graphviz, str(error)) from error
    if done.returncode:
        raise _failure(graphviz, done.stderr)
    return done.stdout


def _failure(graphviz: Path, said: str) -> RunnerError:
    return RunnerError(
        f"{graphviz} could not draw a diagram.",
        remedy=f"Check that `{graphviz} -V` works; if not, install the extra `docs` anew.",
        notes=tuple(said.splitlines()[:5]),
    )
