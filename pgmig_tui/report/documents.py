"""The JSON documents of the commands that read. Their shapes are promised: fields may be added, never taken away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgmig_tui.database.status import EnvironmentStatus
    from pgmig_tui.project.plan import Change
    from pgmig_tui.project.project import Project

Document = dict[str, object]


def plan_document(project: Project, changes: Iterable[Change] | None = None) -> Document:
    """`plan --json`: these changes, or all in the plan's order. Script paths are relative to the project; a missing
    verify script is null."""
    return {
        "project": project.plan.project,
        "uri": project.plan.uri,
        "changes": [_change(project, change) for change in (project.plan.changes if changes is None else changes)],
    }


def _change(project: Project, change: Change) -> Document:
    verify = project.script_path(change, "verify")
    return {
        "name": change.name,
        "change_id": change.change_id,
        "parent_id": change.parent_id,
        "planned_at": change.planned_at,
        "planner": {"name": change.planner_name, "email": change.planner_email},
        "note": change.note,
        "requires": [dependency.text for dependency in change.requires],
        "conflicts": [dependency.text for dependency in change.conflicts],
        "tags": [{"name": f"@{tag.name}", "tag_id": tag.tag_id} for tag in change.tags],
        "scripts": {
            "deploy": project.relative(project.script_path(change, "deploy")),
            "revert": project.relative(project.script_path(change, "revert")),
            "verify": project.relative(verify) if verify.is_file() else None,
        },
        "reworked": change.superseded_by is not None,
    }


def status_document(
    project: Project, statuses: Iterable[EnvironmentStatus], unfinished: Mapping[str, Document] | None = None
) -> Document:
    """`status --json`; `unfinished` holds the unfinished run of an environment by its name."""
    return {
        "project": project.plan.project,
        "plan": {"changes": len(project.plan.changes), "tags": len(project.plan.tags)},
        "environments": [_environment(status, (unfinished or {}).get(status.name)) for status in statuses],
    }


def _environment(status: EnvironmentStatus, unfinished: Document | None) -> Document:
    server, registry, last = status.server, status.registry, status.last_change
    return {
        "name": status.name,
        "target": status.target,
        "reachable": status.reachable,
        "error": status.error,
        "server": None
        if server is None
        else {
            "version": server.version,
            "version_num": server.version_num,
            "database": server.database,
            "role": server.role,
            "standby": server.standby,
            "system_identifier": server.system_identifier,
        },
        "registry": None
        if registry is None
        else {"schema": registry.schema, "version": registry.version, "present": registry.present},
        "last_change": None
        if last is None
        else {
            "name": last.name,
            "change_id": last.change_id,
            "deployed_at": _moment(last.committed_at),
            "deployed_by": last.committer_name,
        },
        "deployed": list(status.deployed),
        "pending": list(status.pending),
        "diverged": [{"change_id": one.change_id, "name": one.name, "problem": one.problem} for one in status.diverged],
        "tags_not_recorded": list(status.untagged),
        "do_not_deploy": [
            {
                "change_id": one.change_id,
                "name": one.change,
                "reason": one.reason,
                "run": one.run,
                "marked_at": one.marked_at,
                "marked_by": one.marked_by,
            }
            for one in status.marked
        ],
        "do_not_deploy_problem": status.marks_problem or None,
        "waiting_sessions": status.waiting,
        "unfinished_run": unfinished,
    }


def _moment(value: object) -> str:
    from datetime import UTC, datetime

    if isinstance(value, datetime):
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
