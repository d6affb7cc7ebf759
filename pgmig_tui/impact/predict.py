"""Statements and facts in, impact out: the walk through a script with its transactions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from pgmig_tui.impact.facts import DatabaseFacts
from pgmig_tui.impact.rates import DEFAULT_RATES, Rates
from pgmig_tui.impact.result import NOT_RUN, ScriptImpact, StatementImpact, document, to_json
from pgmig_tui.impact.rules import dispatch
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.statement_impact import impact_of, many
from pgmig_tui.impact.statement_like import StatementLike
from pgmig_tui.impact.transaction import BEGINS, control_transaction
from pgmig_tui.impact.walk import Walk
from pgmig_tui.impact.worlds import World

FIRST_PART = 500


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
    shadow = catalog if catalog is not None else Catalog(facts)
    worlds = [World(one) for one in (shadow, *shadow.others)]
    walk = Walk(worlds, dispatch, server_version_num, rates, complete=complete)
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
            transactions += control in BEGINS
            control_transaction(walk, statement, control)
            continue
        impact = impact_of(walk, statement)
        if statement.times > 1:
            impact = many(impact, statement.times)
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


def _part(walk: Walk, path: str, line: int) -> ScriptImpact:
    """What is known at a line; statements whose locks are still held are told as held to there. Whether all of it is
    one transaction isn't known yet, and not denied.
    """
    done = walk.done.copy()
    for position in walk.unfinished:
        done[position] = replace(done[position], held_until_line=line)
    held = (*walk.held, *walk.locks.until(line))
    return ScriptImpact(path, True, tuple(done), held, walk.version, walk.live, walk.rates)


__all__ = ["Catalog", "ScriptImpact", "StatementImpact", "document", "predict_script", "to_json"]
