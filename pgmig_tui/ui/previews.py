"""What scripts do, as far as their text tells: read one after the other in one thread, what is looked at first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from pgmig_tui.display.cells import Span
from pgmig_tui.ui.backend.protocol import ImpactFacts, PlanLine, ScriptKind
from pgmig_tui.ui.threads import in_thread
from pgmig_tui.ui.views.matrix import NOTHING, Brief

if TYPE_CHECKING:
    from pgmig_tui.ui.answers import Answers
    from pgmig_tui.ui.backend.protocol import ProjectFacts, StatusFacts


class WantedScript(NamedTuple):
    """A script of a change, as an environment would run it: its variables, and what it has deployed, matter."""

    environment: str
    change_id: str
    kind: ScriptKind
    pending: bool
    before: tuple[str, ...] = ()
    """The pending changes that it requires, in plan order: they will have run by then."""


CARRIED = 20


class Requirements:
    """What the changes of a plan require of each other. Worked out once for a plan: it may have 10,000."""

    def __init__(self, plan: Iterable[PlanLine]) -> None:
        by_name: dict[str, str] = {}
        self._needs: dict[str, tuple[str, ...]] = {}
        for one in plan:  # of a reworked change the one that stands before
            self._needs[one.change_id] = tuple(by_name[name] for name in one.requires if name in by_name)
            by_name[one.name] = one.change_id
        self._places = {change_id: place for place, change_id in enumerate(self._needs)}

    def of(self, change_id: str, pending: Collection[str]) -> tuple[str, ...]:
        """The pending changes that a change requires, and what these do, in plan order; at most the last CARRIED of
        them. A dependency on another project, or by a tag, counts for none: without it a script is judged by its text
        alone."""
        found: set[str] = set()
        queue = list(self._needs.get(change_id, ()))
        while queue:
            one_id = queue.pop()
            if one_id in pending and one_id not in found:
                found.add(one_id)
                queue += self._needs[one_id]
        return tuple(sorted(found, key=self._places.__getitem__))[-CARRIED:]


class Previews:
    """`read` blocks and is called in a thread; `told` is called there, too, with each answer, and hands it to the event
    loop, which calls `take`."""

    def __init__(
        self, read: Callable[[WantedScript], ImpactFacts], told: Callable[[WantedScript, ImpactFacts], None]
    ) -> None:
        self._read = read
        self._told = told
        self._known: dict[WantedScript, ImpactFacts] = {}
        self._queue: list[WantedScript] = []
        self._asked: set[WantedScript] = set()
        self._lock = threading.Lock()
        self._works = False
        self.taken = 0
        """Another number whenever something else is known than before."""

    def get(self, wanted: WantedScript) -> ImpactFacts | None:
        return self._known.get(wanted)

    def take(self, wanted: WantedScript, facts: ImpactFacts) -> None:
        """What was read; not if its script has been forgotten meanwhile."""
        if wanted in self._asked:
            self._known[wanted] = facts
            self.taken += 1

    def want(self, wanted: Iterable[WantedScript], *, first: bool = False) -> None:
        """Reads these, unless they have been read or will be; `first`: before all others."""
        new = [one for one in wanted if one not in self._asked]
        self._asked.update(new)
        with self._lock:
            self._queue[:] = [*new, *self._queue] if first else [*self._queue, *new]
            if self._works or not self._queue:
                return
            self._works = True
        in_thread("previews", self._work)

    def forget(self, change_id: str | None = None) -> None:
        """The scripts of a change are other ones by now; None: all are."""
        self.taken += 1
        gone = {one for one in self._asked if change_id in (None, one.change_id)}
        self._asked -= gone
        for one in gone:
            self._known.pop(one, None)
        with self._lock:
            self._queue[:] = [one for one in self._queue if one not in gone]

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._queue:
                    self._works = False
                    return
                wanted = self._queue.pop(0)
            try:
                facts = self._read(wanted)
            except Exception as error:
                facts = ImpactFacts(None, problem=str(error))
            self._told(wanted, facts)


LOOKED_AT = 40
"""So many of what is pending are looked at without being asked for: more would keep a core busy for long."""
_RISKS = ("none", "low", "medium", "high", "critical")


class PendingScripts:
    """What the scripts of changes do on each environment, as far as that has been read, and what to read next."""

    def __init__(self, facts: Callable[[], ProjectFacts], answers: Answers, previews: Previews) -> None:
        self._facts = facts
        self._answers = answers
        self._previews = previews
        self._plan: Requirements | None = None
        self._before: dict[str, tuple[StatusFacts, frozenset[str], dict[str, tuple[str, ...]]]] = {}
        self._briefs: dict[int, tuple[ImpactFacts, Brief]] = {}
        self._strongest: dict[str, tuple[StatusFacts, int, Span]] = {}

    def forget(self, change_id: str | None = None) -> None:
        """The scripts of a change are others by now; None: all may be, and the plan as well."""
        self._previews.forget(change_id)
        self._briefs.clear()
        if change_id is None:
            self._plan = None
            self._before.clear()

    def wanted(self, environment: str, change_id: str, kind: ScriptKind) -> WantedScript:
        """A script as an environment would run it now."""
        status = self._answers.good.get(environment)
        if status is None or change_id in status.deployed:
            return WantedScript(environment, change_id, kind, False)
        if self._plan is None:
            self._plan = Requirements(self._facts().plan)
        known = self._before.get(environment)
        if known is None or known[0] is not status:
            # Mostly the same are pending as at the answer before: what they require is then known.
            pending = frozenset(status.pending)
            known = (status, pending, known[2] if known is not None and known[1] == pending else {})
            self._before[environment] = known
        if change_id not in known[2]:
            known[2][change_id] = self._plan.of(change_id, known[1])
        return WantedScript(environment, change_id, kind, True, known[2][change_id])

    def impact(self, environment: str, change_id: str, kind: ScriptKind) -> ImpactFacts | None:
        return self._previews.get(self.wanted(environment, change_id, kind))

    def pending(self, environment: str) -> tuple[str, ...]:
        status = self._answers.good.get(environment)
        return status.pending if status is not None else ()

    def brief(self, environment: str, change_id: str) -> Brief:
        """Worked out once: a script may be long, and its row is drawn every second."""
        status = self._answers.good.get(environment)
        if status is None or change_id in status.deployed or change_id not in self._pending(environment, status):
            return Brief()
        facts = self.impact(environment, change_id, "deploy")
        if facts is None:
            return Brief()
        known = self._briefs.get(id(facts))
        if known is None:
            from pgmig_tui.gates.loss import of_script
            from pgmig_tui.ui.views.findings import short_lock, short_risk

            loses = facts.impact is not None and bool(of_script(facts.impact).known)
            known = self._briefs[id(facts)] = (facts, Brief(short_lock(facts), short_risk(facts), loses))
        return known[1]

    def _pending(self, environment: str, status: StatusFacts) -> frozenset[str]:
        known = self._before.get(environment)
        return known[1] if known is not None and known[0] is status else frozenset(status.pending)

    def strongest(self, environment: str) -> Span:
        """The strongest risk of what is pending there, `>=` before it while not all of it has been looked at, and an
        `x` behind it where something loses data."""
        status, known = self._answers.good.get(environment), self._strongest.get(environment)
        if status is None:
            return NOTHING
        if known is None or known[0] is not status or known[1] != self._previews.taken:
            told = self._strongest_of(environment, status.pending)
            known = self._strongest[environment] = status, self._previews.taken, told
        return known[2]

    def _strongest_of(self, environment: str, pending: tuple[str, ...]) -> Span:
        found = [self.impact(environment, one, "deploy") for one in pending[:LOOKED_AT]]
        known = [facts for facts in found if facts is not None and facts.impact is not None]
        worst = max(known, key=lambda facts: _RISKS.index(facts.impact.risk if facts.impact else "none"), default=None)
        if worst is None:
            return NOTHING
        from pgmig_tui.ui.views.findings import short_risk

        text, role = short_risk(worst)
        if not text:
            return NOTHING
        loses = any(self.brief(environment, one).loses for one in pending[:LOOKED_AT])
        least = "" if len(known) == len(pending) else ">="
        return f"{least}{text}{' x' if loses else ''}", role

    def want(self, environment: str, changes: Iterable[str], *, first: bool = False) -> None:
        """Reads the deploy scripts of these."""
        self._previews.want([self.wanted(environment, one, "deploy") for one in changes], first=first)

    def want_both(self, environment: str, change_id: str) -> None:
        """Reads both scripts of the change under the cursor, before all others."""
        self._previews.want([self.wanted(environment, change_id, kind) for kind in ("deploy", "revert")], first=True)
