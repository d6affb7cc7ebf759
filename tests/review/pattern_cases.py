"""Answers to every pattern, on tables whose names need quotes; and a project that has made these tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pgmig_tui.project.author.drafted import NewChange, names_for, new_changes
from pgmig_tui.project.author.patterns.every import BY_NAME
from pgmig_tui.project.project import Project, load_project
from pgmig_tui.review.new_changes import NewChangeView, look_back, proposed, see
from pgmig_tui.review.new_drafts import drafts_of

DAY = date(2026, 1, 31)
BASE = """
CREATE SCHEMA "Shop é";
CREATE TABLE "Shop é"."Order Items" (id bigint PRIMARY KEY, "Naïve" text, amount integer);
CREATE TABLE "Shop é"."table" ("select" bigint PRIMARY KEY, a bigint, b bigint, "Größe" integer NOT NULL DEFAULT 7);
CREATE TYPE "Shop é"."Kind" AS ENUM ('new', 'it''s');
ALTER TYPE "Shop é"."Kind" ADD VALUE 'paid' BEFORE 'it''s';
CREATE TABLE "Shop é".kinds (k bigint PRIMARY KEY, "Kind" "Shop é"."Kind" NOT NULL DEFAULT 'new');
CREATE INDEX ON "Shop é".kinds ("Kind");
CREATE TABLE "Shop é"."Log" (n bigint NOT NULL, "Tag" date NOT NULL, PRIMARY KEY (n, "Tag")) PARTITION BY RANGE ("Tag");
CREATE TABLE "Shop é".by_kind (n bigint, kind text) PARTITION BY LIST (kind);
CREATE TABLE "Shop é".others PARTITION OF "Shop é".by_kind DEFAULT;
CREATE TABLE "Shop é"."by a" (n bigint, kind text);
"""
ROWS = """
INSERT INTO "Shop é"."Order Items" SELECT n, nullif('x' || n, 'x7'), n FROM generate_series(1, 20) AS n;
INSERT INTO "Shop é"."table" SELECT n, n, n FROM generate_series(1, 20) AS n;
INSERT INTO "Shop é".kinds VALUES (1, 'new'), (2, 'it''s');
"""
TABLE = '"Shop é"."table"'
ITEMS = '"Shop é"."Order Items"'
NAME = "20260101_0001_base"


@dataclass(frozen=True, slots=True)
class Case:
    """`rows` are statements that run once the base is there, `names` are what the changes are called behind the day."""

    pattern: str
    texts: Mapping[str, str]
    names: tuple[str, ...]
    rows: str = ""

    def __str__(self) -> str:
        return self.names[-1]

    def answers(self) -> dict[str, Sequence[str]]:
        return {name: [text] for name, text in self.texts.items()}


DUMPED = r"""\restrict x
-- PostgreSQL database dump
SET statement_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

-- Name: table; Type: TABLE
CREATE TABLE "Shop é"."table" ("select" bigint NOT NULL, a bigint, b bigint, "Größe" integer DEFAULT 7 NOT NULL);
ALTER TABLE ONLY "Shop é"."table"
    ADD CONSTRAINT table_pkey PRIMARY KEY ("select");
\unrestrict x
"""

CASES = (
    Case("add-column", {"table": ITEMS, "column": '"Größe"', "type": "numeric(12,2)[]"},
         ("0001_add_order_items_grosse",)),
    Case(
        "add-column",
        {"table": ITEMS, "column": "placed", "type": "timestamptz", "default": "now()", "not_null": "yes"},
        ("0001_add_order_items_placed",),
    ),
    Case(
        "check",
        {"table": ITEMS, "check": "amount > 0 AND \"Naïve\" <> 'it''s $$'", "constraint": '"Amount; --"'},
        ("0001_add_amount", "0002_add_amount_validate"),
    ),
    Case(
        "index",
        {"table": ITEMS, "on": 'lower("Naïve") text_pattern_ops, amount DESC', "where": "amount > 3", "include": "id"},
        ("0001_index_order_items_naive_amount_idx",),
    ),
    Case(
        "index",
        {"table": ITEMS, "on": '"Naïve"', "index": '"by Naïve"', "method": "hash"},
        ("0001_index_by_naive",),
    ),
    Case(
        "add-column",
        {"table": ITEMS, "column": '"Schlüssel"', "type": "uuid", "default": "gen_random_uuid()", "key": "id",
         "not_null": "yes"},
        ("0001_add_order_items_schlussel", "0002_order_items_schlussel_not_null_check",
         "0003_fill_order_items_schlussel", "0004_order_items_schlussel_not_null_validate",
         "0005_order_items_schlussel_not_null"),
    ),
    Case(
        "add-column",
        {"table": TABLE, "column": "c", "type": "bigint", "fill": 'a + "select"', "key": '"select"'},
        ("0001_add_table_c", "0002_fill_table_c"),
    ),
    Case(
        "not-null",
        {"table": ITEMS, "column": '"Naïve"', "fill": "'it''s'", "key": "id"},
        ("0001_order_items_naive_not_null_check", "0002_fill_order_items_naive",
         "0003_order_items_naive_not_null_validate", "0004_order_items_naive_not_null"),
    ),
    Case(
        "not-null",
        {"table": ITEMS, "column": "amount"},
        ("0001_order_items_amount_not_null_check", "0002_order_items_amount_not_null_validate",
         "0003_order_items_amount_not_null"),
    ),
    Case(
        "drop-column",
        {"table": TABLE, "column": '"Größe"', "because": "no release since May has used it"},
        ("0001_drop_table_grosse_optional", "0002_drop_table_grosse_hide", "0003_drop_table_grosse"),
    ),
    Case(
        "drop-column",
        {"table": ITEMS, "column": "amount", "because": "orders have it", "type": "int"},
        ("0001_drop_order_items_amount_hide", "0002_drop_order_items_amount"),
    ),
    Case(
        "foreign-key",
        {"table": TABLE, "columns": "a", "references": ITEMS, "on_delete": "set null", "constraint": '"Zu"'},
        ("0001_index_table_a_idx", "0002_add_zu", "0003_add_zu_validate"),
    ),
    Case(
        "foreign-key",
        {"table": ITEMS, "columns": "id", "references": TABLE, "referenced": '"select"', "no_index": "yes"},
        ("0001_add_order_items_id_fkey", "0002_add_order_items_id_fkey_validate"),
    ),
    Case(
        "unique",
        {"table": TABLE, "columns": '"select", b', "include": "a"},
        ("0001_index_table_select_b_key", "0002_add_table_select_b_key"),
    ),
    Case(
        "batched-rows",
        {"table": TABLE, "set": "b = a * 2, a = NULL", "where": "a IS NOT NULL", "key": '"select"',
         "back_set": "a = b / 2, b = b / 2", "back_where": "a IS NULL"},
        ("0001_fill_table_b_a",),
    ),
    Case(
        "batched-rows",
        {"table": ITEMS, "set": "\"Naïve\" = '{}'", "where": "\"Naïve\" IS NULL", "key": "id",
         "no_way_back": "nothing tells them apart"},
        ("0001_fill_order_items_naive",),
    ),
    Case(
        "rename-table",
        {"table": ITEMS, "to": '"Öre"', "grant_to": "pg_monitor"},
        ("0001_rename_order_items_to_ore", "0002_rename_order_items_to_ore_end"),
    ),
    Case(
        "drop-table",
        {"table": TABLE, "because": "nothing reads it", "definition": DUMPED},
        ("0001_drop_table_hide", "0002_drop_table"),
    ),
    Case("enum-value", {"type": '"Shop é"."Kind"', "value": "no'ne", "after": "new"}, ("0001_add_kind_no_ne",)),
    Case(
        "enum-value",
        {"type": '"Shop é"."Kind"', "value": "-- x", "before": "new", "labels": "'new', 'paid', 'it''s'",
         "used_by": '"Shop é".kinds."Kind"', "default": "new"},
        ("0001_add_kind_x",),
    ),
    Case(
        "row-security",
        {"table": ITEMS, "using": "\"Naïve\" = current_user", "with_check": "amount > 0", "to": "pg_monitor",
         "policy": '"Own rows"', "force": "yes"},
        ("0001_secure_order_items",),
    ),
    Case(
        "row-security",
        {"table": ITEMS, "with_check": "amount > 0", "command": "insert", "enabled": "yes"},
        ("0001_policy_order_items_policy",),
        'ALTER TABLE "Shop é"."Order Items" ENABLE ROW LEVEL SECURITY;',
    ),
    Case(
        "attach-partition",
        {"table": '"Shop é"."Log"', "partition": '"Shop é"."Log 2026"', "key": '"Tag"', "start": "'2026-01-01'",
         "end": "'2027-01-01'", "create": "yes"},
        ("0001_create_log_2026", "0002_attach_log_2026"),
    ),
    Case(
        "attach-partition",
        {"table": '"Shop é".by_kind', "partition": '"Shop é"."by a"', "key": "kind", "values": "'a', 'it''s'",
         "default_partition": '"Shop é".others'},
        ("0001_check_by_a_bounds", "0002_check_by_a_bounds_validate", "0003_check_others_by_a",
         "0004_check_others_by_a_validate", "0005_attach_by_a"),
    ),
    Case(
        "change-type",
        {"table": TABLE, "column": '"Größe"', "type": "text", "key": '"select"'},
        ("0001_retype_table_grosse", "0002_retype_table_grosse_fill", "0003_table_grosse_new_not_null_check",
         "0004_table_grosse_new_not_null_validate", "0005_table_grosse_new_not_null", "0006_retype_table_grosse_swap",
         "0007_retype_table_grosse_end"),
    ),
    Case(
        "change-type",
        {"table": ITEMS, "column": "amount", "type": "bigint", "was": "integer", "key": "id",
         "using": "amount * 100::bigint", "back_using": "(amount / 100)::int"},
        ("0001_retype_order_items_amount", "0002_retype_order_items_amount_fill", "0003_retype_order_items_amount_swap",
         "0004_retype_order_items_amount_end"),
    ),
)  # fmt: skip


def project(root: Path, *scripts: str) -> Project:
    """A project whose changes are made by these scripts; without any the one of the base."""
    root.mkdir(parents=True, exist_ok=True)
    names = [NAME, *(f"20260102_{number:04}_more" for number in range(1, len(scripts)))]
    lines = [f"{name} 2026-01-01T00:00:00Z M <m@example.org> # Base\n" for name in names]
    (root / "sqitch.plan").write_text("%syntax-version=1.0.0\n%project=shop\n\n" + "".join(lines))
    (root / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    (root / "deploy").mkdir()
    for name, script in zip(names, scripts or (BASE,), strict=True):
        (root / "deploy" / f"{name}.sql").write_text(f"-- Why: base\nBEGIN;\n{script}COMMIT;\n")
    return load_project(root, {"SQITCH_FULLNAME": "Maria", "SQITCH_EMAIL": "maria@example.org"})


def changes_of(of: Project, case: Case, note: str = "It is wanted.") -> tuple[NewChange, ...]:
    """The changes that a case makes, without dependencies."""
    drafts = drafts_of(of, BY_NAME[case.pattern], case.answers())
    names = names_for(of, drafts, DAY)
    return new_changes(of, drafts, names, note=note, requires=[()] * len(drafts))


def seen_of(of: Project, case: Case) -> tuple[NewChangeView, ...]:
    """The changes that a case makes, with the dependencies that are proposed."""
    drafts = drafts_of(of, BY_NAME[case.pattern], case.answers())
    earlier = look_back(of, drafts)
    needs = proposed(of, drafts, earlier)
    changes = new_changes(of, drafts, names_for(of, drafts, DAY), note="It is wanted.", requires=needs)
    return see(of, changes, earlier)


AWKWARD = {
    '"Shop é"': '"S\'h""p\\ $$é:x"',
    '"Order Items"': "\"-- '%s' $body1$; /*\"",
    '"Naïve"': '"\\d ""n"":\'x\' 🐘"',
    '"Größe"': '"%"" $x$ \\gexec"',
}
"""Names as scripts write them, and what stands instead."""


def awkward(text: str) -> str:
    for name, other in AWKWARD.items():
        text = text.replace(name, other)
    return text
