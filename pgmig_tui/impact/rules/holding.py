"""Work that is done while the transaction holds strong locks that earlier statements took."""

from __future__ import annotations

from collections.abc import Sequence

from pgmig_tui.impact.effect import Effect
from pgmig_tui.impact.facts import Relation
from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import HeldLock

_WRITES = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"})


def works_on(out: Effect, kind: str, relations: Sequence[Relation]) -> list[Relation]:
    """The relations that others can see and that a statement goes through or writes: what takes its time. `relations`
    are those that it locks."""
    worked = {r.name: r for r in (*out.scans.values(), *out.rewrites.values(), *(table for table, *_ in out.made))}
    if kind in _WRITES:
        written = (r for r in relations if (lock := out.locks.get(r.name)) and lock.mode is LockMode.ROW_EXCLUSIVE)
        worked.update((r.name, r) for r in written)
    return [relation for relation in worked.values() if not relation.new and relation.kind not in "vS"]


def while_held(out: Effect, held: Sequence[HeldLock], worked: Sequence[Relation]) -> None:
    """Advice to split the change where a statement works while others wait for what was locked before."""
    strongest = max(held, key=lambda one: one.mode)
    own = out.locks.get(strongest.name)
    if own is not None and own.mode >= strongest.mode and len(held) == 1:
        return  # it would make them wait by itself
    names = ", ".join(sorted(str(relation.name) for relation in worked)[:3])
    waits = "nobody can read" if strongest.mode.blocks_reads else "nobody can write to"
    out.advise(
        "split-transaction",
        f"while it works on {names}, {waits} {strongest.name}: {strongest.mode.sql_name}, which line "
        f"{strongest.from_line} took, is held until the transaction ends; put what works into a change of its own",
    )
