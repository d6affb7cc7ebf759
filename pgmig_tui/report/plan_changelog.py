"""What the plan's notes tell of its releases: a changelog in Markdown, the newest tag first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pgmig_tui.display.markdown import code, prose
from pgmig_tui.errors import UsageError
from pgmig_tui.project.changes import Change, Plan, Tag

MARKER = "<!-- Written by pgmig-tui document --changelog. Changes made by hand are lost: run it again instead. -->"
"""The first line of a file that `document --changelog -o` may overwrite."""
UNRELEASED = "Unreleased"


@dataclass(frozen=True, slots=True)
class Release:
    """The tags of one change, and the changes that they brought, in the plan's order; no tags: what has none yet."""

    tags: tuple[Tag, ...]
    changes: tuple[Change, ...]


def chosen(plan: Plan, since: str = "", first: str = "", last: str = "") -> tuple[Change, ...]:
    """The changes behind `since`, or those from `first` to `last`, both included; all of them where nothing is said.

    Each is a change as Sqitch names them (`@v1.0`, `users`, `HEAD^`). Raises ProjectError for one that isn't there,
    UsageError for an end before its beginning.
    """
    start = plan.find(since).index + 1 if since else plan.find(first).index if first else 0
    end = plan.find(last).index + 1 if last else len(plan.changes)
    if first and last and end <= start:
        raise UsageError(f"{last} comes before {first} in the plan.", now="Nothing was written.")
    return plan.changes[start:end]


def releases(plan: Plan, changes: Sequence[Change]) -> list[Release]:
    """These changes by the tag that brought them, the newest first."""
    wanted = {one.index for one in changes}
    found: list[Release] = []
    group: list[Change] = []
    for change in plan.changes:
        if change.index in wanted:
            group.append(change)
        if change.tags:
            if group:
                found.append(Release(change.tags, tuple(group)))
            group = []
    if group:
        found.append(Release((), tuple(group)))
    return found[::-1]


def as_file(plan: Plan, entries: str) -> str:
    """The entries as a document of their own, with its marker."""
    return f"{MARKER}\n\n# Changelog of {prose(plan.project)}\n\n{entries}"


def changelog(plan: Plan, changes: Sequence[Change], ticket: Callable[[str], str] = lambda note: "") -> str:
    """The entries of these changes. `ticket` gives the ticket that a note names, "" for none."""
    reworked = {one.superseded_by for one in plan.changes}
    parts: list[str] = []
    for release in releases(plan, changes):
        notes = [prose(tag.note) for tag in release.tags if tag.note.strip()]
        parts += [f"## {_heading(release)}", *notes, "\n".join(_lines(release.changes, reworked, ticket))]
    return "\n\n".join(parts or ["Nothing has changed."]) + "\n"


def _heading(release: Release) -> str:
    if not release.tags:
        return UNRELEASED
    names = ", ".join(code(f"@{tag.name}") for tag in release.tags)
    return f"{names}, {release.tags[-1].planned_at[:10]}"


def _lines(changes: Sequence[Change], reworked: set[int | None], ticket: Callable[[str], str]) -> Iterator[str]:
    for change in reversed(changes):
        note = f": {prose(change.note)}" if change.note.strip() else ""
        again = " (reworked)" if change.index in reworked else ""
        named = ticket(change.note)
        yield f"- {change.planned_at[:10]} {code(change.name)}{again}{note}{f' ({code(named)})' if named else ''}"
