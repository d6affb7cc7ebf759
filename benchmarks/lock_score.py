"""Predictions against the truth: precision and recall of (relation, strongest mode), exact sets, rewrite verdicts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lock_runner import Line

from pgmig_tui.impact import nodes
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import LockMode

STRONG = LockMode.SHARE_UPDATE_EXCLUSIVE
_DML = {
    "SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "CopyStmt", "ExplainStmt", "PrepareStmt",
    "ExecuteStmt", "DeclareCursorStmt", "FetchStmt", "ClosePortalStmt", "DeallocateStmt", "CallStmt", "DoStmt",
    "LockStmt", "TruncateStmt",
}  # fmt: skip

Locks = dict[Name, LockMode]


def is_dml(line: Line) -> bool:
    """Queries and whatever works on rows; all else counts as DDL."""
    node = line.statement.node
    if node is None:
        return line.statement.kind in {"SELECT", "INSERT", "UPDATE", "DELETE", "COPY"}
    inner = nodes.statement(node)
    return (
        nodes.kind(inner) in _DML and not nodes.has(inner, "into_clause")
        if nodes.kind(inner) == "SelectStmt"
        else (nodes.kind(inner) in _DML)
    )


def predicted(line: Line, *, possible: bool = False) -> Locks:
    """What was predicted of relations that are there already."""
    found = line.impact.locks if line.impact is not None else ()
    return {lock.name: lock.mode for lock in found if not lock.new and (possible or lock.certainty != "possible")}


def compared(line: Line) -> tuple[Locks, Locks]:
    """Prediction and truth, without the relations of which the transaction held the predicted or a stronger mode
    already: what is taken again shows nowhere."""
    wanted, truth = predicted(line), dict(line.truth.locks)
    for name, modes in line.truth.held.items():
        mode = wanted.get(name)
        if mode is not None and mode in modes and truth.get(name, 0) < mode:
            wanted.pop(name)
            truth.pop(name, None)
    return wanted, truth


def scored(line: Line) -> bool:
    return not line.truth.error and not line.truth.why_not


def rewrites(line: Line) -> tuple[set[Name], set[Name]]:
    """Relations other than indexes that get a new file: as predicted, and really."""
    told: set[Name] = set()
    for text in line.impact.rewrites if line.impact is not None else ():
        schema, _, name = text.rpartition(".")
        told.add(Name(schema, name))
    fresh = {lock.name for lock in line.impact.locks if lock.new} if line.impact is not None else set()
    return told - fresh, line.truth.rewrites


@dataclass(slots=True)
class Tally:
    """Counts of one group of statements; `hit`, `extra` and `missed` are (relation, mode) pairs."""

    statements: int = 0
    locking: int = 0
    hit: int = 0
    extra: int = 0
    missed: int = 0
    wrong_mode: int = 0
    exact: int = 0
    rewriting: int = 0
    rewrite_right: int = 0

    def add(self, wanted: Locks, truth: Locks, told: set[Name], really: set[Name]) -> None:
        self.statements += 1
        self.locking += bool(truth)
        pairs, facts = set(wanted.items()), set(truth.items())
        self.hit += len(pairs & facts)
        self.extra += len(pairs - facts)
        self.missed += len(facts - pairs)
        self.wrong_mode += sum(name in truth and truth[name] != mode for name, mode in pairs)
        self.exact += pairs == facts
        self.rewriting += bool(really)
        self.rewrite_right += told == really

    def row(self, what: str) -> str:
        def rate(part: int, whole: int) -> str:
            return f"{part / whole:8.4f}" if whole else "       -"

        return (
            f"{what:28} {self.statements:6} {self.locking:6} {rate(self.hit, self.hit + self.extra)} "
            f"{rate(self.hit, self.hit + self.missed)} {rate(self.exact, self.statements)} "
            f"{rate(self.wrong_mode, self.hit + self.extra)} {rate(self.rewrite_right, self.statements)}"
        )


HEADER = f"{'':28} {'stmts':>6} {'lock':>6} {'precis.':>8} {'recall':>8} {'exact':>8} {'wrong':>8} {'rewrite':>8}"


@dataclass(slots=True)
class Score:
    """All statements of a run, by family and by kind, strong locks apart from weak ones."""

    strong: dict[str, Tally] = field(default_factory=dict)
    weak: dict[str, Tally] = field(default_factory=dict)
    kinds: dict[str, Tally] = field(default_factory=dict)
    outside: Tally = field(default_factory=Tally)
    unscored: Counter[str] = field(default_factory=Counter)
    total: int = 0

    def add(self, line: Line) -> bool:
        """Counts a statement; whether it was wholly right (strong locks and rewrites), as far as it has a truth."""
        self.total += 1
        told, really = rewrites(line)
        wanted, truth = compared(line)
        if not scored(line):
            if line.truth.why_not.startswith("not in a transaction") and not line.truth.error:
                self.outside.add(_strong(wanted), _strong(truth), set(), set())
            self.unscored["error" if line.truth.error else line.truth.why_not] += 1
            return True
        family = "DML" if is_dml(line) else "DDL"
        self.strong.setdefault(family, Tally()).add(_strong(wanted), _strong(truth), told, really)
        self.weak.setdefault(family, Tally()).add(_weak(wanted, line), _weak(truth, line), told, really)
        self.kinds.setdefault(line.statement.kind, Tally()).add(_strong(wanted), _strong(truth), told, really)
        return _strong(wanted) == _strong(truth) and told == really

    def report(self) -> str:
        rows = [HEADER]
        for family in sorted(self.strong):
            rows.append(self.strong[family].row(f"{family}, SUE and stronger"))
        for family in sorted(self.weak):
            rows.append(self.weak[family].row(f"{family}, weaker"))
        rows += ["", "by kind, SHARE UPDATE EXCLUSIVE and stronger:"]
        rows += [self.kinds[kind].row(kind) for kind in sorted(self.kinds)]
        if self.outside.statements:
            rows += ["", self.outside.row("outside a transaction, seen")]
        why = "; ".join(f"{count} {reason}" for reason, count in sorted(self.unscored.items()))
        rows += ["", f"{self.total} statements; without a truth: {why or 'none'}"]
        return "\n".join(rows)


def _strong(locks: Locks) -> Locks:
    return {name: mode for name, mode in locks.items() if mode >= STRONG}


def _weak(locks: Locks, line: Line) -> Locks:
    """Weaker locks on indexes are left out: planning takes them on all of a table's, and nobody waits for them."""
    kinds = {lock.name: lock.relkind for lock in line.impact.locks} if line.impact is not None else {}
    kinds.update(line.truth.kinds)
    return {name: mode for name, mode in locks.items() if mode < STRONG and kinds.get(name, "?") not in "iI"}


def as_json(line: Line) -> dict[str, Any]:
    """The line of results.jsonl."""
    told, _ = rewrites(line)
    impact = line.impact
    return {
        "file": line.file,
        "index": line.index,
        "line": line.statement.line,
        "sql": line.statement.text,
        "kind": line.statement.kind,
        "family": "DML" if is_dml(line) else "DDL",
        "predicted": [
            {"schema": x.schema, "relation": x.relation, "mode": x.mode.pg_name, "certainty": x.certainty,
             "relkind": x.relkind, "why": x.why}
            for x in (impact.locks if impact is not None else ()) if not x.new
        ],
        "truth": [
            {"schema": n.schema, "relation": n.relation, "mode": m.pg_name, "relkind": line.truth.kinds.get(n, "?")}
            for n, m in sorted(line.truth.locks.items())
        ],
        "predicted_rewrites": sorted(map(str, told)),
        "rewrites": sorted(map(str, line.truth.rewrites)),
        "held": [
            {"schema": n.schema, "relation": n.relation, "mode": max(m).pg_name}
            for n, m in sorted(line.truth.held.items())
        ],
        "unknown": list(impact.unknown) if impact is not None else [],
        "error": line.truth.error or None,
        "not_scored": line.truth.why_not or None,
    }  # fmt: skip
