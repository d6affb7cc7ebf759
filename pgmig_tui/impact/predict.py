"""Statements and facts in, impact out: the walk through a script with its transactions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pgmig_tui.impact import nodes
from pgmig_tui.impact.effect import Effect, Rules, Scene
from pgmig_tui.impact.facts import DatabaseFacts, Name, Relation
from pgmig_tui.impact.locks_held import HeldLocks
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.nodes import Node
from pgmig_tui.impact.rates import DEFAULT_RATES, Rates
from pgmig_tui.impact.refusal import sqlstate_of
from pgmig_tui.impact.result import (
    NOT_RUN,
    RISKS,
    ROLLED_BACK,
    Blocks,
    DataLoss,
    Estimate,
    HeldLock,
    Lock,
    ScriptImpact,
    StatementImpact,
    StatementProblem,
    document,
    to_json,
)
from pgmig_tui.impact.risk import estimate, risk
from pgmig_tui.impact.rules.holding import while_held, works_on
from pgmig_tui.impact.rules.refused import fresh_value, writes
from pgmig_tui.impact.session import READ_ONLY
from pgmig_tui.impact.shadow import Catalog, Snapshot, State
from pgmig_tui.impact.worlds import World, distinct, pass_through
from pgmig_tui.script.shapes import shape_of


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
    def branch(self) -> tuple[tuple[int, int], ...]: ...
    @property
    def node(self) -> Node: ...
    @property
    def times(self) -> int: ...


FIRST_PART = 500
LOOKED_BACK = 8
"""So many moments before are looked at for what a failing statement would do if what it names were still there."""

_BY_CODE = re.compile(r"(.* (?:does not exist|exists already))(?: \(\w{5}\))?$")
"""What code that nobody can read may have made or dropped."""
SYNTAX_ERROR = "42601"
AFTER_GRAMMAR = 190000
"""The first server with a grammar that the parser doesn't know."""
_BEGINS = {"begin", "start", "start transaction"}
_ENDS = {"commit", "end", "rollback", "abort", "prepare", "prepare transaction"}


@dataclass(slots=True)
class _Savepoint:
    name: str
    held: int
    statements: int


@dataclass(slots=True)
class _WorldFork:
    """An open `\\if` of the script: its number and arm, the worlds before it, and those after its other arms."""

    number: int
    arm: int
    before: list[World]
    after: list[World] = field(default_factory=list)
    arms: int = 1


@dataclass(slots=True)
class _Walk:
    """The state between two statements."""

    worlds: list[World]
    rules: Rules
    version: int
    rates: Rates
    in_transaction: bool = False
    savepoints: list[_Savepoint] = field(default_factory=list)
    locks: HeldLocks = field(default_factory=HeldLocks)
    unfinished: list[int] = field(default_factory=list)
    done: list[StatementImpact] = field(default_factory=list)
    held: list[HeldLock] = field(default_factory=list)
    repeated: dict[tuple[tuple[int, ...], str], StatementImpact] = field(default_factory=dict)
    forks: list[_WorldFork] = field(default_factory=list)
    prepared: dict[str, list[Snapshot | None]] = field(default_factory=dict)
    straight: bool = False
    """Where its transactions begin and end is certain."""
    complete: frozenset[int] = frozenset()
    by_value: bool = False  # the last statement's time depends on its constants
    befores: list[Snapshot] = field(default_factory=list)
    """The catalog before the script, and before each of the last statements that destroy something."""

    @property
    def live(self) -> bool:
        return self.worlds[0].catalog.live

    @property
    def stamps(self) -> tuple[int, ...]:
        """Equal ones are equal catalogs and equal locks: answers hold."""
        return (self.locks.stamp, *(world.catalog.stamp for world in self.worlds))

    @property
    def catalogs(self) -> list[Catalog]:
        return [world.catalog for world in self.worlds]

    def begin(self) -> None:
        self.in_transaction = True
        for catalog in self.catalogs:
            catalog.begin()

    def finish(self, line: int) -> None:
        """All locks are given back at `line`."""
        self._close(0, 0, line)
        self.in_transaction = False
        self.savepoints.clear()

    def undo(self, statements: int) -> None:
        """The script itself takes back what it did since then; where anything may have ended its transaction before, or
        it can't be read, that isn't certain."""
        undone = self.unfinished[statements:]
        if not self.straight or not self.in_transaction or any(self.done[position].hidden for position in undone):
            return
        for position in undone:
            one = self.done[position]
            self.done[position] = replace(
                one,
                void=ROLLED_BACK,
                data_loss=one.data_loss if one.data_loss.outside else DataLoss(),
                notes=(*one.notes, "the script itself rolls it back"),
            )

    def back_to(self, savepoint: _Savepoint, line: int) -> None:
        self.undo(savepoint.statements)
        for catalog in self.catalogs:
            catalog.rollback_to(savepoint.name)
        self._close(savepoint.held, savepoint.statements, line)

    def _close(self, held: int, statements: int, line: int) -> None:
        self.held += self.locks.give_back(held, line)
        for position in self.unfinished[statements:]:
            # not handed out yet, and a copy of all its fields for this one costs more than the whole prediction
            object.__setattr__(self.done[position], "held_until_line", line)
        del self.unfinished[statements:]

    def known(self, names: Iterable[Name]) -> list[Relation]:
        """The relations of these names, as far as they are known."""
        catalog = self.worlds[0].catalog
        return [relation for name in names if (relation := catalog.known(name)) is not None]

    # -- branches of \\if --------------------------------------------------------------------------------------------

    def on_branch(self, branch: tuple[tuple[int, int], ...]) -> None:
        """The next statement stands on this branch: begin and end arms until that is so."""
        while self.forks and not self._inside(branch):
            self._leave()
        for number, arm in branch[len(self.forks) :]:
            self.forks.append(_WorldFork(number, arm, self.worlds))
            self.worlds = [world.apart() for world in self.worlds]

    def _inside(self, branch: tuple[tuple[int, int], ...]) -> bool:
        """Whether all open forks are on the branch; the innermost may go on with another arm."""
        level = len(self.forks) - 1
        if level >= len(branch) or branch[level][0] != self.forks[level].number:
            return False
        fork = self.forks[level]
        if branch[level][1] != fork.arm:
            fork.after += self.worlds
            fork.arm, fork.arms = branch[level][1], fork.arms + 1
            self.worlds = [world.apart() for world in fork.before]
        return True

    def _leave(self) -> None:
        fork = self.forks.pop()
        whole = (
            fork.number in self.complete and fork.arms > fork.arm
        )  # else an arm without statements leaves all as it is
        self.worlds = distinct([*fork.after, *self.worlds, *(() if whole else fork.before)])


def predict_script(
    statements: Iterable[StatementLike],
    facts: DatabaseFacts | None = None,
    server_version_num: int = 180000,
    *,
    wrapped: bool = False,
    path: str = "",
    catalog: Catalog | None = None,
    rates: Rates = DEFAULT_RATES,
    so_far: Callable[[ScriptImpact], None] | None = None,
    complete: frozenset[int] = frozenset(),
    straight: bool = False,
) -> ScriptImpact:
    """The impact of one script.

    `facts` None = from the text alone. `wrapped`: we put the whole script between BEGIN and COMMIT. `catalog` carries
    the effects of pending changes that run before (hand the same one to each script in turn; `facts` is then ignored).
    `so_far` is given the beginning of a long script while the rest is looked at, as if it ended there: after
    FIRST_PART statements, then whenever there are twice as many. `complete` are the `\\if`s with an `\\else`
    (Preview.complete). `straight`: nothing but its statements decides where its transactions begin and end
    (Preview.straight). Nothing is raised for bad SQL: it stands in the statement's `problem`.
    """
    from pgmig_tui.impact.rules import dispatch  # 50 files: who only reads results does without

    shadow = catalog if catalog is not None else Catalog(facts)
    worlds = [World(one) for one in (shadow, *shadow.others)]
    walk = _Walk(worlds, dispatch, server_version_num, rates, complete=complete)
    walk.straight = straight and not wrapped
    walk.befores.append(shadow.snapshot())
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
        if getattr(statement, "skipped", False):
            walk.done.append(_not_run(statement))
            continue
        branch = statement.branch
        if branch or walk.forks:
            walk.on_branch(branch)
        control = statement.control
        if control is not None:
            transactions += control in _BEGINS
            _control(walk, statement, control)
            continue
        impact = _impact(walk, statement)
        if statement.times > 1:
            impact = _many(impact, statement.times)
        position = len(walk.done)
        walk.done.append(impact)
        if not impact.locks and walk.in_transaction:
            walk.unfinished.append(position)
            continue
        outside = outside or not walk.in_transaction
        walk.locks.take(impact.locks, impact.line)
        walk.unfinished.append(position)
        if not walk.in_transaction:
            for one in walk.catalogs:
                one.commit()
            walk.finish(statement.end_line)
    walk.on_branch(())
    if walk.locks or walk.unfinished:
        walk.finish(last)
    first, *others = walk.catalogs
    shadow.become(first, others)
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


def _not_run(statement: StatementLike) -> StatementImpact:
    """A statement that psql certainly passes over."""
    return StatementImpact(
        statement.line,
        statement.end_line,
        statement.text,
        statement.kind,
        held_until_line=statement.end_line,
        path=statement.path,
        notes=("on a branch of \\if that isn't taken: it doesn't run",),
        void=NOT_RUN,
    )


def _part(walk: _Walk, path: str, line: int) -> ScriptImpact:
    """What is known at a line; statements whose locks are still held are told as held to there. Whether all of it is
    one transaction isn't known yet, and not denied.
    """
    done = walk.done.copy()
    for position in walk.unfinished:
        done[position] = replace(done[position], held_until_line=line)
    held = (*walk.held, *walk.locks.until(line))
    return ScriptImpact(path, True, tuple(done), held, walk.version, walk.live, walk.rates)


def _control(walk: _Walk, statement: StatementLike, control: str) -> None:
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
            problem=None
            if trouble is None
            else StatementProblem(trouble.message, trouble.line, trouble.column, SYNTAX_ERROR),
            risk="none" if trouble is None else "high",
        )
    )
    if statement.possible:
        walk.straight = False
    if control in _BEGINS:
        if not walk.in_transaction:
            walk.begin()
            read_only = _read_only(statement.node)
            for catalog in walk.catalogs:
                catalog.session = catalog.session.begun_as(read_only)
    elif control == "savepoint":
        name = _savepoint_name(statement)
        walk.savepoints.append(_Savepoint(name, len(walk.locks), len(walk.unfinished)))
        for catalog in walk.catalogs:
            catalog.savepoint(name)
    elif control in {"rollback to", "rollback to savepoint"}:
        name = _savepoint_name(statement)
        for savepoint in reversed(walk.savepoints):
            if savepoint.name == name:
                walk.back_to(savepoint, line)
                break
    elif control in {"commit prepared", "rollback prepared"}:
        _end_prepared(walk, statement, control)
    elif control in _ENDS:
        if control in {"prepare", "prepare transaction"}:
            walk.prepared[_prepared_name(statement)] = [catalog.begun() for catalog in walk.catalogs]
        if control in {"rollback", "abort"}:
            walk.undo(0)
        for catalog in walk.catalogs:
            if control in {"rollback", "abort"}:
                catalog.rollback()
            else:
                catalog.commit()
        chain = re.search(r"\band\s+chain\b", statement.text, re.IGNORECASE)
        walk.finish(line)
        if chain:
            walk.begin()


def _read_only(tree: Node | None) -> bool | None:
    """Whether a BEGIN says READ ONLY (True) or READ WRITE; None for neither."""
    node = None if tree is None else nodes.statement(tree)
    if node is None or nodes.kind(node) != "TransactionStmt":
        return None
    option = nodes.options(node.options).get(READ_ONLY)
    return None if option is None else nodes.constant(option.arg) == "1"


def _prepared_name(statement: StatementLike) -> str:
    found = re.search(r"'((?:[^']|'')*)'", statement.text)
    return found[1] if found else ""


def _end_prepared(walk: _Walk, statement: StatementLike, control: str) -> None:
    """What a prepared transaction did is so from PREPARE on here; ROLLBACK PREPARED takes it back."""
    before = walk.prepared.pop(_prepared_name(statement), [])
    if control == "rollback prepared" and len(before) == len(walk.worlds):
        for catalog, snapshot in zip(walk.catalogs, before, strict=True):
            if snapshot is not None:
                catalog.restore(snapshot)


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
    key = (walk.stamps, shape)
    known = walk.repeated.get(key)
    if known is None:
        node = None
        if len(statement.text) > 2 * len(shape):  # thousands of rows in one
            try:
                node = nodes.parse(shape)[0]
            except (nodes.ParseError, IndexError):
                return _one(walk, statement, None)
        known = _one(walk, statement, node)
        if not walk.by_value and (known.problem is None or known.kind != "UNPARSED"):
            walk.repeated[(walk.stamps, shape)] = known
        return known
    return replace(
        known, line=statement.line, end_line=statement.end_line, sql=statement.text, path=statement.path,
        held_until_line=statement.end_line,
    )  # fmt: skip


def _many(one: StatementImpact, times: int) -> StatementImpact:
    took = one.estimated_ms
    return replace(
        one,
        times=times,
        rows=one.rows * times,
        bytes=one.bytes * times,
        estimated_ms=None if took is None else Estimate(took.low * times, took.high * times),
    )


def _one(walk: _Walk, statement: StatementLike, node: Node | None) -> StatementImpact:
    out = Effect()
    problem: StatementProblem | None = None
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
        where = (trouble.line, trouble.column) if trouble else (statement.line, 0)
        problem = StatementProblem(message, *where, SYNTAX_ERROR)
        out.hide("what this statement does: it can't be parsed")
        if kind != "UNPARSED" or statement.variables or walk.version >= AFTER_GRAMMAR:  # the server may accept it
            for catalog in walk.catalogs:
                catalog.doubt()
    else:
        _in_all_worlds(walk, statement, [nodes.statement(tree) for tree in trees_of(statement, node)], out)
    walk.by_value = out.by_value
    if statement.variables:
        _name_variables(out, statement.variables, statement.text)
    if statement.then == "gexec":
        out.hide("what \\gexec runs: SQL made at run time")
        for catalog in walk.catalogs:
            catalog.doubt()
    if out.no_transaction and walk.in_transaction:
        out.fail(f"{kind} is refused inside a transaction block", "25001")
    if problem is None and out.problem:
        problem = _refusal(out.problem, statement.line)
    return _finish(walk, statement, out, problem)


def _refusal(told: str, line: int) -> StatementProblem:
    """What the rules say of a failure."""
    return StatementProblem(str(told), line, 0, sqlstate_of(told), told.startswith("inside "))


def _in_all_worlds(walk: _Walk, statement: StatementLike, trees: Sequence[Node], out: Effect) -> None:
    """What a statement does in each of the catalogs that there may be by now; those in which it fails end here."""

    def act(world: World, into: Effect) -> list[World]:
        before = world.catalog.snapshot() if world.catalog.live else None
        scene = Scene(world.catalog, walk.rules, walk.version, statement.text)
        session = world.catalog.session
        for tree in trees:
            _apply_safely(tree, scene, into)
        if len(trees) > 1:  # safer SQL of one of them would not be all
            into.advice = [replace(one, safer_sql="") for one in into.advice]
        if session.read_only(in_block=walk.in_transaction):
            for tree in trees:
                writes(tree, scene, into)
        if scene.catalog.fresh_values:
            for tree in trees:
                fresh_value(tree, scene, into)
        if before is not None and into.locks:
            _as_before(before.state, scene.catalog, into)
        return [World(catalog) for catalog in scene.outcomes]

    doubts = walk.worlds[0].catalog.doubts
    doubts.texts.clear()
    earlier = walk.worlds[0].catalog.snapshot() if walk.live else None
    passed = pass_through(walk.worlds, act, out)
    if passed.alive:
        walk.worlds = passed.alive
        if out.hidden:
            for catalog in walk.catalogs:
                catalog.doubt()
    elif doubtful := walk.worlds[0].catalog.uncertain and _BY_CODE.match(passed.problem):
        out.unknown.append(f"whether {doubtful[1]}: code before it can't be read")
    else:
        out.fail(passed.problem)
    if earlier is not None:
        if not passed.alive or _nothing_there(walk, trees, out):
            _if_not_gone(walk, statement, trees, out)
        elif out.loss_class >= 3:
            walk.befores.append(earlier)
            del walk.befores[1 : -LOOKED_BACK + 1]
    for text in doubts.texts:
        out.hide(text)
    if doubts.crowded:
        out.hide("which of the branches before it have run: there are too many ways")


def _nothing_there(walk: _Walk, trees: Sequence[Node], out: Effect) -> bool:
    """Whether it does nothing because what it is to drop is gone, after code that nobody can read."""
    return (
        not out.loss_class
        and walk.worlds[0].catalog.uncertain
        and any(nodes.kind(tree) == "DropStmt" and tree.missing_ok for tree in trees)
    )


def _if_not_gone(walk: _Walk, statement: StatementLike, trees: Sequence[Node], out: Effect) -> None:
    """It fails, or does nothing, by what the script is told to have done before. Where one of those before it fails
    or does otherwise, it is as it was then: so it may destroy what is there without that."""
    now = walk.worlds[0].catalog
    for earlier in reversed(walk.befores):
        if earlier.state.stamp == now.stamp:
            continue
        catalog = now.clone()
        catalog.restore(earlier)
        catalog.session = now.session
        scene = Scene(catalog, walk.rules, walk.version, statement.text)
        inner = Effect(certainty="possible")
        for tree in trees:
            _apply_safely(tree, scene, inner)
        if inner.problem or inner.loss_class < 3:
            continue
        for lock in inner.locks.values():
            out.lock_name(lock.name, lock.relkind, lock.mode, lock.why, "possible", lock.new)
        for what, loss in inner.losses.items():
            if what not in out.losses:
                out.lose(loss, what, inner.lost.get(what), sure=False)
        out.notes.append("what it names is there where a statement before it fails or does otherwise: then it runs")
        return


def _as_before(state: State, catalog: Catalog, out: Effect) -> None:
    """Locks are told under the names that relations have when the statement begins, and as those of something new
    where the script has made it."""
    told: dict[Name, Lock] = {}
    for name, lock in out.locks.items():
        now = name
        if name not in state.relations and name not in state.indexes:
            origin = catalog.called_before(name)
            earlier = state.moved.get(origin, origin)
            now = earlier if earlier in state.relations else name
        relation = state.relations.get(now)
        new = lock.new
        if relation is not None:
            new = relation.new
        elif (table := state.indexes.get(now)) is not None:
            owner = state.relations[table]
            new = owner.new or next((index.new for index in owner.indexes if index.name == now), new)
        if now != name or new != lock.new:
            lock = replace(lock, schema=now.schema, relation=now.relation, new=new)
        known = told.get(now)
        if known is None or known.mode < lock.mode:
            told[now] = lock
    out.locks = told


def _name_variables(out: Effect, variables: Sequence[str], sql: str) -> None:
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
    out.surely = {told(what) for what in out.surely}
    # what would be put in for the variable decides how it is quoted, and what names the server makes up
    out.advice = [replace(one, message=told(one.message), safer_sql="") for one in out.advice]
    out.unknown, out.hidden, out.breaks, out.notes = (
        [told(text) for text in texts] for texts in (out.unknown, out.hidden, out.breaks, out.notes)
    )
    if out.problem and named.search(out.problem):
        out.problem = ""
    values = f"the value of {', '.join(':' + name for name in variables)}"
    if all(_only_quoted(sql, name) for name in variables):
        out.unknown.append(values)
    else:
        out.hide(values)  # put in as it is, it may be any SQL; as a name, any object


def _only_quoted(sql: str, name: str) -> bool:
    """Whether a psql variable is put in as a literal wherever it stands."""
    found = re.findall(rf"(?<![:\w]):(['\"]?){re.escape(name)}(?!\w)", sql)
    return bool(found) and set(found) == {"'"}


def trees_of(statement: StatementLike, node: Node) -> Sequence[Node]:
    """The statement's tree, or all of those that the script joins with `\\;` into one."""
    return tuple(getattr(statement, "nodes", (node,))) if getattr(statement, "joined", False) else (node,)


def _apply_safely(node: Node, scene: Scene, out: Effect) -> None:
    """No rule's mistake may hide a statement: it is told as unknown."""
    try:
        scene.rules.apply(node, scene, out)
    except (AttributeError, IndexError, KeyError, ValueError, RecursionError) as error:
        out.hide(f"what this {nodes.kind(node).removesuffix('Stmt')} does ({type(error).__name__} in its rule)")


def _finish(walk: _Walk, statement: StatementLike, out: Effect, problem: StatementProblem | None) -> StatementImpact:
    impact = StatementImpact(
        statement.line, statement.end_line, statement.text, statement.kind, path=statement.path, problem=problem
    )
    # not handed out yet: setting the few fields that differ is a third of the time of passing them all
    put = object.__setattr__
    put(impact, "held_until_line", impact.end_line)
    held = walk.locks.strong()
    worked = works_on(out, impact.kind, walk.known(out.locks)) if held else []
    if worked:
        while_held(out, held, worked)
    if out.locks:
        locks: tuple[Lock, ...] = tuple(out.locks.values())
        if len(locks) > 1:
            locks = tuple(sorted(locks, key=_rank))
        put(impact, "locks", locks)
        put(impact, "blocks", _BLOCKS[max([lock.mode for lock in locks if not lock.new], default=0)])
    held_mode = max((one.mode for one in held), default=None)
    if held_mode is not None:
        own = max((lock.mode for lock in impact.locks if not lock.new), default=held_mode)
        put(impact, "held", held)
        put(impact, "held_more", walk.locks.count_strong() - len(held))
        put(impact, "blocks", _BLOCKS[max(own, held_mode)])
    level = risk(out, held_mode if worked else None, worked)
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
    if walk.live and problem is None:
        put(impact, "estimated_ms", estimate(out, walk.rates))
        if impact.estimated_ms is None:
            out.notes += [f"how long it takes isn't known: {doubt}" for doubt in out.doubts]
    if out.losses or out.loss_class:
        put(impact, "data_loss", _loss(out))
    if out.advice:
        put(impact, "advice", tuple(out.advice))
    for field_name, texts in (
        ("unknown", out.unknown),
        ("hidden", out.hidden),
        ("breaks", out.breaks),
        ("notes", out.notes),
    ):
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
        not any(loss == out.loss_class and w in out.surely for w, loss in out.losses.items()),
    )


_NO_LOSS = DataLoss()

__all__ = ["Catalog", "ScriptImpact", "StatementImpact", "document", "predict_script", "to_json"]
