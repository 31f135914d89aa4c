"""SQL that breaks one rule of tables each, and what is to be said about it."""

from __future__ import annotations


def table(name: str, *columns: str) -> str:
    """Return the SQL of a table that keeps all rules, with further columns and constraints."""
    lines = [
        "id uuid not null default gen_random_uuid()",
        *columns,
        f"constraint {name}_pkey primary key (id)",
    ]
    names = [line.split()[0] for line in lines if not line.startswith("constraint")]
    comments = [f"comment on column public.{name}.{column} is 'It.';" for column in names]
    return "\n".join(
        [
            f"create table if not exists public.{name} ({', '.join(lines)});",
            f"comment on table public.{name} is 'It.';",
            f"comment on index public.{name}_pkey is 'one by its id';",
            *comments,
        ]
    )


def index(name: str, rest: str) -> str:
    """Return the SQL of an index with its comment."""
    return f"create index if not exists {name} on {rest}; comment on index public.{name} is 'It.';"


def function(name: str, setting: str = "set search_path = pg_catalog, pg_temp") -> str:
    """Return the SQL of a trigger function with its comment."""
    return (
        f"create or replace function public.{name}() returns trigger language plpgsql {setting}"
        " as $$begin return new; end$$;"
        f" comment on function public.{name}() is 'It.';"
    )


def trigger(name: str, on: str, calls: str) -> str:
    """Return the SQL of a trigger."""
    fires = f"before update on public.{on} for each row"
    return f"create or replace trigger {name} {fires} execute function public.{calls}();"


FAR = "comment on column public.{} is 'It. References auth.users.id (cross-database, no foreign key).';"

# A file that plants something, and what is said about it: rule and object. Each file has its own tables.
PLANTED: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "key_absent": (
        table("k1").replace(", constraint k1_pkey primary key (id)", "").replace("comment on index", "-- "),
        [("key", "table k1")],
    ),
    "key_of_another_column": (
        table("k3", "n int").replace("primary key (id)", "primary key (n)"),
        [("key", "table k3")],
    ),
    "key_made_by_the_writer": (
        table("k2").replace(" default gen_random_uuid()", ""),
        [("key", "column k2.id")],
    ),
    "time_without_zone": (table("t1", "seen timestamp"), [("time", "column t1.seen")]),
    "time_that_is_a_date": (table("t2", "due_at date"), [("time", "column t2.due_at")]),
    "json": (table("j", "more json"), [("json", "column j.more")]),
    "array": (table("l", "words text[]"), [("array", "column l.words")]),
    "serial": (table("n1", "n bigserial"), [("numbered", "column n1.n")]),
    "identity": (table("n2", "n int generated always as identity"), [("numbered", "column n2.n")]),
    "metadata": (table("m", "metadata jsonb"), [("metadata", "column m.metadata")]),
    "foreign_key": (
        table("f1", "name text not null", "constraint uq_f1_name unique (name)")
        + "comment on index public.uq_f1_name is 'It.';"
        + table("f2", "f text", "constraint fk_f2_f foreign key (f) references public.f1 (name)")
        + index("idx_f2_f", "public.f2 (f)"),
        [("foreign-key", "constraint fk_f2_f")],
    ),
    "foreign_key_index": (
        table("i", "a uuid", "b int", "constraint fk_i_a foreign key (a) references public.good (id)")
        + index("idx_i_a", "public.i (a) where b > 0") + index("idx_i_b_a", "public.i (b, a)")
        + index("idx_i_a_b", "public.i (a) where b is not null")
        + index("idx_i_a_few", "public.i (a) where a is not null and b > 0"),
        [("foreign-key-index", "constraint fk_i_a")],
    ),
    "foreign_key_index_without_nulls": (
        table("i2", "a uuid", "constraint fk_i2_a foreign key (a) references public.good (id)")
        + index("idx_i2_a", "public.i2 (a) where a is not null"),
        [],
    ),
    "status_index": (table("s", "pay_status text"), [("status-index", "column s.pay_status")]),
    "index_repeated": (
        table("r", "a int", "b int")
        + index("idx_r_a", "public.r (a)") + index("idx_r_a_b", "public.r (a, b)"),
        [("index-repeated", "index idx_r_a")],
    ),
    "time_index": (
        table("d", "day date not null", "seen timestamptz not null", "gone_at timestamptz")
        + index("idx_d_day", "public.d (day desc)") + index("idx_d_gone_at", "public.d (gone_at desc)")
        + index("idx_d_seen", "public.d (seen desc) where seen > '2026-01-01Z'")
        + index("idx_d_seen_day", "public.d (seen desc, day desc)"),
        [("time-index", "index idx_d_day"), ("time-index", "index idx_d_seen")],
    ),
    "comment_on_nothing": (
        table("c").partition("comment")[0] + function("c").partition("comment")[0]
        + "create view public.v as values (1);",
        [("comment", one) for one in ("table c", "column c.id", "index c_pkey", "function c", "table v")],
    ),
    "cross_database_without_index": (
        table("x1", "user_id uuid") + FAR.format("x1.user_id"), [("cross-database", "column x1.user_id")],
    ),
    "cross_database_as_text": (
        table("x2", "user_id text") + FAR.format("x2.user_id")
        + index("idx_x2_user_id", "public.x2 (user_id)"),
        [("cross-database", "column x2.user_id")],
    ),
    "cross_database_sentence": (
        table("x3", "user_id uuid") + index("idx_x3_user_id", "public.x3 (user_id)")
        + "comment on column public.x3.user_id is 'An auth user (cross-database).';",
        [("cross-database-sentence", "column x3.user_id")],
    ),
    "uuid": (table("u", "thing_id uuid"), [("uuid", "column u.thing_id")]),
    "updated_at": (
        table("w", "updated_at timestamptz not null default now()"), [("updated-at", "column w.updated_at")],
    ),
    "updated_at_by_another_function": (
        table("w2", "updated_at timestamptz not null default now()") + function("w2")
        + trigger("trg_w2_updated_at", "w2", "w2"),
        [("updated-at", "column w2.updated_at")],
    ),
    "updated_at_otherwise": (
        "".join(
            table(name, "updated_at timestamptz not null default now()")
            + trigger(f"trg_{name}_updated_at", name, "set_updated_at").replace("before update on", when)
            for name, when in (
                ("w3", "before insert on"), ("w4", "after update on"), ("w5", "before update of id on"),
            )
        ),
        [("updated-at", f"column {name}.updated_at") for name in ("w3", "w4", "w5")],
    ),
    "schema": ("create schema aside;", [("schema", "object aside")]),
    "name": (table("e", '"Total" int'), [("name", "column e.Total")]),
    "name_constraint": (
        table("a1", "n int", "constraint positive check (n > 0)"),
        [("name-constraint", "constraint positive")],
    ),
    "name_index": (table("a2", "n int") + index("idx_n", "public.a2 (n)"), [("name-index", "index idx_n")]),
    "name_trigger": (
        table("a3") + function("a3") + trigger("a3_touch", "a3", "a3"),
        [("name-trigger", "trigger a3_touch")],
    ),
    "search_path_absent": (function("p1", ""), [("search-path", "function p1")]),
    "search_path_empty": (function("p2", "set search_path = ''"), [("search-path", "function p2")]),
    "fault_of_the_first_file": (
        "drop index public.idx_good_good_id;", [("foreign-key-index", "constraint fk_good_good_id"),
                                               ("changes", "index idx_good_good_id")],
    ),
    "changes_unsaid": (
        "alter table public.good alter column name type varchar(9);", [("changes", "column good.name")],
    ),
    "changes_said": (
        "-- It.\n-- Drops good.name.\nalter table public.good drop column name;", [],
    ),
    "mended_later": (table("z", "a_id uuid"), []),
    "mends": (
        "-- It.\n-- Changes z.a_id.\n" + FAR.format("z.a_id") + index("idx_z_a_id", "public.z (a_id)"),
        [],
    ),
}  # fmt: skip
FIRST = (
    table("good", "good_id uuid", "name text",
          "constraint fk_good_good_id foreign key (good_id) references public.good (id)")
    + index("idx_good_good_id", "public.good (good_id)") + function("set_updated_at")
)  # fmt: skip
