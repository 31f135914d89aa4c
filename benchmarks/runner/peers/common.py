"""What several tools need: an environment for their processes, and one process per database."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.runner.model import Command, Failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.runner.model import Target


def environ(**more: str) -> dict[str, str]:
    """Return a small environment: none of the variables of whoever runs the benchmark reach a tool."""
    return {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "LC_ALL": "C.UTF-8", **more}


def each(program: Path, targets: Sequence[Target], *arguments: str) -> list[Command]:
    """Return a process per database, with its URL in DATABASE_URL; {folder} is the tool's folder."""
    return [
        Command(
            program,
            tuple(text.replace("{folder}", str(target.folder)) for text in arguments),
            environ(DATABASE_URL=target.url),
        )
        for target in targets
    ]


def there(tool: Path | str) -> Path:
    """Return where a tool is. Raises ``Failed`` with the reason when it is not."""
    if isinstance(tool, str):
        raise Failed(tool)
    return tool
