"""The least a psycopg tool can do: ACTION, AT_ONCE, then a folder and a URL for each database.

One transaction and one record per file; what is recorded is read in one query. No checks, no lock, nothing
put back. Each file is a message; with AT_ONCE 1 all files together are one.
"""

import sys
from pathlib import Path

import psycopg

CREATE = "create table if not exists floor (name text primary key, at timestamptz default now())"


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


if __name__ == "__main__":
    action, at_once, *rest = sys.argv[1:]
    for folder, url in zip(rest[::2], rest[1::2], strict=True):
        with psycopg.connect(url, autocommit=True) as connection:
            paths = pending(connection, Path(folder))
            print(*(path.name for path in paths), sep="\n")
            if action == "migrate" and paths:
                for part in [paths] if at_once == "1" else [[path] for path in paths]:
                    connection.execute(b"".join(map(message, part)))
