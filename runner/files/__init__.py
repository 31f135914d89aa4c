"""A folder becomes migrations: names, text, directives, statements, checksum.

Take from here ``load`` (the migrations of a folder), ``check`` (refuse what must not be sent), ``scan``
(statements with their offsets), ``locate`` (an offset as a place), ``explain`` (how a file differs from what
was applied), ``create`` (the next file from a template) and ``lay_out`` (a new project), which write, and
``write`` and ``writing`` for whoever else does.
The lexical rules are PostgreSQL's (manual, section 4.1) with ``standard_conforming_strings`` on. No server is
asked.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.files.content import check as check
    from runner.files.defaults import folded as folded
    from runner.files.difference import explain as explain
    from runner.files.disk import write as write
    from runner.files.disk import writing as writing
    from runner.files.folder import load as load
    from runner.files.folder import shown as shown
    from runner.files.layout import lay_out as lay_out
    from runner.files.lexer import Statement as Statement
    from runner.files.lexer import scan as scan
    from runner.files.place import locate as locate
    from runner.files.template import create as create
else:
    __getattr__ = lazily(
        __name__,
        content="check",
        defaults="folded",
        difference="explain",
        disk="write writing",
        folder="load shown",
        layout="lay_out",
        lexer="Statement scan",
        place="locate",
        template="create",
    )
