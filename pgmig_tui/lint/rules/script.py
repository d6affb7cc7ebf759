"""What a script is as a whole: its name, its head, its transaction, and whether it can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from pgmig_tui.lint.rule import Example, Rule, rule
from pgmig_tui.lint.state import Kind
from pgmig_tui.script.preview import Preview
from pgmig_tui.script.shape import must_stand_alone
from pgmig_tui.script.statement import Statement

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "change-name", "warning", "a change whose name doesn't follow the convention",
        "YYYYMMDD_NNNN_description sorts by day, and two people who add a change on one day see it at once.",
        "Rename it while nothing has it deployed, or set name in [lint] of pgmig.toml.",
        Example("-- Why: a column is needed.\nALTER TABLE app.t ADD COLUMN c text;", name="add_column"),
        Example("-- Why: a column is needed.\nALTER TABLE app.t ADD COLUMN c text;", name="20260131_0001_add_column"),
    ),
    Rule(
        "header-comment", "warning", "a script that doesn't say why",
        "Whoever has to roll back at night has the script and nothing else.",
        "Say at the top why it is, what may go wrong, and what its way back is.",
        Example("-- Deploy shop:20260131_0001_c to pg\n\nALTER TABLE app.t ADD COLUMN c text;", name="20260131_0001_c"),
        Example("-- Why: orders are paid in parts now.\nALTER TABLE app.t ADD COLUMN c text;", name="20260131_0001_c"),
    ),
    rule(
        "no-transaction", "warning", "several statements without a transaction",
        "Each commits by itself: when one fails, what those before it have done stays, and the change isn't recorded.",
        "Put BEGIN before them and COMMIT behind.",
        "CREATE TABLE app.t (id bigint PRIMARY KEY);\nCREATE TABLE app.u (id bigint PRIMARY KEY);",
        "BEGIN;\nCREATE TABLE app.t (id bigint PRIMARY KEY);\nCREATE TABLE app.u (id bigint PRIMARY KEY);\nCOMMIT;",
    ),
    rule(
        "not-alone", "warning", "a statement that must stand alone and doesn't",
        "What can't run in a transaction commits by itself; with others beside it nobody knows how far a failed"
        " script came.",
        "Give it a change of its own.",
        "CREATE INDEX CONCURRENTLY i ON app.t (c);\nCREATE INDEX CONCURRENTLY j ON app.t (d);",
        "CREATE INDEX CONCURRENTLY i ON app.t (c);",
    ),
    rule(
        "not-repeatable", "info", "a statement that can't be run again after a script that failed behind it",
        "Outside of a transaction what came before the failure stays, and is in the way of the next attempt.",
        "Put all into one transaction, or use IF EXISTS and OR REPLACE.",
        "DROP VIEW app.v;\nCREATE INDEX CONCURRENTLY i ON app.t (c);",
        "DROP VIEW IF EXISTS app.v;\nCREATE INDEX CONCURRENTLY i ON app.t (c);",
    ),
    rule(
        "transaction-open", "error", "a BEGIN without COMMIT",
        "Nothing of it stays when the script ends.",
        "Put COMMIT at the end.", "BEGIN;\nALTER TABLE app.t ADD COLUMN c text;",
        "BEGIN;\nALTER TABLE app.t ADD COLUMN c text;\nCOMMIT;",
    ),
    rule(
        "transaction-rolled-back", "error", "a deploy or revert script that ends in ROLLBACK",
        "It succeeds, is recorded as done, and has done nothing.",
        "Put COMMIT at the end.", "BEGIN;\nALTER TABLE app.t ADD COLUMN c text;\nROLLBACK;",
        "BEGIN;\nALTER TABLE app.t ADD COLUMN c text;\nCOMMIT;",
    ),
    rule(
        "transaction-nested", "warning", "a BEGIN inside a transaction",
        "PostgreSQL warns and goes on: the first COMMIT ends all of it, and what follows commits by itself.",
        "Leave one BEGIN and one COMMIT.",
        "BEGIN;\nBEGIN;\nALTER TABLE app.t ADD COLUMN c text;\nCOMMIT;",
        "BEGIN;\nALTER TABLE app.t ADD COLUMN c text;\nCOMMIT;",
    ),
    rule(
        "commit-without-begin", "warning", "a COMMIT without a BEGIN",
        "The statements before it have committed one by one, which the script's author hasn't meant.",
        "Put BEGIN before them.", "ALTER TABLE app.t ADD COLUMN c text;\nCOMMIT;",
        "BEGIN;\nALTER TABLE app.t ADD COLUMN c text;\nCOMMIT;",
    ),
    rule(
        "unreadable", "error", "SQL that can't be read",
        "PostgreSQL's grammar refuses it. Where a newer server takes it, no rule has looked at it.",
        "Correct it.", "ALTER TABEL app.t ADD COLUMN c text;", "ALTER TABLE app.t ADD COLUMN c text;",
    ),
    rule(
        "psql-refused", "error", "a command of psql that no run carries out",
        "The run refuses the script as it stands.",
        "Write it in SQL.", "\\foo\nALTER TABLE app.t ADD COLUMN c text;", "ALTER TABLE app.t ADD COLUMN c text;",
    ),
    rule(
        "nothing-in-it", "warning", "a script without a statement",
        "It is recorded as done, and does nothing.",
        "Write it, or take the change out of the plan.", "-- Why: later\n", "ALTER TABLE app.t ADD COLUMN c text;",
    ),
    rule(
        "ignore-comment", "warning", "a comment that is to silence a finding and doesn't",
        "It gives no reason, names no rule that there is, or no such finding is left.",
        "Write `-- pgmig: lint ignore CODE reason`, or remove the comment.",
        "-- pgmig: lint ignore drop-column\nALTER TABLE app.t DROP COLUMN c;",
        "-- pgmig: lint ignore drop-column no release since May has used it\nALTER TABLE app.t DROP COLUMN c;",
    ),
)  # fmt: skip

_PARTS = {
    "YYYY": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d{2})",
    "DD": r"(?P<day>\d{2})",
    "description": r"[a-z0-9][a-z0-9_]*",
}
_PIECES = re.compile("YYYY|MM|DD|N+|description|.", re.DOTALL)
_SQITCH_LINE = re.compile(
    r"\s*(?:(?:deploy|revert|verify)\s+\S+\s+(?:to|from|on)\s+\w+|requires:.*|conflicts:.*|XXX.*)?\s*", re.IGNORECASE
)
_COMMENTS = re.compile(r"\s*(?:--([^\n]*)|/\*(.*?)\*/)", re.DOTALL)
_AGAIN = re.compile(
    r"\s*(?:DROP\s+(?!.*\bIF\s+EXISTS\b)|CREATE\s+(?!OR\s+REPLACE\b)(?!.*\bIF\s+NOT\s+EXISTS\b)"
    r"|ALTER\s+TABLE\b.*\bADD\s+(?:COLUMN\s+)?(?!.*\bIF\s+NOT\s+EXISTS\b))",
    re.IGNORECASE | re.DOTALL,
)
_HEAD_BYTES = 16_384


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding about the script: `statement` None = at its top, else there; `line` and `column` win over both."""

    code: str
    reason: str
    statement: Statement | None = None
    line: int = 0
    column: int = 1
    fix: str = ""


def name_fits(name: str, form: str) -> bool:
    """Whether a change's name has a form such as YYYYMMDD_NNNN_description; a day has to be one of the calendar."""
    pattern = "".join(
        rf"\d{{{len(one)}}}" if set(one) == {"N"} else _PARTS.get(one, re.escape(one)) for one in _PIECES.findall(form)
    )
    found = re.fullmatch(pattern, name)
    if found is None:
        return False
    said = found.groupdict()
    if "day" in said and "month" in said and "year" in said:
        try:
            date(int(said["year"]), int(said["month"]), int(said["day"]))
        except ValueError:
            return False
    return True


def name_of_change(name: str, form: str) -> Iterator[Placed]:
    if form and not name_fits(name.rpartition("/")[2], form):
        yield Placed("change-name", f"{name} isn't of the form {form}")


def head(data: bytes) -> Iterator[Placed]:
    """Whether the comments before the first statement say more than the line that Sqitch has put there."""
    text = data[:_HEAD_BYTES].decode("utf-8", "replace").removeprefix("\ufeff")
    at = 0
    while found := _COMMENTS.match(text, at):
        at = found.end()
        said = found[1] if found[1] is not None else found[2]
        if said.strip().lower().startswith("pgmig:"):
            continue
        if not all(_SQITCH_LINE.fullmatch(line) for line in said.strip("*- \t").splitlines()):
            return
    yield Placed("header-comment", "no comment at the top says why it is")


def readable(view: Preview) -> Iterator[Placed]:
    for finding in view.findings:
        if finding.refuses:
            code = "unreadable" if finding.code == "unterminated" else "psql-refused"
            yield Placed(code, finding.message, line=finding.line)


def transactions(view: Preview, kind: Kind) -> Iterator[Placed]:
    """Where the script's transactions begin and end; of one with branches that isn't said."""
    working = [one for one in view.statements if one.keywords != "EMPTY" and not one.skipped]
    if all(one.control is not None for one in working):
        if not view.refused and kind != "verify":  # of that one it is said that it can't fail
            yield Placed("nothing-in-it", "no statement in it does anything")
        if not working:
            return
    if any(one.branch for one in working):
        return
    opened: Statement | None = None
    loose: list[Statement] = []
    ended = ""
    for one in working:
        control = one.control
        if control == "begin":
            if opened is not None:
                yield Placed("transaction-nested", "a transaction is open here", one)
            opened = opened or one
        elif control in ("commit", "rollback"):
            if opened is None and control == "commit":
                yield Placed("commit-without-begin", "no transaction is open here", one)
            elif opened is not None and not re.search(r"\band\s+chain\b", one.bare, re.IGNORECASE):
                opened, ended = None, control
        elif control is None and opened is None and not one.keywords.startswith(("SET", "RESET", "SHOW")):
            loose.append(one)
    if opened is not None and kind != "verify":
        yield Placed("transaction-open", "no COMMIT ends what begins here", opened)
    if ended == "rollback" and not loose and kind != "verify" and working[-1].control == "rollback":
        yield Placed("transaction-rolled-back", "nothing of it stays", working[-1])
    if kind != "verify":
        yield from _loose(loose, len(working))


def _loose(loose: list[Statement], working: int) -> Iterator[Placed]:
    """Statements outside of a transaction, where there are others beside them."""
    if working < 2 or not loose:
        return
    alone = [one for one in loose if must_stand_alone(one)]
    if len(loose) > 1 and not alone and not any(one.keywords in ("CALL", "DO") for one in loose):
        yield Placed("no-transaction", f"{len(loose)} statements commit one by one", loose[0])
    for one in alone[:1] if len(loose) == 1 else alone:
        yield Placed("not-alone", f"{one.keywords} stands beside others and commits by itself", one)
    for one in loose[:-1] if alone else ():
        if _AGAIN.match(one.bare) and one not in alone:
            yield Placed("not-repeatable", f"{one.keywords} fails when the script is run again", one)
