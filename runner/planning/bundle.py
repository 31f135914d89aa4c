"""Write pending files as one SQL text that psql runs without Python, with the effect of ``migrate``.

One transaction per file, with the same lock, the same guards and the same ledger rows. Before each file
the bundle checks that the ledger is exactly what it was made for, so a second run, or a run against
another database, changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner import __version__, database, files, ledger
from runner.planning.step import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.model import Migration
    from runner.planning.step import Step

_HEADER = """\
-- Pending files of series {series}, for the ledger that records: {recorded}.
-- Made by the runner, version {runner}. Effect and ledger are those of `migrate {series}`.
--
-- Review it, then run it with psql, as the role that owns the ledger:
--     psql -X -f THIS_FILE "${variable}"
-- Each file is a transaction of its own. It stops at the first error; nothing of that file remains.
-- When the ledger is no longer what it was made for, it changes nothing and says so.

\\set ON_ERROR_STOP on
\\set QUIET on
"""

_CHECK = """
do $runner$
declare
    recorded text := '';
begin
    {lock}
    if pg_catalog.to_regclass('public.schema_migrations') is not null then
        select pg_catalog.string_agg(series || ' ' || version, ', ' order by version::integer) into recorded
        from public.schema_migrations where not running;
    end if;
    if coalesce(recorded, '') <> {recorded} then
        raise exception 'this bundle was made for another state of the ledger'
            using detail = pg_catalog.format('It records: %s', coalesce(recorded, '')),
                hint = 'Nothing was changed. Make a new bundle.';
    end if;
    if {first} and exists (
        select from pg_catalog.pg_class as c
        join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname = 'public'
            and not exists (select from pg_catalog.pg_depend as d where d.objid = c.oid and d.deptype = 'e')
    ) then
        raise exception 'this database has tables but no ledger' using hint = 'Nothing was changed.';
    end if;
end
$runner$;
"""

_HELD = "raise exception 'another runner is at work on this database' using hint = 'Nothing was changed.';"
_TRANSACTION_LOCK = f"""\
if not pg_catalog.pg_try_advisory_xact_lock(
        pg_catalog.hashtextextended('{ledger.TABLE}', 0)
    ) then
        {_HELD}
    end if;"""
_SESSION_LOCK = _TRANSACTION_LOCK.replace("pg_try_advisory_xact_lock", "pg_try_advisory_lock")

# The settings are made anew for each file, because the end of the last one has put everything back.
_BEGIN = """\
begin;
set local client_encoding = 'utf8';
set local standard_conforming_strings = on;
set local lock_timeout = '5s';
do $runner$
begin
    perform pg_catalog.set_config('runner.xid', pg_catalog.pg_current_xact_id()::text, true);
end
$runner$;
"""

_END = """
do $runner$
begin
    if pg_catalog.current_setting('runner.xid', true)
        is distinct from pg_catalog.pg_current_xact_id_if_assigned()::text
    then
        raise exception 'the file ended its transaction';
    end if;
end
$runner$;
reset session authorization;
reset role;
reset all;
set local client_encoding = 'utf8';
"""

_UNLOCK = f"""
do $runner$
begin
    perform pg_catalog.pg_advisory_unlock(pg_catalog.hashtextextended('{ledger.TABLE}', 0));
end
$runner$;
"""

_SETTINGS = "set client_encoding = 'utf8';\nset standard_conforming_strings = on;\n"

_VALID = """
do $runner$
begin
    if exists (select from pg_catalog.pg_index where not (indisvalid and indisready)) then
        raise exception 'an index is invalid: %', (
            select pg_catalog.string_agg(indexrelid::pg_catalog.regclass::text, ', ')
            from pg_catalog.pg_index where not (indisvalid and indisready)
        ) using hint = 'Drop it, then make a new bundle.';
    end if;
end
$runner$;
"""


def write_bundle(series: str, variable: str, steps: Sequence[Step], *, has_ledger: bool) -> str:
    """Return the bundle of the pending ``steps``; ``variable`` is the one that holds the URL."""
    done = [step for step in steps if step.applied and not step.applied.running]
    recorded = [f"{series} {step.version}" for step in done]
    parts = [
        _HEADER.format(
            series=series, recorded=", ".join(recorded) or "nothing", runner=__version__, variable=variable
        )
    ]
    for step in steps:
        if step.state is State.PENDING:
            parts += _file(step.file, ", ".join(recorded), has_ledger=has_ledger)
            recorded.append(f"{series} {step.version}")
            has_ledger = True
    parts.append(f"\\echo {series}: done\n")
    return "".join(parts)


def _file(migration: Migration, recorded: str, *, has_ledger: bool) -> Iterator[str]:
    """Yield the transaction of one file, or what takes its place for a file without one."""
    lock = _TRANSACTION_LOCK if migration.in_transaction else _SESSION_LOCK
    literal = database.fill("{recorded}", recorded=recorded)
    check = (
        _CHECK.replace("{lock}", lock)
        .replace("{recorded}", literal.strip())
        .replace("{first}", "false" if has_ledger else "true")
    )
    create = "" if has_ledger else ledger.CREATE
    text = _closed(migration.sql)
    yield f"\n\n-- ---------------------------------------------------------------- {migration.path}\n"
    yield f"\n\\echo {migration.path}\n"
    if migration.in_transaction:
        yield _BEGIN + check + create + "\n" + text + _END
        yield ledger.record_message(migration, ms=0) + "commit;\n"
    else:
        yield _SETTINGS + check + create + ledger.running_message(migration) + "\n" + text
        yield _VALID + ledger.done_message(migration, ms=0) + _UNLOCK


def _closed(text: str) -> str:
    """Return a file so that something may follow: its last line and its last statement ended.

    At the end of a file psql, like the server, does without that semicolon.
    """
    statements = files.scan(text).statements
    is_open = bool(statements) and statements[-1].start + len(statements[-1].code) == statements[-1].end
    line_end = "" if text.endswith("\n") else "\n"
    return f"{text}{line_end};\n" if is_open else f"{text}{line_end}"
