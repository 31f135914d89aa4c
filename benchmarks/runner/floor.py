"""The least a psycopg tool can do: ACTION, then a folder and a URL for each database.

One transaction and one record per file; what is recorded is read in one query. No checks, no lock.
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


if __name__ == "__main__":
    action, *rest = sys.argv[1:]
    for folder, url in zip(rest[::2], rest[1::2], strict=True):
        with psycopg.connect(url, autocommit=True) as connection:
            for path in pending(connection, Path(folder)):
                print(path.name)
                if action == "migrate":
                    with connection.transaction():
                        connection.execute(path.read_bytes())
                        connection.execute("insert into floor (name) values (%s)", (path.name,))
