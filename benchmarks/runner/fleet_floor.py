"""The least that psycopg and threads can do for many databases: JOBS, a folder, then a URL for each.

The files are read once; each is a message that begins, records and commits. No checks, no lock, nothing put
back.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg

from benchmarks.runner.floor import CREATE


def migrate(messages: dict[str, bytes], url: str) -> None:
    """Apply to one database what is not recorded there."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CREATE)
        recorded = {name for (name,) in connection.execute("select name from floor")}
        for name, message in messages.items():
            if name not in recorded:
                connection.execute(message)


def transaction(path: Path) -> bytes:
    """Return the transaction of a file."""
    record = f"insert into floor (name) values ('{path.name}');commit;"  # noqa: S608 - a name of our own
    return b"begin;" + path.read_bytes() + f"\n;{record}".encode()


if __name__ == "__main__":
    jobs, folder, *urls = sys.argv[1:]
    messages = {path.name: transaction(path) for path in sorted(Path(folder).glob("*.sql"))}
    with ThreadPoolExecutor(int(jobs)) as pool:
        list(pool.map(partial(migrate, messages), urls))
