"""Many databases of one series: visited a few at a time, each under a lock of its own.

There is no state but the ledgers.
"""

# mypy: implicit-reexport
from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.fleet.member import Member, canaries, choose, is_exposed, parse, read
    from runner.fleet.migrating import migrate_fleet
    from runner.fleet.reading import plan_fleet, status_fleet, verify_fleet
    from runner.fleet.visit import Ending, Visit, worst
else:
    __getattr__ = lazily(
        __name__,
        member="Member canaries choose is_exposed parse read",
        migrating="migrate_fleet",
        reading="plan_fleet status_fleet verify_fleet",
        visit="Ending Visit worst",
    )
