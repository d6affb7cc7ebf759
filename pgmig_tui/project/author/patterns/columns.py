"""Columns: added without a table being written anew, and set NOT NULL without it being read under a strong lock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pgmig_tui.errors import UsageError
from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.draft import ChangeDraft, checked, transaction
from pgmig_tui.project.author.patterns.looks import column_is, of_type
from pgmig_tui.script.given import NOTHING, Expression, QualifiedName
from pgmig_tui.script.quoting import quote


@dataclass(frozen=True, slots=True, kw_only=True)
class AddColumn:
    """A column for a table that is there. `per_row`: the default is computed for each row, as a random value is."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    column: Annotated[str, AskFor("What is the column called?", "name")]
    type: Annotated[str, AskFor("Of which type?", "type")]
    default: Annotated[Expression | None, AskFor("With which default?", "value")] = None
    not_null: Annotated[bool, AskFor("Is it NOT NULL?", "flag")] = False


def add_column(answers: AddColumn) -> tuple[ChangeDraft, ...]:
    table, column = answers.table, answers.column
    if answers.not_null and answers.default is None:
        raise UsageError(
            "A NOT NULL column needs a default: the rows that are there have no value for it.",
            now=NOTHING,
            do="Say --default VALUE. Or add it without --not-null, fill it, and then take the pattern not-null.",
        )
    default = f" DEFAULT {answers.default.text}" if answers.default else ""
    looks = [of_type(answers.type)]
    looks += ["attnotnull"] if answers.not_null else []
    looks += ["atthasdef"] if default else []
    wrong = f"column {column} of {table.sql} is missing, or not {answers.type}{' NOT NULL' * answers.not_null}"
    return (
        ChangeDraft(
            ("add", table.name, column),
            f"add column {column} to {table.name}",
            transaction(
                f"ALTER TABLE {table.sql}\n    ADD COLUMN {quote(column)} {answers.type}{default}"
                f"{' NOT NULL' * answers.not_null}"
            ),
            transaction(f"ALTER TABLE {table.sql}\n    DROP COLUMN {quote(column)}"),
            checked((column_is(table, column, *looks), wrong)),
            f"ACCESS EXCLUSIVE on {table.sql}, for an instant: no row is read or written.",
            "the column is dropped, and what was written into it is lost.",
        ),
    )


PATTERNS = (Pattern("add-column", "a column, without the table being written anew", AddColumn, add_column),)
