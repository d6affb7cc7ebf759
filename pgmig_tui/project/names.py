"""Names of projects, changes and tags, and the dependencies that are written with them.

Source: Sqitch 1.3.1, `sqitchchanges` and `sqitch-add` manual pages; behaviour observed on the program.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Unicode horizontal space, what Perl calls [[:blank:]].
BLANK = "\t \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
BLANKS = "\t \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_PUNCTUATION = frozenset("-!\"#$%&'()*+,./:;<=>?@[\\]^`{|}~")  # ASCII, without the underscore
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_FORBIDDEN = re.compile(rf"[{BLANK}:@#\\\x00]")
_SYMBOLIC = re.compile(r"[~/=%^]\d+\Z")
_ID = re.compile(r"[0-9a-f]{40}")

NAME_RULE = (
    "a name without blanks, ':', '@', '#' and '\\', that begins with a letter, digit or '_' and ends in one, "
    "not in digits after '~', '/', '=', '%' or '^'"
)


@dataclass(frozen=True, slots=True)
class NameProblem:
    """Why a name is refused; `offset` counts characters from the name's beginning."""

    offset: int
    message: str


def name_problem(name: str) -> NameProblem | None:
    """Return what is wrong with `name` by the rules for projects, changes, tags and dependencies, or None."""
    if _PLAIN_NAME.fullmatch(name):
        return None
    if not name:
        return NameProblem(0, "Invalid name; it is empty")
    if found := _FORBIDDEN.search(name):
        shown = "a NUL character" if found[0] == "\0" else "a blank" if found[0] in BLANKS else f'"{found[0]}"'
        return NameProblem(found.start(), f'Invalid name "{name}"; names must not contain {shown}')
    if name[0] in _PUNCTUATION:
        return NameProblem(0, f'Invalid name "{name}"; names must not begin with punctuation')
    if not _is_word(name[-1]):
        return NameProblem(len(name) - 1, f'Invalid name "{name}"; names must end in a letter, a digit or "_"')
    if found := _SYMBOLIC.search(name):
        return NameProblem(
            found.start(), f'Invalid name "{name}"; names must not end in digits that follow punctuation'
        )
    return None


def plan_name_problem(name: str, *, tag: bool) -> NameProblem | None:
    """As `name_problem`, with the further rules for a change or tag that is declared in a plan."""
    if problem := name_problem(name):
        return problem
    if name in ("HEAD", "ROOT"):
        return NameProblem(0, f'"{"@" if tag else ""}{name}" is a reserved name')
    if name == "0":
        return NameProblem(0, 'Invalid name "0"; Sqitch takes it for an empty name')
    if _ID.match(name):
        return NameProblem(0, f'"{name}" is invalid because it could be confused with a SHA1 ID')
    if tag and "/" in name:
        return NameProblem(name.index("/"), f'Tag "{name}" contains illegal character /')
    return None


@dataclass(frozen=True, slots=True)
class Dependency:
    """A requirement, or a conflict, of a change.

    `project` is None for the plan's own project; `tag` has no "@"; `text` is the normal form that enters IDs and the
    registry: without "!" and without the own project's prefix.
    """

    conflict: bool
    project: str | None
    change: str | None
    tag: str | None
    change_id: str | None
    text: str

    @property
    def key(self) -> str:
        """The specification inside its project: `change`, `change@tag`, `@tag` or an ID."""
        return self.text if self.project is None else self.text[len(self.project) + 1 :]


def parse_dependency(token: str, own_project: str) -> Dependency | NameProblem:
    """Read one token of a dependency list: `!`? (`project:`)? (ID | `change` (`@tag`)? | `@tag`)."""
    conflict = token.startswith("!")
    rest = token[1:] if conflict else token
    project: str | None = None
    bad = NameProblem(0, f'"{token}" is not a valid dependency specification')
    if ":" in rest:
        project, rest = rest.split(":", 1)
        if name_problem(project):
            return bad
    if not rest:
        return NameProblem(0, f'"{token}" is not a valid dependency specification; it names no change, tag or ID')
    if project == own_project:
        project = None
    prefix = "" if project is None else f"{project}:"
    if _ID.fullmatch(rest):
        if project is None:
            message = f'"{token}" is not a valid dependency specification; an ID needs the name of another project'
            return NameProblem(0, message)
        return Dependency(conflict, project, None, None, rest, prefix + rest)
    change, at, tag = rest.partition("@")
    if (change and name_problem(change)) or (at and name_problem(tag)):
        return bad
    return Dependency(conflict, project, change or None, tag or None, None, prefix + rest)


def is_id(text: str) -> bool:
    """True when `text` is a full change or tag ID: 40 lowercase hexadecimal digits."""
    return _ID.fullmatch(text) is not None


def _is_word(character: str) -> bool:
    """Perl's `\\w`: alphabetic characters, marks, decimal digits, connectors and joiners; unlike Python's, not "²"."""
    kind = unicodedata.category(character)
    return (
        kind[0] in "LM"
        or kind in ("Nd", "Nl", "Pc")
        or character in "\u200c\u200d"
        or "\u24b6" <= character <= "\u24e9"
        or "\U0001f130" <= character <= "\U0001f189"
    )
