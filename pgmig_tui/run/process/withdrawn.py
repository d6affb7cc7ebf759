"""Whether what was approved still is, between two steps of a run: who has rejected or revoked it since, what expired.

A run may be paused for days, and whoever says no meanwhile means what is left of it. The approvals with which it has
started come with the plan, as they were compared right before; only what was said since is read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import datetime

from pgmig_tui.database.approvals import ApprovalRow, rows_since
from pgmig_tui.database.connect import Connection
from pgmig_tui.display import words
from pgmig_tui.run.journal.run_plan import RunPlan, Step

_OLD_S = 1
"""So long an answer counts: many small steps don't ask anew each time."""


class Approved:
    """The approvals that a run has started with; without any it asks nothing."""

    def __init__(self, plan: RunPlan) -> None:
        self._plan = plan
        self._asked = float("-inf")

    def __bool__(self) -> bool:
        return self._plan.approvals is not None and self._plan.tracking is not None

    def withdrawn(self, connection: Connection, step: Step) -> str:
        """Why `step` is approved no more, in a sentence, "" when it is. One round trip, once a second. Raises
        ServerError, ConnectionLost."""
        plan, data = self._plan, self._plan.approvals
        if data is None or plan.tracking is None or time.monotonic() - self._asked < _OLD_S:
            return ""
        self._asked = time.monotonic()
        now, rows = rows_since(connection, plan.tracking, plan.project, plan.environment, int(data["last"]))
        left = {one.change_id for one in plan.steps[step.number - 1 :]}
        for row in rows:
            if told := _no(row, data, left):
                return told
        until = datetime.fromisoformat(data["until"])
        return "" if now < until else f"an approval that it was started with has expired at {words.utc(until)}"


def _no(row: ApprovalRow, data: Mapping[str, object], left: set[str]) -> str:
    """What a row says against it, "" where it doesn't."""
    counting, roles = data["ids"], data["roles"]
    assert isinstance(counting, list)
    assert isinstance(roles, dict)
    at = words.utc(row.given_at)
    if row.decision == "revoke" and row.revokes in counting:
        return f"approval {row.revokes} was revoked by {row.session_role} at {at}"
    # Whose signature it is finds out the next review: until then a no is one.
    speaks = bool(row.signature) or row.session_role in roles.get(row.role, ())
    if row.decision != "reject" or not speaks:
        return ""
    try:
        payload = json.loads(row.payload)
        about = {str(one["change_id"]) for one in payload["bound"]["changes"]}
    except (ValueError, TypeError, KeyError):
        return ""
    note = f": {payload['note']}" if payload.get("note") else ""
    return f"{row.role} has rejected it at {at}{note}" if about & left else ""
