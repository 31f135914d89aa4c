"""A folder becomes migrations: names, text, directives, statements, checksum.

Take from here ``load`` (the migrations of a folder), ``leavings`` (what else lies there), ``check`` (refuse
what must not be sent), ``procedures`` (which it must know where a file ``may_call`` one),
``waits_for_others``, ``commits_itself``, ``detaches`` and ``indexes`` (of a file without a transaction),
``scan`` (statements with their offsets), ``blanked`` (a text without its comments), ``body`` (the longest
string of a statement), ``locate`` (an offset as a place), ``made_schemas`` (what a file creates),
``replaced_routines`` (what it would replace), ``folded`` (defaults that are a time), ``explain`` (how a file
differs from what was applied), ``Unvalidated`` (constraints that files leave so); and to write, ``create``
(the next file from a template), ``lay_out`` (a new project), ``write`` and ``writing``. No server is asked;
the lexical rules are PostgreSQL's (manual, section 4.1), with ``standard_conforming_strings`` on.
"""

# mypy: implicit-reexport
from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.files.alone import commits_itself, detaches, indexes, waits_for_others
    from runner.files.content import check
    from runner.files.defaults import folded
    from runner.files.difference import COMMENTS_DIFFER, explain
    from runner.files.disk import write, writing
    from runner.files.folder import leavings, load, shown
    from runner.files.hidden import blanked, body
    from runner.files.layout import lay_out
    from runner.files.lexer import Statement, scan
    from runner.files.outside import ALONE, NAME, may_call, plain, procedures, sets_for_sessions
    from runner.files.place import locate
    from runner.files.schemas import made_schemas, replaced_routines
    from runner.files.template import create
    from runner.files.unvalidated import Unvalidated
else:
    __getattr__ = lazily(
        __name__,
        alone="commits_itself detaches indexes waits_for_others",
        content="check",
        defaults="folded",
        difference="COMMENTS_DIFFER explain",
        disk="write writing",
        folder="leavings load shown",
        hidden="blanked body",
        layout="lay_out",
        lexer="Statement scan",
        outside="ALONE NAME may_call plain procedures sets_for_sessions",
        place="locate",
        schemas="made_schemas replaced_routines",
        template="create",
        unvalidated="Unvalidated",
    )
