"""A plan file that is to be written again: its lines as Sqitch writes them, and what is added among them.

Sqitch reads a plan into objects and writes all of them back, so that a line comes out normalised even where only
another one was added. Source: Sqitch 1.3.1, as observed on the program; `tests/project/test_author_like_sqitch.py`
compares with it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pgmig_tui.errors import ProjectError, UsageError
from pgmig_tui.project.changes import Change, Plan
from pgmig_tui.project.names import BLANKS, Dependency
from pgmig_tui.project.plan import PlanErrors, parse_plan
from pgmig_tui.project.plan_lines import ITEM, NOTHING, PRAGMA, SPACE, read_note

NOTHING_CHANGED = "Nothing was changed."
VERSION_LINE = "%syntax-version=1.0.0"
_TO_ESCAPE = re.compile(r"[\r\n\\]")
_ESCAPES = {"\n": "\\n", "\r": "\\r", "\\": "\\\\"}


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan as it was read. `path` is absolute, `shown` is what messages call it."""

    path: Path
    shown: Path
    data: bytes
    plan: Plan

    @classmethod
    def of(cls, path: Path, shown: Path, data: bytes) -> PlanFile:
        """Raises PlanErrors when the bytes are no valid plan: what can't be read whole is never written again."""
        return cls(path, shown, data, parse_plan(data, shown))

    def lines(self, renamed: tuple[str, str] = ("", "")) -> list[str]:
        """The lines as Sqitch writes them, without line feeds. `place` says where a line of the file stands there. A
        change is `renamed` from one name to another, there and where others depend on it."""
        texts = [text.removesuffix("\r") for text in self.data.decode().removesuffix("\n").split("\n")]
        changes = {change.line: change for change in self.plan.changes}
        written: list[str] = []
        header = True
        for number, text in enumerate(texts, 1):
            if found := NOTHING.match(text):
                note = read_note(found[1] or "")
                indent = text[: len(text) - len(text.lstrip(BLANKS))]
                written.append(f"{indent}{written_note(note)}")
                header = header and note not in ("", "0")
            elif header:
                written.append(_pragma(text))
            else:
                written.append(_item(text, changes.get(number), renamed))
        return written if self._has_version else [VERSION_LINE, *written]

    def place(self, line: int) -> int:
        """Where the line of that number (from 1) stands in `lines`, from 0."""
        return line - 1 if self._has_version else line

    def edited(self, lines: Sequence[str], *, same: int | None = None) -> PlanFile:
        """The file with these lines. The first `same` changes (default: all that it has) keep their IDs.

        Raises ProjectError where Sqitch would write a plan that neither program can read again, or that isn't the plan
        any more that was deployed.
        """
        try:
            data = "".join(f"{text}\n" for text in lines).encode()
        except UnicodeEncodeError:
            raise ProjectError(
                "What is to be written into the plan isn't UTF-8.", now=NOTHING_CHANGED, do="Say it in UTF-8."
            ) from None
        try:
            found = PlanFile.of(self.path, self.shown, data)
        except PlanErrors as error:
            raise ProjectError(
                f"{self.shown} could not be read any more with that in it.",
                now=NOTHING_CHANGED,
                do="Correct the plan, or say the dependencies otherwise: `pgmig-tui help changes` tells how.",
                details=[f"{one.message} (line {one.line})" for one in error.problems],
            ) from None
        kept = self.plan.changes[:same]
        if [one.change_id for one in kept] != [one.change_id for one in found.plan.changes[: len(kept)]]:
            raise ProjectError(
                f"To write {self.shown} again would give changes in it another ID.",
                now=NOTHING_CHANGED,
                do="Correct its pragmas and comments by hand: they are not what they seem to be.",
            )
        return found

    @property
    def _has_version(self) -> bool:
        return any(name == "syntax-version" for name, _ in self.plan.pragmas)


def written_note(note: str) -> str:
    """A note as it stands in a plan, "" for none."""
    return f"# {_TO_ESCAPE.sub(lambda found: _ESCAPES[found[0]], note)}" if note else ""


def given_note(parts: Sequence[str]) -> str:
    """What several `-n` make: paragraphs, read as a note in a plan is (so `\\n` is a line feed). Raises UsageError."""
    text = "\n\n".join(parts)
    if any("\ud800" <= one <= "\udfff" for one in text):
        raise UsageError("The note isn't UTF-8.", now=NOTHING_CHANGED, do="Say it in UTF-8.")
    return text if text == "0" else read_note(text)


def dependency_list(requires: Sequence[Dependency], conflicts: Sequence[Dependency]) -> str:
    """Dependencies as a plan has them: requirements first, in their normal form. "" for none."""
    tokens = [*(one.text for one in requires), *(f"!{one.text}" for one in conflicts)]
    return f"[{' '.join(tokens)}]" if tokens else ""


def item_line(name: str, dependencies: str, planned_at: str, planner: str, note: str) -> str:
    """A line that is added. `name` of a tag with its @."""
    blank = " " if note not in ("", "0") else ""  # "0" is false in Perl
    return " ".join(one for one in (name, dependencies, planned_at, planner) if one) + blank + written_note(note)


def _pragma(text: str) -> str:
    """Of a pragma blanks stay where they are; its note isn't trimmed."""
    head, sign, note = text.partition("#")
    bare = head.rstrip(BLANKS)
    found = PRAGMA.match(bare)
    assert found  # the plan was read
    name, value = found[2], found[3]
    if name == "syntax-version":
        bare = (bare[: found.start(3)] if value is not None else bare) + "1.0.0"
    elif value is not None:
        bare = bare[: found.start(3)] + value.rstrip(SPACE)
    return bare + head[len(head.rstrip(BLANKS)) :] + (written_note(note.lstrip(BLANKS)) if sign else "")


def _item(text: str, change: Change | None, renamed: tuple[str, str]) -> str:
    """A change or, without one, a tag. Blanks before, around the operator, behind a change's name and before the note
    stay; all others become one."""
    found = ITEM.match(text)
    assert found  # the plan was read
    _, _, name, _, planned_at, planner, email, note = found.groups()
    before, rest = text[: found.start(3)], f"{planned_at} {planner} <{email}>"
    if change is None:
        middle = f"{name} "
    else:
        behind = text[found.end(3) :]
        old, new = renamed
        name = new if name == old else name
        needs = [[_renamed(one, old, new) for one in some] for some in (change.requires, change.conflicts)]
        listed = dependency_list(*needs)
        blanks = behind[: len(behind) - len(behind.lstrip(BLANKS))]
        middle = f"{name}{blanks}{listed}{' ' * bool(listed)}"
    end = found.start(8) - 1 if note is not None else len(text)
    return before + middle + rest + text[found.end(7) + 1 : end] + written_note(read_note(note or ""))


def _renamed(dependency: Dependency, old: str, new: str) -> Dependency:
    if dependency.project is not None or dependency.change != old:
        return dependency
    tag = f"@{dependency.tag}" if dependency.tag else ""
    return replace(dependency, change=new, text=f"{new}{tag}")
