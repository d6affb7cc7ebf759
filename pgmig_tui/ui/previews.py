"""What scripts do, as far as their text tells: read one after the other in one thread, what is looked at first."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from pgmig_tui.display.cells import Span
from pgmig_tui.ui.backend.protocol import ImpactFacts, PlanLine, ScriptKind
from pgmig_tui.ui.threads import in_thread
from pgmig_tui.ui.views.matrix import NOTHING, Brief

if TYPE_CHECKING:
    from pgmig_tui.impact.result import ScriptImpact
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


Judged = tuple[WantedScript, ImpactFacts]
TELLS_SECONDS = 0.1
"""Answers that come within so short a time of each other are told together."""
LEAST_REST = 0.002


class Previews:
    """`read` blocks and is called in a thread, `alike` as well; `told` is called there, too, with answers, and hands
    them to the event loop, which calls `take`. Scripts for which `alike` gives the same are judged once."""

    def __init__(
        self,
        read: Callable[[WantedScript], ImpactFacts],
        told: Callable[[Sequence[Judged]], None],
        alike: Callable[[WantedScript], Hashable],
    ) -> None:
        self._read = read
        self._told = told
        self._alike = alike
        self._known: dict[WantedScript, ImpactFacts] = {}
        self._judged: dict[tuple[WantedScript, Hashable], ImpactFacts] = {}
        self._queue: deque[WantedScript] = deque()
        self._later: deque[WantedScript] = deque()
        self._asked: set[WantedScript] = set()
        self._lock = threading.Lock()
        self._works = False
        self._woken = threading.Event()

    def get(self, wanted: WantedScript) -> ImpactFacts | None:
        return self._known.get(wanted)

    def take(self, wanted: WantedScript, facts: ImpactFacts) -> None:
        """What was read; not if its script has been forgotten meanwhile."""
        if wanted in self._asked:
            self._known[wanted] = facts

    def want(self, wanted: Iterable[WantedScript], *, first: bool = False, last: bool = False) -> None:
        """Reads these, unless they have been read or will be; `first`: before all others; `last`: when nothing else is
        to be read, and with rests in between. What was wanted for later is read now where it is wanted again."""
        wanted = list(wanted)
        new = [one for one in wanted if one not in self._asked]
        self._asked.update(new)
        with self._lock:
            if last:
                self._later.extend(new)
            else:
                if self._later:
                    sooner = set(wanted).intersection(self._later).difference(new)
                    new = [one for one in wanted if one in sooner or one in new] if sooner else new
                    self._later = deque(one for one in self._later if one not in sooner)
                if first:
                    self._queue.extendleft(reversed(new))
                else:
                    self._queue.extend(new)
                self._woken.set()
            if self._works or not (self._queue or self._later):
                return
            self._works = True
        in_thread("previews", self._work)

    def forget(self, change_id: str | None = None) -> None:
        """The scripts of a change are other ones by now; None: all are."""
        gone = {
            one for one in self._asked if change_id is None or change_id == one.change_id or change_id in one.before
        }
        self._asked -= gone
        for one in gone:
            self._known.pop(one, None)
        with self._lock:
            self._queue = deque(one for one in self._queue if one not in gone)
            self._later = deque(one for one in self._later if one not in gone)
            self._judged.clear()

    def _work(self) -> None:
        answers: list[Judged] = []
        told_at = 0.0
        rest = 0.0
        while True:
            with self._lock:
                hurry = bool(self._queue)
                if not hurry and not self._later:
                    self._works = False
                    break
                if hurry or rest < LEAST_REST:
                    wanted = (self._queue or self._later).popleft()
                else:
                    wanted = None
                    self._woken.clear()
            if wanted is None:
                # Half a core at most for what nobody looks at, and none once somebody wants something.
                self._woken.wait(rest)
                rest = 0.0
                continue
            began = monotonic()
            answers.append((wanted, self._facts(wanted)))
            now = monotonic()
            rest = now - began
            if now - told_at > TELLS_SECONDS:
                self._told(answers)
                answers, told_at = [], now
        if answers:
            self._told(answers)

    def _facts(self, wanted: WantedScript) -> ImpactFacts:
        try:
            key = (wanted._replace(environment=""), self._alike(wanted))
            with self._lock:
                known = self._judged.get(key)
            if known is None:
                known = self._read(wanted)
                with self._lock:
                    if wanted in self._asked:
                        self._judged[key] = known
            return known
        except Exception as error:
            return ImpactFacts(None, problem=str(error))


LOOKED_AT = 40
"""So many of what is pending are looked at soon, without being asked for; more would keep a core busy for long."""
JUDGED = 400
"""So many are judged by and by, with rests, for the strongest risk of an environment,"""
JUDGED_IN_ALL = 4_000
"""and so many for all environments together: each is remembered."""
_RISKS = ("none", "low", "medium", "high", "critical")


def _same(one: tuple[str, ...] | None, other: tuple[str, ...]) -> bool:
    """Whether two answers have the same pending changes. Python compares a tuple of 10,000 even with itself."""
    return one is other or one == other


@dataclass(slots=True)
class Tally:
    """What is known of the risks of what is pending on an environment. `left` has not been judged; `told` is how often
    something was judged when that was looked at last."""

    pending: tuple[str, ...]
    left: list[str]
    told: int = -1
    judged: int = 0
    worst: ImpactFacts | None = None
    loses: bool = False
    rank: int = -1

    def add(self, facts: ImpactFacts, impact: ScriptImpact, *, loses: bool) -> None:
        self.judged += 1
        self.loses = self.loses or loses
        rank = _RISKS.index(impact.risk)
        if rank > self.rank:
            self.worst, self.rank = facts, rank


@dataclass(frozen=True, slots=True)
class PendingSet:
    """What is pending on some environments, as a set, and what each change of it `requires` of it."""

    ids: frozenset[str]
    requires: dict[str, tuple[str, ...]]


class PendingScripts:
    """What the scripts of changes do on each environment, as far as that has been read, and what to read next."""

    def __init__(self, facts: Callable[[], ProjectFacts], answers: Answers, previews: Previews) -> None:
        self._facts = facts
        self._answers = answers
        self._previews = previews
        self._plan: Requirements | None = None
        self._before: dict[str, tuple[StatusFacts, PendingSet]] = {}
        self._briefs: dict[int, tuple[ImpactFacts, Brief]] = {}
        self._tallies: dict[str, Tally] = {}
        self._wanted: dict[tuple[str, bool], tuple[str, ...]] = {}
        self._told = 0

    def forget(self, change_id: str | None = None) -> None:
        """The scripts of a change are others by now; None: all may be, and the plan as well."""
        self._previews.forget(change_id)
        self._briefs.clear()
        self._tallies.clear()
        self._wanted.clear()
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
        pending = self._pending(environment, status)
        if change_id not in pending.requires:
            pending.requires[change_id] = self._plan.of(change_id, pending.ids)
        return WantedScript(environment, change_id, kind, True, pending.requires[change_id])

    def impact(self, environment: str, change_id: str, kind: ScriptKind) -> ImpactFacts | None:
        return self._previews.get(self.wanted(environment, change_id, kind))

    def pending(self, environment: str) -> tuple[str, ...]:
        status = self._answers.good.get(environment)
        return status.pending if status is not None else ()

    def brief(self, environment: str, change_id: str) -> Brief:
        """Worked out once: a script may be long, and its row is drawn every second."""
        status = self._answers.good.get(environment)
        if status is None or change_id in status.deployed or change_id not in self._pending(environment, status).ids:
            return Brief()
        facts = self.impact(environment, change_id, "deploy")
        if facts is None:
            return Brief()
        known = self._briefs.get(id(facts))
        if known is None:
            from pgmig_tui.gates.loss import known_to_lose
            from pgmig_tui.ui.views.findings import short_lock, short_risk

            loses = facts.impact is not None and known_to_lose(facts.impact)
            known = self._briefs[id(facts)] = (facts, Brief(short_lock(facts), short_risk(facts), loses))
        return known[1]

    def _pending(self, environment: str, status: StatusFacts) -> PendingSet:
        """Mostly the same is pending as at the answer before, and on many environments the same: one set is kept."""
        known = self._before.get(environment)
        if known is not None and known[0] is status:
            return known[1]
        like = (one for old, one in self._before.values() if _same(old.pending, status.pending))
        found = next(like, None) or PendingSet(frozenset(status.pending), {})
        self._before[environment] = (status, found)
        return found

    def strongest(self, environment: str) -> Span:
        """The strongest risk of what is pending there: `?` while nothing of it has been judged, `>=` before it while
        not all of it has, and an `x` behind it where something loses data."""
        pending = self.pending(environment)
        if not pending:
            return NOTHING
        tally = self._tallied(environment, pending)
        if tally.worst is None:
            return "?", "muted"
        from pgmig_tui.ui.views.findings import short_risk

        text, role = short_risk(tally.worst)
        least = "" if tally.judged == len(pending) else ">="
        if not text:
            return ("?", "muted") if least else NOTHING
        return f"{least}{text}{' x' if tally.loses else ''}", role

    def _tallied(self, environment: str, pending: tuple[str, ...]) -> Tally:
        """What has been judged by now: each change is looked at once, however often the card is drawn."""
        tally = self._tallies.get(environment)
        if tally is None or not _same(tally.pending, pending):
            tally = self._tallies[environment] = Tally(pending, list(pending[: self._most()]))
        if tally.told != self._told:
            tally.told = self._told
            left: list[str] = []
            for change_id in tally.left:
                facts = self.impact(environment, change_id, "deploy")
                if facts is None:
                    left.append(change_id)
                elif facts.impact is not None:
                    tally.add(facts, facts.impact, loses=self.brief(environment, change_id).loses)
            tally.left = left
        return tally

    def _most(self) -> int:
        return max(LOOKED_AT, min(JUDGED, JUDGED_IN_ALL // max(1, len(self._facts().environments))))

    def taken(self) -> None:
        """More has been judged."""
        self._told += 1

    def want_pending(self, environments: Sequence[str]) -> None:
        """Reads what is pending on these, the first of them first: some changes of each soon, the others by and by."""
        for last, part in ((False, slice(LOOKED_AT)), (True, slice(LOOKED_AT, self._most()))):
            for environment in environments:
                pending = self.pending(environment)
                if not _same(self._wanted.get((environment, last)), pending):
                    self._wanted[environment, last] = pending
                    self._previews.want([self.wanted(environment, one, "deploy") for one in pending[part]], last=last)

    def want(self, environment: str, changes: Iterable[str], *, first: bool = False) -> None:
        """Reads the deploy scripts of these."""
        self._previews.want([self.wanted(environment, one, "deploy") for one in changes], first=first)

    def want_both(self, environment: str, change_id: str) -> None:
        """Reads both scripts of the change under the cursor, before all others."""
        self._previews.want([self.wanted(environment, change_id, kind) for kind in ("deploy", "revert")], first=True)
