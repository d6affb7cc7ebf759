"""Plan × environments as rows of cells: where each change stands, and in which words an environment is summed up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgmig_tui.display import words
from pgmig_tui.display.cells import Line, State, line, state_cell
from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from pgmig_tui.database.status import EnvironmentStatus
    from pgmig_tui.project.plan import Plan

SUMMARY_HEADINGS = ("environment", "server", "last change", "deployed>", "pending>", "diverged>")
PROBLEMS = {
    "not_in_plan": "is deployed, and not in the plan",
    "out_of_order": "was deployed in another order than the plan's",
    "script_changed": "has another script now than the one that was deployed",
    "tag_moved": "has a tag that was moved or edited in the plan since it was deployed",
}
EDITED = (
    "is deployed with another ID than it has in the plan: there it, a change before it, or %project or %uri was edited"
)
"""A change of that name is in the plan, and isn't the one that was deployed: an ID is made of a change's text, that of
its parent, and the project."""


def states(status: EnvironmentStatus) -> dict[str, State]:
    """The state of each change of the plan that the environment has, lacks or disputes, by change ID."""
    if not status.reachable:
        return {}
    found: dict[str, State] = dict.fromkeys(status.deployed, "deployed")
    found.update(dict.fromkeys(status.pending, "pending"))
    found.update(dict.fromkeys((one.change_id for one in status.diverged), "differs"))
    return found


def summary_row(status: EnvironmentStatus, protected: bool) -> tuple[Line, ...]:
    """An environment in one row, under SUMMARY_HEADINGS."""
    name = line((safe(status.name), "strong"), ("  protected", "tier-prod") if protected else "")
    if not status.reachable:
        return name, line(state_cell("no answer")), line("-"), line("-"), line("-"), line("-")
    server = status.server
    where = (
        f"{safe(server.database)} on {safe(server.version)}{', standby' if server.standby else ''}" if server else "-"
    )
    if status.registry is not None and not status.registry.present:
        last = line(("not a Sqitch database yet", "muted"))
    elif status.last_change is None:
        last = line(("nothing deployed", "muted"))
    else:
        last = line(safe(status.last_change.name), (f"  {words.utc(status.last_change.committed_at)}", "muted"))
    pending, diverged = len(status.pending), len(status.diverged)
    return (
        name,
        line(where),
        last,
        line(f"{len(status.deployed):,}"),
        line((f"{pending:,}", "todo" if pending else "done")),
        line((f"{diverged:,}", "differs" if diverged else "plain")),
    )


def open_changes(plan: Plan, statuses: Sequence[EnvironmentStatus]) -> list[tuple[str, tuple[Line, ...]]]:
    """(change ID, cells) of every change that some environment that answered lacks or disputes, newest first.

    The cells are the change's name and tags, then its state in each environment.
    """
    columns = [states(status) for status in statuses]
    rows: list[tuple[str, tuple[Line, ...]]] = []
    for change in reversed(plan.changes):
        here = [
            column.get(change.change_id, "unknown") if status.reachable else "no answer"
            for column, status in zip(columns, statuses, strict=True)
        ]
        if all(state in ("deployed", "no answer") for state in here):
            continue
        tags = "".join(f" @{safe(tag.name)}" for tag in change.tags)
        name = line(safe(change.name), (tags, "muted"))
        rows.append((change.change_id, (name, *(line(state_cell(state)) for state in here))))
    return rows


def remarks(status: EnvironmentStatus) -> list[Line]:
    """What else is true of an environment that its numbers don't say, a line each."""
    name, found = safe(status.name), []
    if status.untagged:
        tags = safe(words.listing(status.untagged))
        told = f"{words.count(len(status.untagged), 'tag')} of deployed changes not recorded: {tags}"
        found.append(line(("! ", "differs"), f"{name}: {told}"))
    pending = frozenset(status.pending)
    for mark in status.marked:
        if mark.change_id in pending:
            why = f"{mark.change} must not be deployed: {mark.reason}"
            lift = f"pgmig-tui rollback {status.name} --lift {mark.change}=REASON"
            found.append(line(("x ", "failed"), f"{name}: {safe(why)}", (f"; {safe(lift)}", "muted")))
    if status.marks_problem:
        found.append(line(("? ", "stale"), f"{name}: {safe(status.marks_problem)}"))
    return found


def divergences(status: EnvironmentStatus, plan: Plan) -> list[Line]:
    """What the environment has that the plan doesn't expect, a line each."""
    planned = {change.name for change in plan.changes}
    found = []
    for one in status.diverged:
        problem = PROBLEMS.get(one.problem, safe(one.problem))
        if one.problem == "not_in_plan" and one.name in planned:
            problem = EDITED
        found.append(line(("! ", "differs"), f"{safe(status.name)}: {safe(one.name)} ", problem))
    return found
