"""The examples in examples/: projects that use the runner, held to the promises of the product itself."""

from __future__ import annotations

import re
from pathlib import Path

from tests.project import ROOT, Project

TODO = Project(ROOT / "examples" / "todo")
FILES = sorted((TODO.root / "sql").glob("*.sql"))
ROLLBACKS = sorted((TODO.root / "sql" / "rollback").iterdir())
README = (TODO.root / "README.md").read_text(encoding="utf-8")

# The name by which tests.sql.contract finds a file: an absolute path, so not in its own folder.
CONTRACT = str(Path(__file__).parent / "contract" / "todo")


def blocks(language: str) -> list[str]:
    """Return what stands in the README's blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
