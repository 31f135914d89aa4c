"""A FastAPI application that migrates its databases before it serves."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

import runner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

log = logging.getLogger("uvicorn.error")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Apply what is pending, in a thread: the event loop stays free. What is raised here stops the start."""
    try:
        await asyncio.to_thread(runner.migrate, ["auth", "specs"], wait=30, on_event=_tell)
    except runner.RunnerError as error:
        log.critical("%s: %s (%s) %s", error.name, error, error.place or "no place in a file", error.remedy)
        raise
    yield


def _tell(event: runner.Event) -> None:
    if isinstance(event, runner.Outcome) and event.ms is not None:
        log.info("applied %s in %d ms", event.migration.path, event.ms)


app = FastAPI(lifespan=lifespan)


@app.get("/health")
def health() -> dict[str, str | None]:
    """Say at which file each database is."""
    return {database.series: database.at for database in runner.status(["auth", "specs"])}
