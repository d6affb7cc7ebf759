"""What a hook is told, as JSON: facts of a run, never SQL and never a secret (docs/hooks.md)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pgmig_tui.display.mask import mask_secrets

VERSION = 1
"""Of the JSON. Keys are added and never taken away."""


@dataclass(frozen=True, slots=True)
class HookChange:
    """A change that the run is about; `done` None: nothing has begun."""

    change: str
    change_id: str
    label: str
    action: str
    ticket: str = ""
    done: bool | None = None


@dataclass(frozen=True, slots=True)
class HookFacts:
    """What there is to tell. Times are ISO 8601 in UTC, "" = not yet; `exit_status` None: it hasn't ended. `run` "" =
    there is none. `overrides` are answers that went on past what was found: item, how, reason, by, at."""

    project: str
    environment: str
    protected: bool
    server: str
    database: str
    operation: str
    changes: tuple[HookChange, ...]
    operator: str
    os_user: str
    host: str
    run: str = ""
    rolls_back: str | None = None
    planned_at: str = ""
    started_at: str = ""
    finished_at: str = ""
    overrides: tuple[Mapping[str, object], ...] = ()
    result: str = ""
    exit_status: int | None = None
    report: str = ""


def hook_text(event: str, facts: HookFacts, *, test: bool = False) -> str:
    """The text that the hook of `event` gets; `test`: it is sent to try the hook out."""
    told = {
        "version": VERSION,
        "event": event,
        "test": test,
        "project": facts.project,
        "environment": facts.environment,
        "protected": facts.protected,
        "server": facts.server,
        "database": facts.database,
        "run": facts.run or None,
        "operation": facts.operation,
        "rolls_back": facts.rolls_back or None,
        "changes": [{**asdict(one), "ticket": one.ticket or None} for one in facts.changes],
        "tickets": _unique([one.ticket for one in facts.changes]),
        "outcome": None
        if facts.exit_status is None
        else {
            "result": facts.result,
            "exit_status": facts.exit_status,
            "done": sum(one.done is True for one in facts.changes),
            "total": len(facts.changes),
        },
        "who": {"operator": facts.operator, "os_user": facts.os_user, "host": facts.host},
        "times": {
            "planned_at": facts.planned_at or None,
            "started_at": facts.started_at or None,
            "finished_at": facts.finished_at or None,
        },
        "emergency": next((str(one.get("reason")) for one in facts.overrides if one.get("how") == "emergency"), None),
        "overrides": list(facts.overrides),
        "report": facts.report or None,
    }
    return json.dumps(_masked(told), ensure_ascii=False, sort_keys=True)


def _unique(texts: Sequence[str]) -> list[str]:
    return [one for one in dict.fromkeys(texts) if one]


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, Mapping):
        return {str(key): _masked(one) for key, one in value.items()}
    return [_masked(one) for one in value] if isinstance(value, list | tuple) else value
