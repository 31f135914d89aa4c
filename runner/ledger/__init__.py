"""The only place that names ``schema_migrations``: one row per applied file, beside what the file made.

Every name is qualified, so that no search_path decides what the runner reads or writes.
"""

# mypy: implicit-reexport
from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.ledger.adopt import accept, baseline
    from runner.ledger.claim import NAME, OWN, claims, is_mistaken
    from runner.ledger.entry import DONE, FORGET, RECORD, RUNNING, is_to_do, statement
    from runner.ledger.faults import MIGRATOR, SHAPE, TABLE
    from runner.ledger.holders import kept
    from runner.ledger.intact import intact_message
    from runner.ledger.key import (
        AS_OTHER,
        HELD,
        HOLDS,
        MAY_END,
        MAY_ROLL_BACK,
        PREPARED,
        ROLLBACK,
        refusal,
        try_lock,
    )
    from runner.ledger.objection import is_forgotten, is_harmed, is_held, is_outdated, is_stale, is_swallowed
    from runner.ledger.table import APPEARED, CREATE, create, make_durable, read, read_rows, text
    from runner.ledger.trust import Shape, check_owner, harmed, of_making, shape, swallowed
    from runner.ledger.within import (
        BEGINS,
        ENDS,
        MARK,
        RECORDED,
        UNCHECKED,
        check_message,
        lock_message,
        mark,
        prepare_message,
        record_within,
        restore_message,
        take_over_message,
    )
else:
    __getattr__ = lazily(
        __name__,
        adopt="accept baseline",
        claim="NAME OWN claims is_mistaken",
        entry="DONE FORGET RECORD RUNNING is_to_do statement",
        faults="MIGRATOR SHAPE TABLE",
        holders="kept",
        intact="intact_message",
        key="AS_OTHER HELD HOLDS MAY_END MAY_ROLL_BACK PREPARED ROLLBACK refusal try_lock",
        objection="is_forgotten is_harmed is_held is_outdated is_stale is_swallowed",
        table="APPEARED CREATE create make_durable read read_rows text",
        trust="Shape check_owner harmed of_making shape swallowed",
        within="BEGINS ENDS MARK RECORDED UNCHECKED check_message lock_message mark prepare_message"
        " record_within restore_message take_over_message",
    )
