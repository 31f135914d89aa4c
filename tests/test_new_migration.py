"""What the README says of a new migration, done in a copy of the project: nothing else has to be touched."""

from __future__ import annotations

import re
import subprocess
import sys
from shutil import copytree, ignore_patterns
from typing import TYPE_CHECKING

import pytest

from tests import clusters
from tests.project import ROOT
from tests.servers import NEWEST, VERSIONS

if TYPE_CHECKING:
    from pathlib import Path

README = (ROOT / "README.md").read_text(encoding="utf-8")
# What a checkout has not, but for the bytecode: a test of other files than these would compile all again.
LEFT_OUT = ignore_patterns(".git", ".venv", ".postgres", ".bench", ".*_cache", ".env", "dist")
FORWARD = """\
-- {file} (series specs)
--
-- Makes project_tags: one row per word that a person put on a project.
-- Why: people sort their projects by words of their own.
-- Rolling back loses every tag.

create table if not exists public.project_tags (
    id uuid not null default gen_random_uuid(),
    project_id uuid not null,
    user_id uuid not null,
    tag varchar(9) not null,
    kind text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint project_tags_pkey primary key (id),
    constraint uq_project_tags_project_id_tag unique (project_id, tag),
    constraint fk_project_tags_project_id
        foreign key (project_id) references public.projects (id) on delete cascade,
    constraint ck_project_tags_kind check (kind in ('own', 'shared'))
);

create index if not exists idx_project_tags_user_id_created_at
    on public.project_tags (user_id, created_at desc);

create or replace trigger trg_project_tags_updated_at
    before update on public.project_tags
    for each row execute function public.set_updated_at();

comment on table public.project_tags is 'One word that a person put on a project.';
comment on column public.project_tags.id is 'Key.';
comment on column public.project_tags.project_id is 'Project that has the tag; it goes with it.';
comment on column public.project_tags.user_id is
    'Who put it there. References auth.users.id (cross-database, no foreign key).';
comment on column public.project_tags.tag is 'The word.';
comment on column public.project_tags.kind is 'Who sees it.';
comment on column public.project_tags.created_at is 'When it was put there.';
comment on column public.project_tags.updated_at is 'When the row last changed, kept by a trigger.';
comment on index public.project_tags_pkey is 'one tag by its id';
comment on index public.uq_project_tags_project_id_tag is 'tags of a project, each once; foreign key';
comment on index public.idx_project_tags_user_id_created_at is 'tags of a person, newest first';
"""
# What the other tests in this folder have to do with the schema of the project.
TESTS = (
    "tests/sql/test_rules.py",
    "tests/sql/test_files.py",
    "tests/sql/test_contract.py",
    "tests/sql/test_cascades.py",
    "tests/sql/test_triggers.py",
    "tests/sql/test_idempotent.py",
    "tests/sql/test_rollbacks.py",
    "tests/sql/test_checks.py::test_a_duplicate_is_refused_by_every_unique_rule",
    "tests/sql/test_checks.py::test_every_check_is_tried_below",
    "tests/sql/test_vectors.py::test_an_extension_the_file_made_goes_with_it",
    "tests/reference/test_reference.py",
    "tests/faults/test_traps.py::test_the_vectors_are_filled_by_none",
    "tests/test_api_page.py::test_a_program_migrates_when_it_starts",
    "tests/examples/test_service.py::test_four_workers_apply_each_file_once",
    "tests/test_roles.py::test_every_table_takes_a_row_of_the_application",
    "tests/test_roles.py::test_vectors_are_written_and_searched",
    "tests/test_packaging.py::test_an_installed_package_migrates_without_a_checkout",
    "tests/test_alembic_guide.py::test_the_table_of_the_guide_names_each_table_once",
    "tests/benchmarks/test_schema_queries.py::test_every_table_is_asked_for",
)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a copy of the project, without what a checkout has not."""
    return copytree(ROOT, tmp_path / "project", ignore=LEFT_OUT)


def run(copy: Path, *arguments: str, environ: dict[str, str] | None = None, code: int = 0) -> str:
    """Run a module of the copy; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=copy,
        env={"PATH": "/usr/bin:/bin", **clusters.environment(), **(environ or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_a_new_table_needs_no_change_of_a_test(copy: Path, url: str, other_url: str) -> None:
    """`new`, then plan, prove and check, then migrate, docs and the tests of the schema: each content."""
    environ = {"DATABASE_URL_AUTH": url, "DATABASE_URL_SPECS": other_url}
    [command] = re.findall(r"^\.venv/bin/socrates-migrate (new .*)$", README, re.MULTILINE)
    forward, back = run(copy, "runner", *command.split()).split()[-2:]
    name = forward.rpartition("/")[2]
    assert "header: " in run(copy, "tests.sql.check", code=1), "a template is not a migration"
    (copy / forward).write_text(FORWARD.format(file=name), encoding="utf-8")
    undo = (copy / back).read_text(encoding="utf-8").replace("drops ...", "drops project_tags")
    undo = re.sub(r"raise exception .* is not written yet';", "drop table public.project_tags;", undo)
    (copy / back).write_text(undo.replace("Lost: ...", "Lost: every tag."), encoding="utf-8")

    assert f"pending  {forward}" in run(copy, "runner", "plan", environ=environ)
    prove = ("prove", "specs", "--from", name[:3])  # what is before it tests/schema/test_proof.py proves
    assert f"proven   {forward}" in run(copy, "runner", *prove, environ=environ)
    assert "keep the rules" in run(copy, "tests.sql.check", environ=environ)
    assert f"specs is at {name.removesuffix('.sql')}" in run(copy, "runner", "migrate", environ=environ)
    assert "written  docs/schema/specs.md" in run(copy, "runner", "docs", environ=environ)
    older = " and ".join(f"not pg{version}" for version in VERSIONS if version != NEWEST)
    run(copy, "pytest", "-q", "-p", "no:cacheprovider", "-k", older, *TESTS)


def test_a_file_that_breaks_a_rule_is_found_before_it_is_applied(copy: Path) -> None:
    """File, line, object, rule and remedy, one under the other; squawk's findings among them."""
    file = "sql/auth/003_account_security.sql"
    text = (copy / file).read_text(encoding="utf-8")
    added = "\ncreate table if not exists public.tags (\n    id uuid\n);\ndrop table if exists public.gone;\n"
    (copy / file).write_text(text + added, encoding="utf-8")
    lines = run(copy, "tests.sql.check", code=1).splitlines()
    begin = text.count("\n") + 2
    for where, said in (
        (begin, "table tags: key: A table has the key id"),
        (begin + 1, "column tags.id: comment: A table, column"),
        (begin + 3, "drop table if exists public.gone: drop: A forward file takes nothing away"),
        (begin + 3, "squawk: ban-drop-table: "),
    ):
        [place] = [place for place, line in enumerate(lines) if line.startswith(f"{file}:{where}: {said}")]
        assert lines[place + 1].startswith("    "), "the remedy"
