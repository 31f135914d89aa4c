"""What every rehearsal needs: files, a process, and somebody who looks at the database from outside."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.project import ROOM

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator, Sequence

    import psycopg

    from tests.project import Project

LONG = os.environ.get("FAULTS") == "long"
PROMPT = 2.0 if LONG else 2.0 + ROOM  # seconds within which a lock is free again and a process is gone
PATIENCE = 40.0  # seconds after which a test gives up waiting for what must come
SLEEPY = "create table public.t{n} (id int); create index t{n}_id on public.t{n} (id); select pg_sleep(60);"

SLOW_COMMIT = """
create function public.slow() returns trigger language plpgsql as $$
begin
    perform pg_sleep({seconds});
    return null;
end $$;
create constraint trigger slow after insert on public.t{n} deferrable initially deferred
    for each row execute function public.slow();
insert into public.t{n} values (0);
"""

_RELATIONS = """
    select relname from pg_catalog.pg_class
    where relnamespace = 'public'::regnamespace and relname !~ '^schema_migrations'
    order by 1
"""
_RECORDED = "select version from public.schema_migrations order by 1"
_RUNNERS = """
    select pid, application_name, state, coalesce(wait_event, '') from pg_catalog.pg_stat_activity
    where datname = pg_catalog.current_database() and application_name ~ '^runner' order by 1
"""
_HELD = """
    select count(*) from pg_catalog.pg_locks
    where locktype = 'advisory' and granted
        and database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
"""


def files(count: int, *, seconds: float = 0.0, length: int = 0) -> dict[str, str]:
    """Return files that make a table, rows and an index each; none runs twice. A comment has ``length``."""
    return {
        f"{n:03}_t{n}.sql": f"-- {'x' * length}\n"
        f"create table public.t{n} (id int);\n"
        f"insert into public.t{n} select generate_series(1, 10);\n"
        f"select pg_sleep({seconds:.3f});\n"
        f"create index t{n}_id on public.t{n} (id);\n"
        for n in range(count)
    }


def until(condition: Callable[[], object], *, seconds: float = PATIENCE, what: str = "") -> float:
    """Wait for ``condition`` and return how long it took; fail when it does not come in time."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"{what or 'it'} did not come within {seconds:g} s"
        time.sleep(0.005)
    return time.monotonic() - started


@dataclass(frozen=True)
class Runner:
    """A session of the runner, as the server shows it."""

    pid: int
    application: str
    state: str
    event: str


@dataclass(frozen=True)
class Witness:
    """A connection of its own that compares objects and ledger."""

    db: psycopg.Connection

    def agree(self) -> list[str]:
        """Check that the objects are exactly those of the recorded files, and return what is recorded."""
        with self.db.transaction():
            self.db.execute("set transaction isolation level repeatable read")
            relations = [name for (name,) in self.db.execute(_RELATIONS)]
            recorded = []
            if self.db.execute("select to_regclass('public.schema_migrations')").fetchone() != (None,):
                recorded = [version for (version,) in self.db.execute(_RECORDED)]
        made = sorted(f"t{int(v)}{what}" for v in recorded for what in ("", "_id"))
        assert relations == made, f"recorded: {recorded}"
        assert recorded == [f"{n:03}" for n in range(len(recorded))]
        return recorded

    def converges(self, app: Project, url: str) -> None:
        """Check that the next run, whatever happened before, completes the work."""
        count = len(list((app.root / "app").glob("*.sql")))
        app.migrate(url, wait_lock=PATIENCE)
        assert self.agree() == [f"{n:03}" for n in range(count)]

    def runners(self) -> list[Runner]:
        """Return the sessions of runners in this database."""
        return [Runner(*row) for row in self.db.execute(_RUNNERS)]

    def at_work(self) -> list[Runner]:
        """Return the sessions that have a file at hand, not those that look, wait or watch."""
        return [runner for runner in self.runners() if runner.application.endswith(".sql")]

    def sleeping(self, file: str = "") -> Runner | None:
        """Return the runner whose ``file`` is in its pg_sleep."""
        return next((r for r in self.runners() if file in r.application and r.event == "PgSleep"), None)

    def caught_sleeping(self, process: subprocess.Popen[str], file: str = "") -> Runner:
        """Wait until a runner's ``file`` is in its pg_sleep."""
        until(lambda: self.sleeping(file) or process.poll() is not None, what=f"pg_sleep in {file}")
        found = self.sleeping(file)
        assert found, process.communicate()[0]
        return found

    def lock_is_free(self) -> bool:
        """Tell whether nobody holds an advisory lock in this database."""
        return self.db.execute(_HELD).fetchone() == (0,)

    def lock_gets_free(self, *, seconds: float = PROMPT) -> float:
        """Check that the lock is free soon and all runners are gone; return how long it took."""
        return until(lambda: self.lock_is_free() and not self.runners(), seconds=seconds, what="a free lock")


@contextlib.contextmanager
def started(app: Project, url: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``migrate`` as a process, which does not outlive the block."""
    with app.process("migrate", *arguments, APP_URL=url) as process:
        try:
            yield process
        finally:
            process.kill()


def finished(process: subprocess.Popen[str], *, seconds: float = PATIENCE) -> tuple[int, str]:
    """Wait for a process; return its exit code and what it wrote."""
    output, _ = process.communicate(timeout=seconds)
    return process.returncode, output


def waits(process: subprocess.Popen[str]) -> str:
    """Read what a process writes until it says that it waits for another runner; return that line."""
    return says(process, "waiting")


def says(process: subprocess.Popen[str], word: str) -> str:
    """Read what a process writes until a line has a word; return that line."""
    assert process.stdout
    patience = threading.Timer(PATIENCE, process.kill)
    patience.start()
    try:
        while word not in (line := process.stdout.readline()):
            assert line, f"it does not say {word}: {finished(process)}"
        return line
    finally:
        patience.cancel()
        patience.join()


def rounds(count: int, midway: Sequence[bool]) -> Iterator[int]:
    """Count some rounds, and up to ten times as many until one of them, as they note, came in the middle."""
    for number in range(10 * count):
        if number >= count and any(midway):
            return
        yield number
    assert any(midway), "none was in the middle of a run: this test said nothing"


def distribution(seconds: Sequence[float]) -> str:
    """Return median and worst of some durations, for the report of a long run."""
    ordered = sorted(seconds)
    return f"median {ordered[len(ordered) // 2]:.2f} s, worst {ordered[-1]:.2f} s of {len(ordered)}"
