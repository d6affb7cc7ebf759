"""The lock impact of a script in words: rows of a table, remarks below it, and Markdown for a review."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, Span, line, text_of
from pgmig_tui.display.markdown import prose
from pgmig_tui.display.safe import safe
from pgmig_tui.gates.impacts import EarlierDuration, EarlierTest, Inspected
from pgmig_tui.impact.result import RISKS, Lock, ScriptImpact, StatementImpact
from pgmig_tui.report.comment import Fold, comment, heading, row
from pgmig_tui.script.preview import Finding

HEADINGS = ("line>", "statement", "lock", "on", "blocks", "held to?", "does", "risk")
_CONCURRENT = frozenset({"CREATE INDEX", "DROP INDEX", "REINDEX", "REFRESH MATERIALIZED VIEW"})
_CONCURRENTLY = re.compile(r"\bCONCURRENTLY\b", re.IGNORECASE).search
_RISK_ROLES: dict[str, Role] = {
    "none": "muted",
    "low": "done",
    "medium": "waiting",
    "high": "failed",
    "critical": "failed",
}


def at_least(risk: str, limit: str) -> bool:
    """Whether a risk reaches a limit; both are words of `RISKS`."""
    return RISKS.index(risk) >= RISKS.index(limit)


def risk_span(risk: str) -> Span:
    return risk, _RISK_ROLES.get(risk, "plain")


def kind_words(one: StatementImpact) -> str:
    """The kind, with CONCURRENTLY where it stands in the statement: it makes another statement of it."""
    concurrently = one.kind in _CONCURRENT and _CONCURRENTLY(one.sql) and "CONCURRENTLY" not in one.kind
    return f"{one.kind} CONCURRENTLY" if concurrently else one.kind


def blocks_words(one: StatementImpact) -> str:
    """What others can't do meanwhile: `reads, writes, DDL`, or `-`."""
    named = (("reads", one.blocks.reads), ("writes", one.blocks.writes), ("DDL", one.blocks.ddl))
    return ", ".join(name for name, blocked in named if blocked) or "-"


def does_words(one: StatementImpact) -> str:
    """What a statement does beside locking: rewrites, scans, losses, and how long about."""
    parts = [f"rewrites {safe(name)}" for name in one.rewrites]
    parts += [f"scans {safe(name)}" for name in one.scans if name not in one.rewrites]
    if one.data_loss.final:
        parts.append(f"{one.data_loss.word} {safe(words.listing(one.data_loss.what)) or 'data'}")
    if one.rows:
        parts.append(f"about {words.about(one.rows)} rows, {words.size(one.bytes)}")
    if one.estimated_ms is not None and one.estimated_ms.high >= 100:
        parts.append(f"{words.duration(one.estimated_ms.low)} to {words.duration(one.estimated_ms.high)}")
    return "; ".join(parts)


def headline(impact: ScriptImpact, change: str = "") -> Line:
    """The script in one line: what it is, its strongest lock, its risk."""
    strongest = impact.strongest
    lock = f"{strongest[0].sql_name} on {safe(strongest[1])}" if strongest else impact.no_lock
    name = f"{safe(change)}  {safe(impact.path)}" if change else safe(impact.path)
    shape = "one transaction" if impact.transactional else "statement by statement"
    return line((name, "strong"), f"  {shape}, {lock}, risk ", risk_span(impact.risk))


def rows(impact: ScriptImpact) -> list[tuple[str | Line, ...]]:
    """A row for each statement and lock, without transaction control and locks on relations that the script makes.

    Statements in a row that say the same share their rows: a script may hold ten thousands of INSERTs.
    """
    found: list[tuple[str | Line, ...]] = []
    statements = (one for one in impact.statements if not one.transaction_control or one.problem is not None)
    for _, same in groupby(statements, key=_row_of):
        alike = list(same)
        one, count = alike[0], sum(each.times for each in alike)
        last = alike[-1]
        place = str(one.line) if count == 1 else f"{one.line}-{last.line if last.times == 1 else last.end_line}"
        name = kind_words(one) if count == 1 else f"{kind_words(one)} x {count:,}"
        kind: Line = ((safe(name), "failed" if one.problem else "plain"),)
        locks: list[Lock | None] = [*_seen(one)] or [None]
        for position, lock in enumerate(locks):
            mode, relation = ("-", "-") if lock is None else (_mode_words(lock), safe(f"{lock.schema}.{lock.relation}"))
            if position:
                found.append(("", "", mode, relation, "", "", "", ""))
                continue
            held = "-" if lock is None else f"line {last.held_until_line}"
            found.append(
                (place, kind, mode, relation, blocks_words(one), held, does_words(one), (risk_span(one.risk),))
            )
    return found


def _seen(one: StatementImpact) -> list[Lock]:
    return sorted((lock for lock in one.locks if not lock.new), key=lambda lock: -lock.mode)


def _row_of(one: StatementImpact) -> tuple[object, ...]:
    """What a statement's rows say besides its line."""
    own = one.line if one.problem is not None else 0
    until = 0 if one.held_until_line > one.end_line else -1
    locks = tuple((lock.mode, lock.certainty, lock.schema, lock.relation) for lock in _seen(one))
    return own, until, kind_words(one), locks, does_words(one), one.risk


def _mode_words(lock: Lock) -> str:
    return lock.mode.sql_name if lock.certainty == "certain" else f"{lock.mode.sql_name} ({lock.certainty})"


def remarks(impact: ScriptImpact) -> list[Line]:
    """What a table has no room for: errors, what can't be known, what breaks, and the safer way to write it.

    Statements in a row of which the same is to be said share it.
    """
    found: list[Line] = []
    told = ((one, _remarks(one, "")) for one in impact.statements)
    for _, same in groupby(told, key=lambda pair: (pair[0].kind, pair[1])):
        alike = [one for one, _ in same]
        first, last = alike[0].line, alike[-1].line
        found += _remarks(alike[0], f"line {first}: " if len(alike) == 1 else f"lines {first} to {last}: ")
    return found


def _remarks(one: StatementImpact, at: str) -> list[Line]:
    found: list[Line] = []
    if one.problem is not None:
        place = f" (line {one.problem.line}, column {one.problem.column})" if one.problem.column else ""
        found.append(line(("x ", "failed"), at, safe(one.problem.message), place))
    if one.data_loss.loss_class:
        lost = safe(words.listing(one.data_loss.what)) or "what, can't be told"
        role: Role = "failed" if one.data_loss.final else "waiting"
        found.append(line(("! ", role), at, (f"{one.data_loss.word.lower()} ", role), lost))
    found += [line(("? ", "stale"), at, "unknown: ", safe(what)) for what in one.unknown]
    found += [line(("! ", "waiting"), at, safe(what)) for what in one.breaks]
    found += [line(("  ", "muted"), at, (safe(what), "muted")) for what in one.notes]
    shown: set[str] = set()  # several advices on one statement may come to one SQL
    for advice in one.advice:
        if advice.rule in one.silenced:
            why = f"{advice.rule} is silenced: {one.silenced[advice.rule]}"
            found.append(line(("  ", "muted"), at, (safe(why), "muted")))
            continue
        found.append(line(("> ", "running"), at, safe(advice.message), (f" [{safe(advice.rule)}]", "muted")))
        sql = "" if advice.safer_sql in shown else safe(advice.safer_sql, multiline=True)
        shown.add(advice.safer_sql)
        found += [line("      ", (part, "muted")) for part in sql.split("\n") if part.strip()]
    return found


def finding_lines(findings: Iterable[Finding]) -> list[Line]:
    """What reading the script brought up, a line each; what keeps it from being run is marked."""
    return [
        line(
            ("x " if one.refuses else "! ", "failed" if one.refuses else "waiting"),
            f"line {one.line}: {safe(one.message)}",
        )
        for one in findings
    ]


def measured_lines(measured: Iterable[EarlierDuration]) -> list[Line]:
    """What the whole script took when it was deployed before."""
    told = [f"{words.duration(one.ms)} in {safe(one.environment)}" for one in measured]
    return [line(("  ", "muted"), f"measured before, the whole script: {', '.join(told)}")] if told else []


def tested_lines(tested: EarlierTest | None) -> list[Line]:
    """What is kept of a test of the change."""
    return [] if tested is None else [line(("  ", "muted"), (safe(tested.line), "done" if tested.good else "waiting"))]


def markdown(found: Sequence[Inspected], notes: Sequence[str] = ()) -> str:
    """A comment for a pull request: a row a script, and its statements to be unfolded. `notes` say which server was
    asked, if any, and what isn't known."""
    opening = ["# Lock impact"]
    for note in notes:
        opening += ["", prose(note)]
    table = heading("change", "lock", "on", "loses", "risk") if found else []
    table += [_summary(one) for one in found]
    if not found:
        opening += ["", "Nothing is pending."]
    folds = [
        Fold(text_of(headline(one.impact, one.change)), tuple(_details(one)), RISKS.index(one.impact.risk))
        for one in found
    ]
    return comment("pgmig-tui impact", opening, table, folds, "pgmig-tui impact")


def _summary(one: Inspected) -> str:
    strongest, loss = one.impact.strongest, one.impact.data_loss
    mode, relation = (strongest[0].sql_name, strongest[1]) if strongest else (one.impact.lock_word or "none", "")
    lost = prose(words.listing(loss.what)) if loss.final else ""
    risk = f"**{one.impact.risk}**" if at_least(one.impact.risk, "high") else one.impact.risk
    return row(prose(one.change or one.impact.path), mode, prose(relation), lost, risk)


def _details(script: Inspected) -> list[str]:
    before = [*measured_lines(script.measured), *tested_lines(script.tested)]
    lines = [part for told in before for part in (prose(text_of(told).strip()), "")]
    table = rows(script.impact)
    if table:
        lines += heading(*(title.rstrip(">?") for title in HEADINGS))
        lines += [row(*(prose(one if isinstance(one, str) else text_of(one)) for one in each)) for each in table]
        lines.append("")
    told = [*remarks(script.impact), *finding_lines(script.findings)]
    return lines + [f"- {prose(text_of(remark).strip())}" for remark in told]
