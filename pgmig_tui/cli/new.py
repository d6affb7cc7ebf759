"""`pgmig-tui new`: changes made from a pattern, by options or by questions, looked at before they are written."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import somebody_is_there
from pgmig_tui.cli.choose import project_here
from pgmig_tui.cli.new_questions import Said, ask_answers, ask_more, choose, complain, file_text, heard
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError, ProjectError, Refused, UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.author.changes import Prepared
    from pgmig_tui.project.author.patterns.asked import Pattern
    from pgmig_tui.project.author.patterns.draft import ChangeDraft
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.new_changes import NewChangeView

_NOTHING = "Nothing was changed."
ANSWER = "answer_"
"""What the answers of patterns are called among the arguments: so that none is taken for another option."""


def new(arguments: Namespace) -> int:
    """Where a person is at the terminal, what is missing is asked for; else it is refused."""
    from pgmig_tui.project.author.numbering import require_description
    from pgmig_tui.project.author.patterns.every import BY_NAME
    from pgmig_tui.project.author.plan_file import given_note

    project = project_here(arguments)
    pattern = BY_NAME[arguments.pattern] if arguments.pattern else None
    said = Said(
        arguments.date or date.today(),
        _texts(arguments, pattern),
        require_description(arguments.name) if arguments.name else "",
        given_note(arguments.note),
        list(arguments.requires) if arguments.requires or arguments.no_requires else None,
        list(arguments.conflicts),
    )
    asks = somebody_is_there() and not arguments.dry_run
    if pattern is None and not asks:
        raise UsageError(
            "new needs a pattern.", now=_NOTHING, do=f"Say one of {', '.join(BY_NAME)}; or ask on a terminal."
        )
    missing = pattern is None or any(one.needed and one.field not in said.texts for one in pattern.questions)
    if asks and (missing or not said.note.strip()):
        return _by_questions(arguments, project, pattern, said)
    assert pattern is not None
    drafts = _drafts(project, pattern, said)
    if not said.note.strip():
        raise UsageError("new needs a note: why the change is wanted.", now=_NOTHING, do="Say -n NOTE.")
    prepared, seen = _look(project, drafts, said)
    if arguments.dry_run:
        _show(seen)
        output.note(line(("Nothing was written: --dry-run.", "muted")))
        return 0
    prepared.write()
    _tell(prepared, seen)
    return 0


def _texts(arguments: Namespace, pattern: Pattern | None) -> dict[str, list[str]]:
    """The answers that were given as options, by their fields; of a file its text."""
    texts = {
        name.removeprefix(ANSWER): value if isinstance(value, list) else [str(value)]
        for name, value in vars(arguments).items()
        if name.startswith(ANSWER) and value not in (None, False, [])
    }
    for question in pattern.questions if pattern is not None else ():
        if question.asked.kind == "sql" and question.field in texts:
            texts[question.field] = [file_text(one) for one in texts[question.field]]
    return texts


def _drafts(project: Project, pattern: Pattern, said: Said) -> tuple[ChangeDraft, ...]:
    from pgmig_tui.review.new_drafts import drafts_of

    return drafts_of(project, pattern, said.texts)


def _by_questions(arguments: Namespace, project: Project, chosen: Pattern | None, said: Said) -> int:
    """Ask, show, and write after a yes. An answer that doesn't go with the others is asked for again, and so are all
    that a person wants to change; a plan that somebody has changed meanwhile is read anew."""
    from pgmig_tui.project.author.numbering import described
    from pgmig_tui.review.new_changes import look_back, proposed

    pattern = choose() if chosen is None else chosen
    again = False
    while True:
        ask_answers(pattern, said, partial(_glance, project, pattern, said), every=chosen is None or again, again=again)
        again = True
        try:
            drafts = _drafts(project, pattern, said)
            needs = proposed(project, drafts, look_back(project, drafts))
            ask_more(said, described(*drafts[0].words), needs[0])
            prepared, seen = _look(project, drafts, said)
        except (UsageError, ProjectError) as error:
            complain(error)
            continue
        _show(seen)
        while True:
            what = f"{len(seen)} change{'s' * (len(seen) != 1)}"
            text = heard(f"Write {what} into {_plan_of(prepared)}? [yes/no/change]").lower()
            if text in ("change", "c"):
                break
            if text not in ("yes", "y"):
                raise Refused("You said no.", now=_NOTHING)
            try:
                prepared.write()
            except ProjectError as error:
                complain(error)
                project = project_here(arguments)
                prepared, seen = _look(project, drafts, said)
                _show_names(seen)
            else:
                _tell(prepared, seen)
                return 0


def _glance(project: Project, pattern: Pattern, said: Said) -> None:
    """What the answers make so far, in a line for each change; nothing while they make nothing yet."""
    from pgmig_tui.report.impact_report import risk_span
    from pgmig_tui.review.new_drafts import foretold

    try:
        drafts = _drafts(project, pattern, said)
    except PgmigError:
        return
    for number, (draft, impact) in enumerate(zip(drafts, foretold(drafts), strict=True), 1):
        strongest = impact.strongest
        lock = f"{strongest[0].sql_name} on {strongest[1]}" if strongest else impact.no_lock
        told = f"{number}  {draft.what}: {lock}, risk "
        output.note(line(("   = ", "muted"), (safe(told), "muted"), risk_span(impact.risk)))


def _look(project: Project, drafts: Sequence[ChangeDraft], said: Said) -> tuple[Prepared, tuple[NewChangeView, ...]]:
    from pgmig_tui.project.author.drafted import names_for, new_changes, prepare_new
    from pgmig_tui.review.new_changes import look_back, proposed, see
    from pgmig_tui.review.new_taken import refuse_taken

    names = names_for(project, drafts, said.day, said.description)
    earlier = look_back(project, drafts)
    refuse_taken(drafts, earlier)
    if said.requires is None:
        needs = proposed(project, drafts, earlier)
    else:
        needs = tuple(tuple(said.requires) if number == 0 else () for number in range(len(drafts)))
    changes = new_changes(project, drafts, names, note=said.note, requires=needs, conflicts=said.conflicts)
    prepared = prepare_new(project, changes)
    seen = see(project, changes, earlier)
    wrong = [f"{one.path}: {one.reason}" for each in seen for one in each.findings if one.severity == "error"]
    if wrong:
        raise ProjectError(
            "The scripts that these answers make would not pass lint.",
            details=wrong,
            now=_NOTHING,
            do="Answer otherwise, or write the change by hand: pgmig-tui add.",
        )
    for each in seen:
        for statement in each.deploy.impact.statements:
            if statement.problem is not None and statement.problem.sqlstate:
                output.warn(f"{each.change.name} {statement.trouble}, as far as the plan's scripts tell")
    return prepared, seen


# -- what is told ------------------------------------------------------------------------------------------------------


def _show(seen: Sequence[NewChangeView]) -> None:
    """The scripts as they will be, their impact, and what lint says."""
    from pgmig_tui.report import impact_report

    for one in seen:
        for kind, data in one.change.scripts.items():
            output.say(line((f"-- {kind}: {safe(one.change.name)}", "title")))
            output.text_out(safe(data.decode(), multiline=True) + "\n")
    output.say(line(("Impact, from the text of the scripts", "title")))
    for inspected in (*(one.deploy for one in seen), *(one.revert for one in reversed(seen))):
        output.say()
        output.say(impact_report.headline(inspected.impact))
        if rows := impact_report.rows(inspected.impact):
            output.table(impact_report.HEADINGS, rows)
        for remark in impact_report.remarks(inspected.impact):
            output.say(remark)
    output.say()
    for each in seen:
        for finding in each.findings:
            place = f"{finding.path}:{finding.line}: {finding.severity} {finding.code}: {finding.reason}"
            output.say(line((safe(place), "muted")))
    _show_names(seen)


def _show_names(seen: Sequence[NewChangeView]) -> None:
    """What the changes are called, and require."""
    for each in seen:
        wanted = each.change.wanted
        needs = f"requires {', '.join(wanted.requires)}" if wanted.requires else "requires nothing of this plan"
        output.say(line((safe(wanted.name), "strong"), safe(f"  {needs}")))


def _tell(prepared: Prepared, seen: Sequence[NewChangeView]) -> None:
    if output.is_quiet():
        return
    for text in prepared.said:
        output.say(safe(text))
    names = " ".join(one.change.name for one in seen)
    told = f"Next: read the scripts, then try them in databases of our own: pgmig-tui test {names}"
    output.note(line((safe(told), "muted")))


def _plan_of(prepared: Prepared) -> str:
    return str(prepared.plan_file.shown) if prepared.plan_file else "the plan"
