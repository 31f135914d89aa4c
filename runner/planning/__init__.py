"""Files against ledger, and everything that must be known before a change. Nothing here leaves a change.

``look`` connects, and compares: a ``Site`` for each database, with its ``Step``s.
"""

# mypy: implicit-reexport
from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.planning.bundle import write_bundle
    from runner.planning.compare import (
        ahead,
        applied,
        behind,
        check_count,
        check_known,
        check_target,
        newest,
        not_ahead,
        pending,
    )
    from runner.planning.extension import Given, refused
    from runner.planning.facts import check_age
    from runner.planning.preflight import (
        ask,
        check,
        check_and_ask,
        check_content,
        check_writable,
        explain,
        unadopted,
        unvalidated,
    )
    from runner.planning.site import Site, check_still, connect, look, read
    from runner.planning.step import State, Step
else:
    __getattr__ = lazily(
        __name__,
        bundle="write_bundle",
        compare="ahead applied behind check_count check_known check_target newest not_ahead pending",
        extension="Given refused",
        facts="check_age",
        preflight="ask check check_and_ask check_content check_writable explain unadopted unvalidated",
        site="Site check_still connect look read",
        step="State Step",
    )
