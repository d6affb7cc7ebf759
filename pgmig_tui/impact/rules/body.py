"""What functions and DO blocks do: their SQL in its order, on every way through them.

What is on a branch is possible, and leaves two catalogs: one where it ran, and one where it didn't. SQL that is made at
run time is followed as far as it is put together of what is known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pgmig_tui.impact import nodes
from pgmig_tui.impact.counting import count_query
from pgmig_tui.impact.effect import Effect, Scene
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.folding import NOTHING, constant_text, stand_in, truth
from pgmig_tui.impact.modes import AE, RE
from pgmig_tui.impact.plpgsql import steps_of, variables_of
from pgmig_tui.impact.refusal import Refusal, behind
from pgmig_tui.impact.result import Advice
from pgmig_tui.impact.rules.implicit_calls import column_checks, perhaps
from pgmig_tui.impact.rules.inner_sql import carry_out, does_nothing, parsed
from pgmig_tui.impact.selectivity import ANY, ONE, Span, exactly
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.steps import Assign, Block, Choice, End, Guard, Leave, Loop, RunSql, Typed
from pgmig_tui.impact.worlds import World, distinct, pass_through

_KEEPS_THE_CATALOG = frozenset(
    {"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "LockStmt", "VacuumStmt", "ReindexStmt",
     "ClusterStmt", "CommentStmt", "GrantStmt", "CopyStmt", "RefreshMatViewStmt", "TruncateStmt", "ExplainStmt"}
)  # fmt: skip
_OF_DROPPED = re.compile(
    r"\s*select\s+\*\s+from\s+(?:pg_catalog\.)?pg_event_trigger_dropped_objects\s*\(\s*\)\s*\Z", re.IGNORECASE
).match
_MOST_TURNS = 100
"""A loop over constants is followed so far."""
_OF_EXISTENCE = frozenset(
    {"undefined_table", "undefined_column", "undefined_object", "undefined_function", "duplicate_table",
     "duplicate_column", "duplicate_object", "duplicate_function", "duplicate_schema", "invalid_schema_name"}
)  # fmt: skip
"""Errors that the catalog tells beforehand: where it doesn't, their handlers don't run."""


@dataclass(slots=True)
class Flow:
    """Where a block leads: worlds that go on, that have left the function, or the loop around; and those in which it
    fails (as they were before the statement that does)."""

    alive: list[World]
    left: list[World] = field(default_factory=list)
    exited: list[World] = field(default_factory=list)
    failed: bool = False
    problem: str = ""


def run_block(
    sql: str, scene: Scene, out: Effect, what: str, worth: Mapping[str, str], parameters: Iterable[str] = ()
) -> None:
    """Run the body of a whole DO or CREATE FUNCTION statement of PL/pgSQL."""
    steps = steps_of(sql)
    if steps is None:
        out.hide(f"what {what} does: its body can't be read")
        _guess(sql, scene, out)
        return
    body = _Body(scene, out, what, variables_of(sql))
    flow = body.block(steps, [World(scene.catalog, worth)], "likely")
    _finish(flow, scene, out, what)


def run_sql(
    text: str, scene: Scene, out: Effect, what: str, worth: Mapping[str, str], parameters: Iterable[str] = ()
) -> None:
    """Run the body of an SQL function that takes these."""
    body = _Body(scene, out, what, frozenset(parameters))
    flow = body.block((RunSql(text),), [World(scene.catalog, worth)], "likely")
    _finish(flow, scene, out, what)


def _finish(flow: Flow, scene: Scene, out: Effect, what: str) -> None:
    after = distinct([*flow.alive, *flow.left, *flow.exited])
    if not after:
        out.fail(behind(f"inside {what}: ", flow.problem or Refusal("it raises an exception", "P0001")))
        return
    scene.become([world.catalog for world in after])


class _Body:
    """One body at work."""

    def __init__(self, scene: Scene, out: Effect, what: str, variables: frozenset[str] | None) -> None:
        self.scene, self.out, self.what, self.variables = scene, out, what, variables

    def block(self, steps: Block, worlds: list[World], certainty: str) -> Flow:
        flow = Flow(worlds)
        for step in steps:
            if not flow.alive:
                break
            inner = self._step(step, flow.alive, certainty)
            flow.alive = distinct(inner.alive)
            flow.left += inner.left
            flow.exited += inner.exited
            if inner.left or inner.exited:
                certainty = "possible"  # what follows isn't come to on every way
            flow.failed |= inner.failed
            flow.problem = flow.problem or inner.problem
        return flow

    def _step(self, step: object, worlds: list[World], certainty: str) -> Flow:
        match step:
            case RunSql():
                return self._run(step, worlds, certainty)
            case Typed():
                self._typed(step, worlds, certainty)
                return Flow(worlds)
            case Assign(name, expression):
                flow = self._run(RunSql(f"SELECT {expression}"), worlds, certainty)
                for world in flow.alive:
                    world.worth = _with(world.worth, name, constant_text(expression, world.worth))
                return flow
            case Choice():
                return self._choice(step, worlds, certainty)
            case Loop():
                return self._loop(step, worlds, certainty)
            case Guard():
                return self._guard(step, worlds, certainty)
            case Leave("return"):
                return Flow([], left=worlds)
            case Leave("exit"):
                return Flow([], exited=worlds)
            case End(commit):
                return self._end(worlds, commit)
        return Flow([], failed=True)  # RAISE EXCEPTION

    # -- statements -----------------------------------------------------------------------------------------------

    def _run(self, step: RunSql, worlds: list[World], certainty: str) -> Flow:
        if not step.dynamic and not step.into and does_nothing(step.text):
            return Flow(worlds)
        inner = Effect(certainty=certainty)

        def act(world: World, into: Effect) -> list[World]:
            seen = dict(self.scene.code.seen)
            after = self._in_world(step, world, into)
            if into.problem and len(worlds) > 1:  # nothing of it is told where it succeeds in another
                self.scene.code.seen = seen
            return after

        passed = pass_through(worlds, act, inner)
        self._note(inner, certainty)
        for world in passed.alive if step.into else ():
            world.worth = _without(world.worth, step.into)
        return Flow(passed.alive, failed=bool(passed.failed), problem=passed.problem)

    def _typed(self, step: Typed, worlds: list[World], certainty: str) -> None:
        """What a variable of a column's type is given, or NULL, is looked at by the type's CHECKs."""
        for world in worlds:
            table = world.catalog.get(nodes.name_from(list(step.table)))
            inner = Effect(certainty=certainty)
            checks = column_checks(table, step.column, world.catalog) if table is not None else []
            perhaps(checks, self.scene.inside(world.catalog, "", NOTHING), inner)
            self._note(inner, certainty)

    def _in_world(self, step: RunSql, world: World, out: Effect) -> list[World]:
        text: str | None = step.text
        if step.dynamic:
            text = constant_text(step.text, world.worth)
            if text is None:
                self._made_at_run_time(step.text, world, out)
                return [world]
        assert text is not None
        variables = frozenset() if step.dynamic else self.variables
        return carry_out(text, self.scene, world, out, made=step.dynamic, variables=variables)

    def _made_at_run_time(self, expression: str, world: World, out: Effect) -> None:
        """SQL of which only parts are known: what it can do at most tells whether it may destroy something."""
        told = f"what EXECUTE {' '.join(expression.split())[:60]} in {self.what} runs"
        text = stand_in(expression, world.worth)
        if text is not None:
            tried = Effect()
            try:
                for tree in parsed(text):
                    self.scene.rules.apply(
                        tree,
                        Scene(Catalog(None), self.scene.rules, self.scene.version, text, self.scene.depth + 1),
                        tried,
                    )
            except nodes.ParseError:
                tried.hide(told)
            if not tried.loss_class and not tried.hidden:
                out.unknown.append(told)
                if not all(nodes.kind(tree) in _KEEPS_THE_CATALOG for tree in parsed(text)):
                    world.catalog.doubt()
                return
        out.hide(told)

    def _note(self, inner: Effect, certainty: str) -> None:
        why = f"inside {self.what}" + (", on a branch" if certainty == "possible" else "")
        for lock in inner.locks.values():
            self.out.take_lock(lock, f"{lock.why}, {why}")
        # what is safer for a statement of it can't be put in the place of the whole
        inner.advice = [Advice(one.rule, one.message) for one in inner.advice]
        self.out.absorb(inner)

    def _end(self, worlds: list[World], commit: bool) -> Flow:
        """COMMIT or ROLLBACK, which only a procedure or DO block outside of a transaction may say."""
        if any(world.catalog.in_block for world in worlds):
            word = "COMMIT" if commit else "ROLLBACK"
            told = f"{word} inside a transaction that isn't its own is refused"
            return Flow([], failed=True, problem=Refusal(told, "2D000"))
        for world in worlds:
            world.catalog.commit()
        return Flow(worlds)

    # -- ways -----------------------------------------------------------------------------------------------------

    def _choice(self, step: Choice, worlds: list[World], certainty: str) -> Flow:
        """Conditions are looked at in turn; each arm begins where they end."""
        tested = self.block(tuple(RunSql(f"SELECT {condition}") for condition in step.conditions), worlds, certainty)
        verdicts = [_agreed(condition, tested.alive) for condition in step.conditions] if _each_has_one(step) else []
        arms, complete = list(step.arms), step.complete
        if True in verdicts:  # what comes behind never runs
            arms, complete = arms[: verdicts.index(True) + 1], True
        arms = [arm for position, arm in enumerate(arms) if (*verdicts, *[None] * len(arms))[position] is not False]
        flow = Flow([], failed=tested.failed, problem=tested.problem)
        for arm in arms:
            alone = complete and len(arms) == 1
            inner = self.block(arm, [world.apart() for world in tested.alive], certainty if alone else "possible")
            flow.alive += inner.alive
            flow.left += inner.left
            flow.exited += inner.exited
            flow.failed |= inner.failed
            flow.problem = flow.problem or inner.problem
        if not complete:
            flow.alive += tested.alive
        return flow

    def _loop(self, step: Loop, worlds: list[World], certainty: str) -> Flow:
        flow = self.block(step.head, worlds, certainty)
        if self.scene.code.dropped is not None and step.per_row and _OF_DROPPED(step.head[0].text):
            return self._rows(step, flow, certainty, self.scene.code.dropped)
        over = step.over if step.over is not None else _counted(step.bounds, flow.alive)
        if over is not None and len(over) <= _MOST_TURNS:
            return self._turns(replace(step, over=over), flow, certainty)
        for world in flow.alive:
            world.worth = _without(world.worth, (*step.names, *_set_in(step.body)))
        once = [world.apart() for world in flow.alive]
        before = self.scene.times
        self.scene.times = before.times(self._turns_of(step))
        inner = self.block(step.body, once, certainty if step.once else "possible")
        self.scene.times = before
        skipped = [] if step.once else flow.alive
        ended = [*inner.alive, *inner.exited]
        return Flow(
            [*ended, *skipped],
            [*flow.left, *inner.left],
            [],
            flow.failed or inner.failed,
            flow.problem or inner.problem,
        )

    def _turns_of(self, step: Loop) -> Span:
        """How often a loop's body runs."""
        if step.turns is not None:
            return exactly(step.turns)
        if step.per_row and self.scene.catalog.live:
            try:
                (query,) = parsed(step.head[0].text)
                rows = count_query(query, self.scene, Effect())
            except (nodes.ParseError, ValueError):
                rows = ANY
            if not rows.wide:
                return rows
        self.out.doubt("how many times a loop runs")
        self.scene.code.uncounted = True
        return ONE

    def _turns(self, step: Loop, flow: Flow, certainty: str) -> Flow:
        """One turn after the other, each with its constant."""
        out: list[World] = []
        for value in step.over or ():
            for world in flow.alive:
                for name in step.names:
                    world.worth = _with(world.worth, name, value)
            inner = self.block(step.body, flow.alive, certainty)
            out += inner.exited
            flow.alive = inner.alive
            flow.left += inner.left
            flow.failed |= inner.failed
            flow.problem = flow.problem or inner.problem
        for world in (*flow.alive, *out):
            world.worth = _without(world.worth, step.names)
        return Flow([*flow.alive, *out], flow.left, [], flow.failed, flow.problem)

    def _rows(self, step: Loop, flow: Flow, certainty: str, rows: Iterable[Mapping[str, str]]) -> Flow:
        """One turn after the other, each with a row whose fields are known."""
        for row in rows:
            for world in flow.alive:
                for name, (column, value) in ((name, item) for name in step.names for item in row.items()):
                    world.worth = _with(world.worth, f"{name}.{column}", value)
            inner = self.block(step.body, flow.alive, certainty)
            flow.alive = inner.alive
            flow.left += inner.left
            flow.failed |= inner.failed
            flow.problem = flow.problem or inner.problem
        return Flow(flow.alive, flow.left, [], flow.failed, flow.problem)

    def _guard(self, step: Guard, worlds: list[World], certainty: str) -> Flow:
        """A block that catches its errors: what it did until then is undone, and its locks are given back."""
        before = [world.apart() for world in worlds]
        seen = dict(self.scene.code.seen)
        mine, self.out = self.out, Effect()
        flow = self.block(step.body, worlds, certainty)
        tried, self.out = self.out, mine
        went_through = bool(flow.alive or flow.left or flow.exited)
        self._take_in(tried, undone=not went_through)
        if not went_through:
            self.scene.code.seen = seen
        caught = [
            handler
            for conditions, handler in step.handlers
            if flow.failed or not self.scene.catalog.live or not set(conditions) <= _OF_EXISTENCE
        ]
        if not caught:
            return flow
        flow.failed, flow.problem = False, ""
        for handler in caught:
            start = [world.apart() for world in before]
            inner = self.block(handler, start, certainty if not went_through and len(caught) == 1 else "possible")
            flow.alive += inner.alive
            flow.left += inner.left
            flow.exited += inner.exited
            flow.failed |= inner.failed
            flow.problem = flow.problem or inner.problem
        return flow

    def _take_in(self, tried: Effect, *, undone: bool) -> None:
        for lock in tried.locks.values():
            why = f"{lock.why}, then undone" if undone else lock.why
            certainty = "possible" if undone else lock.certainty
            self.out.take_lock(lock, why, certainty=certainty)
        if undone:
            self.out.doubts += tried.doubts
            self.out.unknown += tried.unknown
            self.out.hidden += tried.hidden
        else:
            self.out.absorb(tried)


def _counted(bounds: tuple[str, str] | None, worlds: Sequence[World]) -> tuple[str, ...] | None:
    """The numbers that a loop counts through where both ends are the same in all of these worlds; None where that isn't
    known."""
    ends = {tuple(constant_text(end, world.worth) for end in bounds or ()) for world in worlds}
    low, high = (*ends.pop(), None, None)[:2] if len(ends) == 1 else (None, None)
    if low is None or high is None or not (low.isdecimal() and high.isdecimal()):
        return None
    return tuple(str(number) for number in range(int(low), min(int(high), int(low) + _MOST_TURNS) + 1))


def _each_has_one(step: Choice) -> bool:
    """IF: each condition has its arm; CASE with an expression has one for all."""
    return len(step.conditions) in (len(step.arms), len(step.arms) - step.complete)


def _agreed(condition: str, worlds: Iterable[World]) -> bool | None:
    """What a condition comes to in all of these worlds; None where it isn't known, or isn't the same."""
    found = {truth(condition, world.worth) for world in worlds}
    return found.pop() if len(found) == 1 else None


def _set_in(block: Block) -> Iterator[str]:
    """The variables that a block sets."""
    for step in block:
        match step:
            case Assign(name):
                yield name
            case RunSql(_, _, into):
                yield from into
            case Choice(_, arms):
                for arm in arms:
                    yield from _set_in(arm)
            case Loop(_, body, names):
                yield from names
                yield from _set_in(body)
            case Guard(body, handlers):
                yield from _set_in(body)
                for _, handler in handlers:
                    yield from _set_in(handler)


def _with(worth: Mapping[str, str], name: str, value: str | None) -> Mapping[str, str]:
    return _without(worth, (name,)) if value is None else {**worth, name: value}


def _without(worth: Mapping[str, str], names: Iterable[str]) -> Mapping[str, str]:
    gone = set(names)
    return {name: value for name, value in worth.items() if name not in gone} if gone & set(worth) else worth


_TABLES = re.compile(
    r"\b(?:alter\s+table(?:\s+if\s+exists)?(?:\s+only)?|drop\s+table(?:\s+if\s+exists)?|truncate(?:\s+table)?|"
    r"insert\s+into|update|delete\s+from)\s+((?:[a-z_]\w*\.)?[a-z_]\w*)",
    re.IGNORECASE,
)


def _guess(sql: str, scene: Scene, out: Effect) -> None:
    """Tables named in a body that can't be read: possible, never none."""
    for match in _TABLES.finditer(sql):
        parts = match[1].lower().split(".")
        name = Name(parts[0] if len(parts) > 1 else "", parts[-1])
        if scene.catalog.live and scene.catalog.missing(name):
            continue
        weak = match[0].lower().startswith(("insert", "update", "delete"))
        out.lock(scene.catalog.relation(name), RE if weak else AE, "named in a body that can't be read", "possible")
