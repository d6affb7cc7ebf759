"""The runs of this host as a table: what stands in it, by which column it is sorted, and which rows are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

from pgmig_tui.display.cells import Line, Span, cut, pad, text_of
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import duration, utc
from pgmig_tui.ui.views import order
from pgmig_tui.ui.views.order import ColumnTitle, SortedBy

if TYPE_CHECKING:
    from pgmig_tui.ui.backend.protocol import RunFacts

Column = Literal["run", "started", "command", "environment", "steps", "took", "state", "operator", "project"]
Outcome = Literal["", "running", "finished", "failed", "unknown"]
OUTCOMES: tuple[Outcome, ...] = ("", "running", "finished", "failed", "unknown")
ROOMY = 88
"""With fewer columns the date is left to the run's own name, so that how it ended can be read."""
NARROW = 72
"""With fewer columns the run's own name says when, and how it ended comes first."""
WIDE = 120
"""From so many columns on there is how long it took."""
ENVIRONMENT = 14
STATES: dict[str, Span] = {
    "running": ("> running", "running"),
    "finished": ("+ ok", "done"),
    "failed": ("x FAILED", "failed"),
    "in doubt": ("? DOUBT", "stale"),
    "unknown": ("? cut off", "stale"),
}
_TITLES: dict[Column, str] = {
    "run": "run", "started": "when (UTC)", "command": "what", "environment": "environment", "steps": "steps",
    "took": "took", "state": "result", "operator": "by", "project": "project",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which runs are shown, and in which order. `everywhere`: those of other projects, too. Of columns that say the
    same the newest run comes first."""

    needle: str = ""
    outcome: Outcome = ""
    column: Column = "started"
    reverse: bool = False
    everywhere: bool = False


def columns_of(columns: int, *, everywhere: bool) -> tuple[tuple[Column, int], ...]:
    """Which columns there is room for, and how wide each is; the last has what is left."""
    if columns < NARROW:
        return (("run", 22), ("state", 11), ("command", 8), ("environment", ENVIRONMENT), ("operator", 0))
    found: list[tuple[Column, int]] = [("run", 22), ("started", 21 if columns >= ROOMY else 11), ("command", 8)]
    found += [("environment", ENVIRONMENT), ("steps", 12 if columns >= WIDE else 9)]
    if columns >= WIDE:
        found.append(("took", 12))
    found.append(("state", 11))
    if everywhere:
        found.append(("project", 16))
    return (*found, ("operator", 0))


def heads_of(wanted: Wanted, columns: int) -> list[ColumnTitle]:
    """The titles of the columns there is room for."""
    return [
        ColumnTitle(column, "UTC" if column == "started" and columns < ROOMY else _TITLES[column], room)
        for column, room in columns_of(columns, everywhere=wanted.everywhere)
    ]


def head_line(wanted: Wanted, columns: int) -> Line:
    """The titles, as every list that is sorted has them."""
    return order.head_line(heads_of(wanted, columns), SortedBy(wanted.column, wanted.reverse))


def column_at(x: int, wanted: Wanted, columns: int) -> Column:
    """The column whose title is clicked on; `x` is 0-based."""
    return cast("Column", order.column_at(x, heads_of(wanted, columns)))


def run_line(run: RunFacts, name: str, wanted: Wanted, columns: int) -> Line:
    """A run; `name` is its environment as it can be told apart from all others."""
    state: Span = ("~ paused", "waiting") if run.paused else STATES[run.outcome]
    texts: dict[Column, str] = {
        "run": run.run_id,
        "started": utc(run.started_at)[0 if columns >= ROOMY else 11 :],
        "command": run.command,
        "environment": name,
        "steps": run.steps_short,
        "took": took(run),
        "project": safe(run.project),
    }
    spans: list[Span] = [(" ", "plain")]
    for column, room in columns_of(columns, everywhere=wanted.everywhere):
        if column == "state":
            spans.append((pad(state[0], room), state[1]))
        elif column == "operator":
            spans.append((safe(run.operator), "muted"))
        else:
            spans.append((pad(cut(texts[column], room - 1), room), "plain"))
    return tuple(spans)


def took(run: RunFacts) -> str:
    """How long a run took, "" where that isn't known."""
    ms = took_ms(run)
    return duration(ms) if ms is not None else ""


def took_ms(run: RunFacts) -> float | None:
    """How long a run took, in milliseconds; None where that isn't known."""
    try:
        begun, ended = datetime.fromisoformat(run.started_at), datetime.fromisoformat(run.finished_at)
        return max(0.0, (ended - begun).total_seconds()) * 1000
    except (ValueError, TypeError):
        return None


def shown(runs: Sequence[RunFacts], wanted: Wanted, names: Mapping[str, str]) -> list[RunFacts]:
    """Those that are asked for, in the order that is asked for."""
    found = [run for run in runs if wanted.outcome in ("", run.state) and _holds(run, wanted, names)]
    # Times sort as they are read, the newest first; all else from A to Z, and from the longest down.
    found.sort(key=lambda run: run.started_at, reverse=True)
    match wanted.column:
        case "started":
            pass
        case "took":
            found.sort(key=lambda run: -(took_ms(run) or 0.0))
        case "steps":
            found.sort(key=lambda run: -run.steps)
        case "run":
            found.sort(key=lambda run: run.run_id)
        case _:
            found.sort(key=lambda run: str(getattr(run, wanted.column)).casefold())
    return found[::-1] if wanted.reverse else found


def _holds(run: RunFacts, wanted: Wanted, names: Mapping[str, str]) -> bool:
    needle = wanted.needle.lower()
    return not needle or needle in whole(run, wanted).lower()


def whole(run: RunFacts, wanted: Wanted) -> str:
    """All of a row, uncut."""
    state = "paused" if run.paused else text_of((STATES[run.outcome],))
    parts = (run.run_id, utc(run.started_at or None), run.command, run.environment, run.steps_done, took(run), state,
             run.project, run.operator)  # fmt: skip
    return safe("  ".join(part for part in parts if part))


def told(wanted: Wanted, many: int, of: int) -> str:
    """What is shown, in words."""
    parts = [f"{many} of {of} shown"] if many != of else []
    parts += [f"only {wanted.outcome}"] if wanted.outcome else []
    parts += [f"with {wanted.needle!r}, Esc shows all"] if wanted.needle else []
    parts += ["of all projects"] if wanted.everywhere else ["of this project; p shows all"]
    return "; ".join(parts)
