"""What scripts do, as far as their text tells: read one after the other in one thread, what is looked at first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from pgmig_tui.ui.backend.protocol import ImpactFacts, PlanLine, ScriptKind
from pgmig_tui.ui.threads import in_thread


class WantedScript(NamedTuple):
    """A script of a change, as an environment would run it: its variables, and what it has deployed, matter."""

    environment: str
    change_id: str
    kind: ScriptKind
    pending: bool
    before: tuple[str, ...] = ()
    """The pending changes that it requires, in plan order: they will have run by then."""


CARRIED = 20


def required(lines: Mapping[str, PlanLine], change_id: str, pending: Collection[str]) -> tuple[str, ...]:
    """The pending changes that a change requires, and what these do, in plan order; at most the last CARRIED of them.

    `lines` are those of the plan by change ID, in its order. A dependency on another project, or by a tag, counts for
    none: without it a script is judged by its text alone.
    """
    by_name: dict[str, str] = {}
    needs: dict[str, list[str]] = {}
    for one in lines.values():  # of a reworked change the one that stands before
        needs[one.change_id] = [by_name[name] for name in one.requires if name in by_name]
        by_name[one.name] = one.change_id
        if one.change_id == change_id:
            break
    found: set[str] = set()
    queue = list(needs.get(change_id, ()))
    while queue:
        one_id = queue.pop()
        if one_id in pending and one_id not in found:
            found.add(one_id)
            queue += needs[one_id]
    return tuple(one_id for one_id in needs if one_id in found)[-CARRIED:]


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

    def get(self, wanted: WantedScript) -> ImpactFacts | None:
        return self._known.get(wanted)

    def take(self, wanted: WantedScript, facts: ImpactFacts) -> None:
        """What was read; not if its script has been forgotten meanwhile."""
        if wanted in self._asked:
            self._known[wanted] = facts

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
