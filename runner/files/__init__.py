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

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.files.alone import commits_itself as commits_itself
    from runner.files.alone import detaches as detaches
    from runner.files.alone import indexes as indexes
    from runner.files.alone import waits_for_others as waits_for_others
    from runner.files.content import check as check
    from runner.files.defaults import folded as folded
    from runner.files.difference import COMMENTS_DIFFER as COMMENTS_DIFFER
    from runner.files.difference import explain as explain
    from runner.files.disk import write as write
    from runner.files.disk import writing as writing
    from runner.files.folder import leavings as leavings
    from runner.files.folder import load as load
    from runner.files.folder import shown as shown
    from runner.files.hidden import blanked as blanked
    from runner.files.hidden import body as body
    from runner.files.layout import lay_out as lay_out
    from runner.files.lexer import Statement as Statement
    from runner.files.lexer import scan as scan
    from runner.files.outside import ALONE as ALONE
    from runner.files.outside import NAME as NAME
    from runner.files.outside import may_call as may_call
    from runner.files.outside import plain as plain
    from runner.files.outside import procedures as procedures
    from runner.files.outside import sets_for_sessions as sets_for_sessions
    from runner.files.place import locate as locate
    from runner.files.schemas import made_schemas as made_schemas
    from runner.files.schemas import replaced_routines as replaced_routines
    from runner.files.template import create as create
    from runner.files.unvalidated import Unvalidated as Unvalidated
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
