"""Documents that no longer say what is so: scripts changed after they were deployed, the generated description
of the schema, and packets for review whose scripts are other ones now.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.database.status import environment_status
from pgmig_tui.display import words
from pgmig_tui.errors import PgmigError, in_a_line
from pgmig_tui.review.maintain_facts import MaintainFinding, Section, Value, section, unseen

if TYPE_CHECKING:
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Kind, Project

_PROBLEMS = {
    "script_changed": ("script changed", "its deploy script isn't the one that was deployed"),
    "not_in_plan": ("not in plan", "it is deployed, and the plan doesn't have it"),
    "out_of_order": ("out of order", "it was deployed in another order than the plan's"),
    "tag_moved": ("tag moved", "the plan has this tag at another change"),
}
_KINDS: tuple[Kind, ...] = ("deploy", "revert", "verify")
_MARKDOWN = re.compile(rb"^- (?:deploy|revert|verify) `([0-9a-f]{64})`$", re.M)
_BEGINS = (b"# Review of ", b"{")
_PACKET_BYTES = 32 << 20
_ENTRIES = 5000
_DEPTH = 3


def documents_section(project: Project, environment: Environment, state_dir: Path, today: date) -> Section:
    """Raises nothing for what the server does: that is a finding. Where the project keeps a description of its schema,
    its plan is deployed on a server of our own to compare with."""
    values: dict[str, Value] = {}
    findings = [
        *_scripts(project, environment),
        *_schema(project, state_dir, values),
        *_packets(project, values),
    ]
    values["stale"] = sum(one.state == "WARN" for one in findings)
    parts = ["scripts are what was deployed"]
    if values.get("schema_document") == "current":
        parts.append("the description of the schema is what the plan makes")
    if values.get("packets"):
        parts.append(f"{words.count(int(values['packets'] or 0), 'packet')} of these scripts")
    return section(
        "documents", findings, environment, today, clear=words.listing(parts), found="stale document", values=values
    )


def _scripts(project: Project, environment: Environment) -> Iterator[MaintainFinding]:
    status = environment_status(project, environment)
    if not status.reachable:
        yield unseen(
            "scripts", f"what was deployed can't be asked: {in_a_line((status.error or '').split(chr(10))[0])}"
        )
        return
    for one in status.diverged:
        kind, told = _PROBLEMS[one.problem]
        yield MaintainFinding(kind, one.name, told, command=f"status {environment.name}")
    if status.error:
        yield unseen("scripts", in_a_line(status.error))


def _schema(project: Project, state_dir: Path, values: dict[str, Value]) -> Iterator[MaintainFinding]:
    from pgmig_tui.review.document import default_path, is_stale

    try:
        path = default_path(project)
        stale = is_stale(project, state_dir=state_dir)
        if stale is not None:
            values["schema_document"] = "stale" if stale else "current"
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            values["schema_written_at"] = words.iso(written)
        if stale:
            told = "it isn't what the plan makes"
            yield MaintainFinding("schema document", project.relative(path), told, command="document")
    except PgmigError as error:
        yield unseen("schema document", in_a_line(error.what), command="document --check")
    except OSError as error:
        yield unseen("schema document", error.strerror or str(error))


# -- packets -----------------------------------------------------------------------------------------------------------


def _packets(project: Project, values: dict[str, Value]) -> Iterator[MaintainFinding]:
    """Packets that `review` has written into the project: each lists the hashes of its scripts."""
    found = {path: digests for path in _candidates(project.root) if (digests := _digests(project, path))}
    if not found:
        return
    values["packets"] = len(found)
    now = _current(project)
    for path, digests in found.items():
        other = len(digests - now)
        if other:
            told = f"{other} of {words.count(len(digests), 'script')} in this packet aren't the files' any more"
            yield MaintainFinding("packet", project.relative(path), told, command="review TARGET -o FILE")


def _candidates(root: Path) -> Iterator[Path]:
    """Markdown and JSON of the project, not in hidden folders, of the first few thousand files."""
    seen, waiting = 0, [(str(root), 0)]
    while waiting and seen < _ENTRIES:
        folder, depth = waiting.pop(0)
        try:
            entries = sorted(os.scandir(folder), key=lambda one: one.name)
        except OSError:
            continue
        for one in entries:
            seen += 1
            if one.name.startswith(".") or seen > _ENTRIES:
                continue
            if one.is_dir(follow_symlinks=False):
                if depth < _DEPTH:
                    waiting.append((one.path, depth + 1))
            elif one.name.endswith((".md", ".json")) and one.is_file(follow_symlinks=False):
                yield Path(one.path)


def _digests(project: Project, path: Path) -> frozenset[str]:
    """The SHA-256 of the scripts that a packet of this project lists; none where it is no packet."""
    try:
        if not project.inside.beginning(path, 16).startswith(_BEGINS):
            return frozenset()
        data = project.inside.read(path, _PACKET_BYTES)
        if data.startswith(b"{"):
            return _of_json(project, data)
    except (OSError, ValueError, RecursionError):
        return frozenset()
    if b"\n- packet `" not in data[:4096]:
        return frozenset()
    return frozenset(one.decode() for one in _MARKDOWN.findall(data))


def _of_json(project: Project, data: bytes) -> frozenset[str]:
    if b'"packet"' not in data:
        return frozenset()
    found = json.loads(data)
    if not isinstance(found, dict) or found.get("project") != project.plan.project or "packet" not in found:
        return frozenset()
    changes = found.get("changes")
    hashes = [one.get("script_sha256") for one in changes if isinstance(one, dict)] if isinstance(changes, list) else []
    return frozenset(
        str(digest) for one in hashes if isinstance(one, dict) for kind, digest in one.items() if kind in _KINDS
    )


def _current(project: Project) -> frozenset[str]:
    """The SHA-256 of every script of the plan, as it is now."""
    found = set()
    for change in project.plan.changes:
        for kind in _KINDS:
            try:
                found.add(hashlib.sha256(project.inside.read(project.script_path(change, kind))).hexdigest())
            except OSError:
                continue
    return frozenset(found)
