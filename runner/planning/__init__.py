"""Files against ledger, and everything that must be known before a change.

Take from here ``read`` (the files of the chosen series), ``look`` (connect, and compare them with each
ledger: a ``Site`` with its ``Step``s), ``check``, ``check_writable`` and ``unadopted`` (the reasons not to go
on), ``ask`` and ``refused`` (which extensions a server would create, by trying), ``check_and_ask`` (both at a
time), the questions to steps (``pending``, ``behind``, ``newest``), ``unvalidated`` (constraints that the
files leave so), and ``write_bundle`` (pending files as SQL). Nothing here leaves a change.
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
        check_expected,
        check_known,
        check_target,
        done,
        newest,
        not_ahead,
        pending,
    )
    from runner.planning.extension import Given, refused
    from runner.planning.preflight import (
        ask,
        check,
        check_and_ask,
        check_content,
        check_count,
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
        compare="ahead applied behind check_expected check_known check_target done newest not_ahead pending",
        extension="Given refused",
        preflight="ask check check_and_ask check_content check_count check_writable explain unadopted "
        "unvalidated",
        site="Site check_still connect look read",
        step="State Step",
    )
