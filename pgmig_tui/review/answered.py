"""What people answer after a run: in its journal, and as evidence in the database that the run worked on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pgmig_tui.database.changed import database_oid
from pgmig_tui.database.connect import application_name, connect
from pgmig_tui.database.evidence import EvidenceRow, record_evidence
from pgmig_tui.database.tracking import read_tracking
from pgmig_tui.errors import PgmigError
from pgmig_tui.run.journal.afterwards import keep_answers
from pgmig_tui.run.journal.run_plan import RunPlan
from pgmig_tui.run.planning.door import enter

if TYPE_CHECKING:
    from pathlib import Path

    from pgmig_tui.gates.gate import Answer
    from pgmig_tui.project.project import Project

ANSWER = "answer"
"""What looked, in the evidence of what a person has said after a run."""
_S = 5


def keep_after(project: Project, folder: Path, answers: Sequence[Answer], state_dir: Path) -> str:
    """Append answers to the journal of the run in `folder`, and keep them in the database that it worked on, where
    tracking of version 2 is and this role may. One with an empty note takes an earlier one back.

    Returns why the database has none of them, "" where it has them all. Raises Refused while another writes into the
    journal, OSError: nothing is kept then.
    """
    keep_answers(folder, answers)
    try:
        return _in_database(project, RunPlan.load(folder), answers, state_dir)
    except PgmigError as error:
        return error.what
    except (OSError, ValueError, TypeError, KeyError) as error:
        return f"the plan of the run can't be read: {error}"


def _in_database(project: Project, plan: RunPlan, answers: Sequence[Answer], state_dir: Path) -> str:
    environment = project.environment(plan.environment)
    schema = environment.policy.tracking
    if schema is None:
        return f"tracking is off for {environment.name}"
    name = application_name(plan.run_id, "answer")
    with connect(environment.target, application_name=name, connect_timeout=_S, lock_timeout_ms=2000) as connection:
        identity = connection.identity()
        oid = plan.server.database_oid
        there = (plan.server.system_identifier, plan.server.database, oid)
        if there != (identity.system_identifier, identity.database, oid and database_oid(connection)):
            return f"{environment.name} leads to another database by now than the run worked on"
        found = read_tracking(connection, schema, environment.target.registry)
        if found.schema is None:
            return found.reason
        enter(project, environment, connection, identity, state_dir, lambda _: None)
        rows = [answer_row(plan.run_id, one, identity.role) for one in answers]
        return record_evidence(connection, schema, rows, environment.target.registry)


def answer_row(run_id: str, one: Answer, role: str) -> EvidenceRow:
    """An answer as evidence of a run, given on a session of `role`."""
    return EvidenceRow(
        run_id=run_id,
        item=one.item_id,
        state="PASS" if one.note else "UNKNOWN",
        summary="answered after the run" if one.note else "the answer was taken back",
        check_name=ANSWER,
        finished_at=one.at,
        role=role,
        answered_how="said",
        note=one.note,
        answered_by=one.by,
    )
