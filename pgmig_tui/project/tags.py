"""Tags that are deployed and that the plan has elsewhere, or otherwise.

A registry holds each tag of a project once, by name, with an ID that is made of the tag's line and its change's ID.
Source: Sqitch 1.3.1's registry; a tag that is moved or edited after it was deployed ends its next deploy in a unique
violation.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pgmig_tui.project.changes import Change, Plan


@dataclass(frozen=True, slots=True)
class MovedTag:
    """A tag (without @) that was deployed with the change of that ID, and is `planned` with that change now."""

    tag: str
    change_id: str
    planned: Change

    @property
    def told(self) -> str:
        if self.planned.change_id == self.change_id:
            return f"@{self.tag} is deployed, and its line in the plan was edited since"
        return f"@{self.tag} is deployed with another change, and stands at {self.planned.name} in the plan"


def moved_tags(plan: Plan, deployed: Iterable[tuple[str, str, str]]) -> list[MovedTag]:
    """Those of the deployed tags (change ID, tag ID, name with its @) that the plan has with another ID."""
    planned = {tag.name: (tag, change) for change in plan.changes for tag in change.tags}
    found = []
    for change_id, tag_id, name in deployed:
        tag, change = planned.get(name.removeprefix("@"), (None, None))
        if tag is not None and change is not None and tag.tag_id != tag_id:
            found.append(MovedTag(tag.name, change_id, change))
    return found
