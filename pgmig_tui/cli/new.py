"""`pgmig-tui new`: changes made from a pattern, by options or by questions, looked at before they are written."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask, ask_yes, somebody_is_there
from pgmig_tui.cli.choose import project_here
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import ProjectError, Refused, UsageError

if TYPE_CHECKING:
    from pgmig_tui.project.author.changes import Prepared
    from pgmig_tui.project.author.patterns.asked import Pattern, Question
    from pgmig_tui.project.author.patterns.draft import ChangeDraft
    from pgmig_tui.project.project import Project
    from pgmig_tui.review.new_changes import NewChangeView

_NOTHING = "Nothing was changed."
ANSWER = "answer_"
"""What the answers of patterns are called among the arguments: so that none is taken for another option."""


@dataclass(slots=True)
class _Said:
    """What is known so far. `requires` None: what is proposed."""

    day: date
    texts: dict[str, list[str]]
    description: str
    note: str
    requires: list[str] | None
    conflicts: list[str]


def new(arguments: Namespace) -> int:
    """Where a person is at the terminal, what is missing is asked for; else it is refused."""
    from pgmig_tui.project.author.numbering import require_description
    from pgmig_tui.project.author.patterns.every import BY_NAME
    from pgmig_tui.project.author.plan_file import given_note
    from pgmig_tui.review.new_changes import drafts_of

    project = project_here(arguments)
    texts = {
        name.removeprefix(ANSWER): value if isinstance(value, list) else [str(value)]
        for name, value in vars(arguments).items()
        if name.startswith(ANSWER) and value not in (None, False, [])
    }
    for question in BY_NAME[arguments.pattern].questions if arguments.pattern else ():
        if question.asked.kind == "sql" and question.field in texts:
            texts[question.field] = [_file(one) for one in texts[question.field]]
    said = _Said(
        arguments.date or date.today(),
        texts,
        require_description(arguments.name) if arguments.name else "",
        given_note(arguments.note),
        list(arguments.requires) if arguments.requires or arguments.no_requires else None,
        list(arguments.conflicts),
    )
    asks = somebody_is_there() and not arguments.dry_run
    if arguments.pattern is None:
        if not asks:
            raise UsageError(
                "new needs a pattern.", now=_NOTHING, do=f"Say one of {', '.join(BY_NAME)}; or ask on a terminal."
            )
        pattern = _choose()
    else:
        pattern = BY_NAME[arguments.pattern]
    missing = any(one.needed and one.field not in texts for one in pattern.questions)
    wizard = asks and (arguments.pattern is None or missing or not said.note)
    if wizard:
        _ask_answers(pattern, said, every=arguments.pattern is None)
    drafts = drafts_of(project, pattern, said.texts)
    if not said.note.strip():
        if not wizard:
            raise UsageError("new needs a note: why the change is wanted.", now=_NOTHING, do="Say -n NOTE.")
        said.note = _needed("Why is it wanted? (the note)")
    prepared, seen = _look(project, drafts, said)
    if wizard or arguments.dry_run:
        _show(seen)
    if arguments.dry_run:
        output.note(line(("Nothing was written: --dry-run.", "muted")))
        return 0
    if wizard and not ask_yes(f"Write {_counted(len(drafts), 'change')} into {_plan_of(prepared)}?"):
        raise Refused("You said no.", now=_NOTHING)
    prepared.write()
    _tell(project, prepared, seen)
    return 0


def _look(project: Project, drafts: Sequence[ChangeDraft], said: _Said) -> tuple[Prepared, tuple[NewChangeView, ...]]:
    from pgmig_tui.project.author.drafted import names_for, new_changes, prepare_new
    from pgmig_tui.review.new_changes import look_back, proposed, see

    names = names_for(project, drafts, said.day, said.description)
    earlier = look_back(project, drafts)
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
    return prepared, seen


# -- questions ---------------------------------------------------------------------------------------------------------


def _choose() -> Pattern:
    from pgmig_tui.project.author.patterns.every import BY_NAME, PATTERNS

    for number, one in enumerate(PATTERNS, 1):
        output.note(line((f"{number:>3}  ", "muted"), (f"{one.name:<18}", "strong"), one.title))
    while True:
        said = _needed("Which pattern? (number or name)")
        if said.isascii() and said.isdigit() and 0 < int(said) <= len(PATTERNS):
            return PATTERNS[int(said) - 1]
        if said in BY_NAME:
            return BY_NAME[said]
        output.note(line((safe(f"There is no pattern {said}."), "waiting")))


def _ask_answers(pattern: Pattern, said: _Said, *, every: bool) -> None:
    """Ask what isn't said: what is needed, or with `every` what isn't as well."""
    for question in pattern.questions:
        if question.field not in said.texts and (question.needed or every):
            found = _answer(question)
            if found:
                said.texts[question.field] = [found]


def _answer(question: Question) -> str:
    from pgmig_tui.project.author.patterns.asked import read

    asked = question.asked
    if asked.kind == "flag":
        return "yes" if ask_yes(asked.text) else ""
    hint = f" [{', '.join(asked.choices)}]" if asked.choices else "" if question.needed else " [Enter: no]"
    while True:
        text = _needed(asked.text + hint) if question.needed else _heard(asked.text + hint)
        if not text:
            return ""
        try:
            text = _file(text) if asked.kind == "sql" else text
            read(question, [text])
        except UsageError as error:
            output.note(line((safe(f"{error.what} {error.do}"), "waiting")))
        else:
            return text


def _file(name: str) -> str:
    """The text of a file that a person names. Raises UsageError."""
    from pgmig_tui.script.regular import SCRIPT_BYTES, read_bounded

    try:
        return read_bounded(Path.cwd() / name, SCRIPT_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"The file {name} can't be read: {why}.", now=_NOTHING, do="Name an SQL file.") from None


def _needed(question: str) -> str:
    while True:
        if text := _heard(question):
            return text


def _heard(question: str) -> str:
    text = ask(question)
    if text is None:
        raise Refused("You ended the questions.", now=_NOTHING)
    return text


# -- what is told ------------------------------------------------------------------------------------------------------


def _show(seen: Sequence[NewChangeView]) -> None:
    """The scripts as they will be, their impact, and what lint says."""
    from pgmig_tui.cli.impact import show
    from pgmig_tui.gates.impacts import NEWEST

    for one in seen:
        for kind, data in one.change.scripts.items():
            output.say(line((f"-- {kind}: {safe(one.change.name)}", "title")))
            output.text_out(safe(data.decode(), multiline=True) + "\n")
    output.say(line(("Impact of the deploy scripts", "title")))
    show([one.deploy for one in seen], "table", NEWEST, None)
    output.say()
    output.say(line(("Impact of the revert scripts", "title")))
    show([one.revert for one in reversed(seen)], "table", NEWEST, None)
    output.say()
    for each in seen:
        for finding in each.findings:
            place = f"{finding.path}:{finding.line}: {finding.severity} {finding.code}: {finding.reason}"
            output.say(line((safe(place), "muted")))
    for each in seen:
        wanted = each.change.wanted
        needs = f"requires {', '.join(wanted.requires)}" if wanted.requires else "requires nothing of this plan"
        output.say(line((safe(wanted.name), "strong"), safe(f"  {needs}")))


def _tell(project: Project, prepared: Prepared, seen: Sequence[NewChangeView]) -> None:
    if output.is_quiet():
        return
    for text in prepared.said:
        output.say(safe(text))
    names = " ".join(one.change.name for one in seen)
    told = f"Next: read the scripts, then try them in databases of our own: pgmig-tui test {names}"
    output.note(line((safe(told), "muted")))


def _plan_of(prepared: Prepared) -> str:
    return str(prepared.plan_file.shown) if prepared.plan_file else "the plan"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
