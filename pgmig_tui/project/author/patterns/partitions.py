"""Partitions, attached without being read: a CHECK says before that all their rows lie within the bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pgmig_tui.errors import UsageError
from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.constraints import two_steps
from pgmig_tui.project.author.patterns.draft import (
    ChangeDraft,
    allowed,
    alone,
    checked,
    literal_of,
    made_name,
    transaction,
)
from pgmig_tui.project.author.patterns.looks import relation_is
from pgmig_tui.script.given import NOTHING, Expression, QualifiedName
from pgmig_tui.script.quoting import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachPartition:
    """A partition of a table that is partitioned by one column: by range (`start`, `end`) or by list (`values`)."""

    table: Annotated[QualifiedName, AskFor("Which partitioned table?", "table")]
    partition: Annotated[QualifiedName, AskFor("Which table is its partition?", "table")]
    key: Annotated[tuple[str, ...], AskFor("By which column is it partitioned?", "names")]
    start: Annotated[Expression | None, AskFor("From which value on? ('2026-01-01')", "value")] = None
    end: Annotated[Expression | None, AskFor("Below which value? ('2027-01-01')", "value")] = None
    values: Annotated[tuple[str, ...], AskFor("Or for which values? ('a', 'b')", "values")] = ()
    create: Annotated[bool, AskFor("Has the partition to be made first?", "flag")] = False
    default_partition: Annotated[QualifiedName | str, AskFor("Which is its default partition?", "table")] = ""


def attach_partition(answers: AttachPartition) -> tuple[ChangeDraft, ...]:
    table, part = answers.table, answers.partition
    bounds, within = _bounds(answers)
    name = made_name(part.name, "bounds")
    words = ("attach", part.name)
    if answers.create:
        before: tuple[ChangeDraft, ...] = (_made(table, part, f"CONSTRAINT {quote(name)} CHECK ({within})"),)
    else:
        before = _checks(part, name, f"CHECK ({within})", "bounds")
    other = answers.default_partition
    if isinstance(other, QualifiedName):
        before += _checks(other, made_name(other.name, "without", part.name), f"CHECK (NOT ({within}))", part.name)
    detach = f"ALTER TABLE {table.sql}\n    DETACH PARTITION {part.sql}"
    attached = (
        f"FROM pg_catalog.pg_inherits\n         WHERE inhrelid = {literal_of(part)}::pg_catalog.regclass\n"
        f"           AND inhparent = {literal_of(table)}::pg_catalog.regclass"
    )
    return (
        *before,
        ChangeDraft(
            words,
            f"{part.name} becomes a partition of {table.name}",
            transaction(
                allowed(
                    f"ALTER TABLE {table.sql}\n    ATTACH PARTITION {part.sql}\n    {bounds}",
                    ("attach-with-check", "a change before has validated the CHECK of these bounds: it isn't read"),
                )
            ),
            transaction(
                allowed(detach, lint=[("detach-concurrently", "it is refused where there is a default partition")])
            )
            if other
            else alone(f"{detach} CONCURRENTLY"),
            checked((attached, f"{part.sql} is no partition of {table.sql}")),
            f"SHARE UPDATE EXCLUSIVE on {table.sql}, ACCESS EXCLUSIVE on {part.sql}"
            + (f" and {other.sql}" if isinstance(other, QualifiedName) else "")
            + ", for an instant: no row is read.",
            "the partition is a table of its own again, with all its rows.",
            before="Build the indexes that the partition lacks, concurrently: they are built now otherwise.",
        ),
    )


def _bounds(answers: AttachPartition) -> tuple[str, str]:
    """FOR VALUES …, and the condition that is true of the rows within."""
    if len(answers.key) != 1:
        raise UsageError("One column is a key here.", now=NOTHING, do="Write partitions by several columns by hand.")
    column = quote(answers.key[0])
    if answers.values and not (answers.start or answers.end):
        listed = ", ".join(answers.values)
        return f"FOR VALUES IN ({listed})", f"{column} IS NOT NULL AND {column} IN ({listed})"
    if answers.values or answers.start is None or answers.end is None:
        raise UsageError(
            "The bounds of the partition aren't clear.", now=NOTHING, do="Say --start and --end, or --values."
        )
    start, end = answers.start.text, answers.end.text
    return (
        f"FOR VALUES FROM ({start}) TO ({end})",
        f"{column} IS NOT NULL AND {column} >= {start} AND {column} < {end}",
    )


def _made(table: QualifiedName, part: QualifiedName, check: str) -> ChangeDraft:
    return ChangeDraft(
        ("create", part.name),
        f"make {part.name} like {table.name}",
        transaction(
            f"CREATE TABLE {part.sql} (\n    LIKE {table.sql} INCLUDING ALL EXCLUDING IDENTITY,\n    {check}\n)"
        ),
        transaction(f"DROP TABLE {part.sql}"),
        checked((relation_is(part), f"{part.sql} is missing")),
        f"ACCESS SHARE on {table.sql}.",
        "the table is dropped, and what was written into it is lost.",
    )


def _checks(table: QualifiedName, name: str, definition: str, word: str) -> tuple[ChangeDraft, ...]:
    return two_steps(
        table,
        name,
        definition,
        ("check", table.name, word),
        adding=f"ACCESS EXCLUSIVE on {table.sql}, for an instant: NOT VALID reads no row.",
        validating=f"SHARE UPDATE EXCLUSIVE on {table.sql} while its rows are read: reads and writes go on.",
    )


PATTERNS = (Pattern("attach-partition", "a partition, attached without being read", AttachPartition, attach_partition),)
