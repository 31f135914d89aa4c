"""What pending files lock, rewrite, read and destroy, measured in a scratch database.

Take from here ``trace`` (a ``Trace`` per file of one site), ``Trace`` with its ``Traced`` statements and
their ``Effect``s, and ``ALARMS``, the classes that a pipeline may refuse. Only a scratch database is written.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.locks.effect import ALARMS as ALARMS
    from runner.locks.effect import Effect as Effect
    from runner.locks.effect import Trace as Trace
    from runner.locks.effect import Traced as Traced
    from runner.locks.mode import Blocked as Blocked
    from runner.locks.tracing import trace as trace
else:
    __getattr__ = lazily(__name__, effect="ALARMS Effect Trace Traced", mode="Blocked", tracing="trace")
