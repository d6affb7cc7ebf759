"""The lock impact of a script as lines for a pane: what it locks, blocks and loses, and how to do it better."""

from __future__ import annotations

from collections.abc import Sequence

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, Role, Span, cut, point, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.gates.loss import of_script
from pgmig_tui.impact.result import NO_LOCK, Lock, ScriptImpact, StatementImpact
from pgmig_tui.ui.backend.protocol import ImpactFacts, PlanLine

RISK_ROLES: dict[str, Role] = {
    "none": "muted",
    "low": "done",
    "medium": "waiting",
    "high": "failed",
    "critical": "failed",
}
_TABLES = "rpm"
_SHORT = {
    "ACCESS SHARE": "read",
    "ROW SHARE": "row-sh",
    "ROW EXCLUSIVE": "row-x",
    "SHARE UPDATE EXCLUSIVE": "online",
    "SHARE": "SHARE",
    "SHARE ROW EXCLUSIVE": "S.ROWX",
    "EXCLUSIVE": "EXCL",
    "ACCESS EXCLUSIVE": "A.EXCL",
}


def short_lock(facts: ImpactFacts) -> Span:
    """The strongest lock in six columns."""
    if facts.impact is None:
        return "? n/a", "stale"
    strongest = facts.impact.strongest
    if strongest is not None:
        return _SHORT.get(strongest[0].sql_name, "?"), RISK_ROLES[facts.impact.risk]
    if any(one.problem is not None or one.unknown for one in facts.impact.statements):
        return "? unkn", "stale"
    return "none", "muted"


def short_risk(facts: ImpactFacts) -> Span:
    """The risk in five columns; nothing where there is none."""
    if facts.impact is None:
        return "?", "stale"
    words = {"none": "", "low": "low", "medium": "med", "high": "HIGH", "critical": "CRIT"}
    return words[facts.impact.risk], RISK_ROLES[facts.impact.risk]


def blocks_words(one: StatementImpact) -> str:
    """What others can't do meanwhile."""
    named = (("reads", one.blocks.reads), ("writes", one.blocks.writes), ("DDL", one.blocks.ddl))
    blocked = [name for name, yes in named if yes]
    return f"blocks {words.listing(blocked)}" if blocked else "blocks nothing"


def statement_lines(one: StatementImpact, columns: int, *, marked: bool = False, where: str = "") -> list[Line]:
    """One statement: its line (in the file `where`, when it's another one), its locks, what it does, what it loses."""
    role = RISK_ROLES[one.risk]
    head: Line = ((f"{'>' if marked else ' '}{where}L{one.line} ", "strong"), (safe(one.kind), "strong"))
    if one.risk not in {"none", "low"}:
        head = (*head, (f"  risk {one.risk}", role))
    lines: list[Line] = [head]

    def say(text: str, role: Role = "plain") -> None:
        lines.extend(wrap(safe(text), columns, role, indent="   ", hanging="     "))

    if one.problem is not None:
        say(one.trouble, "failed")
    others = [lock for lock in one.locks if not lock.new]
    shown_locks = _without_indexes(others)
    for lock in shown_locks:
        sure = "" if lock.certainty == "certain" else f" ({lock.certainty})"
        strong: Role = "failed" if lock.mode.blocks_reads else "waiting" if lock.mode.blocks_writes else "plain"
        say(f"{lock.mode.sql_name} on {lock.schema}.{lock.relation}{sure}", strong)
    if folded := len(others) - len(shown_locks):
        say(f"and {folded} of its indexes" if folded > 1 else "and an index of it", "muted")
    if any(not lock.new for lock in one.locks):
        say(blocks_words(one), "plain" if one.blocks.reads or one.blocks.writes else "muted")
    elif one.locks:
        say("locks only what this script made", "muted")
    if one.rewrites:
        say(f"rewrites {words.listing(one.rewrites)}", "failed")
    scans = [name for name in one.scans if name not in one.rewrites]
    if scans:
        say(f"scans {words.listing(scans)}", "waiting")
    if one.rows:
        say(f"about {words.about(one.rows)} rows, {words.size(one.bytes)}", "muted")
    if one.estimated_ms is not None and one.estimated_ms.high:
        say(f"about {words.duration(one.estimated_ms.low)} to {words.duration(one.estimated_ms.high)}", "muted")
    if one.locks and one.held_until_line > one.end_line:
        say(f"held from line {one.line} to {one.held_until_line}", "muted")
    if one.data_loss.final:
        say(f"{one.data_loss.word} {words.listing(one.data_loss.what, len(one.data_loss.what)) or 'data'}", "failed")
    if one.needs_no_transaction:
        say("can't run in a transaction", "waiting")
    for text in (*one.unknown, *one.breaks):
        say(f"? {text}", "waiting")
    shown: set[str] = set()  # several advices on one statement may come to one SQL
    for advice in one.advice:
        if advice.rule in one.silenced:
            say(f"{advice.rule} is silenced: {one.silenced[advice.rule]}", "muted")
            continue
        say(f"* {advice.message}", "running")
        for sql in advice.safer_sql.splitlines() if advice.safer_sql not in shown else ():
            say(sql, "muted")
        shown.add(advice.safer_sql)
    return lines


def _without_indexes(locks: Sequence[Lock]) -> Sequence[Lock]:
    """The locks without those on indexes, where all are of one table and none is stronger than the table's: they come
    with it, and say nothing more."""
    tables = [lock for lock in locks if lock.relkind in _TABLES]
    if len(tables) != 1:
        return locks
    return [lock for lock in locks if lock.relkind not in "iI" or lock.mode > tables[0].mode]


def telling(impact: ScriptImpact) -> list[StatementImpact]:
    """The statements that there is something to say about; BEGIN, COMMIT and SET are not among them."""
    return [
        one
        for one in impact.statements
        if one.transaction_control is None
        and (one.locks or one.problem or one.unknown or one.advice or one.data_loss.loss_class or one.risk != "none")
    ]


def headline(facts: ImpactFacts, columns: int) -> list[Line]:
    """The whole script in a few lines: its strongest lock, what that blocks, and the worst that it does."""
    if facts.impact is None:
        return wrap(safe(facts.problem) or "no impact is known", columns, "stale", indent=" ")
    impact = facts.impact
    lines = [*_loss_lines(impact, columns), *_lock_lines(impact, columns)]
    rewrites = tuple(dict.fromkeys(name for one in impact.statements for name in one.rewrites))
    if rewrites:
        lines += wrap(f"rewrites {safe(words.listing(rewrites))}", columns, "failed", indent=" ")
    scans = tuple(dict.fromkeys(name for one in impact.statements for name in one.scans if name not in one.rewrites))
    if scans:
        lines += wrap(f"scans {safe(words.listing(scans))}", columns, "waiting", indent=" ")
    if troubles := impact.troubles:
        more = f", and {words.count(len(troubles) - 1, 'statement')} more" if len(troubles) > 1 else ""
        lines += point(f"x {safe(troubles[0])}{more}", columns, "failed")
    if not impact.transactional:
        lines += wrap("not one transaction: a failure leaves a part behind", columns, "waiting", indent=" ")
    lines += wrap(f"risk {impact.risk}", columns, RISK_ROLES[impact.risk], indent=" ")
    return lines


def _loss_lines(impact: ScriptImpact, columns: int) -> list[Line]:
    found = of_script(impact)
    lines: list[Line] = []
    # Without a catalog nobody knows whether it is there.
    sure, unsure = (found.certain, found.doubtful) if impact.catalog else ((), found.known)
    for word, what in (("LOSES", sure), ("MAY LOSE", unsure)):
        if what:
            lines += point(f"{word} {safe(words.listing(what))}", columns, "failed")
    if found.unknown and impact.catalog:  # without one the text alone leaves much open
        lines += wrap(f"{words.count(len(found.unknown), 'statement')} may lose data", columns, "stale", indent=" ")
    return lines


def _no_loss_lines(impact: ScriptImpact, columns: int) -> list[Line]:
    """For a script of which no loss is known."""
    if of_script(impact).unknown:
        return point("? what it loses is not known by its text alone", columns, "stale")
    return wrap("loses no data that is known of", columns, "done", indent=" ")


def _lock_lines(impact: ScriptImpact, columns: int) -> list[Line]:
    """The strongest lock, what it is on, and what it blocks."""
    if impact.strongest is None:
        sure = impact.no_lock == NO_LOCK
        return wrap(impact.no_lock, columns, "done" if sure else "stale", indent=" ")
    mode, relation = impact.strongest
    lines = wrap(mode.sql_name, columns, RISK_ROLES[impact.risk], indent=" ")
    lines += wrap(f"on {safe(relation)}", columns, "plain", indent="   ")
    blocked = [word for word, yes in (("reads", mode.blocks_reads), ("writes", mode.blocks_writes)) if yes]
    lines += wrap(f"blocks {' and '.join(blocked)}" if blocked else "reads and writes go on", columns, indent=" ")
    return lines


def side_lines(
    change: PlanLine,
    deploy: ImpactFacts | None,
    revert: ImpactFacts | None,
    differs: Sequence[str],
    columns: int,
    where: Sequence[Line] = (),
) -> list[Line]:
    """The side pane of the home screen for one change; `where` says how it stands in the environments."""
    lines = wrap(safe(change.name), columns, "strong", indent=" ")
    lines.append(((f" {change.planned_at[:10]} {safe(change.planner)}"[:columns], "muted"),))
    for text in differs:
        lines += point(f"! {safe(text)}", columns, "differs")
    lines += wrap(safe(change.note), columns, indent=" ")[:5]
    lines += where
    lines.append(())
    if change.requires:
        lines.append(((" requires", "muted"),))
        lines += [((f"   {cut(safe(name), columns - 3)}", "muted"),) for name in change.requires[:6]]
        if len(change.requires) > 6:
            lines.append(((f"   and {len(change.requires) - 6} more", "muted"),))
    if change.conflicts:
        lines += point(f"conflicts with {safe(words.listing(change.conflicts))}", columns, "waiting")
    if change.needed_by:
        lines += wrap(f"needed by {change.needed_by}", columns, "muted", indent=" ")
    if change.reworked:
        lines += wrap("reworked later in the plan", columns, "muted", indent=" ")
    by = () if deploy is None or deploy.live else (("  by text alone", "muted"),)
    lines += [(), ((" Lock impact", "title"), *by)]
    lines += headline(deploy, columns) if deploy is not None else [((" ...", "muted"),)]
    lines += [(), ((" Revert", "title"),)]
    if revert is None:
        lines.append(((" ...", "muted"),))
    elif revert.impact is None:
        lines += headline(revert, columns)
    else:
        lines += _loss_lines(revert.impact, columns) or _no_loss_lines(revert.impact, columns)
        lines += _lock_lines(revert.impact, columns)[:2]
    return lines
