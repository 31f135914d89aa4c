"""A folder becomes migrations: names, text, directives, statements, checksum.

Take from here ``load`` (the migrations of a folder), ``check`` (refuse what must not be sent), ``scan``
(statements with their offsets), ``locate`` (an offset as a place), ``made_schemas`` (what a file creates),
``explain`` (how a file differs from what was applied) and ``create`` (the next file from a template, which
alone writes). The lexical rules are PostgreSQL's (manual, section 4.1) with ``standard_conforming_strings``
on. No server is asked.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.files.content import check as check
    from runner.files.difference import explain as explain
    from runner.files.folder import load as load
    from runner.files.folder import shown as shown
    from runner.files.lexer import Statement as Statement
    from runner.files.lexer import scan as scan
    from runner.files.place import locate as locate
    from runner.files.schemas import made_schemas as made_schemas
    from runner.files.template import create as create
else:
    __getattr__ = lazily(
        __name__,
        content="check",
        difference="explain",
        folder="load shown",
        lexer="Statement scan",
        place="locate",
        schemas="made_schemas",
        template="create",
    )
