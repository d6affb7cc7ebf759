"""What the rules have written down of a statement, as its StatementImpact."""

from __future__ import annotations

from collections.abc import Iterable

from pgmig_tui.impact.effect import Effect
from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import RISKS, Blocks, DataLoss, Lock, StatementImpact, StatementProblem
from pgmig_tui.impact.risk import estimate, risk
from pgmig_tui.impact.rules.holding import while_held, works_on
from pgmig_tui.impact.statement_like import StatementLike
from pgmig_tui.impact.walk import Walk


def sum_up(walk: Walk, statement: StatementLike, out: Effect, problem: StatementProblem | None) -> StatementImpact:
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
