"""What a database is, and what the files would make of it, built in a scratch database.

Take from here ``differences`` and ``drifted`` (a live schema beside its files), ``expected`` and ``state``
(the same for many), ``unsound`` (invalid indexes,
unvalidated constraints), ``prove``, ``references`` and ``find_orphans``, ``scratch_server``,
``scratch_database`` and ``check_extensions``, ``rehearse`` (a ``Bench`` where pending files may run) and
``clear``, and ``psql_program`` for running a file as a DBA does. Only scratch databases are written.
"""

from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.schema.bench import Bench as Bench
    from runner.schema.drift import Comparison as Comparison
    from runner.schema.drift import drifted as drifted
    from runner.schema.live import Expected as Expected
    from runner.schema.live import differences as differences
    from runner.schema.live import expected as expected
    from runner.schema.live import state as state
    from runner.schema.orphans import Orphans as Orphans
    from runner.schema.orphans import find_orphans as find_orphans
    from runner.schema.orphans import references as references
    from runner.schema.proof import Proof as Proof
    from runner.schema.proof import prove as prove
    from runner.schema.psql import psql_program as psql_program
    from runner.schema.rehearsal import clear as clear
    from runner.schema.rehearsal import rehearse as rehearse
    from runner.schema.scratch import check_extensions as check_extensions
    from runner.schema.scratch import scratch_database as scratch_database
    from runner.schema.scratch import scratch_server as scratch_server
    from runner.schema.sentence import Reference as Reference
    from runner.schema.sentence import read_sentence as read_sentence
    from runner.schema.sentence import without_sentence as without_sentence
    from runner.schema.soundness import unsound as unsound
    from runner.schema.verdict import Finding as Finding
else:
    __getattr__ = lazily(
        __name__,
        bench="Bench",
        drift="Comparison drifted",
        live="Expected differences expected state",
        orphans="Orphans find_orphans references",
        proof="Proof prove",
        psql="psql_program",
        rehearsal="clear rehearse",
        scratch="check_extensions scratch_database scratch_server",
        sentence="Reference read_sentence without_sentence",
        soundness="unsound",
        verdict="Finding",
    )
