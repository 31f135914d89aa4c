"""What a line of a diagram says: whether many rows may point at one, and whether a row need not point."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner import config, planning
from runner.reference import build, diagram, dot, mermaid
from tests.project import make

if TYPE_CHECKING:
    from runner.reference.facts import Schema
    from tests.servers import Server

TENANT = "create table public.tenant (tid int, id int, primary key (tid, id)); "
A = "foreign key (tid, a) references public.tenant"
B = "foreign key (tid, b) references public.tenant"
# what a table holds -> its lines in the diagram of its file, and the one in the overview
LINES = {
    f"tid int not null, a int, b int, unique (tid, a), {A}, {B}": ("|o--o| }o--o|", "}o--o|"),
    f"tid int not null, a int, b int, unique (tid, b), {A}, {B}": ("}o--o| |o--o|", "}o--o|"),
    f"tid int, a int, b int, primary key (tid, a), unique (tid, b), {A}, {B}": ("|o--|| |o--o|", "|o--o|"),
    f"tid int, a int, b int not null, primary key (tid, a), {A}, {B}": ("|o--|| }o--||", "}o--||"),
    f"tid int not null, a int not null unique, {A}": ("|o--||", "|o--||"),
    f"tid int not null, a int primary key, {A}": ("|o--||", "|o--||"),
    f"tid int not null, a int not null, c int, unique (tid, a, c), unique (c), {A}": ("}o--||", "}o--||"),
    f"tid int not null, a int not null, {A}); create unique index on public.%s (a) where a > 0; "
    "create unique index on public.%s ((a + 1)": ("}o--||", "}o--||"),
}


@pytest.fixture(scope="module")
def schema(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Schema:
    """Return a schema with a table for each case: ``t0`` and so on."""
    made = "; ".join(
        f"create table public.t{n} ({body.replace('%s', f't{n}')})" for n, body in enumerate(LINES)
    )
    project = config.load(make(tmp_path_factory.mktemp("lines"), app={"000_a.sql": f"{TENANT}{made};"}).file)
    [series] = project.series
    return build.describe(
        series, planning.read(project, [series])["app"], server.url("postgres"), source="the test"
    )


def _ends(block: str, table: str) -> list[str]:
    return [line.split()[1] for line in block.splitlines() if line.startswith(f"    {table} ")]


@pytest.mark.parametrize("body", LINES)
def test_a_line_promises_no_more_than_the_keys_behind_it(schema: Schema, body: str) -> None:
    """A fork where many may point, a circle where one may not; of several keys the overview's shows both."""
    name, (lines, line) = f"t{[*LINES].index(body)}", LINES[body]
    [block] = mermaid.group(diagram.of_group(schema.groups[0]))
    assert _ends(block, name)[1:] == lines.split()
    overview = diagram.of_schema(schema)
    [block] = mermaid.overview(overview)
    assert _ends(block, name) == [line]
    one, many = ("teeodot" if line.endswith("o|") else "teetee"), ("tee" if line[0] == "|" else "crow")
    [sketch] = dot.overview(overview)
    assert f'"{name}":"top":w [arrowtail={one} arrowhead={many}odot ' in sketch.layouts[0]
