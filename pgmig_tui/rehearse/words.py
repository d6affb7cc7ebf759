"""A rehearsal in words: lines and table rows that the command prints and a screen can show. All are safe to print."""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.rehearse.measured import (
    Measured,
    Rehearsal,
    RehearsedScript,
    RehearsedStatement,
    SchemaDifference,
    ScriptProblem,
    VerifiesNothing,
)

HEADINGS = ("line>", "statement", "measured lock", "on", "did", "predicted", "took>?", "there?")
_FAILS = (
    "It must fail there: `SELECT the_column FROM the_table WHERE FALSE` does without the column, "
    "`SELECT 1 / count(*) FROM pg_catalog... WHERE ...` without the row."
)
_LISTED = 20
"""Objects whose definition differs that are named; the rest is counted."""


def opening(found: Rehearsal) -> list[Line]:
    """Where it happened, and what the copy lacks."""
    told = [
        line(
            (f"rehearsed {safe(found.environment)} ", "strong"),
            (f"on {safe(found.where)}: its schema without rows", "muted"),
            (", with its statistics" if found.statistics else "", "muted"),
        )
    ]
    told += [line(("  ! ", "waiting"), safe(note)) for note in found.notes]
    if found.stand_in_roles:
        told.append(line((f"  stand-ins for the roles {safe(words.listing(found.stand_in_roles))}", "muted")))
    if found.stand_in_tablespaces:
        names = safe(words.listing(found.stand_in_tablespaces))
        told.append(line((f"  stand-ins for the tablespaces {names}", "muted")))
    told += [line(("  x ", "failed"), f"not copied: {safe(problem)}") for problem in found.restore_problems]
    return told


def headline(one: RehearsedScript) -> Line:
    """One script in a line: what was done, and how it ended."""
    shape = "one transaction" if one.mode == "atomic" else "statement by statement"
    end: Line = (("ok", "done"),) if one.ok else (("FAILED", "failed"),)
    if one.verified is not None:
        end += ((", ", "plain"), ("verified", "done") if one.verified else ("verify FAILED", "failed"))
    name = f"{one.action} {safe(one.change)}"
    return line((name, "strong"), f"  {shape}, {words.duration(one.ms)}, ", *end)


def rows(one: RehearsedScript) -> list[tuple[str | Line, ...]]:
    """A row for each statement and lock on a relation that was there before the script."""
    found: list[tuple[str | Line, ...]] = []
    for each in one.statements:
        seen = [lock for lock in each.measured.locks if not lock.new and lock.relkind not in "iI"]
        locks = [(lock.mode.sql_name, safe(str(lock.name))) for lock in seen]
        nothing = "nothing new" if any(mode > LockMode.ROW_EXCLUSIVE for mode in _held(each.measured)) else "-"
        for position, (mode, name) in enumerate(locks or [(nothing, "-")]):
            if position:
                found.append(("", "", mode, name, "", "", "", ""))
                continue
            kind = safe(each.kind) if each.count == 1 else f"{safe(each.kind)} ({each.count:,} times)"
            estimate = each.on_target
            there = "" if estimate is None else f"up to {words.duration(estimate.high)}"
            took = words.duration(each.measured.ms)
            what = did(each.measured)
            if each.count > 1 and what:
                what += " (the first)"
            found.append((str(each.line), kind, mode, name, what, _verdict(each), took, there))
    return found


def did(measured: Measured) -> str:
    """What a statement did beside locking."""
    parts = [f"rewrote {safe(str(name))}" for name in measured.rewrites]
    if measured.rebuilds:
        parts.append(f"rebuilt {safe(words.listing([str(name) for name in measured.rebuilds]))}")
    for table in measured.rows:
        if table.scans and not table.new and table.name not in measured.rewrites:
            parts.append(f"scanned {safe(str(table.name))}")
        changed = table.inserted + table.updated + table.deleted
        if changed:
            parts.append(f"changed {words.count(changed, 'row')} of {safe(str(table.name))}")
    if measured.wal_bytes is not None and measured.wal_bytes >= 1 << 20:
        parts.append(f"{words.size(measured.wal_bytes)} of WAL")
    return "; ".join(parts)


def _verdict(each: RehearsedStatement) -> Line:
    strong = [one for one in each.differences if one.strong]
    if strong:
        return ((f"differs ({len(strong)})", "failed"),)
    if each.measured.seen == "not":
        return (("not measured", "stale"),)
    if each.predicted is None:
        return (("known only when run", "muted"),)
    return (("as predicted", "done"),)


def remarks(one: RehearsedScript) -> list[Line]:
    """Below the table: why it failed, where prediction and measurement part, and what rows would decide."""
    told = [*problem_lines(one.problem), *problem_lines(one.verify_problem), *_absent(one)]
    for each in one.statements:
        for difference in each.differences:
            if difference.strong:
                what = f"line {each.line}: {difference.about} on {safe(difference.relation)}: "
                told.append(
                    line(("! ", "failed"), what, f"predicted {difference.predicted}, measured {difference.measured}")
                )
        if each.measured.seen == "while it ran":
            text = f"line {each.line}: can't run in a transaction; its locks are those that another session saw"
            told.append(line(("  ", "muted"), (text, "muted")))
    lines = [str(each.line) for each in one.statements if each.of_rows]
    if lines:
        which = f"line {lines[0]}" if len(lines) == 1 else f"lines {words.listing(lines, 8)}"
        told.append(line(("? ", "stale"), f"{which}: how long it takes, and whether rows allow it, was not tried"))
    return told


def _absent(one: RehearsedScript) -> list[Line]:
    found = one.absent
    if not isinstance(found, VerifiesNothing):
        return []
    what = f"{safe(found.path)} passes {found.when}, where the change is absent"
    if found.silenced:
        return [line(("  ", "muted"), (f"{what}: {safe(found.silenced)}", "muted"))]
    return [
        line(("! ", "waiting"), f"{what}: it ", ("verifies nothing", "waiting")),
        line((f"    {_FAILS}", "muted")),
    ]


def problem_lines(problem: ScriptProblem | None) -> list[Line]:
    if problem is None:
        return []
    where = ":".join(part for part in (safe(problem.path), str(problem.line or "")) if part)
    state = f" [{safe(problem.sqlstate)}]" if problem.sqlstate else ""
    told = [line(("x ", "failed"), where, ": " if where else "", (safe(problem.message), "strong"), state)]
    for name, text in (("detail", problem.detail), ("hint", problem.hint)):
        if text:
            told.append(line(f"    {name}: {safe(text)}"))
    return told


def closing(found: Rehearsal) -> list[Line]:
    """What became of the whole: differences, reverts, the second deploy."""
    statements = [each for one in found.scripts if one.action != "redeploy" for each in one.statements]
    told = []
    if found.differences:
        many = words.count(found.differences, "difference")
        told.append(line(("! ", "failed"), f"{many} between prediction and measurement"))
    elif statements:
        told.append(
            line(("+ ", "done"), f"{words.count(len(statements), 'statement')}: every strong lock as predicted")
        )
    vain = found.verify_nothing
    if vain:
        many = f"{words.count(len(vain), 'verify script')} {'verifies' if len(vain) == 1 else 'verify'} nothing: "
        names = safe(words.listing([one.path for one in vain]))
        told.append(line(("! ", "waiting"), many, names))
    elif any(one.absent is not None for one in found.scripts):
        told.append(line(("+ ", "done"), "every verify script fails where its change is absent, or says why not"))
    marks = found.fingerprints
    for when, word, whole in (
        ("revert", "the reverts undo everything", marks.reverted),
        ("redeploy", "deployed again, the schema is the same", marks.redeployed),
    ):
        differs = [one for one in found.schema_differences if one.when == when]
        if differs:
            told += schema_lines(differs)
        elif whole:
            told.append(line(("+ ", "done"), word))
        elif found.ok or when == "revert":
            told.append(line(("? ", "stale"), f"it didn't come to the {when}"))
    told.append(
        line(("  ", "muted"), ("The copy has no rows: what depends on data was not tried. It is gone.", "muted"))
    )
    return told


def schema_lines(differs: Iterable[SchemaDifference]) -> list[Line]:
    """Objects that are other than they should be, at most _LISTED."""
    all_of_them = list(differs)
    told = []
    for one in all_of_them[:_LISTED]:
        what = "is gone" if not one.after else "stays" if not one.before else "is changed"
        about = "after the revert of" if one.when == "revert" else "after the second deploy of"
        told.append(
            line(("x ", "failed"), f"{about} {safe(one.change)}: {safe(one.kind)} {safe(one.name)} ", (what, "failed"))
        )
        if one.before and one.after:
            told += [line(f"    - {part}") for part in _apart(one.before, one.after)]
            told += [line(f"    + {part}") for part in _apart(one.after, one.before)]
    if len(all_of_them) > _LISTED:
        told.append(line(f"  and {len(all_of_them) - _LISTED} more"))
    return told


def _apart(one: str, other: str) -> list[str]:
    there = set(other.split("\n"))
    return [safe(part) for part in one.split("\n") if part not in there][:5]


def _held(measured: Measured) -> set[LockMode]:
    """What the transaction had already: taken again, it shows nowhere."""
    return {mode for modes in measured.held.values() for mode in modes}
