"""The questions of `new`, at a terminal: which pattern, its answers, why, what it is called and depends on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import ask
from pgmig_tui.display.cells import line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError, Refused, UsageError, in_a_line

if TYPE_CHECKING:
    from pgmig_tui.project.author.patterns.asked import Pattern, Question

_NOTHING = "Nothing was changed."
NONE = "-"
"""What a person says for no answer, where Enter means another one."""


@dataclass(slots=True)
class Said:
    """What is known so far: `texts` are the answers by their fields, files read already. `requires` None: what is
    proposed."""

    day: date
    texts: dict[str, list[str]]
    description: str
    note: str
    requires: list[str] | None
    conflicts: list[str]


def choose() -> Pattern:
    """The pattern, by its number or name."""
    from pgmig_tui.project.author.patterns.every import BY_NAME, PATTERNS

    for number, one in enumerate(PATTERNS, 1):
        output.note(line((f"{number:>3}  ", "muted"), (f"{one.name:<18}", "strong"), one.title))
    while True:
        said = needed("Which pattern? (number or name)")
        if said.isascii() and said.isdigit() and 0 < int(said) <= len(PATTERNS):
            return PATTERNS[int(said) - 1]
        if said in BY_NAME:
            return BY_NAME[said]
        output.note(line((safe(f"There is no pattern {said}."), "waiting")))


def ask_answers(pattern: Pattern, said: Said, look: Callable[[], None], *, every: bool, again: bool) -> None:
    """Ask what isn't said: what is needed, or with `every` what isn't as well; `again` also what was said, which Enter
    keeps. `look` is called behind each answer."""
    for question in pattern.questions:
        known = said.texts.get(question.field)
        if again or (known is None and (question.needed or every)):
            _answer(question, said.texts)
            look()


def ask_more(said: Said, description: str, proposed: Sequence[str]) -> None:
    """Ask why it is wanted, what stands in its name, and what it requires. Enter takes what is known or made."""
    from pgmig_tui.project.author.numbering import require_description

    kept = f" [Enter: {said.note}]" if said.note else ""
    said.note = (heard if said.note else needed)(f"Why is it wanted? (the note){kept}") or said.note
    while True:
        text = heard(f"What stands in its name, behind day and number? [Enter: {said.description or description}]")
        try:
            said.description = require_description(text) if text else said.description
            break
        except UsageError as error:
            complain(error)
    known = proposed if said.requires is None else said.requires
    shown = " ".join(known) or "nothing"
    text = heard(f"Which changes does it require? (with blanks between; {NONE}: none) [Enter: {shown}]")
    if text:
        said.requires = [] if text == NONE else text.split()


def _answer(question: Question, texts: dict[str, list[str]]) -> None:
    from pgmig_tui.project.author.patterns.asked import read

    asked, field = question.asked, question.field
    known = texts.get(field)
    hints = [" | ".join(asked.choices)] if asked.choices else []
    if asked.kind == "flag":
        hints.append("yes/no")
    if known is not None:
        hints.append("Enter: as before" if asked.kind == "sql" else f"Enter: {', '.join(known)}")
        hints += [] if question.needed else [f"{NONE}: no answer"]
    elif not question.needed:
        hints.append("Enter: no")
    shown = asked.text + (f" [{'; '.join(hints)}]" if hints else "")
    while True:
        text = heard(shown) if known is not None or not question.needed else needed(shown)
        if not text:
            return
        if (text == NONE and known is not None and not question.needed) or (
            asked.kind == "flag" and text.lower() not in ("yes", "y")
        ):
            texts.pop(field, None)
            return
        try:
            value = file_text(text) if asked.kind == "sql" else text
            read(question, [value])
        except UsageError as error:
            complain(error)
        else:
            texts[field] = [value]
            return


def file_text(name: str) -> str:
    """The text of a file that a person names. Raises UsageError."""
    from pgmig_tui.script.regular import SCRIPT_BYTES, read_bounded

    try:
        return read_bounded(Path.cwd() / name, SCRIPT_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"The file {name} can't be read: {why}.", now=_NOTHING, do="Name an SQL file.") from None


def complain(error: PgmigError) -> None:
    """What is wrong with an answer, where another one can be given."""
    told = in_a_line("\n".join((error.what, *error.details, error.do)))
    output.note(line((safe(told), "waiting")))


def needed(question: str) -> str:
    """An answer that isn't empty."""
    while True:
        if text := heard(question):
            return text


def heard(question: str) -> str:
    """An answer, "" for Enter alone. Raises Refused when the person ends the questions."""
    text = ask(question)
    if text is None:
        raise Refused("You ended the questions.", now=_NOTHING)
    return text
