"""Write the two files of a new migration."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from runner.errors import FileUnwritable, UsageError
from runner.files import folder
from runner.files.disk import write, writing

if TYPE_CHECKING:
    from pathlib import Path

FORWARD = """\
-- {version}_{name}.sql (series {series})
--
-- Makes ...
-- Why: ...
-- Rolling back loses ...

-- Write statements that may run twice: create table if not exists, create index if not exists, create or
-- replace function, alter table ... add column if not exists. No begin and no commit: the runner does that.
"""

ROLLBACK = """\
-- rollback/{version}_{name}.sql (series {series})
--
-- Undoes {version}_{name}: drops ...
-- Lost: ...
--
-- Run: psql -X -v ON_ERROR_STOP=1 -1 -f {folder}/rollback/{version}_{name}.sql "${variable}"
-- It is one statement, so it happens whole or not at all.

do $rollback$
declare
    this_series constant text := '{series}';
    this_version constant text := '{version}';
    this_name constant text := '{name}';
    has_ledger boolean;
    recorded text;
    newest text;
begin
    set local lock_timeout = '5s';

    -- The runner's lock, never waited for: a waiter would deadlock with a concurrent index build.
    if not pg_catalog.pg_try_advisory_xact_lock(
        pg_catalog.hashtextextended('public.schema_migrations', 0)
    ) then
        raise exception 'a migration or another rollback is running in this database'
            using hint = 'Nothing was changed. Try again when it is done.';
    end if;

    -- Without a ledger the files were run by hand, and keeping their order is up to the DBA.
    has_ledger := pg_catalog.to_regclass('public.schema_migrations') is not null;

    -- By operators of PostgreSQL's own, whatever the search_path of this database finds first.
    if has_ledger then
        select name into recorded
        from public.schema_migrations
        where (series, version) operator(pg_catalog.=) (this_series, this_version);

        if recorded is null then
            raise exception '% % is not recorded here', this_series, this_version
                using hint = 'Nothing was changed. Is this the right database?';
        end if;

        if recorded operator(pg_catalog.<>) this_name then
            raise exception '% %_% is not recorded here: number % is %_%',
                this_series, this_version, this_name, this_version, this_version, recorded
                using hint = 'Nothing was changed. Another branch may have applied another file.';
        end if;

        select pg_catalog.concat(version, '_', name) into newest
        from public.schema_migrations
        where series operator(pg_catalog.=) this_series
            and version::integer operator(pg_catalog.>) this_version::integer
        order by version::integer desc
        limit 1;

        if found then
            raise exception '% % cannot be rolled back while % is recorded', this_series, this_version, newest
                using hint = pg_catalog.format('Nothing was changed. Newest first: rollback/%s.sql', newest);
        end if;
    end if;

    -- Drop here, in reverse order and without cascade, what the forward file makes.
    raise exception 'rollback/{version}_{name}.sql is not written yet';

    if has_ledger then
        delete from public.schema_migrations
        where (series, version, name) operator(pg_catalog.=) (this_series, this_version, this_name);
    end if;
end;
$rollback$;
"""


def create(series: str, sql: Path, name: str, *, root: Path, variable: str) -> tuple[Path, Path]:
    """Write the next forward file and its rollback; return both paths.

    The forward file holds no statement, so the runner refuses it until it is written. Raises
    ``FileUnwritable``; then neither is there.
    """
    if not re.fullmatch(r"[a-z0-9_]+", name):
        raise UsageError(f"{name!r} is not a name for a migration.", remedy="Use a-z, 0-9 and _.")
    facts = {
        "series": series,
        "version": f"{len(folder.load(series, sql, root=root)):03}",
        "name": name,
        "folder": shlex.quote(folder.shown(sql, root=root)),  # for the command in the header
        "variable": variable,
    }
    forward = sql / "{version}_{name}.sql".format_map(facts)
    rollback = sql / folder.ROLLBACK / forward.name
    write(forward, FORWARD.format_map(facts), over=False)
    try:
        with writing(rollback):
            rollback.parent.mkdir(exist_ok=True)
        write(rollback, ROLLBACK.format_map(facts), over=False)
    except FileUnwritable:
        forward.unlink()  # else it would hold its number, and want a rollback
        raise
    return forward, rollback
