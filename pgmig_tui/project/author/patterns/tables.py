"""Tables: renamed behind a view that keeps the old name, and dropped when nobody needs them any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.draft import ChangeDraft, allowed, checked, columns, made_name, transaction
from pgmig_tui.project.author.patterns.looks import none, relation_is
from pgmig_tui.script.given import QualifiedName, definition_of
from pgmig_tui.script.quoting import quote

TABLES = ("r", "p")


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameTable:
    """A table that gets another name in its schema, while code goes on with the old one."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    to: Annotated[str, AskFor("What is it called from now on?", "name")]
    grant_to: Annotated[tuple[str, ...], AskFor("Which roles read and write it by its old name?", "names")] = ()
    owner_rights: Annotated[
        bool, AskFor("Does the view work with its owner's rights? (the only way before PostgreSQL 15)", "flag")
    ] = False


def rename_table(answers: RenameTable) -> tuple[ChangeDraft, ...]:
    old, new = answers.table, answers.table.beside(answers.to)
    words = ("rename", old.name, "to", new.name)
    invoker = "" if answers.owner_rights else "\n    WITH (security_invoker = true)"
    view = [f"CREATE VIEW {old.sql}{invoker} AS\n    SELECT * FROM {new.sql}"]
    if answers.grant_to:
        view.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {old.sql} TO {columns(answers.grant_to)}")
    moved = (
        (relation_is(new, *TABLES), f"{new.sql} is no table"),
        (none(relation_is(old, *TABLES)), f"{old.sql} is a table still"),
    )
    return (
        ChangeDraft(
            words,
            f"{old.name} is called {new.name}, and a view has the old name",
            transaction(
                allowed(
                    f"ALTER TABLE {old.sql}\n    RENAME TO {quote(new.name)}",
                    lint=[("rename", "the view below has the old name, and rows can be written through it")],
                ),
                *view,
            ),
            transaction(f"DROP VIEW {old.sql}", f"ALTER TABLE {new.sql}\n    RENAME TO {quote(old.name)}"),
            checked(*moved),
            f"ACCESS EXCLUSIVE on {old.sql}, for an instant.",
            "the view goes, and the table has its old name again.",
            before="Look for statements that a view doesn't take, and that fail by the old name: TRUNCATE, COPY FROM.",
        ),
        ChangeDraft(
            (*words, "end"),
            f"nothing is called {old.name} any more",
            transaction(
                allowed(
                    f"DROP VIEW {old.sql}",
                    lint=[("drop-object", "the head says when: no code that is released uses the old name")],
                )
            ),
            transaction(*view),
            checked(moved[0], (none(relation_is(old)), f"{old.sql} is there")),
            f"ACCESS EXCLUSIVE on the view {old.sql}, for an instant.",
            "the view comes back.",
            before=f"Release code that says {new.name}, and wait until no session of the code before is left.",
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTable:
    """A table that goes: first nobody finds it, then it is gone. `definition` is what makes it, for the way back."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    because: Annotated[str, AskFor("Why does nobody need it any more?", "words")]
    definition: Annotated[str, AskFor("Which file makes it again? (pg_dump --schema-only --table)", "sql")]


def drop_table(answers: DropTable) -> tuple[ChangeDraft, ...]:
    table = answers.table
    hidden = table.beside(made_name(table.name, "dropped"))
    words = ("drop", table.name)
    gone = (none(relation_is(table)), f"{table.sql} is there")
    return (
        ChangeDraft(
            (*words, "hide"),
            f"{table.name} is called {hidden.name}",
            transaction(
                allowed(
                    f"ALTER TABLE {table.sql}\n    RENAME TO {quote(hidden.name)}", lint=[("rename", answers.because)]
                )
            ),
            transaction(f"ALTER TABLE {hidden.sql}\n    RENAME TO {quote(table.name)}"),
            checked(gone),
            f"ACCESS EXCLUSIVE on {table.sql}, for an instant.",
            f"it is called {table.name} again, with all its rows: try so whether somebody needs it.",
            before=f"Release code that doesn't name the table. {answers.because}",
        ),
        ChangeDraft(
            words,
            f"drop {hidden.name}",
            transaction(allowed(f"DROP TABLE {hidden.sql}", lint=[("drop-table", answers.because)])),
            transaction(
                *definition_of(answers.definition, table),
                f"ALTER TABLE {table.sql}\n    RENAME TO {quote(hidden.name)}",
            ),
            checked(gone, (none(relation_is(hidden)), f"{hidden.sql} is there")),
            f"ACCESS EXCLUSIVE on {hidden.sql} and on tables that it refers to, for an instant. THE ROWS ARE LOST.",
            "the table comes back, empty; a backup has its rows.",
            before="Wait until nobody has missed it, and make a backup.",
        ),
    )


PATTERNS = (
    Pattern("rename-table", "a table renamed, behind a view that has the old name", RenameTable, rename_table),
    Pattern("drop-table", "a table dropped: hidden first, then gone", DropTable, drop_table),
)
