"""Command line: ``python -m benchmarks.schema`` prints the tables and writes RESULTS.md beside this file."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.schema import bench, letter_case, report
from benchmarks.schema.inserts import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.schema.bench import Found


def main() -> None:
    """Parse the options, run, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.schema", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="1 is full size, 2.4 million rows (default)")
    parser.add_argument("--seed", type=int, default=1, help="other seed, other rows (default 1)")
    parser.add_argument("--rounds", type=int, default=9, help="timed runs per query and value (default 9)")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args()
    found = bench.run(scale=options.scale, seed=options.seed, rounds=options.rounds)
    settings = f"scale {options.scale:g}, seed {options.seed}, {options.rounds} rounds"
    text = "\n".join(_document(found, settings)) + "\n"
    options.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def _document(found: Found, settings: str) -> Iterator[str]:
    yield "# What the schema's queries take, and what its indexes cost\n"
    yield (
        "Written by `python -m benchmarks.schema`; how to read it is in [README.md](README.md), why an index"
        " was dropped in [INDEXES.md](INDEXES.md), what random keys cost in [KEYS.md](KEYS.md).\n"
    )
    changed = ", ".join(f"{name} = {value}" for name, value in found.settings.items())
    yield f"- {found.version.partition(' on ')[0]}; {changed}; the rest as it comes."
    yield f"- {_machine()}."
    yield f"- {settings}."
    yield from report.summary(found.asked, found.judged, sum(found.rows.values()))
    yield "\n## What the indexes cost the tables that grow\n"
    yield (
        f"{BATCH:,} rows per statement, rolled back; each round in all three databases, one after the other;"
        " p50. Plain: only the indexes of constraints. Replaced: the indexes of the schema that this one"
        " replaces, on the same tables (replaced.tsv). Full / replaced: how many times as long it takes.\n"
    )
    yield from report.costs(found.costs)
    yield ""
    yield from report.sizes(found.costs)
    yield "\n## Indexes that cost much and serve little\n"
    yield (
        f"At least 1 MB and {100 * report.COSTS_MUCH:.0f} % of their table and its indexes, and no query"
        f" takes {report.SERVES_LITTLE:g} times longer when this index alone is dropped.\n"
    )
    yield from report.named(found.judged)
    yield "\n## Letter case\n"
    yield "Milliseconds, heavy values; an asterisk: reads the table from end to end.\n"
    yield from letter_case.table(found.spellings)
    yield "\n## Indexes that no query used\n"
    yield from report.unused(found.judged)
    yield "\n## Queries"
    yield from report.queries(found.asked)
    yield "\n## Every index beside those of constraints\n"
    yield from report.every(found.judged)
    yield "\n## Rows\n"
    yield ", ".join(f"{table} {rows:,}" for table, rows in sorted(found.rows.items())) + "."


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GB of memory"


if __name__ == "__main__":
    main()
