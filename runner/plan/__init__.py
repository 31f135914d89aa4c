"""Files against ledger, and everything that must be known before a change.

Take from here ``read`` (the files of the chosen series), ``look`` (connect, and compare them with each
ledger: a ``Site`` with its ``Step``s), ``check`` and ``check_writable`` (the reasons not to go on), ``ask``
and ``refused`` (which extensions a server would create, by trying), the questions to steps (``pending``,
``behind``, ``newest``), and ``write_bundle`` (pending files as SQL).
Nothing here leaves a change.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.plan.bundle import write_bundle as write_bundle
    from runner.plan.compare import behind as behind
    from runner.plan.compare import check_expected as check_expected
    from runner.plan.compare import check_target as check_target
    from runner.plan.compare import newest as newest
    from runner.plan.compare import pending as pending
    from runner.plan.extension import refused as refused
    from runner.plan.preflight import Site as Site
    from runner.plan.preflight import ask as ask
    from runner.plan.preflight import check as check
    from runner.plan.preflight import check_writable as check_writable
    from runner.plan.preflight import explain as explain
    from runner.plan.preflight import look as look
    from runner.plan.preflight import read as read
    from runner.plan.step import State as State
    from runner.plan.step import Step as Step
else:
    __getattr__ = lazily(
        __name__,
        bundle="write_bundle",
        compare="behind check_expected check_target newest pending",
        extension="refused",
        preflight="Site ask check check_writable explain look read",
        step="State Step",
    )
