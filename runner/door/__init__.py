"""What a program calls, and the command line too: migrate, status, plan, verify.

Take from here these four, ``Database`` (what they return, one of each series), ``Checked`` and ``Event``
(what ``migrate`` tells while it works), and ``sites`` for a command that needs the connections themselves.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.door.database import Database as Database
    from runner.door.database import describe as describe
    from runner.door.database import seen as seen
    from runner.door.look import bundle as bundle
    from runner.door.look import plan as plan
    from runner.door.look import standing as standing
    from runner.door.look import status as status
    from runner.door.look import strange as strange
    from runner.door.look import verified as verified
    from runner.door.look import verify as verify
    from runner.door.migrating import Checked as Checked
    from runner.door.migrating import Event as Event
    from runner.door.migrating import migrate as migrate
    from runner.door.where import EMBEDDED as EMBEDDED
    from runner.door.where import check_limits as check_limits
    from runner.door.where import files as files
    from runner.door.where import sites as sites
    from runner.door.where import targets as targets
else:
    __getattr__ = lazily(
        __name__,
        database="Database describe seen",
        look="bundle plan standing status strange verified verify",
        migrating="Checked Event migrate",
        where="EMBEDDED check_limits files sites targets",
    )
