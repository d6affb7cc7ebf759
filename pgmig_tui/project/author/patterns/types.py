"""Enum types: a value more, and the type made again without it when that is reverted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pgmig_tui.errors import UsageError
from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.draft import ChangeDraft, allowed, checked, literal_of, made_name, transaction
from pgmig_tui.script.given import NOTHING, QualifiedName
from pgmig_tui.script.quoting import quote, quote_literal


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumValue:
    """A value for an enum type. `labels` are those that it has, in their order, and `used_by` the columns of that type:
    PostgreSQL drops no value, so that the way back makes the type again, and the columns with it."""

    type: Annotated[QualifiedName, AskFor("Which enum type?", "table")]
    value: Annotated[str, AskFor("Which value does it get?", "label")]
    after: Annotated[str, AskFor("Behind which value?", "label")] = ""
    before: Annotated[str, AskFor("Or before which value?", "label")] = ""
    labels: Annotated[
        tuple[str, ...], AskFor("Which values has it now? ('new', 'paid'; those that the plan has made)", "values")
    ] = ()
    used_by: Annotated[
        tuple[tuple[QualifiedName, str], ...],
        AskFor("Which column is of it? (those that the plan has made)", "columns"),
    ] = ()
    default: Annotated[str, AskFor("Which value is the default of these columns?", "label")] = ""


def enum_value(answers: EnumValue) -> tuple[ChangeDraft, ...]:
    name, value = answers.type, answers.value
    if bool(answers.after) == bool(answers.before):
        raise UsageError(
            "A value of an enum has a place, which can't be changed later.",
            now=NOTHING,
            do="Say --after VALUE or --before VALUE.",
        )
    if not answers.labels:
        raise UsageError(
            f"The way back makes {name.sql} again, and which values it has isn't known: the plan doesn't make it.",
            now=NOTHING,
            do="Say --labels \"'new', 'paid'\", in their order, and --used-by SCHEMA.TABLE.COLUMN.",
        )
    place = f"AFTER {quote_literal(answers.after)}" if answers.after else f"BEFORE {quote_literal(answers.before)}"
    look = (
        f"FROM pg_catalog.pg_enum\n         WHERE enumtypid = {literal_of(name)}::pg_catalog.regtype\n"
        f"           AND enumlabel = {quote_literal(value)}"
    )
    tables = ", ".join(dict.fromkeys(table.sql for table, _ in answers.used_by))
    return (
        ChangeDraft(
            ("add", name.name, value),
            f"{name.name} gets the value {value}",
            transaction(f"ALTER TYPE {name.sql}\n    ADD VALUE {quote_literal(value)} {place}"),
            transaction(*_made_again(name, answers.labels, answers.used_by, answers.default)),
            checked((look, f"type {name.sql} has no value {value}")),
            f"none on a table: {name.sql} is locked for an instant.",
            "the type is made again without the value"
            + (f", for which {tables} are written anew under ACCESS EXCLUSIVE" if tables else "")
            + "; it fails, and changes nothing, while a row has the value.",
        ),
    )


def _made_again(
    name: QualifiedName, labels: Sequence[str], used_by: Sequence[tuple[QualifiedName, str]], default: str
) -> list[str]:
    before = name.beside(made_name(name.name, "before"))
    statements = [
        f"ALTER TYPE {name.sql}\n    RENAME TO {quote(before.name)}",
        f"CREATE TYPE {name.sql} AS ENUM ({', '.join(labels)})",
    ]
    for table, column in used_by:
        own = quote(column)
        parts = [f"ALTER COLUMN {own} TYPE {name.sql} USING {own}::pg_catalog.text::{name.sql}"]
        if default:
            parts.insert(0, f"ALTER COLUMN {own} DROP DEFAULT")
            parts.append(f"ALTER COLUMN {own} SET DEFAULT {quote_literal(default)}")
        statements.append(
            allowed(
                f"ALTER TABLE {table.sql}\n    " + ",\n    ".join(parts),
                ("type-change-rewrite", "PostgreSQL drops no value of an enum"),
            )
        )
    statements.append(f"DROP TYPE {before.sql}")
    return statements


PATTERNS = (
    Pattern("enum-value", "a value more for an enum, and the type without it on the way back", EnumValue, enum_value),
)
