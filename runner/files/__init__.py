"""A folder becomes migrations: names, text, directives, statements, checksum.

No server is asked; the lexical rules are PostgreSQL's (manual, section 4.1), with
``standard_conforming_strings`` on.
"""

# mypy: implicit-reexport
from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.files.alone import commits_itself, detaches, indexes, waits_for_others
    from runner.files.content import check
    from runner.files.defaults import folded
    from runner.files.difference import COMMENTS_DIFFER, SECRETS_DIFFER, changes, explain
    from runner.files.disk import write, writing
    from runner.files.folder import leavings, load, shown
    from runner.files.frame import deletes_row, misnamed
    from runner.files.hidden import blanked, body, veiled
    from runner.files.lasting import ages, greets, remakes
    from runner.files.layout import lay_out
    from runner.files.lexer import Statement, scan
    from runner.files.mask import masked
    from runner.files.outside import ALONE, NAME, may_call, plain, procedures
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
        difference="COMMENTS_DIFFER SECRETS_DIFFER changes explain",
        disk="write writing",
        folder="leavings load shown",
        frame="deletes_row misnamed",
        hidden="blanked body veiled",
        lasting="ages greets remakes",
        layout="lay_out",
        lexer="Statement scan",
        mask="masked",
        outside="ALONE NAME may_call plain procedures",
        place="locate",
        schemas="made_schemas replaced_routines",
        template="create",
        unvalidated="Unvalidated",
    )
