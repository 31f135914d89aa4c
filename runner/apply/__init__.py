"""A file becomes a committed, recorded transaction.

Take from here ``apply``, and the events that it yields, and ``one_by_one`` to look between two files.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.apply.event import Event as Event
    from runner.apply.event import Notice as Notice
    from runner.apply.event import Noticed as Noticed
    from runner.apply.event import Outcome as Outcome
    from runner.apply.event import Retrying as Retrying
    from runner.apply.event import Started as Started
    from runner.apply.event import Waiting as Waiting
    from runner.apply.run import apply as apply
    from runner.apply.run import one_by_one as one_by_one
else:
    __getattr__ = lazily(
        __name__, event="Event Notice Noticed Outcome Retrying Started Waiting", run="apply one_by_one"
    )
