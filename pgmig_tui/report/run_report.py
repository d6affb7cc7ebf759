"""The report of a run in Markdown, written from its journal alone: what was done, by whom, under which answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pgmig_tui.display import words
from pgmig_tui.display.safe import safe
from pgmig_tui.gates.evidence import ItemEvidence, columns_of
from pgmig_tui.project.uris import readable
from pgmig_tui.run.journal.entry import Entry, fields_of
from pgmig_tui.run.journal.events import EvidenceKept, GatePassed, ItemAnswered, RowsRestored
from pgmig_tui.run.journal.picture import RunPicture, StepPicture, picture_of

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~])")
_RESULTS = {0: "done", 1: "FAILED", 2: "not started", 3: "refused", 4: "IN DOUBT", 5: "server not reached"}
_ENDS = {"stopped": "STOPPED", "verify_failed": "VERIFICATION FAILED", "rolled_back": "rolled back"}
"""Ends that say more than their exit status."""


def cell(value: object) -> str:
    """Text as the cell of a Markdown table or as running text: nothing in it is formatting, nothing ends the cell."""
    return _MARKDOWN.sub(r"\\\1", safe(str(value)))


def result_words(picture: RunPicture, *, cut_off: bool = False) -> str:
    """How the run ended, in few words; `cut off` when its process is gone and its journal doesn't say."""
    if picture.exit_status is None:
        return "CUT OFF" if cut_off else "not finished"
    if picture.result == "settled":
        told = "and closed unseen" if picture.unseen else "and settled"
        return f"cut off, {told}" if picture.exit_status == 0 else f"CUT OFF, {told}"
    ended = _ENDS.get(picture.result) or _RESULTS.get(picture.exit_status)
    return ended or f"exit status {picture.exit_status}"


def end_facts(picture: RunPicture) -> tuple[tuple[str, str], ...]:
    """When it ended, and where it didn't say so when it was last heard of, and settled: (what, moment)."""
    if not picture.settled_at:
        return (("ended", words.utc(picture.finished_at or None)),)
    heard = (("last heard of", words.utc(picture.finished_at)),) if picture.finished_at else ()
    return (*heard, ("settled", words.utc(picture.settled_at)))


def when_words(picture: RunPicture) -> str:
    """From when to when, in one line, and how long by its own measure."""
    began = words.utc(picture.started_at or picture.planned_at or None)
    if picture.settled_at:
        return f"{began}, {', '.join(f'{what} {at}' for what, at in end_facts(picture))}"
    took = picture.took_ms
    return f"{began} to {words.utc(picture.finished_at or None)}" + (
        f" ({words.duration(took)})" if took is not None else ""
    )


def done_words(picture: RunPicture, *, cut_off: bool = False) -> str:
    """How much of it is done, as far as the journal knows: `2 of 3 steps done`."""
    many = f"{picture.done} of {words.count(len(picture.steps), 'step')}"
    if picture.command == "dry-run":
        return f"{many} ran, and nothing of it stays" if picture.exit_status is not None else f"{many} ran"
    if picture.command == "verify":
        none = sum(bool(step.unverified) for step in picture.steps.values())
        passed = f"{picture.done - none} of {words.count(len(picture.steps), 'verification')} passed"
        return f"{passed}, {none} had nothing to run" if none else passed
    most = most_done(picture, cut_off=cut_off)
    if most == picture.done:
        return f"{many} done"
    names = words.listing([safe(step.change) for step in open_steps(picture, cut_off=cut_off)], 3)
    every = words.count(len(picture.steps), "step")
    return f"at least {picture.done}, at most {most} of {every} done; UNKNOWN: {names}"


def most_done(picture: RunPicture, *, cut_off: bool = False) -> int:
    """How many of its steps may be done, at most."""
    return picture.done + len(open_steps(picture, cut_off=cut_off))


def open_steps(picture: RunPicture, *, cut_off: bool = False) -> list[StepPicture]:
    """The steps of which the journal doesn't say whether they were recorded: in doubt, or under way when it broke
    off."""
    broken = picture.exit_status == 4 or (cut_off and picture.exit_status is None)
    found = []
    for step in picture.steps.values():
        in_doubt = step.state == "failed" and step.left.kind == "unknown"
        if not step.recorded and (in_doubt or (broken and step.state == "running")):
            found.append(step)
    return found


def state_words(step: StepPicture, *, cut_off: bool = False) -> str:
    """The state of a step in words; one whose verification failed after its record is still done."""
    if step.state == "running" and cut_off:
        return "unknown"
    if step.state == "failed" and step.recorded:
        return "done, verification FAILED"
    return step.state


def verified_words(step: StepPicture) -> str:
    """What its verification said."""
    if step.verified is None:
        return "none" if step.unverified else "off" if step.verify == "off" else "-"
    return "passed" if step.verified else "FAILED"


def waited_words(step: StepPicture) -> list[str]:
    """How long it waited for locks, and how many tries it lost; nothing of what didn't happen."""
    waited = [words.duration(step.waited_ms)] if step.waited_ms else []
    lost = [words.count(step.tries_lost, "try lost", "tries lost")] if step.tries_lost else []
    return [*waited, *lost]


def _step_row(step: StepPicture, cut_off: bool) -> str:
    took = "-" if step.took_ms is None else words.duration(step.took_ms)
    waited = ", ".join(waited_words(step)) or "-"
    state = state_words(step, cut_off=cut_off)
    change = f"{step.change} ({step.ticket})" if step.ticket else step.change
    cells = (step.number, step.action, change, state, took, waited, verified_words(step), step.mode or "-")
    return f"| {' | '.join(cell(value) for value in cells)} |"


def _failure(step: StepPicture) -> list[str]:
    failure = step.failure
    assert failure is not None, "it is of one that failed"
    lines = [f"### {cell(step.change)}: {'the verification failed' if step.recorded else 'failed'}", ""]
    lines.append(f"- where: {cell(failure.where or '-')}")
    lines.append(f"- message: {cell(failure.message or '-')} (SQLSTATE {cell(failure.sqlstate or '-')})")
    lines += [f"- {name}: {cell(text)}" for name, text in failure.notes]
    if step.action != "verify":
        lines += [f"- stays: {cell(item)}" for item in step.left.sentences]
    return [*lines, ""]


def _answers(title: str, answers: Iterable[tuple[str, GatePassed | ItemAnswered]]) -> list[str]:
    lines = [f"## {title}", "", "| item | answer | note | by | at |", "|---|---|---|---|---|"]
    for at, answer in answers:
        said = (answer.item_id, answer.how, answer.note, answer.by)
        lines.append(f"| {' | '.join(cell(text or '-') for text in (*said, words.utc(at)))} |")
    return [*lines, ""]


def _evidence(kept: Iterable[EvidenceKept]) -> list[str]:
    """Of each item of the checklist what the program saw, who said what, and what was missing then."""
    lines = ["## Checklist", "", "| item | state | seen by the program | said by whom | missing | query | asked |"]
    lines.append("|---|---|---|---|---|---|---|")
    for one in kept:
        seen, said, missing = columns_of(ItemEvidence(**fields_of(one)))
        asked = f"{words.utc(one.started_at)} as {one.role}" if one.role else ""
        told = (one.item, one.state, seen, said, missing, one.sql_hash[:12], asked)
        lines.append(f"| {' | '.join(cell(text or '-') for text in told)} |")
    return [*lines, ""]


def restored_words(at: str, undo: RowsRestored) -> list[str]:
    """What an `undo` at that time (UTC) has brought back of what the run had kept, who did it, and what loss they
    accepted."""
    who = f"brought back at {words.utc(at)} by {undo.by or '?'}"
    told = []
    for one in undo.restored:
        columns = f" ({', '.join(one.columns)})" if one.kind in ("column", "values") else ""
        equal = "equal to what was kept" if one.equal else "NOT equal to what was kept, which stays there"
        what = f"{one.rows} of {words.count(one.kept_rows, 'row')}"
        told.append(f"{who}: {one.source}{columns}, {what} written now, {equal}")
    if undo.accepted:
        told.append(f"accepted by {undo.by or '?'}: the loss of {undo.accepted}")
    return told


def markdown(events: Iterable[Entry], *, cut_off: bool = False) -> str:
    """The report of these events (one run, in the journal's order), for a ticket or a pull request. `cut_off`: its
    process is gone."""
    picture = picture_of(events)
    took = picture.took_ms
    facts = (
        ("environment", picture.environment),
        ("target", readable(picture.target)),
        ("by", " on ".join(part for part in (picture.operator, picture.host) if part)),
        ("started", words.utc(picture.started_at or None)),
        *end_facts(picture),
        ("took", "-" if took is None else words.duration(took)),
        ("result", f"{result_words(picture, cut_off=cut_off)}, {done_words(picture, cut_off=cut_off)}"),
    )
    lines = [f"# {cell(picture.command or 'run')} {cell(picture.run)}", ""]
    lines += [f"- {name}: {cell(value or '-')}" for name, value in facts]
    if picture.summary:
        lines.append(f"- summary: {cell(picture.summary)}")
    if cut_off and picture.exit_status is None:
        told = f"`pgmig-tui reconcile {safe(picture.environment)}` finds out what became of it, and settles it"
        lines.append(f"- what is true now: {told}")
    lines += ["", "## Steps", "", "| # | action | change | state | took | waited | verify | mode |"]
    lines += ["|---|---|---|---|---|---|---|---|", *(_step_row(step, cut_off) for step in picture.steps.values()), ""]
    for step in picture.steps.values():
        if step.failure is not None:
            lines += _failure(step)
    if picture.evidence:
        lines += _evidence(picture.evidence.values())
    if picture.answers:
        lines += _answers("Checklist answers", picture.answers)
    if picture.afterwards:
        lines += _answers("Afterwards", picture.afterwards.values())
    if picture.hooks:
        lines += ["## Hooks", "", "| hook | what became of it | at | SHA-256 of what was sent |", "|---|---|---|---|"]
        for name, one in picture.hooks.items():
            sent = one.told.text_hash[:12] if one.told is not None else ""
            lines.append(
                f"| {' | '.join(cell(text or '-') for text in (name, one.words, words.utc(one.at or None), sent))} |"
            )
        lines.append("")
    if picture.restored:
        back = [text for one in picture.restored for text in restored_words(*one)]
        lines += ["## Brought back", "", *(f"- {cell(text)}" for text in back), ""]
    if picture.notices:
        lines += ["## Notices", "", *(f"- {cell(kind)}: {cell(message)}" for kind, message in picture.notices), ""]
    return "\n".join(lines)


def report_document(events: Iterable[Entry], *, cut_off: bool = False) -> dict[str, object]:
    """The same facts as JSON values."""
    picture = picture_of(events)
    return {
        "run": picture.run,
        "command": picture.command,
        "environment": picture.environment,
        "target": picture.target,
        "operator": picture.operator,
        "host": picture.host,
        "started_at": picture.started_at or None,
        "finished_at": picture.finished_at or None,
        "settled_at": picture.settled_at or None,
        "exit_status": picture.exit_status,
        "result": picture.result or None,
        "cut_off": cut_off and picture.exit_status is None,
        "summary": picture.summary,
        "done": picture.done,
        "total": len(picture.steps),
        "evidence": [fields_of(one) for one in picture.evidence.values()],
        "hooks": [
            {"hook": name, "to": one.to, "told": None if one.told is None else fields_of(one.told)}
            for name, one in picture.hooks.items()
        ],
        "steps": [
            {
                "number": step.number,
                "action": step.action,
                "change": step.name,
                "change_id": step.change_id,
                "ticket": step.ticket or None,
                "mode": step.mode,
                "state": state_words(step, cut_off=cut_off),
                "recorded": step.recorded,
                "verified": verified_words(step),
                "took_ms": step.took_ms,
                "waited_ms": step.waited_ms,
                "tries_lost": step.tries_lost,
                "message": str(step.failure.message if step.failure else ""),
                "left": None
                if step.failure is None or step.action == "verify"
                else {"kind": step.left.kind, "told": list(step.left.sentences)},
            }
            for step in picture.steps.values()
        ],
    }


def summary(picture: RunPicture, still_open: Sequence[str] | None = None) -> str:
    """A run in a few lines of Markdown, for a channel: what was done, where, by whom, how it ended, what failed.
    `still_open` are the titles of what is to be done by hand; None: nobody asked."""
    done = [safe(step.change) for step in picture.steps.values() if step.recorded or step.state == "done"]
    lines = [
        f"**{safe(picture.command)} {safe(picture.environment)}: {result_words(picture)}** ({done_words(picture)})",
        f"- run {safe(picture.run)}, {safe(readable(picture.target))}",
        f"- {when_words(picture)}, by {safe(picture.operator)}",
        f"- changes: {', '.join(done) or 'none'}",
    ]
    failed = next((step for step in picture.steps.values() if step.state == "failed"), None)
    if failed is not None:
        why = failed.failure
        at = f" at {safe(why.where)}" if why is not None and why.where else ""
        lines.append(f"- FAILED: {safe(failed.change)}{at}: {safe(why.message if why is not None else '')}")
        if failed.action != "verify":
            lines += [f"- stays: {one}" for one in failed.left.sentences]
    if still_open is not None:
        lines.append(f"- still open: {', '.join(safe(title) for title in still_open) or 'nothing'}")
    return "\n".join(lines) + "\n"
