"""A file becomes a committed, recorded transaction.

Take from here ``apply``, and the events that it yields, and ``one_by_one`` to look between two files.
"""

# mypy: implicit-reexport
from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.apply.activity import holders
    from runner.apply.event import (
        Activity,
        Event,
        Notice,
        Noticed,
        Outcome,
        Retrying,
        Session,
        Started,
        Waiting,
        Working,
        age,
    )
    from runner.apply.run import apply, one_by_one
else:
    __getattr__ = lazily(
        __name__,
        activity="holders",
        event="Activity Event Notice Noticed Outcome Retrying Session Started Waiting Working age",
        run="apply one_by_one",
    )
