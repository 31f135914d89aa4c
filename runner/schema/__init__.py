"""What a database is, and what the files would make of it, built in a scratch database.

Only scratch databases are written.
"""

# mypy: implicit-reexport
from typing import TYPE_CHECKING

from runner import lazily

if TYPE_CHECKING:
    from runner.schema.against import Expected, differences, expected, state
    from runner.schema.around import visited
    from runner.schema.bench import Bench
    from runner.schema.drift import Comparison, drifted
    from runner.schema.orphans import Orphans, find_orphans, references
    from runner.schema.proof import Proof, prove
    from runner.schema.psql import psql_call, psql_program
    from runner.schema.rehearsal import clear, rehearse
    from runner.schema.scratch import check_extensions, scratch_database, scratch_server
    from runner.schema.sentence import Reference, read_sentence, without_sentence
    from runner.schema.soundness import unsound
    from runner.schema.verdict import Finding
else:
    __getattr__ = lazily(
        __name__,
        against="Expected differences expected state",
        around="visited",
        bench="Bench",
        drift="Comparison drifted",
        orphans="Orphans find_orphans references",
        proof="Proof prove",
        psql="psql_call psql_program",
        rehearsal="clear rehearse",
        scratch="check_extensions scratch_database scratch_server",
        sentence="Reference read_sentence without_sentence",
        soundness="unsound",
        verdict="Finding",
    )
