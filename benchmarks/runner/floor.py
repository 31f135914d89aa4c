"""The least a psycopg tool can do: ACTION, HOW, then a folder and a URL for each database.

One transaction and one record per file; what is recorded is read in one query. Nothing is put back. HOW is
``each``, a message per file without a lock or a check; ``once``, the same in one message; or ``guarded``, in
one message as well, where each transaction takes a lock, reads the record again under it, and is recorded
only if it is still the one that was begun for the file.
"""

import sys
from itertools import pairwise
from pathlib import Path

import psycopg

CREATE = "create table if not exists floor (name text primary key, at timestamptz default now())"
_GUARDED = b"""begin;
select (case when pg_try_advisory_xact_lock(4711) then '0' else 'held' end)::int4,
    set_config('floor.file', '%(name)s ' || pg_current_xact_id()::text, true);
select (case when (select string_agg(name, ' ') from floor where name in ('%(name)s', '%(before)s'))
    is not distinct from nullif('%(before)s', '') then '0' else 'outdated' end)::int4;
%(text)s
;
insert into floor (name) values (case when current_setting('floor.file', true)
    = '%(name)s ' || pg_current_xact_id_if_assigned()::text then '%(name)s' end);
commit;"""


def pending(connection: psycopg.Connection, folder: Path) -> list[Path]:
    """Return the files that are not recorded, in order."""
    connection.execute(CREATE)
    recorded = {name for (name,) in connection.execute("select name from floor")}
    files = sorted(folder.glob("*.sql"), key=lambda path: int(path.name.partition("_")[0]))
    return [path for path in files if path.name not in recorded]


def message(path: Path) -> bytes:
    """Return the transaction of a file."""
    return b"begin;%s\n;insert into floor (name) values ('%s');commit;" % (
        path.read_bytes(),
        path.name.encode(),
    )


def guarded(before: Path | None, path: Path) -> bytes:
    """Return the transaction of a file that is to be applied behind another one, or behind none."""
    names = {b"name": path.name.encode(), b"before": before.name.encode() if before else b""}
    return _GUARDED % {**names, b"text": path.read_bytes()}


def messages(paths: list[Path], how: str) -> list[bytes]:
    """Return what is sent for some files."""
    if how == "guarded":
        return [b"".join(guarded(before, path) for before, path in pairwise([None, *paths]) if path)]
    texts = [message(path) for path in paths]
    return [b"".join(texts)] if how == "once" else texts


if __name__ == "__main__":
    action, how, *rest = sys.argv[1:]
    for folder, url in zip(rest[::2], rest[1::2], strict=True):
        with psycopg.connect(url, autocommit=True) as connection:
            paths = pending(connection, Path(folder))
            print(*(path.name for path in paths), sep="\n")
            if action == "migrate" and paths:
                for text in messages(paths, how):
                    connection.execute(text)
