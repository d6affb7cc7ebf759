"""The record of an environment: what was done since somebody has last gone through it, and for how long it is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from pgmig_tui.database.maintain import RECORD, read_own, read_record
from pgmig_tui.display import words
from pgmig_tui.project.maintain_policy import DAY_MS
from pgmig_tui.review.history import History, HistoryFilter, read_history
from pgmig_tui.review.maintain_facts import MaintainFinding, Section, Value, section, unseen

if TYPE_CHECKING:
    from pgmig_tui.database.connect import Connection
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project

_FAILED = ("failed", "verify_failed", "partly", "in_doubt")
_FOR_EVER_S = 3_153_600_000


def history_section(project: Project, environment: Environment, since: str, now: datetime) -> Section:
    """What was done since `since` (UTC, "" for ever), and where registry and tracking contradict each other now. Raises
    what `read_history` raises."""
    found = read_history(project, environment, HistoryFilter(since=since or None))
    counts = Counter("failed" if one.outcome in _FAILED else one.operation for one in found.deeds)
    values: dict[str, Value] = {
        "since": since, "deeds": len(found.deeds), "deploys": counts["deploy"], "reverts": counts["revert"],
        "failures": counts["failed"], "contradictions": len(found.contradictions),
        "last_at": found.deeds[-1].at if found.deeds else "",
    }  # fmt: skip
    told = [words.count(counts[one], what) for one, what in _TOLD if counts[one]]
    when = f"since {words.utc(since)}" if since else "since it began"
    clear = f"{words.listing(told) or 'nothing was done'} {when}"
    notes = [f"the last: {words.utc(found.deeds[-1].at)}"] if found.deeds else []
    result = section(
        "history", _contradicting(found, environment), environment, now.date(), clear=clear, found="contradiction",
        notes=notes, values=values,
    )  # fmt: skip
    if result.open:
        return section(
            "history", result.findings, environment, now.date(), clear=clear, found="contradiction",
            notes=[clear, *notes], values=values,
        )  # fmt: skip
    return result


_TOLD = (
    ("deploy", "deploy"), ("revert", "revert"), ("failed", "failure"), ("verify", "verification"),
    ("backfill", "backfill"), ("undo", "undo"), ("adopt", "adoption"), ("repair", "repair"),
)  # fmt: skip


def _contradicting(found: History, environment: Environment) -> Iterator[MaintainFinding]:
    for told in found.contradictions:
        change, _, rest = told.partition(" ")
        yield MaintainFinding("contradiction", change, rest, command=f"history {environment.name} --change {change}")
    if found.without_tracking and environment.policy.tracking is not None and found.deeds:
        yield unseen("tracking", f"only the registry tells of the past: {found.without_tracking}")


def retention_section(environment: Environment, connection: Connection, now: datetime) -> Section:
    """How many rows the record has, and which are older than they have to be kept. Raises ServerError, Refused."""
    schema, keep = environment.policy.tracking, environment.maintain.keep_ms
    if schema is None:
        return Section("retention", "N-A", "the policy has turned tracking off: there is no record to keep")
    own = read_own(connection, schema, environment.policy.keep_schema)
    here = [own[name] for name in RECORD if name in own]
    if not here:
        return Section("retention", "N-A", "there is no record yet")
    if len(here) < len(RECORD):
        told = "the record is of version 1, which has no retention: the next run upgrades it"
        return Section("retention", "N-A", told)
    hidden = [one.name for one in here if not one.readable]
    if hidden:
        why = f"role {connection.role} may not read {words.listing(hidden)} in {schema}"
        findings = [unseen("record", why)]
        return section("retention", findings, environment, now.date(), clear="")
    rows = read_record(connection, schema, _FOR_EVER_S if keep is None else keep // 1000)
    size, total = int(sum(one.size for one in here)), sum(rows.rows.values())
    values: dict[str, Value] = {
        **{f"{name}_rows": count for name, count in rows.rows.items()},
        "bytes": size, "oldest_at": rows.oldest_at, "keep_days": None if keep is None else keep / DAY_MS,
        "before": None if keep is None else rows.before, "trimmed": None if keep is None else sum(rows.old.values()),
    }  # fmt: skip
    told = f"{words.count(total, 'row')}, {words.size(size)}"
    told += f", since {words.utc(rows.oldest_at)}" if rows.oldest_at else ""
    if keep is None:
        notes = ['all of it is kept for ever: pgmig.toml says no [maintain] keep = "400d"']
        return section("retention", [], environment, now.date(), clear=told, notes=notes, values=values)
    findings = []
    old = sum(rows.old.values())
    if old:
        parts = words.listing([f"{count:,} of {name}" for name, count in rows.old.items() if count])
        command = f"audit trim {environment.name} --before {rows.before} --export FILE"
        why = f"{words.count(old, 'row')} are older than {words.duration(keep)}: {parts}; trimming exports them first"
        findings.append(MaintainFinding("old record", schema, why, since=rows.oldest_at, command=command))
    clear = f"{told}; none is older than {words.duration(keep)}"
    return section(
        "retention", findings, environment, now.date(), clear=clear, found="retention that is over",
        notes=[told] if old else (), values=values,
    )  # fmt: skip
