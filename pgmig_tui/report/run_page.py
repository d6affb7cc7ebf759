"""A run as one HTML page that needs no other file: the facts of its report, and pictures of its course.

Everything comes from journals of this account; nothing is asked of a server, and no line of it is a script.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pgmig_tui.display import svg, words
from pgmig_tui.project.uris import readable
from pgmig_tui.report import plots
from pgmig_tui.report.run_course import course_of
from pgmig_tui.report.run_report import (
    done_words,
    end_facts,
    restored_words,
    result_words,
    state_words,
    verified_words,
    waited_words,
)
from pgmig_tui.review.durations import Took
from pgmig_tui.run.journal.entry import Entry
from pgmig_tui.run.journal.picture import RunPicture, StepPicture, picture_of

_CHANGES = 20
"""Of so many changes at most their times elsewhere are drawn: those that took longest."""
_STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:62em;margin:2em auto;padding:0 1em;background:var(--page);"
    "color:var(--ink)}table{border-collapse:collapse}td,th{padding:.25em .8em .25em 0;text-align:left;"
    "vertical-align:top;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}dt{color:var(--soft)}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dd{margin:0;overflow-wrap:anywhere}"
    ".bad{color:var(--failed);font-weight:bold}figure{margin:0;overflow-x:auto}"
)
_PAGE = (
    '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
    '<meta name="viewport" content="width=device-width">\n'
    "<title>{title}</title>\n<style>{style}</style></head>\n<body>\n{body}</body></html>\n"
)
told = svg.told


def page(events: Iterable[Entry], *, cut_off: bool = False, before: Mapping[str, Sequence[Took]] | None = None) -> str:
    """The page of these events (one run, in the journal's order). `before`: by change ID, how long other runs took."""
    events = tuple(events)
    picture = picture_of(events)
    course = course_of(events, picture)
    title = f"{picture.command or 'run'} {picture.run}"
    drawn = plots.timeline(course, cut_off=cut_off)
    measured = "".join(plots.spark(number, one, course.length) for number, one in enumerate(course.series, 1))
    parts = [
        f"<h1>{told(title)}</h1>\n",
        _facts(picture, cut_off),
        _part("Timeline", drawn),
        _part("Measured while statements ran", measured),
        _steps(picture, cut_off),
        *(_failure(step) for step in picture.steps.values() if step.failure is not None),
        _part("How long these changes took, by the runs of this account", _elsewhere(picture, before or {})),
        _list("Brought back", [text for one in picture.restored for text in restored_words(*one)]),
        _list("Notices", [f"{kind}: {message}" for kind, message in picture.notices]),
    ]
    return _PAGE.format(title=told(title), style=svg.STYLE + _STYLE, body="".join(parts))


def _part(title: str, body: str) -> str:
    return f"<h2>{told(title)}</h2>\n<figure>{body}</figure>\n" if body else ""


def _list(title: str, texts: Sequence[str]) -> str:
    items = "".join(f"<li>{told(one)}</li>" for one in texts)
    return f"<h2>{told(title)}</h2>\n<ul>{items}</ul>\n" if texts else ""


def _facts(picture: RunPicture, cut_off: bool) -> str:
    took = picture.took_ms
    result = f"{result_words(picture, cut_off=cut_off)}, {done_words(picture, cut_off=cut_off)}"
    facts = [
        ("environment", picture.environment),
        ("target", readable(picture.target)),
        ("by", " on ".join(part for part in (picture.operator, picture.host) if part)),
        ("started", words.utc(picture.started_at or None)),
        *end_facts(picture),
        ("took", "-" if took is None else words.duration(took)),
        ("result", result),
        ("summary", picture.summary),
    ]
    if cut_off and picture.exit_status is None:
        facts.append(("what is true now", f"pgmig-tui reconcile {picture.environment} finds out, and settles it"))
    bad = picture.exit_status != 0
    rows = []
    for name, value in facts:
        marked = ' class="bad"' if name == "result" and bad else ""
        rows.append(f"<dt>{told(name)}</dt><dd{marked}>{told(value or '-')}</dd>")
    return f"<dl>{''.join(rows)}</dl>\n"


def _steps(picture: RunPicture, cut_off: bool) -> str:
    head = '<th class="n">#<th>action<th>change<th>state<th class="n">took<th class="n">waited<th>verify<th>mode'
    rows = []
    for step in picture.steps.values():
        took = "-" if step.took_ms is None else words.duration(step.took_ms)
        change = f"{step.change} ({step.ticket})" if step.ticket else step.change
        state = state_words(step, cut_off=cut_off)
        bad = ' class="bad"' if step.state == "failed" else ""
        rows.append(
            f'<tr><td class="n">{step.number}<td>{told(step.action)}<td>{told(change)}<td{bad}>{told(state)}'
            f'<td class="n">{told(took)}<td class="n">{told(", ".join(waited_words(step)) or "-")}'
            f"<td>{told(verified_words(step))}<td>{told(step.mode or '-')}</tr>\n"
        )
    return f"<h2>Steps</h2>\n<table><tr>{head}</tr>\n{''.join(rows)}</table>\n"


def _failure(step: StepPicture) -> str:
    failure = step.failure
    assert failure is not None, "it is of one that failed"
    what = "the verification failed" if step.recorded else "failed"
    message = f"{failure.message or '-'} (SQLSTATE {failure.sqlstate or '-'})"
    said = [("where", failure.where or "-"), ("message", message), *failure.notes]
    if step.action != "verify":
        said += [("stays", one) for one in step.left.sentences]
    rows = "".join(f"<dt>{told(name)}</dt><dd>{told(text)}</dd>" for name, text in said)
    return f"<h3>{told(step.change)}: {what}</h3>\n<dl>{rows}</dl>\n"


def _elsewhere(picture: RunPicture, before: Mapping[str, Sequence[Took]]) -> str:
    """Of each change that others can be compared with: one bar alone says nothing."""
    steps = [step for step in picture.steps.values() if len(before.get(step.change_id, ())) > 1]
    steps = sorted(steps, key=lambda step: -(step.took_ms or 0.0))[:_CHANGES]
    drawn = []
    for number, step in enumerate(sorted(steps, key=lambda step: step.number), 1):
        drawn.append(f"<h3>{told(step.change)}</h3>\n{plots.durations(number, step.change, before[step.change_id])}")
    return "".join(drawn)
