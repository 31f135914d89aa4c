"""Files against ledger, and everything that must be known before a change.

Take from here ``read`` (the files of the chosen series), ``look`` (connect, and compare them with each
ledger: a ``Site`` with its ``Step``s), ``check``, ``check_writable`` and ``unadopted`` (the reasons not to go
on), ``ask`` and ``refused`` (which extensions a server would create, by trying), ``check_and_ask`` (both at a
time), the questions to steps (``pending``, ``behind``, ``newest``), ``unvalidated`` (constraints that the
files leave so), and ``write_bundle`` (pending files as SQL). Nothing here leaves a change.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.planning.bundle import write_bundle as write_bundle
    from runner.planning.compare import ahead as ahead
    from runner.planning.compare import applied as applied
    from runner.planning.compare import behind as behind
    from runner.planning.compare import check_expected as check_expected
    from runner.planning.compare import check_known as check_known
    from runner.planning.compare import check_target as check_target
    from runner.planning.compare import done as done
    from runner.planning.compare import newest as newest
    from runner.planning.compare import not_ahead as not_ahead
    from runner.planning.compare import pending as pending
    from runner.planning.extension import Given as Given
    from runner.planning.extension import refused as refused
    from runner.planning.preflight import ask as ask
    from runner.planning.preflight import check as check
    from runner.planning.preflight import check_and_ask as check_and_ask
    from runner.planning.preflight import check_content as check_content
    from runner.planning.preflight import check_count as check_count
    from runner.planning.preflight import check_writable as check_writable
    from runner.planning.preflight import explain as explain
    from runner.planning.preflight import unadopted as unadopted
    from runner.planning.preflight import unvalidated as unvalidated
    from runner.planning.site import Site as Site
    from runner.planning.site import check_still as check_still
    from runner.planning.site import connect as connect
    from runner.planning.site import look as look
    from runner.planning.site import read as read
    from runner.planning.step import State as State
    from runner.planning.step import Step as Step
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
