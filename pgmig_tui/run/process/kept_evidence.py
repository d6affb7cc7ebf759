"""The evidence of a run's checklist, as its journal has it, kept in the database that it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pgmig_tui.database.evidence import EvidenceRow, record_evidence

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.run.journal.run_plan import RunPlan

_HOW = {"attest": "said", "override": "override", "emergency": "emergency"}


def record(
    connection: Connection, plan: RunPlan, schema: str | None, version: int, evidence: Sequence[Mapping[str, object]]
) -> str:
    """Keep it beside the tracking tables, where they are of the version that has a table for it. `connection` may
    write. Why it isn't kept, "" where it is or nobody tracks."""
    if schema is None or version < 2 or not evidence:
        return ""
    return record_evidence(connection, schema, [_row(plan, one) for one in evidence], plan.registry)


def _row(plan: RunPlan, one: Mapping[str, object]) -> EvidenceRow:
    def text(name: str) -> str:
        return str(one.get(name) or "")

    how = _HOW.get(text("answered_how"), "seen" if one.get("seen") else "")
    return EvidenceRow(
        run_id=plan.run_id,
        item=text("item"),
        state=text("state"),
        summary=text("summary"),
        check_name=text("check_name"),
        sql_hash=text("sql_hash"),
        rows=one.get("rows") or None,
        started_at=text("started_at") or None,
        finished_at=text("finished_at") or None,
        role=text("role"),
        answered_how=how,
        note=text("note"),
        answered_by=text("answered_by"),
    )
