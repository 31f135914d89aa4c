"""The least that psycopg and threads can do for many databases: JOBS, AT_ONCE, a folder, then a URL for each.

The files are read once; each is a message that begins, records and commits; with AT_ONCE 1 all files of a
database together are one message. No checks, no lock, nothing put back.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import psycopg

from benchmarks.runner.floor import CREATE, message


def migrate(messages: dict[str, bytes], at_once: bool, url: str) -> None:
    """Apply to one database what is not recorded there."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(CREATE)
        recorded = {name for (name,) in connection.execute("select name from floor")}
        todo = [text for name, text in messages.items() if name not in recorded]
        for text in [b"".join(todo)] if at_once else todo:
            connection.execute(text)


if __name__ == "__main__":
    jobs, at_once, folder, *urls = sys.argv[1:]
    messages = {path.name: message(path) for path in sorted(Path(folder).glob("*.sql"))}
    with ThreadPoolExecutor(int(jobs)) as pool:
        list(pool.map(partial(migrate, messages, at_once == "1"), urls))
