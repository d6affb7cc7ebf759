"""What the environments answered last, and how a cell of the matrix says it with its age."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from pgmig_tui.display.cells import Line, Role, Span, state_cell
from pgmig_tui.display.words import count
from pgmig_tui.project.ids import digest_of_all
from pgmig_tui.ui.backend.protocol import ProjectFacts, RunFacts, StatusFacts
from pgmig_tui.ui.views.cards import reason_first

if TYPE_CHECKING:
    from pgmig_tui.review.drift_kept import KnownDrift

POLL_SECONDS = 10.0
STALE_AFTER = 30.0
WAITED = 60
"""So many answers are looked back at, ten minutes."""
NOT_YET = "has not answered yet"


def age_words(seconds: float) -> str:
    """An age that fits into a cell: `48s`, `3m`, `2h`, `5d`."""
    whole = max(0, int(seconds))
    for limit, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if whole >= limit:
            return f"{whole // limit}{unit}"
    return f"{whole}s"


class Answers:
    """The last answer of each environment, and the last good one."""

    def __init__(self, facts: ProjectFacts) -> None:
        self.facts = facts
        self.last: dict[str, StatusFacts] = {}
        self.good: dict[str, StatusFacts] = {}
        self._runs: tuple[RunFacts, ...] = ()
        self.listed = False
        """Whether the runs of this account were listed yet."""
        self._newest: dict[str, RunFacts] = {}
        self._waited: dict[str, deque[int | None]] = {}
        self.drift: Mapping[str, KnownDrift] = {}
        """By environment, what the last look at its drift has found."""
        self.looking: set[str] = set()
        """Environments whose drift is being looked at."""
        self.problem = ""
        """Why plan and configuration, as they lie on disk now, can't be read."""

    def change(self, facts: ProjectFacts) -> None:
        """The project is another one by now; answers of environments that lead elsewhere, or are gone, are dropped."""
        same = {environment.name for environment in facts.environments if environment in self.facts.environments}
        self.facts = facts
        for known in (self.last, self.good):
            for name in set(known) - same:
                del known[name]
        self._waited = {name: one for name, one in self._waited.items() if name in same}
        self.drift = {name: one for name, one in self.drift.items() if name in same}

    def take(self, status: StatusFacts) -> None:
        self.last[status.environment] = status
        if status.reachable:
            self.good[status.environment] = status
        waited = self._waited.setdefault(status.environment, deque(maxlen=WAITED))
        waited.append(status.waiting if status.reachable else None)

    def waited(self, environment: str) -> tuple[int | None, ...]:
        """How many sessions waited for locks at each of the last answers, the newest last; None: there was none."""
        return tuple(self._waited.get(environment, ()))

    @property
    def runs(self) -> tuple[RunFacts, ...]:
        return self._runs

    @runs.setter
    def runs(self, runs: tuple[RunFacts, ...]) -> None:
        self._runs, self.listed = runs, True
        self._newest = {}
        for run in runs:
            known = self._newest.get(run.environment)
            if known is None or run.started_at > known.started_at:
                self._newest[run.environment] = run

    def newest_run(self, environment: str) -> RunFacts | None:
        return self._newest.get(environment)

    def alive(self) -> tuple[RunFacts, ...]:
        return tuple(run for run in self.runs if run.state == "running")

    def old(self, environment: str, now: datetime) -> str | None:
        """The age of what is shown, when it's old or the server stopped answering; None while it's fresh."""
        good, last = self.good.get(environment), self.last.get(environment)
        if good is None or last is None:
            return None
        seconds = (now - good.asked_at).total_seconds()
        return age_words(seconds) if not last.reachable or seconds > STALE_AFTER else None

    def cell(self, change_id: str, environment: str, now: datetime) -> Span:
        """The words of one cell."""
        good = self.good.get(environment)
        if good is None:
            return state_cell("no answer" if environment in self.last else "asking")
        age = self.old(environment, now)
        if change_id in good.differing:
            return state_cell("differs", age)
        if change_id in good.deployed:
            return state_cell("deployed", age)
        run = self.newest_run(environment)
        if run is not None and run.command == "deploy" and good.pending and age is None:
            if run.state == "failed" and change_id == run.failed_change_id:
                return state_cell("failed")
            # What the server said is some seconds old; the journal says what the run works on now.
            if run.state == "running" and not run.paused and change_id == (run.under_way or good.pending[0]):
                return state_cell("running")
        return state_cell("marked" if change_id in good.marked else "pending", age)

    def drift_mark(self, environment: str, now: datetime) -> Span:
        """The schema of an environment against its plan in a cell, with the age of the look; `?` where nobody has
        looked, or where another set of changes is deployed by now."""
        if environment in self.looking:
            return "~ looking", "running"
        known, good = self.drift.get(environment), self.good.get(environment)
        if known is None:
            return "? unknown", "stale"
        age = age_words((now - datetime.fromisoformat(known.at)).total_seconds())
        if good is None or digest_of_all(good.deployed) != known.deployed:
            return f"? old {age}", "stale"
        return (f"! diff {age}", "differs") if known.open else (f"+ same {age}", "done")

    def drift_words(self, environment: str, now: datetime) -> Line:
        """The same in a sentence."""
        mark, role = self.drift_mark(environment, now)
        known = self.drift.get(environment)
        told = {
            "~": "being compared with its plan",
            "+": "as its plan has it, no drift",
            "!": f"differs from the plan in {count(known.open, 'object') if known is not None else ''}",
            "?": "unknown whether it differs from the plan: nobody has looked"
            if known is None
            else "unknown whether it differs from the plan: what is deployed has changed since the look",
        }[mark[0]]
        when = f", seen {mark.rpartition(' ')[2]} ago" if known is not None and mark[0] != "~" else ""
        return ((f" {mark[0]} {environment}: schema: {told}{when}", role),)

    def silent(self, environment: str) -> str | None:
        """Why an environment can't be asked now; None when it answers. A rollback wants no more: a run that is under
        way is stopped by it."""
        last = self.last.get(environment)
        if last is None:
            return f"{environment} {NOT_YET}"
        return f"{environment} does not answer; r asks it again" if not last.reachable else None

    def state(self, environment: str, now: datetime) -> Line:
        """An environment in a few words."""
        last, good = self.last.get(environment), self.good.get(environment)
        if last is None:
            return (("not answered yet", "muted"),)
        if not last.reachable:
            return ((f"no answer: {last.error}", "stale"),)
        assert good is not None, "a reachable answer is a good answer"
        return (good.words,)

    def cannot(self, environment: str) -> str | None:
        """Why nothing can be started on an environment now; None when it can."""
        if reason := self.silent(environment):
            return reason
        alive = next((run for run in self.alive() if run.environment == environment), None)
        if alive is not None:
            return f"run {alive.run_id} is alive there; h on home lists runs"
        return None

    def notes(self, now: datetime) -> list[Line]:
        """What a person must know about the environments, worst first, one line each."""
        found: list[tuple[int, Line]] = []

        def add(weight: int, text: str, role: Role) -> None:
            found.append((weight, ((f" {text}", role),)))

        if self.problem:
            add(0, f"! plan or configuration on disk can't be read; shown is what they were: {self.problem}", "failed")
        for environment in self.facts.environments:
            last, name = self.last.get(environment.name), environment.name
            if last is None:
                continue
            if not last.reachable:
                age = self.old(name, now)
                tail = f" Shown: the answer of {age} ago." if age else ""
                why = reason_first(last.error).rstrip(".")
                add(0, f"? {name}: {why}.{tail} Deploy and roll back are off there.", "stale")
                continue
            if last.not_in_plan:
                names = ", ".join(last.not_in_plan[:3])
                more = len(last.not_in_plan) - 3
                add(
                    1,
                    f"! {name}: deployed but not in the plan: {names}{f' and {more} more' if more > 0 else ''}",
                    "differs",
                )
            if last.under_way:
                add(1, f"~ {name}: w watches it: {last.under_way}", "waiting")
            if last.note:
                add(3, f". {name}: {last.note}", "muted")
            if self.drift_mark(name, now)[0].startswith("!"):
                found.append((2, self.drift_words(name, now)))
            run = self.newest_run(name)
            if run is not None and run.state in {"failed", "unknown"}:
                word = "is IN DOUBT" if run.in_doubt else "FAILED" if run.state == "failed" else "was cut off"
                add(
                    2,
                    f"{'?' if run.in_doubt else 'x'} {name}: run {run.run_id} {word} at {run.steps_done}",
                    "failed",
                )
        return [line for _weight, line in sorted(found, key=lambda pair: pair[0])]
