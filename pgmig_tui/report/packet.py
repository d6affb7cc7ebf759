"""The packet of a deploy that is up for approval: what will be run, what it does, how it goes back, and the hash that
an approval is bound to. As Markdown, as one HTML file, and as canonical JSON.
"""

from __future__ import annotations

import contextlib
import html
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pgmig_tui.display import words
from pgmig_tui.display.mask import mask_secrets
from pgmig_tui.display.safe import safe
from pgmig_tui.gates.approvals import Bound
from pgmig_tui.gates.loss import of_script
from pgmig_tui.review.approving import approval_result
from pgmig_tui.review.policies import estimated
from pgmig_tui.run.journal.frozen import RecordedFiles
from pgmig_tui.script.problems import ScriptError

if TYPE_CHECKING:
    from pgmig_tui.database.checks import CheckResult
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.approving import ApprovalSubject
    from pgmig_tui.review.prepared import Review

Facts = Mapping[str, Any]
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>
body {{ font: 15px sans-serif; max-width: 70em; margin: 2em auto }}
td, th {{ padding: .3em .8em; text-align: left }}
pre {{ background: #f4f4f4; padding: 1em; overflow: auto }}
</style></head><body>{body}</body></html>
"""


def packet(reviewed: Review, bound: Bound, approvals: Sequence[CheckResult], reverts: Mapping[str, bytes]) -> Facts:
    """All facts of a packet. `reverts` are the revert scripts by change ID. `lint` and `tests` are filled by whoever
    has results of them."""
    plan = reviewed.plan
    files = RecordedFiles.of(plan)
    needs = {one.change: one for one in reviewed.needs}
    changes = []
    kept = [*reviewed.rehearsed, *[None] * (len(plan.steps) - len(reviewed.rehearsed))]
    for step, one, trial in zip(plan.steps, reviewed.impacts, kept, strict=True):
        impact = one.impact if one is not None else None
        strongest = impact.strongest if impact is not None else None
        need = needs.get(step.change)
        tested = reviewed.tested.get(step.change_id)
        changes.append(
            {
                "change": step.change,
                "change_id": step.change_id,
                "label": step.label,
                "note": step.note,
                "ticket": step.ticket or None,
                "planner": step.planner,
                "mode": step.mode,
                "verify": step.verify,
                "script_sha256": step.hashes,
                "script": _text(files.script(step.script)) if step.script is not None else None,
                "included": {} if one is None else _included(files, [name for name, _ in one.included]),
                "revert": _text(reverts.get(step.change_id)),
                "lock": None if strongest is None else f"{strongest[0].sql_name} on {strongest[1]}",
                "risk": None if impact is None else impact.risk,
                "loses": [] if impact is None else list(of_script(impact).all),
                "findings": list(step.findings),
                "at_most_ms": need.ms if need is not None else None if one is None else estimated(one),
                "rehearsed_at": None if trial is None else trial.at,
                "tested": None if tested is None else tested.to_json(),
            }
        )
    return {
        "format": 1,
        "project": plan.project,
        "environment": plan.environment,
        "server": plan.server.display,
        "bound": bound.to_json(),
        "packet": bound.packet,
        "changes": changes,
        "loses": list(reviewed.loses),
        "warnings": list(plan.warnings),
        "approvals": [{"state": one.state, "summary": one.summary, "given": list(one.rows)} for one in approvals],
        "lint": None,
        "tests": _tests(reviewed),
    }


def _tests(reviewed: Review) -> str | None:
    """The kept results of all changes in a sentence; None where there is none."""
    wanted = {step.change_id for step in reviewed.plan.steps}
    found = [one for change_id, one in reviewed.tested.items() if change_id in wanted]
    if not found:
        return None
    good = sum(one.good for one in found)
    bad = sum(one.kept.outcome == "failed" for one in found)
    stale = len(found) - good - bad
    parts = [f"{good} of {words.count(len(wanted), 'change')} passed with these scripts"]
    parts += [f"{bad} failed"] * bool(bad) + [f"{stale} changed since"] * bool(stale)
    return ", ".join(parts)


def packet_of(
    project: Project, environment: Environment, reviewed: Review, subject: ApprovalSubject, bound: Bound
) -> Facts:
    """The packet of what is up for approval, with the revert scripts as they lie on disk, and what was said to it."""
    changes = {one.change_id: one for one in project.plan.changes}
    reverts = {}
    for one in subject.changes:
        path = project.script_path(changes[one.change_id], "revert")
        if path.exists():
            reverts[one.change_id] = project.inside.read(path)
    return packet(reviewed, bound, approval_result(environment, subject), reverts)


def _included(files: RecordedFiles, names: Sequence[str]) -> dict[str, str]:
    """The text of the files that a script includes, by name; one that couldn't be read has none."""
    found = {}
    for name in names:
        with contextlib.suppress(ScriptError, OSError):
            found[name] = _shown(files.read(name, relative_to=None, line=0)[1])
    return found


def _texts(one: Facts) -> list[tuple[str, str | None]]:
    """The scripts of a change as a person reads them, with their titles."""
    included = [(f"Included by Deploy: {name}", text) for name, text in one["included"].items()]
    return [("Deploy", one["script"]), *included, ("Revert", one["revert"])]


def as_json(facts: Facts) -> str:
    """In the one way in which it can be compared."""
    return json.dumps(facts, sort_keys=True, separators=(",", ":")) + "\n"


def as_markdown(facts: Facts) -> str:
    """For a person, and for a pull request."""
    lines = [f"# Review of {_md(facts['environment'])}: {words.count(len(facts['changes']), 'change')}", ""]
    lines += [f"- project {_md(facts['project'])}, server {_md(facts['server'])}", f"- packet `{facts['packet']}`"]
    for one in facts["approvals"]:
        lines.append(f"- approvals: **{one['state']}**, {_md(one['summary'])}")
    lines += [f"- lint: {_slot(facts['lint'])}", f"- tests: {_slot(facts['tests'])}"]
    lines += [f"- {_md(one)}" for one in facts["warnings"]]
    lines += ["", "| # | change | runs | strongest lock | risk | at most | loses |", "|---|---|---|---|---|---|---|"]
    for number, one in enumerate(facts["changes"], 1):
        cells = (
            str(number), one["label"], one["mode"], one["lock"] or "none that others notice", one["risk"] or "?",
            "?" if one["at_most_ms"] is None else words.duration(one["at_most_ms"]),
            "; ".join(one["loses"]) or "nothing",
        )  # fmt: skip
        lines.append("| " + " | ".join(_md(cell) for cell in cells) + " |")
    for one in facts["changes"]:
        lines += ["", f"## {_md(one['label'])}", "", _md(one["note"]), "", f"By {_md(one['planner'])}. SHA-256:"]
        lines += [f"- {kind} `{digest}`" for kind, digest in sorted(one["script_sha256"].items())]
        if one["tested"] is not None:
            lines += ["", _md(one["tested"]["line"])]
        for title, text in _texts(one):
            if text is not None:
                fence = "`" * max(3, _longest(text) + 1)
                lines += ["", f"### {_md(title)}", "", f"{fence}sql", _plain(text).rstrip("\n"), fence]
    return "\n".join(lines) + "\n"


def as_html(facts: Facts) -> str:
    """One file that needs no other."""
    told = html.escape
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{told(_plain(str(cell)))}</td>"
            for cell in (one["label"], one["mode"], one["lock"] or "", one["risk"] or "?", "; ".join(one["loses"]))
        )
        + "</tr>"
        for one in facts["changes"]
    )
    parts = [
        f"<h1>Review of {told(_plain(facts['environment']))}</h1>",
        f"<p>project {told(_plain(facts['project']))}, server {told(_plain(facts['server']))}<br>",
        f"packet <code>{told(facts['packet'])}</code></p>",
        _timeline(facts["changes"]),
        f"<table><tr><th>change<th>runs<th>strongest lock<th>risk<th>loses</tr>{rows}</table>",
    ]
    for one in facts["approvals"]:
        parts.append(f"<p>approvals: <b>{told(one['state'])}</b>, {told(_plain(one['summary']))}</p>")
    for one in facts["changes"]:
        parts.append(f"<h2>{told(_plain(one['label']))}</h2><p>{told(_plain(one['note']))}</p>")
        if one["tested"] is not None:
            parts.append(f"<p>{told(_plain(one['tested']['line']))}</p>")
        for title, text in _texts(one):
            if text is not None:
                parts.append(f"<h3>{told(_plain(title))}</h3><pre>{told(_plain(text))}</pre>")
    title = f"Review of {told(_plain(facts['environment']))}"
    return _PAGE.format(title=title, body="".join(parts))


def _timeline(changes: Sequence[Facts]) -> str:
    """A bar for each change of which somebody knows how long it may take."""
    known = [(one["label"], one["at_most_ms"]) for one in changes if one["at_most_ms"]]
    total = sum(ms for _, ms in known)
    if not total:
        return ""
    bars, at = [], 0.0
    for number, (label, ms) in enumerate(known):
        wide = 700 * ms / total
        title = html.escape(f"{_plain(label)}: at most {words.duration(ms)}")
        color = "#4a7ab5" if number % 2 else "#7aa0cf"
        bar = f'<rect x="{at:.1f}" y="0" width="{wide:.1f}" height="24" fill="{color}">'
        bars.append(f"{bar}<title>{title}</title></rect>")
        at += wide
    told = html.escape(words.duration(total))
    drawn = f'<g>{"".join(bars)}</g><text x="0" y="40">at most {told}</text>'
    return f'<svg width="720" height="44" role="img">{drawn}</svg>'


def _slot(value: object) -> str:
    return "no result" if value is None else _md(str(value))


def _text(script: bytes | None) -> str | None:
    return None if script is None else _shown(script)


def _shown(script: bytes) -> str:
    """A script as a packet has it: that goes to others, and is kept by them, so passwords in it are masked. What is
    approved is its hash, which is that of its bytes."""
    return mask_secrets(script.decode("utf-8", "replace"))


def _plain(text: str) -> str:
    return "\n".join(safe(line) for line in str(text).splitlines())


def _md(text: str) -> str:
    """Nothing that a change is called makes another cell, or markup, of it."""
    plain = safe(" ".join(str(text).split()))
    return "".join(f"\\{one}" if one in "\\`*_[]<>|#" else one for one in plain)


def _longest(text: str) -> int:
    longest = current = 0
    for one in text:
        current = current + 1 if one == "`" else 0
        longest = max(longest, current)
    return longest
