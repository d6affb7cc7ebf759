"""Rollbacks of the rooms below as facts for the screen, and what happens when one is started from there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import Refused
from pgmig_tui.ui.backend.gating import asked_word, item_of
from pgmig_tui.ui.backend.protocol import EVERYTHING, Answered, Record, Rollback, Watch
from pgmig_tui.ui.threads import to_the_end

if TYPE_CHECKING:
    from pgmig_tui.gates.gate import Answer
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.rollback import RollbackReview
    from pgmig_tui.run.clients.client import RunHandle
    from pgmig_tui.run.clients.extent import Extent, KnownState
    from pgmig_tui.run.clients.stopping import Running
    from pgmig_tui.run.journal.entry import Entry


_ENDING_S = 10.0


def look_back(
    project: Project, environment: Environment, to: str | None, save: bool | None, state_dir: Path
) -> Rollback:
    """What a rollback would do; `to` None is the last deploy run that still stands. Raises PgmigError."""
    from pgmig_tui.review.rollback import look
    from pgmig_tui.run.clients.extent import extent_for
    from pgmig_tui.run.clients.rollback import plan_rollback, stand

    state = stand(project, environment, state_dir)
    extent = extent_for(state, project, to or None, everything=to == EVERYTHING)
    facts = _known_facts(environment, state, extent)
    if extent.nothing:
        return facts
    save = environment.policy.save_before_revert if save is None else save
    plan = plan_rollback(project, environment, extent, state_dir=state_dir)
    word = asked_word(plan, environment)
    found = look(project, environment, extent, plan, state_dir=state_dir, save=save)
    return replace(_facts(facts, found, state.running), word=word)


def _known_facts(environment: Environment, state: KnownState, extent: Extent) -> Rollback:
    """What is known before anything is planned: the points, which of them is chosen, and what runs there."""
    from pgmig_tui.review.rollback import candidate_lines

    points = (*(change.change_id for change in reversed(state.deployed)), EVERYTHING)
    kept = points.index(extent.keep.change_id if extent.keep is not None else EVERYTHING)
    first, running = extent.candidate, state.running
    guessed = None
    if first is not None:
        guessed = points.index(first.keep.change_id if first.keep is not None else EVERYTHING)
    stops = running if running is not None and not (extent.nothing and extent.undecided) else None
    return Rollback(
        environment.name,
        nothing=extent.nothing,
        undecided=extent.undecided,
        run=extent.run_id,
        candidate=tuple(candidate_lines(extent, environment.name)),
        first=guessed,
        points=points,
        kept=kept,
        running=stops.sentence if stops is not None else "",
        elsewhere=running is not None and not running.local,
        found=running,
    )


def _facts(facts: Rollback, found: RollbackReview, running: Running | None) -> Rollback:
    from pgmig_tui.review.rollback import (
        command_line,
        dry_lines,
        headline,
        loss_lines,
        script_lines,
        statements,
    )

    extent = found.extent
    head: list[Line] = [headline(extent, found.asked_at)]
    head += [line(("! ", "stale"), safe(text)) for text in found.plan.warnings]
    sql = [line((f"  {step.number}:{number:<4} ", "muted"), safe(text)) for step, number, text in statements(found)]
    return replace(
        _seen_now(facts, found, running),
        head=tuple(head),
        steps=found.rows,
        keep=extent.point,
        sql=tuple(sql),
        scripts=tuple(script_lines(found)),
        dry=tuple(dry_lines(found)),
        losses=tuple(loss_lines(found)),
        loses=found.losses,
        saves=found.saving is not None,
        command=command_line(found),
    )


def _seen_now(facts: Rollback, found: RollbackReview, running: Running | None) -> Rollback:
    """With what holds for the moment at which it was seen: the checklist, and who is in the way."""
    from pgmig_tui.review.now import who
    from pgmig_tui.review.rollback import evidence_lines

    evidence = [*found.now.lines(), *evidence_lines(found)]
    if not found.review.catalog:
        evidence.append(line(("? ", "stale"), f"the locks are told from the text alone: {safe(found.review.reason)}"))
    ahead = {
        safe(who(one.lock.session, one.lock.prepared)): safe(
            f"{one.wanted.mode.sql_name} on {one.wanted.name} {one.sentence}"
        )
        for one in reversed(found.now.ahead)
        if one.lasting
    }
    return replace(
        facts,
        evidence=tuple(evidence),
        ahead=tuple(ahead.items()),
        unseen=safe(found.now.problem),
        items=tuple(item_of(result, found.plan.server.where) for result in found.review.gate.results),
        found=(found, running),
    )


def looked_again(
    project: Project, environment: Environment, rollback: Rollback, answers: Sequence[Answered], state_dir: Path
) -> Rollback:
    """The same as the server answers now, under these answers; rows that were counted are not counted again, but what
    was shown as empty is. Raises Unreachable, ServerError."""
    from pgmig_tui.review.rollback import require_shown
    from pgmig_tui.run.clients.rollback import stand

    known = rollback.found if rollback.nothing else rollback.found[1]
    state = stand(project, environment, state_dir)
    outdated = []
    if (state.running.run_id if state.running else None) != (known.run_id if known else None):
        there = state.running.sentence if state.running else f"run {known.run_id} has ended"
        outdated.append(safe(there))
    if rollback.nothing:
        return replace(rollback, outdated=tuple(outdated))
    found: RollbackReview = rollback.found[0]
    if not found.still_last(state.deployed):
        last = state.deployed[-1].name if state.deployed else "nothing"
        outdated.append(f"what is deployed has changed since: the last change is {safe(last)}")
    else:
        try:
            require_shown(found, environment)
        except Refused as refused:
            outdated.append(safe("; ".join((refused.what, *refused.details))))
    again = found.looked_again(environment, _given(found, answers))
    return replace(_seen_now(rollback, again, known), outdated=tuple(outdated))


def answered(rollback: Rollback, environment: Environment, answers: Sequence[Answered]) -> Rollback:
    """The same under these answers; the server isn't asked again."""
    found, running = rollback.found
    again: RollbackReview = found.answered(environment, _given(found, answers))
    items = tuple(item_of(result, found.plan.server.where) for result in again.review.gate.results)
    return replace(rollback, items=items, found=(again, running))


def begin(
    project: Project, environment: Environment, rollback: Rollback, answers: Sequence[Answered], state_dir: Path
) -> Watch | None:
    """Stop the run that is under way, then start the rollback that was shown; None: nothing was left to revert.

    Raises PgmigError; Refused when the run has committed more since it was shown, for then more would be reverted.
    """
    from pgmig_tui.review.prepared import estimates_of
    from pgmig_tui.review.rollback import require_shown
    from pgmig_tui.run.clients.client import start
    from pgmig_tui.run.clients.extent import extent_of_last
    from pgmig_tui.run.clients.rollback import stand
    from pgmig_tui.run.clients.stopping import stop

    if rollback.nothing:
        stop(rollback.found, environment, state_dir)
        if extent_of_last(stand(project, environment, state_dir, rollback.found)).nothing:
            return None
        raise _more()
    found, running = rollback.found
    found.review.gate.require()
    require_shown(found, environment)
    if running is not None:
        stop(running, environment, state_dir)
        if not found.still_last(stand(project, environment, state_dir, running).deployed):
            raise _more()
    target = environment.target
    given = found.review.gate.counted(_given(found, answers))
    kept = found.review.kept
    handle = start(
        found.plan,
        given,
        password=target.password,
        secrets=target.secrets,
        evidence=kept,
        estimates=estimates_of(found.review),
    )
    return Followed(handle, project, environment, found, state_dir)


def _more() -> Refused:
    return Refused(
        "the run was stopped, and what is deployed has changed since it was shown here",
        now="Nothing was reverted.",
        do="Look at what is reverted now, then start it again.",
    )


def _given(found: RollbackReview, answers: Sequence[Answered]) -> list[Answer]:
    from pgmig_tui.ui.backend.gating import answers_by

    return answers_by(found.plan, found.review.answers, answers)


def record_of(state_dir: Path, run_id: str) -> Record:
    """The record of a run as its journal has it now. Raises UsageError."""
    from pgmig_tui.report import incident
    from pgmig_tui.run.clients.client import attach

    found = incident.read(attach(run_id, state_dir).folder)
    channel = "\n".join(incident.six_lines(found)) + "\n"
    return Record(incident.markdown(found), channel, found.complete)


class Followed:
    """A rollback that is being watched. When it has ended, what is true then is looked at, and the record of the
    incident is written, even if the screen is left meanwhile."""

    def __init__(
        self, handle: RunHandle, project: Project, environment: Environment, found: RollbackReview, state_dir: Path
    ) -> None:
        self._handle = handle
        self._about = project, environment, found, state_dir
        self._looked = False

    @property
    def run_id(self) -> str:
        return self._handle.run_id

    @property
    def behind(self) -> bool:
        return self._handle.behind

    @property
    def estimates(self) -> Mapping[int, float]:
        return self._handle.estimates

    def poll(self, most: int | None = None) -> Sequence[Entry]:
        events = self._handle.poll(most)
        if self._handle.finished and not self._looked:
            self._looked = True
            to_the_end(f"looking at what is true after run {self.run_id}, for the record", self._look)
        return events

    def alive(self) -> bool:
        return self._handle.alive()

    def send(self, command: str, *arguments: str) -> object:
        return self._handle.send(command, *arguments)

    def take_control(self) -> bool:
        return self._handle.take_control()

    def controlled_by(self) -> str:
        return self._handle.controlled_by()

    def _look(self) -> None:
        from pgmig_tui.report.conclusion import conclude

        deadline = time.monotonic() + _ENDING_S  # the journal is the run's own until its process is gone
        while self._handle.alive() and time.monotonic() < deadline:
            time.sleep(0.05)
        project, environment, found, state_dir = self._about
        with contextlib.suppress(OSError):
            conclude(project, environment, found.plan, state_dir)
