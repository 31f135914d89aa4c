"""The schema as pages and pictures, read from scratch databases that the files have built.

Take from here ``describe`` (one series as facts, a ``Schema``) and ``fill`` (a folder with its pages and
pictures). Inside, ``diagram`` chooses what a picture shows, ``page`` and ``index`` write Markdown,
``mermaid`` and ``dot`` write diagrams (``label`` what stands in their boxes), ``picture`` draws them,
``sheet`` puts the parts of a picture together, and ``shelf`` puts it all on disk.
"""

# mypy: implicit-reexport
from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.reference.build import describe
    from runner.reference.facts import Schema
    from runner.reference.shelf import Change, fill
else:
    __getattr__ = lazily(__name__, build="describe", facts="Schema", shelf="Change fill")
