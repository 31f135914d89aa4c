"""Write the statements that make sure of a file's turn, and record it, in the transaction that applies it.

They decide on the server, so that several files go to it in one message. What speaks against a file is
raised there, as text that is no number: a block with an SQLSTATE of its own would take the server twice as
long. The input functions of the types read it: a cast may be one that somebody has made, to which any text is
a number. Where a session goes on from one file to the next, the server plans once for all what it does for
each: that is a quarter of what the runner adds to a small file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner import __version__
from runner.database import fill, pieces
from runner.ledger.entry import values
from runner.ledger.key import HOLDS, KEY

if TYPE_CHECKING:
    from runner.model import Migration

# The columns by which the results before and behind a file are known, and that of its record.
BEGINS, ENDS, RECORDED = b"runner_begins", b"runner.file", b"execution_ms"

HELD = "the advisory lock of the migration runner is held"
OUTDATED = "the ledger is not what the migration runner planned for"
SWALLOWED = "the record of the migration runner is swallowed"
STALE = "the message of the migration runner is sent anew, for now() to be right"
FRESH = "1 minute"  # so much now() may lie behind: for all files of a message it is the time that one came

# What is set here is gone with the transaction, or whatever ends it, and names the file: the record needs it.
_MARK = """
        pg_catalog.set_config(
            'runner.file', pg_catalog.concat({mark}, pg_catalog.pg_current_xact_id()), true
        )"""
_FROM_HERE = """
        pg_catalog.set_config(
            'runner.since', pg_catalog.concat(extract(epoch from pg_catalog.clock_timestamp())), true
        ),
        pg_catalog.set_config('search_path', null, true);
"""
_TAKE = f"""
    select pg_catalog.int4in(pg_catalog.textout(
            case
                when pg_catalog.clock_timestamp() > pg_catalog.statement_timestamp() + {{fresh}}::interval
                then '{STALE}'
                when not pg_catalog.pg_try_advisory_xact_lock({KEY}) then '{HELD}'
"""
_LOCK = f"""{_TAKE}                else '0'
            end
        )),{_MARK};
"""

# A statement of its own, behind the lock: what was committed before that is seen.
_CHECK = f"""
    select pg_catalog.int4in(pg_catalog.textout(
            case
                when array(
                    select version from public.schema_migrations
                    where series = {{series}} and version in ({{version}}, {{previous}}) and not running
                ) = pg_catalog.array_remove(array[{{previous}}], null) then '0'
                else '{OUTDATED}'
            end
        )) as runner_begins,{_FROM_HERE}"""  # noqa: S608 - texts of ours

# In place of the check where the ledger was made in this transaction: it is empty.
UNCHECKED = f"""
    select 0 as runner_begins,{_FROM_HERE}"""

# The session got the lock with the record of the file before, and nobody had it since. To give it back
# proves that: the ledger needs no look.
_TAKE_OVER = f"""{_TAKE}                when pg_catalog.pg_advisory_unlock({KEY}) then '0'
                else '{OUTDATED}'
            end
        )) as runner_begins,{_MARK},{_FROM_HERE}"""

# No select, which the server would have to plan.
MARK = 'show "runner.file";'

# Behind a file that resets all settings: while the lock is held, this is the transaction that took it. When
# it began is forgotten; the message came before that.
_RESTORE = f"""
    select pg_catalog.set_config(
            'runner.since', pg_catalog.concat(extract(epoch from pg_catalog.now())), true
        ),{_MARK}
    from pg_catalog.pg_stat_activity
    where pg_catalog.current_setting('runner.file', true) = ''
        and pid = pg_catalog.pg_backend_pid() and {HOLDS};
"""  # noqa: S608 - texts of ours
_RESET, _RESETS = "reset", r"(?i)\breset\s+all\b"

# In another transaction, or without the beginning of this very file, nothing is set: what is empty is no
# number, and null is refused. Milliseconds are rounded up: 0 says that a bundle has applied a file. A trigger
# or a rule that the file has made may let no row come to be.
_RECORD = f"""
    with recorded as (
        insert into public.schema_migrations
            (series, version, name, checksum, sql, applied_at, execution_ms, runner_version)
        values (
            {{series}}, {{version}}, {{name}}, {{checksum}}, {{sql}},
            pg_catalog.to_timestamp(
                pg_catalog.float8in(pg_catalog.textout(pg_catalog.current_setting('runner.since', true)))
            ),
            case
                when pg_catalog.current_setting('runner.file', true)
                    = {{mark}} || pg_catalog.textin(
                        pg_catalog.xid8out(pg_catalog.pg_current_xact_id_if_assigned())
                    )
                then pg_catalog.ceil(1000 * (
                    extract(epoch from pg_catalog.clock_timestamp())
                    - pg_catalog.numeric_in(
                        pg_catalog.textout(pg_catalog.current_setting('runner.since', true)), 0, -1
                    )
                ))
            end,
            {{runner}}
        )
        returning execution_ms
    )
    select pg_catalog.int8in(pg_catalog.textout(coalesce(
        (select pg_catalog.concat(execution_ms) from recorded), '{SWALLOWED}'
    ))) as execution_ms"""  # noqa: S608 - a text of ours
# At once: the transaction has it. Those that the file has left go before.
_KEEP = f", pg_catalog.pg_advisory_unlock_all(), pg_catalog.pg_advisory_lock({KEY})"
_FROM_MESSAGE = _RECORD.replace("{sql}", "pg_catalog.substr(pg_catalog.current_query(), {first}, {length})")
_LONG = 65536  # characters: a longer text is not sent twice

_GIVEN = {"version": "$1", "name": "$2", "checksum": "$3", "sql": "$4", "mark": "$5"}
_PREPARED = _RECORD.format(**_GIVEN, series="{series}", runner="{runner}")
_PREPARE_TAKE_OVER = f"prepare runner_take_over (text) as{_TAKE_OVER.replace('{mark}', '$1')}"
_PREPARE_RECORD = f"prepare runner_record (text, text, text, text, text) as{_PREPARED}{_KEEP}"
# Not in the message itself: whoever executes a statement copies the text it was prepared in, all of it
# (ExecuteQuery in PostgreSQL's prepare.c).
_PREPARE = "do $runner$ begin execute {take_over}; execute {record}; end $runner$;\n"
_EXECUTE_TAKE_OVER = "execute runner_take_over ({mark});\n"
_EXECUTE_RECORD = "execute runner_record ({version}, {name}, {checksum}, {sql}, {mark})"


def lock_message(migration: Migration) -> str:
    """Return what takes the lock for the transaction; it may fail as ``is_held`` and ``is_stale`` tell."""
    return fill(_LOCK, fresh=FRESH, mark=mark(migration))


def prepare_message(series: str) -> str:
    """Return what lets the server know the statements by which a session goes on from file to file."""
    take_over = fill(_PREPARE_TAKE_OVER, fresh=FRESH)
    record = fill(_PREPARE_RECORD, series=series, runner=__version__)
    return fill(_PREPARE, take_over=take_over, record=record)


def take_over_message(migration: Migration, *, is_prepared: bool = False) -> str:
    """Return what goes on with the lock that the file before has kept; it fails as the other two do.

    ``is_prepared`` says that the server knows what ``prepare_message`` lets it know.
    """
    return fill(_EXECUTE_TAKE_OVER if is_prepared else _TAKE_OVER, fresh=FRESH, mark=mark(migration))


def check_message(migration: Migration, *, previous: str | None) -> str:
    """Return what fails, as ``is_outdated`` tells, unless a file is to be applied behind ``previous``."""
    return fill(_CHECK, series=migration.series, version=migration.version, previous=previous)


def restore_message(migration: Migration, *, resets: bool = False) -> str:
    """Return what sets again what a file may have reset, if it seems to, or ``resets``; else nothing."""
    is_like_it = _RESET in migration.sql.lower()  # the pattern alone takes ten times as long
    resets = resets or bool(is_like_it and re.search(_RESETS, migration.sql))
    return fill(_RESTORE, mark=mark(migration)) if resets else ""


def mark(migration: Migration) -> str:
    """Return how the setting begins that tells the transaction of a file; the id follows."""
    return f"{migration.version} "


def record_within(
    migration: Migration, *, first: int | None, keeps: bool, is_prepared: bool = False
) -> list[str]:
    """Return the record of a file in pieces; it fails in any transaction but the one begun for the file.

    ``first`` is where the file begins in the message, in characters from 1: a long one is taken from there,
    but by a server that counts bytes (``None``).
    With ``keeps`` the session keeps the lock for the next file, which must begin with ``take_over_message``;
    ``is_prepared`` is as for that.
    """
    is_long = first is not None and len(migration.sql) > _LONG
    record = pieces(
        _FROM_MESSAGE if is_long else _EXECUTE_RECORD if is_prepared else _RECORD,
        **values(migration),
        first=first,
        length=len(migration.sql),
        mark=mark(migration),
    )
    return [*record, _KEEP * (keeps and (is_long or not is_prepared)), ";\n"]
