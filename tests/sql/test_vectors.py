"""The optional file 008_pgvector: what it does with the extension, with old vectors, and in a search."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.types.json import Jsonb

from tests.sql import catalog
from tests.sql.psql import forward, rollback
from tests.sql.rows import LONG_AGO

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sql.clone import Clone

[FILE] = [file for file in forward("specs") if file.stem == "008_pgvector"]
INSTALLED = "select extnamespace::regnamespace::text from pg_extension where extname = 'vector'"


@pytest.fixture
def anywhere(designed_of: Callable[[str], Clone]) -> Clone:
    """Return a database without this one file, and without a ledger to disagree, on every server."""
    clone = designed_of("specs")
    clone.connection.execute("drop table public.schema_migrations")
    clone.execute(rollback(FILE))
    return replace(clone, catalog=catalog.read(clone.connection))


@pytest.fixture
def site(anywhere: Clone) -> Clone:
    """Return such a database on every server that offers pgvector."""
    if not offers_vector(anywhere):
        pytest.skip(f"PostgreSQL {anywhere.server.version} here does not offer pgvector")
    return anywhere


def offers_vector(clone: Clone) -> bool:
    """Tell whether the extension could be made here."""
    query = "select from pg_available_extensions where name = 'vector'"
    return clone.connection.execute(query).rowcount == 1


def numbers(length: int, *, second: float = 0.0) -> list[float]:
    """Return a vector that points mostly along its first direction."""
    return [1.0, second, *[0.0] * (length - 2)]


def test_without_the_extension_the_file_changes_nothing_and_says_so(anywhere: Clone) -> None:
    """On a server that does not offer pgvector, file and rollback leave the schema as it is."""
    if offers_vector(anywhere):
        pytest.skip(f"PostgreSQL {anywhere.server.version} here offers pgvector")
    assert "does not offer the extension vector, nothing to do" in anywhere.execute(FILE)
    assert catalog.read(anywhere.connection) == anywhere.catalog
    assert "no vector columns here" in anywhere.execute(rollback(FILE))
    assert catalog.read(anywhere.connection) == anywhere.catalog


@pytest.mark.parametrize("schema", ["public", "extensions"])
def test_an_extension_that_was_there_before_stays(site: Clone, schema: str) -> None:
    """The extension a DBA installed, wherever, is used and survives the rollback, comment included."""
    site.connection.execute(f"create schema if not exists {schema}")
    site.connection.execute(f"create extension vector schema {schema}")
    before = catalog.read(site.connection)
    site.execute(FILE)
    assert "embedding_vec" in catalog.read(site.connection).columns_of("document_chunks")
    site.execute(FILE)
    site.execute(rollback(FILE))
    assert catalog.read(site.connection) == before
    assert site.connection.execute(INSTALLED).fetchall() == [(schema,)]


def test_an_extension_the_file_made_goes_with_it(site: Clone) -> None:
    """The rollback drops the extension that the file itself created."""
    site.execute(FILE)
    assert site.connection.execute(INSTALLED).fetchall() == [("public",)]
    site.execute(rollback(FILE))
    assert site.connection.execute(INSTALLED).fetchall() == []


DOCUMENTS: dict[str, tuple[str | None, bool]] = {
    "well-formed": (json.dumps(numbers(384)), True),
    "with blanks and exponents": (f" [ 1e-3,\n-2.5 , {', '.join(['0'] * 382)} ] ", True),
    "too short": (json.dumps(numbers(383)), False),
    "too long": (json.dumps(numbers(385)), False),
    "no list": ("see attachment", False),
    "cut off": (json.dumps(numbers(384))[:-1], False),
    "in scientific notation": (f"[{', '.join(['-1.5E-3', '2e+5'] * 192)}]", True),
    "no numbers between the commas": (f"[{',' * 383}]", False),
    "signs only": (f"[{','.join('-' * 384)}]", False),
    "exponents only": (f"[{','.join('e' * 384)}]", False),
    "two numbers in one place": (f"[{','.join(['1 2'] * 384)}]", False),
    "too large for a real": (f"[{','.join(['1e99'] * 384)}]", False),
    "too many digits": (f"[{','.join(['1' * 50] * 384)}]", False),
    "letters in place of numbers": (f"[n,{','.join(['0'] * 383)}]", False),
    "a blank of another kind": (f"[\u2003{','.join(['0'] * 384)}]", False),
    "every blank there is": (f"[\t\n\v\f\r {','.join(['0'] * 384)}]", True),
    "empty": (None, False),
}
CHUNKS: dict[str, tuple[object, bool]] = {
    "well-formed": (numbers(1536), True),
    "too short": (numbers(1535), False),
    "an object": ({"vector": numbers(1536)}, False),
    "words": (["one"] * 1536, False),
    "nested": ([numbers(1536)], False),
    "too large for a real": ([1e99] * 1536, False),
    "too far below": ([0] * 1535 + [-1e39], False),
    "near the limits": ([1e38, -1e38, 1e-300] * 512, True),
    "truth values": ([True] * 1536, False),
    "empty places": ([None] * 1536, False),
    "a list in a list's place": ([[0]] * 1536, False),
    "a number": (1, False),
    "json null": (None, False),
}


@pytest.mark.parametrize("conforming", ["on", "off"])
def test_old_vectors_are_filled_in_once(site: Clone, conforming: str) -> None:
    """Well-formed lists become vectors, others stay null with a warning; no other column changes.

    However the database reads a backslash: psql does not say it, as the runner does.
    """
    rows = site.rows
    old = {name: rows.insert("knowledge_base_documents", embedding=text, updated_at=LONG_AGO)
           for name, (text, _) in DOCUMENTS.items()}  # fmt: skip
    site.connection.execute(f"set local standard_conforming_strings = {conforming}".encode())
    said = site.execute(FILE)
    filled = {name: rows.find("knowledge_base_documents", row) or {} for name, row in old.items()}
    assert {name: row.pop("embedding_vec") is not None for name, row in filled.items()} == {
        name: fits for name, (_, fits) in DOCUMENTS.items()
    }
    assert filled == old
    assert "WARNING: 12 documents got no embedding_vec" in said


@pytest.mark.parametrize("conforming", ["on", "off"])
def test_old_chunks_are_filled_in_once(site: Clone, conforming: str) -> None:
    """The same holds for chunks, whose vector is a jsonb list."""
    rows = site.rows
    old = {name: rows.insert("document_chunks", embedding_vector=Jsonb(value), updated_at=LONG_AGO)
           for name, (value, _) in CHUNKS.items()}  # fmt: skip
    site.connection.execute(f"set local standard_conforming_strings = {conforming}".encode())
    said = site.execute(FILE)
    filled = {name: rows.find("document_chunks", row) or {} for name, row in old.items()}
    assert {name: row.pop("embedding_vec") is not None for name, row in filled.items()} == {
        name: fits for name, (_, fits) in CHUNKS.items()
    }
    assert filled == old
    assert "WARNING: 10 chunks got no embedding_vec" in said


def test_a_second_run_fills_nothing_more(site: Clone) -> None:
    """Once the column is there the application writes it; the file leaves later rows alone."""
    site.execute(FILE)
    rows = site.rows
    new = rows.insert("knowledge_base_documents", embedding=json.dumps(numbers(384)))
    assert "WARNING" not in site.execute(FILE)
    assert rows.find("knowledge_base_documents", new) == {**new, "embedding_vec": None}


@pytest.mark.parametrize(("table", "length"), [("knowledge_base_documents", 384), ("document_chunks", 1536)])
def test_a_search_uses_the_index_and_finds_the_nearest(site: Clone, table: str, length: int) -> None:
    """An order by cosine distance runs on the hnsw index and returns rows from near to far."""
    site.execute(FILE)
    rows = site.rows
    made = [
        rows.insert(table, embedding_vec=str(numbers(length, second=second)))["id"]
        for second in (3.0, 0.5, 1.0, 0.0)
    ]
    query = f"select id from public.{table} order by embedding_vec <=> %s::vector limit 3"  # noqa: S608 - from a list in this file
    site.connection.execute("set enable_seqscan = off")
    plan: Any = site.connection.execute(f"explain {query}", [str(numbers(length))]).fetchall()
    assert f"idx_{table}_embedding_vec" in str(plan)
    nearest = [found for (found,) in site.connection.execute(query, [str(numbers(length))])]
    assert nearest == [made[3], made[1], made[2]]
