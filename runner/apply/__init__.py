"""A file becomes a committed, recorded transaction.

Take from here ``apply``, and the events that it yields, and ``one_by_one`` to look between two files.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.apply.activity import holders as holders
    from runner.apply.event import Activity as Activity
    from runner.apply.event import Event as Event
    from runner.apply.event import Notice as Notice
    from runner.apply.event import Noticed as Noticed
    from runner.apply.event import Outcome as Outcome
    from runner.apply.event import Retrying as Retrying
    from runner.apply.event import Session as Session
    from runner.apply.event import Started as Started
    from runner.apply.event import Waiting as Waiting
    from runner.apply.event import Working as Working
    from runner.apply.event import age as age
    from runner.apply.run import apply as apply
    from runner.apply.run import one_by_one as one_by_one
else:
    __getattr__ = lazily(
        __name__,
        activity="holders",
        event="Activity Event Notice Noticed Outcome Retrying Session Started Waiting Working age",
        run="apply one_by_one",
    )
