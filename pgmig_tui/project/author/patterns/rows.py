"""Rows: changed by one statement that is declared for batches, so that no lock is held for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pgmig_tui.errors import UsageError
from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.draft import ChangeDraft, checked, dollar, transaction
from pgmig_tui.project.author.patterns.looks import none
from pgmig_tui.script.given import NOTHING, Expression, QualifiedName
from pgmig_tui.script.quoting import quote, quote_literal

BATCH = 1000
RUN_IT = "Where rows are many run it in batches first: pgmig-tui backfill TARGET CHANGE. The deploy then records it."

VACUOUS = "where no row is to be done it finds nothing, with and without the change"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchedRows:
    """Rows of a table that get other values. `where` is true of rows that are still to be done, and of them alone."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    set: Annotated[tuple[str, tuple[str, ...]], AskFor("What do rows get? (status = 'new')", "set")]
    where: Annotated[Expression, AskFor("Which condition is true of rows that are still to be done?", "query")]
    key: Annotated[tuple[str, ...], AskFor("By which key are rows divided? (NOT NULL, indexed)", "names")]
    back_set: Annotated[
        tuple[str, tuple[str, ...]] | None, AskFor("What do they get when it is reverted? (status = NULL)", "set")
    ] = None
    back_where: Annotated[Expression | None, AskFor("Which rows, when it is reverted?", "query")] = None
    no_way_back: Annotated[str, AskFor("Or why can't it be reverted?", "words")] = ""


def batched_rows(answers: BatchedRows) -> tuple[ChangeDraft, ...]:
    table, (sets, named) = answers.table, answers.set
    if (answers.back_set is None or answers.back_where is None) == (not answers.no_way_back):
        raise UsageError(
            "Rows that were changed come back by --back-set and --back-where, or they don't by --no-way-back.",
            now=NOTHING,
            do="Say how the revert script brings their values back, or why it can't.",
        )
    if answers.back_set is not None and answers.back_where is not None:
        revert = transaction(f"UPDATE {table.sql}\n   SET {answers.back_set[0]}\n WHERE {answers.back_where.text}")
        back = "the rows get what the revert script says."
    else:
        revert = nothing_to_revert(f"the rows of {table.sql} stay as they are: {answers.no_way_back}")
        back = f"none, the rows stay as they are: {answers.no_way_back}"
    return (
        ChangeDraft(
            ("fill", table.name, *named),
            f"change {', '.join(named)} in {table.name}",
            transaction(batches(table, answers.key, sets, answers.where.text)),
            revert,
            checked(
                (none(f"FROM {table.sql} WHERE {answers.where.text}"), f"rows of {table.sql} are to be done"),
                vacuous=VACUOUS,
            ),
            f"ROW EXCLUSIVE on {table.sql}, and each row that is changed: reads go on, and writes of other rows.",
            back,
            before=RUN_IT,
            rows=True,
        ),
    )


def fill(table: QualifiedName, column: str, value: str, key: Sequence[str]) -> ChangeDraft:
    """A value for the rows in which a column is NULL."""
    where = f"{quote(column)} IS NULL"
    return ChangeDraft(
        ("fill", table.name, column),
        f"fill {column} where it is NULL",
        transaction(batches(table, key, f"{quote(column)} = {value}", where)),
        nothing_to_revert(f"the values of {column} in {table.sql} stay: nothing tells them from others"),
        checked(
            (none(f"FROM {table.sql} WHERE {where}"), f"column {column} of {table.sql} is NULL in some rows"),
            vacuous=VACUOUS,
        ),
        f"ROW EXCLUSIVE on {table.sql}, and each row that is filled: reads go on, and writes of other rows.",
        "the values stay, since nothing tells them from others.",
        before=RUN_IT,
        rows=True,
    )


def batches(table: QualifiedName, key: Sequence[str], sets: str, where: str) -> str:
    """An UPDATE under the comment that declares how it is divided. Raises UsageError for a key that can't divide it."""
    if not key:
        raise UsageError(
            f"The rows of {table.sql} are changed in batches, and these need a key.",
            now=NOTHING,
            do="Say --key COLUMN, one that is NOT NULL and indexed, such as the primary key.",
        )
    if wrong := next((one for one in key if "," in one), None):
        raise UsageError(f"The key {wrong} can't be declared: there is a comma in it.", now=NOTHING)
    names = ",".join(map(quote, key))
    left = "" if "\n" in where or "\r" in where else ' left="' + where.replace('"', '""') + '"'
    return (
        f"-- pgmig: backfill table={table.sql} key={names} batch={BATCH}{left}\n"
        f"UPDATE {table.sql}\n   SET {sets}\n WHERE {where}"
    )


def nothing_to_revert(why: str) -> str:
    """A revert script that says why it leaves rows as they are."""
    body = f"BEGIN\n    RAISE NOTICE USING MESSAGE = {quote_literal(why)};\nEND\n"
    mark = dollar(body)
    return transaction(f"DO {mark}\n{body}{mark}")


PATTERNS = (
    Pattern("batched-rows", "rows changed in batches, which go on where they stopped", BatchedRows, batched_rows),
)
