"""What pending files lock, rewrite, read and destroy, measured in a scratch database.

Only that is written. ``ALARMS`` are the classes that a pipeline may refuse.
"""

# mypy: implicit-reexport
from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.locks.effect import ALARMS, Effect, Trace, Traced
    from runner.locks.mode import Blocked
    from runner.locks.tracing import trace
else:
    __getattr__ = lazily(__name__, effect="ALARMS Effect Trace Traced", mode="Blocked", tracing="trace")
