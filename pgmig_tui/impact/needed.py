"""The locks that scripts will want on relations that others see, and which locks of others are in their way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgmig_tui.impact.facts import Name
from pgmig_tui.impact.modes import AE, SUE, LockMode, S

if TYPE_CHECKING:
    from pgmig_tui.impact.result import ScriptImpact, StatementImpact


@dataclass(frozen=True, slots=True)
class WantedLock:
    """The strongest lock that scripts want on a relation. `waits_for`: a concurrent form takes `mode`, keeps nobody
    out, and still waits for everybody who holds a lock that conflicts with this one. An empty schema means any."""

    name: Name
    mode: LockMode
    waits_for: LockMode | None = None
    index: bool = False

    def waits_behind(self, mode: LockMode) -> bool:
        """Whether we would wait for somebody who holds that mode, or queue behind somebody who waits for it."""
        return mode in self.mode.conflicts or (self.waits_for is not None and mode in self.waits_for.conflicts)


def wanted_by(impacts: Iterable[ScriptImpact]) -> tuple[WantedLock, ...]:
    """The strongest lock on every relation that is there already, the strongest first, tables before indexes."""
    found: dict[Name, WantedLock] = {}
    for one in (statement for impact in impacts for statement in impact.statements):
        for lock in one.locks:
            if lock.new:
                continue
            known = found.get(lock.name)
            waits = _waits_for(one) if lock.mode == SUE else None
            mode = lock.mode if known is None else max(lock.mode, known.mode)
            waits = max((w for w in (waits, known.waits_for if known else None) if w), default=None)
            found[lock.name] = WantedLock(lock.name, mode, waits, lock.relkind in "iI")
    return tuple(sorted(found.values(), key=lambda one: (-one.mode, one.index, one.name)))


def _waits_for(one: StatementImpact) -> LockMode | None:
    """The lock whose conflicting holders a concurrent form waits for (WaitForLockers in PostgreSQL's sources)."""
    if not one.needs_no_transaction or "CONCURRENTLY" not in one.sql.upper():
        return None
    return S if one.kind.startswith("CREATE") else AE
