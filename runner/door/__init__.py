"""What a program calls, and the command line too: migrate, status, plan, verify.

``Database`` is what they return, one of each series.
"""

# mypy: implicit-reexport
from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.door.database import Database, describe, seen, standing
    from runner.door.event import Event
    from runner.door.look import bundle, plan, status, strange, verified, verify
    from runner.door.migrating import Checked, check_limits, migrate
    from runner.door.where import EMBEDDED, check_alone, embedded, files, scratch_url, sites, targets
else:
    __getattr__ = lazily(
        __name__,
        database="Database describe seen standing",
        event="Event",
        look="bundle plan status strange verified verify",
        migrating="Checked check_limits migrate",
        where="EMBEDDED check_alone embedded files scratch_url sites targets",
    )
