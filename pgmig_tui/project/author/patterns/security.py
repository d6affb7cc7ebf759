"""Row security: its policy is there before the first query is held to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pgmig_tui.errors import UsageError
from pgmig_tui.project.author.patterns.asked import AskFor, Pattern
from pgmig_tui.project.author.patterns.draft import ChangeDraft, checked, columns, literal_of, made_name, transaction
from pgmig_tui.project.author.patterns.looks import relation_is
from pgmig_tui.script.given import NOTHING, Expression, QualifiedName
from pgmig_tui.script.quoting import quote, quote_literal

COMMANDS = ("all", "select", "insert", "update", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSecurity:
    """A policy for a table, and row security switched on with it."""

    table: Annotated[QualifiedName, AskFor("Which table?", "table")]
    using: Annotated[Expression | None, AskFor("Which rows are seen? (owner = current_user)", "query")] = None
    with_check: Annotated[Expression | None, AskFor("Which rows may be written? (as above)", "query")] = None
    to: Annotated[tuple[str, ...], AskFor("For which roles? (all)", "names")] = ()
    command: Annotated[str, AskFor("For which command? (all)", "words", COMMANDS)] = ""
    policy: Annotated[str, AskFor("What is the policy called? (TABLE_policy)", "name")] = ""
    force: Annotated[bool, AskFor("Does it count for the table's owner, too?", "flag")] = False
    enabled: Annotated[bool, AskFor("Is row security on already?", "flag")] = False


def row_security(answers: RowSecurity) -> tuple[ChangeDraft, ...]:
    table, command = answers.table, answers.command or "all"
    _require_conditions(command, answers.using is not None, answers.with_check is not None)
    name = answers.policy or made_name(table.name, "policy")
    parts = [f"CREATE POLICY {quote(name)} ON {table.sql}", f"FOR {command.upper()}"]
    parts += [f"TO {columns(answers.to)}"] if answers.to else []
    parts += [f"USING ({answers.using.text})"] if answers.using else []
    parts += [f"WITH CHECK ({answers.with_check.text})"] if answers.with_check else []
    on = [] if answers.enabled else ["ENABLE ROW LEVEL SECURITY"]
    on += ["FORCE ROW LEVEL SECURITY"] if answers.force else []
    off = ["NO FORCE ROW LEVEL SECURITY"] if answers.force else []
    off += [] if answers.enabled else ["DISABLE ROW LEVEL SECURITY"]
    head = f"ALTER TABLE {table.sql}\n    "
    policy = (
        f"FROM pg_catalog.pg_policy\n         WHERE polrelid = {literal_of(table)}::pg_catalog.regclass\n"
        f"           AND polname = {quote_literal(name)}"
    )
    secured = (
        relation_is(table) + "\n           AND relrowsecurity" + "\n           AND relforcerowsecurity" * answers.force
    )
    return (
        ChangeDraft(
            ("secure", table.name) if on else ("policy", name),
            f"policy {name} of {table.name}",
            transaction("\n    ".join(parts), *([head + ",\n    ".join(on)] if on else [])),
            transaction(*([head + ",\n    ".join(off)] if off else []), f"DROP POLICY {quote(name)} ON {table.sql}"),
            checked(
                (policy, f"policy {name} of {table.sql} is missing"),
                (secured, f"row security of {table.sql} is off" + ", or not forced" * answers.force),
            ),
            f"ACCESS EXCLUSIVE on {table.sql}, for an instant.",
            "row security is off again, and the policy goes." if on else "the policy goes.",
            before="Find out as whom code logs in: who is no owner sees no row that no policy lets through.",
        ),
    )


def _require_conditions(command: str, using: bool, with_check: bool) -> None:
    wrong = ""
    if command == "insert" and (using or not with_check):
        wrong = "A policy for INSERT has --with-check, and no --using."
    elif command in ("select", "delete") and (with_check or not using):
        wrong = f"A policy for {command.upper()} has --using, and no --with-check."
    elif not using and not with_check:
        wrong = "A policy without a condition lets nothing through."
    if wrong:
        raise UsageError(
            wrong, now=NOTHING, do="Say --using CONDITION for rows that are there, --with-check for new ones."
        )


PATTERNS = (Pattern("row-security", "row security, switched on together with its policy", RowSecurity, row_security),)
