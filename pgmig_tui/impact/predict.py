"""Statements and facts in, impact out: the walk through a script with its transactions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Facts, Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rates import DEFAULT_RATES, Rates
from pgmig_tui.impact.result import (
    RISKS,
    Blocks,
    DataLoss,
    Held,
    Lock,
    Problem,
    ScriptImpact,
    StatementImpact,
    document,
    to_json,
)
from pgmig_tui.impact.risk import estimate, risk
from pgmig_tui.impact.rules import apply
from pgmig_tui.impact.shadow import Catalog, Snapshot
from pgmig_tui.impact.shapes import shape_of


class ParsedProblem(Protocol):
    @property
    def message(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class StatementLike(Protocol):
    """What is needed of a script.statement.Statement."""

    @property
    def path(self) -> str: ...
    @property
    def line(self) -> int: ...
    @property
    def end_line(self) -> int: ...
    @property
    def text(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def control(self) -> str | None: ...
    @property
    def possible(self) -> bool: ...
    @property
    def then(self) -> str: ...
    @property
    def problem(self) -> ParsedProblem | None: ...
    @property
    def variables(self) -> tuple[str, ...]: ...
    @property
    def node(self) -> Node: ...


FIRST_PART = 500

_BEGINS = {"begin", "start", "start transaction"}
_ENDS = {"commit", "end", "rollback", "abort", "prepare", "prepare transaction"}


@dataclass(slots=True)
class _Savepoint:
    name: str
    catalog: Snapshot
    held: int
    statements: int


@dataclass(slots=True)
class _Open:
    """A lock that is held at this point of the walk."""

    name: Name
    mode: LockMode
    from_line: int


@dataclass(slots=True)
class _Walk:
    """The state between two statements."""

    catalog: Catalog
    version: int
    rates: Rates
    in_transaction: bool = False
    before: Snapshot | None = None
    savepoints: list[_Savepoint] = field(default_factory=list)
    open: list[_Open] = field(default_factory=list)
    strongest: dict[Name, LockMode] = field(default_factory=dict)
    unfinished: list[int] = field(default_factory=list)
    done: list[StatementImpact] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    repeated: dict[tuple[int, str], StatementImpact] = field(default_factory=dict)

    def begin(self) -> None:
        self.in_transaction = True
        self.before = self.catalog.snapshot()

    def finish(self, line: int) -> None:
        """All locks are given back at `line`."""
        self._close(0, 0, line)
        self.in_transaction = False
        self.savepoints.clear()

    def back_to(self, savepoint: _Savepoint, line: int) -> None:
        self.catalog.restore(savepoint.catalog)
        self._close(savepoint.held, savepoint.statements, line)

    def _close(self, held: int, statements: int, line: int) -> None:
        for lock in self.open[held:]:
            self.held.append(Held(lock.name.schema, lock.name.relation, lock.mode, lock.from_line, line))
        del self.open[held:]
        for position in self.unfinished[statements:]:
            # not handed out yet, and a copy of all its fields for this one costs more than the whole prediction
            object.__setattr__(self.done[position], "held_until_line", line)
        del self.unfinished[statements:]
        self.strongest = {}
        for lock in self.open:
            self.strongest[lock.name] = max(lock.mode, self.strongest.get(lock.name, lock.mode))

    def take(self, impact: StatementImpact) -> None:
        """Enter a statement's locks; weaker ones than those held already add nothing."""
        for lock in impact.locks:
            if lock.new:
                continue
            name = lock.name
            if self.strongest.get(name, 0) < lock.mode:
                self.strongest[name] = lock.mode
                self.open.append(_Open(name, lock.mode, impact.line))


def predict_script(
    statements: Iterable[StatementLike],
    facts: Facts | None = None,
    server_version_num: int = 180000,
    *,
    wrapped: bool = False,
    path: str = "",
    catalog: Catalog | None = None,
    rates: Rates = DEFAULT_RATES,
    so_far: Callable[[ScriptImpact], None] | None = None,
) -> ScriptImpact:
    """The impact of one script.

    `facts` None = from the text alone. `wrapped`: we put the whole script between BEGIN and COMMIT. `catalog` carries
    the effects of pending changes that run before (hand the same one to each script in turn; `facts` is then ignored).
    `so_far` is given the beginning of a long script while the rest is looked at, as if it ended there: after
    FIRST_PART statements, then whenever there are twice as many. Nothing is raised for bad SQL: it stands in the
    statement's `problem`.
    """
    shadow = catalog if catalog is not None else Catalog(facts)
    walk = _Walk(shadow, server_version_num, rates)
    if wrapped:
        walk.begin()
    transactions = 0
    outside = False
    last = 0
    part = FIRST_PART
    for statement in statements:
        if so_far is not None and len(walk.done) >= part:
            part *= 2
            so_far(_part(walk, path, last))
        last = statement.end_line
        control = statement.control
        if control is not None:
            transactions += control in _BEGINS
            _control(walk, statement, control, wrapped)
            continue
        impact = _impact(walk, statement)
        position = len(walk.done)
        walk.done.append(impact)
        if not impact.locks and walk.in_transaction:
            walk.unfinished.append(position)
            continue
        outside = outside or not walk.in_transaction
        walk.take(impact)
        walk.unfinished.append(position)
        if not walk.in_transaction:
            walk.finish(statement.end_line)
    if walk.open or walk.unfinished:
        walk.finish(last)
    effective = [one for one in walk.done if one.transaction_control is None]
    alone = len(effective) == 1 and not effective[0].needs_no_transaction
    return ScriptImpact(
        path or (walk.done[0].path if walk.done else ""),
        wrapped or alone or (transactions == 1 and not outside),
        tuple(walk.done),
        tuple(sorted(walk.held, key=lambda held: (held.from_line, -held.mode, held.name))),
        server_version_num,
        shadow.live,
        rates,
    )


def _part(walk: _Walk, path: str, line: int) -> ScriptImpact:
    """What is known at a line; statements whose locks are still held are told as held to there. Whether all of it is
    one transaction isn't known yet, and not denied.
    """
    done = walk.done.copy()
    for position in walk.unfinished:
        done[position] = replace(done[position], held_until_line=line)
    held = [Held(one.name.schema, one.name.relation, one.mode, one.from_line, line) for one in walk.open]
    return ScriptImpact(path, True, tuple(done), (*walk.held, *held), walk.version, walk.catalog.live, walk.rates)


def _control(walk: _Walk, statement: StatementLike, control: str, wrapped: bool) -> None:
    """BEGIN, COMMIT, SAVEPOINT and the like."""
    line = statement.end_line
    trouble = statement.problem if statement.kind == "UNPARSED" else None
    walk.done.append(
        StatementImpact(
            statement.line,
            line,
            statement.text,
            statement.kind,
            control,
            held_until_line=line,
            path=statement.path,
            problem=None if trouble is None else Problem(trouble.message, trouble.line, trouble.column),
            risk="none" if trouble is None else "high",
        )
    )
    if control in _BEGINS:
        if not walk.in_transaction:
            walk.begin()
    elif control == "savepoint":
        walk.savepoints.append(
            _Savepoint(_savepoint_name(statement), walk.catalog.snapshot(), len(walk.open), len(walk.unfinished))
        )
    elif control in {"rollback to", "rollback to savepoint"}:
        name = _savepoint_name(statement)
        for savepoint in reversed(walk.savepoints):
            if savepoint.name == name:
                walk.back_to(savepoint, line)
                break
    elif control in _ENDS:
        if control in {"rollback", "abort"} and walk.before is not None:
            walk.catalog.restore(walk.before)
        chain = re.search(r"\band\s+chain\b", statement.text, re.IGNORECASE)
        walk.finish(line)
        if chain:
            walk.begin()


def _savepoint_name(statement: StatementLike) -> str:
    words = re.findall(r'"[^"]+"|[\w$]+', statement.text)
    last = words[-1] if words else ""
    return last.strip('"') if last.startswith('"') else last.lower()


def _impact(walk: _Walk, statement: StatementLike) -> StatementImpact:
    if not statement.possible and statement.then == "plain" and not statement.variables:
        shape = shape_of(statement.kind, statement.text)
        if shape is not None:
            return _repeated(walk, statement, shape)
    return _one(walk, statement, None)


def _repeated(walk: _Walk, statement: StatementLike, shape: str) -> StatementImpact:
    """Statements that differ in their constants alone do the same: a script of 20,000 INSERTs is looked at once."""
    key = (walk.catalog.version, shape)
    known = walk.repeated.get(key)
    if known is None:
        node = None
        if len(statement.text) > 2 * len(shape):  # thousands of rows in one
            try:
                node = nodes.parse(shape)[0]
            except (nodes.ParseError, IndexError):
                return _one(walk, statement, None)
        known = _one(walk, statement, node)
        if known.problem is None or known.kind != "UNPARSED":
            walk.repeated[(walk.catalog.version, shape)] = known
        return known
    return replace(
        known, line=statement.line, end_line=statement.end_line, sql=statement.text, path=statement.path,
        held_until_line=statement.end_line,
    )  # fmt: skip


def _one(walk: _Walk, statement: StatementLike, node: Node | None) -> StatementImpact:
    out = Effect()
    problem: Problem | None = None
    if statement.possible:
        out.certainty = "possible"
        out.notes.append("on a branch of \\if: it may not run")
    if statement.variables:
        out.certainty = "possible"
    kind = statement.kind
    if node is None and kind != "UNPARSED":
        node = statement.node
    if node is None and kind == "EMPTY":
        pass  # a stray semicolon
    elif node is None:
        trouble = statement.problem
        message = trouble.message if trouble is not None else "the parser can't read this statement"
        problem = Problem(message, *((trouble.line, trouble.column) if trouble else (statement.line, 0)))
        out.unknown.append("what this statement does: it can't be parsed")
    else:
        scene = Scene(walk.catalog, walk.version, statement.text)
        for tree in trees_of(statement, node):
            _apply_safely(nodes.statement(tree), scene, out)
    if statement.variables:
        _name_variables(out, statement.variables)
    if statement.then == "gexec":
        out.unknown.append("what \\gexec runs: SQL made at run time")
    if out.no_transaction and walk.in_transaction:
        out.problem = out.problem or f"{kind} is refused inside a transaction block (25001)"
    if problem is None and out.problem:
        problem = Problem(out.problem, statement.line)
    return _finish(walk, statement, out, problem)


def _name_variables(out: Effect, variables: Sequence[str]) -> None:
    """What stands for a variable in the tree (`_name`) is told as the variable; that it doesn't exist says nothing."""
    named = re.compile(rf"(?<!\w)_({'|'.join(map(re.escape, variables))})(?!\w)")

    def told(text: str) -> str:
        return named.sub(r":\1", text)

    out.locks = {
        Name(name.schema, told(name.relation)): replace(lock, relation=told(lock.relation), why=told(lock.why))
        for name, lock in out.locks.items()
    }
    out.losses = {told(what): loss for what, loss in out.losses.items()}
    out.lost = {told(what): lost for what, lost in out.lost.items()}
    out.advice = [replace(one, message=told(one.message), safer_sql=told(one.safer_sql)) for one in out.advice]
    out.unknown, out.breaks, out.notes = (
        [told(text) for text in texts] for texts in (out.unknown, out.breaks, out.notes)
    )
    if out.problem and named.search(out.problem):
        out.problem = ""
    out.unknown.append(f"the value of {', '.join(':' + name for name in variables)}")


def trees_of(statement: StatementLike, node: Node) -> Sequence[Node]:
    """The statement's tree, or all of those that the script joins with `\\;` into one."""
    return tuple(getattr(statement, "nodes", (node,))) if getattr(statement, "joined", False) else (node,)


def _apply_safely(node: Node, scene: Scene, out: Effect) -> None:
    """No rule's mistake may hide a statement: it is told as unknown."""
    try:
        apply(node, scene, out)
    except (AttributeError, IndexError, KeyError, ValueError, RecursionError) as error:
        out.unknown.append(
            f"what this {nodes.kind(node).removesuffix('Stmt')} does ({type(error).__name__} in its rule)"
        )


def _finish(walk: _Walk, statement: StatementLike, out: Effect, problem: Problem | None) -> StatementImpact:
    impact = StatementImpact(
        statement.line, statement.end_line, statement.text, statement.kind, path=statement.path, problem=problem
    )
    # not handed out yet: setting the few fields that differ is a third of the time of passing them all
    put = object.__setattr__
    put(impact, "held_until_line", impact.end_line)
    if out.locks:
        locks: tuple[Lock, ...] = tuple(out.locks.values())
        if len(locks) > 1:
            locks = tuple(sorted(locks, key=_rank))
        put(impact, "locks", locks)
        put(impact, "blocks", _BLOCKS[max([lock.mode for lock in locks if not lock.new], default=0)])
    level = risk(out)
    if problem is not None or impact.kind == "UNPARSED" or statement.then == "gexec":
        level = max(level, "high", key=RISKS.index)
    put(impact, "risk", level)
    if out.scans or out.rewrites:
        rows, size = _work(out)
        put(impact, "rewrites", _texts(out.rewrites))
        put(impact, "scans", _texts(out.scans))
        put(impact, "rows", rows)
        put(impact, "bytes", size)
    if out.rebuilds:
        put(impact, "rebuilds", _texts(out.rebuilds))
    if walk.catalog.live and problem is None:
        put(impact, "estimated_ms", estimate(out, walk.rates))
    if out.losses or out.loss_class:
        put(impact, "data_loss", _loss(out))
    if out.advice:
        put(impact, "advice", tuple(out.advice))
    for field_name, texts in (("unknown", out.unknown), ("breaks", out.breaks), ("notes", out.notes)):
        if texts:
            put(impact, field_name, _once(texts))
    if out.no_transaction:
        put(impact, "needs_no_transaction", True)
    return impact


def _rank(lock: Lock) -> tuple[int, bool, str, str]:
    return -lock.mode, lock.relkind in "iI", lock.schema, lock.relation


# by the strongest mode; 0 = no lock that others can see
_BLOCKS = (Blocks(), *(Blocks(mode.blocks_reads, mode.blocks_writes, mode.blocks_ddl) for mode in LockMode))


def _texts(names: Iterable[Name]) -> tuple[str, ...]:
    return tuple(sorted(map(str, names))) if names else ()


def _once(texts: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts)) if texts else ()


def _work(out: Effect) -> tuple[int, int]:
    """Rows and bytes that are read or rewritten, as far as they are known."""
    if not out.scans and not out.rewrites:
        return 0, 0
    worked = {**out.scans, **out.rewrites}.values()
    return sum(max(relation.rows, 0) for relation in worked), sum(max(relation.bytes, 0) for relation in worked)


def _loss(out: Effect) -> DataLoss:
    if not out.losses and not out.loss_class:
        return _NO_LOSS
    return DataLoss(
        out.loss_class,
        tuple(w for w, loss in out.losses.items() if loss == out.loss_class),
        tuple(out.lost.values()),
        tuple(w for w, loss in out.losses.items() if loss >= 3 and w not in out.lost),
    )


_NO_LOSS = DataLoss()

__all__ = ["Catalog", "ScriptImpact", "StatementImpact", "document", "predict_script", "to_json"]
