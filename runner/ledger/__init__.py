"""The only place that names ``schema_migrations``: one row per applied file, beside what the file made.

Take from here ``read``, ``shape`` and ``read_rows`` (what is recorded), the parts of messages that record a
file in the transaction that applies it (``lock_message`` … ``record_within``), the advisory
lock (``try_lock``, ``HOLDS``), and ``baseline`` and ``accept``, which record without running. Every name is
qualified, so that no search_path decides what the runner reads or writes.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.ledger.adopt import accept as accept
    from runner.ledger.adopt import baseline as baseline
    from runner.ledger.claim import NAME as NAME
    from runner.ledger.claim import OWN as OWN
    from runner.ledger.claim import claims as claims
    from runner.ledger.claim import is_mistaken as is_mistaken
    from runner.ledger.entry import DONE as DONE
    from runner.ledger.entry import FORGET as FORGET
    from runner.ledger.entry import RECORD as RECORD
    from runner.ledger.entry import RUNNING as RUNNING
    from runner.ledger.entry import done_message as done_message
    from runner.ledger.entry import forget_message as forget_message
    from runner.ledger.entry import is_to_do as is_to_do
    from runner.ledger.entry import running_message as running_message
    from runner.ledger.faults import CHANGED as CHANGED
    from runner.ledger.faults import SHAPE as SHAPE
    from runner.ledger.faults import TABLE as TABLE
    from runner.ledger.holders import kept as kept
    from runner.ledger.key import HOLDS as HOLDS
    from runner.ledger.key import try_lock as try_lock
    from runner.ledger.key import try_session_lock as try_session_lock
    from runner.ledger.objection import is_forgotten as is_forgotten
    from runner.ledger.objection import is_held as is_held
    from runner.ledger.objection import is_outdated as is_outdated
    from runner.ledger.objection import is_stale as is_stale
    from runner.ledger.objection import is_swallowed as is_swallowed
    from runner.ledger.table import APPEARED as APPEARED
    from runner.ledger.table import CREATE as CREATE
    from runner.ledger.table import create as create
    from runner.ledger.table import make_durable as make_durable
    from runner.ledger.table import read as read
    from runner.ledger.table import read_rows as read_rows
    from runner.ledger.table import text as text
    from runner.ledger.trust import Shape as Shape
    from runner.ledger.trust import changed as changed
    from runner.ledger.trust import check_owner as check_owner
    from runner.ledger.trust import shape as shape
    from runner.ledger.trust import swallowed as swallowed
    from runner.ledger.trust import unmade as unmade
    from runner.ledger.within import BEGINS as BEGINS
    from runner.ledger.within import ENDS as ENDS
    from runner.ledger.within import MARK as MARK
    from runner.ledger.within import RECORDED as RECORDED
    from runner.ledger.within import UNCHECKED as UNCHECKED
    from runner.ledger.within import check_message as check_message
    from runner.ledger.within import lock_message as lock_message
    from runner.ledger.within import mark as mark
    from runner.ledger.within import prepare_message as prepare_message
    from runner.ledger.within import record_within as record_within
    from runner.ledger.within import restore_message as restore_message
    from runner.ledger.within import take_over_message as take_over_message
else:
    __getattr__ = lazily(
        __name__,
        adopt="accept baseline",
        claim="NAME OWN claims is_mistaken",
        entry="DONE FORGET RECORD RUNNING done_message forget_message is_to_do running_message",
        faults="CHANGED SHAPE TABLE",
        holders="kept",
        key="HOLDS try_lock try_session_lock",
        objection="is_forgotten is_held is_outdated is_stale is_swallowed",
        table="APPEARED CREATE create make_durable read read_rows text",
        trust="Shape changed check_owner shape swallowed unmade",
        within="BEGINS ENDS MARK RECORDED UNCHECKED check_message lock_message mark prepare_message"
        " record_within restore_message take_over_message",
    )
