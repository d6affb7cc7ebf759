"""What a run leaves of the tables that its approvals are bound to, kept beside those approvals: the rest of what was
approved may go on from there, and what somebody else does to a table afterwards is found.
"""

from __future__ import annotations

import json

from pgmig_tui.database import approvals
from pgmig_tui.database.connect import Connection
from pgmig_tui.database.definitions import definition, relations
from pgmig_tui.database.fingerprint import read_objects
from pgmig_tui.errors import PgmigError, in_a_line
from pgmig_tui.run.journal.run_plan import RunPlan


def note_left(connection: Connection, plan: RunPlan, change_id: str) -> str:
    """Note them after that change, which was recorded last. `connection` may write. Returns why that couldn't be, ""
    when it is; a deploy doesn't fail for it."""
    if not plan.approved or plan.tracking is None:
        return ""
    try:
        objects = read_objects(connection)
        there = set(relations(objects).values())
        tables = {name: definition(name, objects) for name in plan.approved if name in there}
        approvals.add_row(
            connection, plan.tracking, project=plan.project, environment=plan.environment, decision=approvals.LEFT,
            role="", payload=json.dumps({"after": change_id, "tables": tables, "run": plan.run_id}),
        )  # fmt: skip
    except PgmigError as error:
        return in_a_line(str(error))
    return ""
