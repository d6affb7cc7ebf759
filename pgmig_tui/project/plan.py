"""Reads `sqitch.plan`: all of its grammar, all of its errors at once, and the IDs of what it declares.

Source: Sqitch 1.3.1, `sqitch-plan` and `sqitchchanges` manual pages; grammar and messages as observed on the program.
Where Sqitch stops at the first error, or dies in its date library, this reader names every error with line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pgmig_tui.errors import ProjectError
from pgmig_tui.project.changes import Change, DeployedLike, Plan, PlanProblem, Tag, find_deployed
from pgmig_tui.project.ids import IdMaker, object_id, plain_uri
from pgmig_tui.project.names import (
    BLANK,
    BLANKS,
    NAME_RULE,
    Dependency,
    NameProblem,
    name_problem,
    parse_dependency,
    plan_name_problem,
)
from pgmig_tui.project.plan_lines import (
    HEAD,
    ITEM,
    LINE_RULE,
    NOTHING,
    PRAGMA,
    PRAGMA_NAME,
    TIMESTAMP_RULE,
    missing_part,
    read_note,
    split_tokens,
    timestamp_problem,
)
from pgmig_tui.script.regular import PLAN_BYTES, Inside, read_regular

__all__ = [
    "Change",
    "Dependency",
    "DeployedLike",
    "Plan",
    "PlanErrors",
    "PlanProblem",
    "Tag",
    "find_deployed",
    "parse_plan",
    "read_plan",
]


class PlanErrors(ProjectError):
    """A plan file that can't be used; `problems` are all of its errors in order of their lines."""

    def __init__(self, path: Path, problems: tuple[PlanProblem, ...]) -> None:
        count = "1 error" if len(problems) == 1 else f"{len(problems)} errors"
        super().__init__(
            f"The plan {path} can't be read: {count}.",
            now="Nothing was changed.",
            do="Correct the plan and try again.",
            details=[str(problem) for problem in problems],
        )
        self.path = path
        self.problems = problems


def read_plan(path: Path, shown: Path | None = None, inside: Inside | None = None) -> Plan:
    """Read the plan file at `path`, which must lie `inside` its project, or where a person has said; messages name it
    `shown`. Raises ProjectError when there is no such file."""
    shown = shown or path
    try:
        if path.exists() and not path.is_file():
            raise ProjectError(f"Plan file {shown} is not a regular file")
        data = read_regular(path, PLAN_BYTES) if inside is None else inside.read(path, PLAN_BYTES)
    except FileNotFoundError:
        raise ProjectError(f"Plan file {shown} does not exist") from None
    except OSError as error:
        raise ProjectError(f"Cannot open {shown}: {error.strerror}") from None
    return parse_plan(data, shown)


def parse_plan(data: bytes, path: Path) -> Plan:
    """Return the plan that `data` holds. Raises PlanErrors, with all errors, when it isn't a valid plan."""
    return _PlanReader(path).read(data)


@dataclass(slots=True)
class _Item:
    """A change or tag line, as read. `position` counts inside its section, `known` are its tags."""

    is_tag: bool
    operator: str
    name: str
    timestamp: str
    planner_name: str
    planner_email: str
    note: str
    line: int
    requires: tuple[Dependency, ...] = ()
    conflicts: tuple[Dependency, ...] = ()
    tags: list[_Item] = field(default_factory=list)


class _PlanReader:
    """Reads one file. Errors are gathered; a line that has one still declares its name, so that no second error
    follows from the first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[PlanProblem] = []
        self.lines: list[str] = []
        self.pragmas: dict[str, str] = {}
        self.project = ""
        self.changes: list[_Item] = []
        self.section: list[_Item] = []  # changes since the last tag
        self.section_lines: dict[str, int] = {}  # name -> line, in this section
        self.finished: dict[str, int] = {}  # name or @tag -> its latest line, in finished sections
        self.unreadable: set[str] = set()  # name-like words of lines whose name couldn't be read
        self.good_names: set[tuple[str, bool]] = set()
        self.good_times: set[str] = set()
        self.dependencies: dict[str, Dependency] = {}
        self.shared: dict[str, str] = {}

    # -- the file ------------------------------------------------------------------------------------------------------

    def read(self, data: bytes) -> Plan:
        self.lines = self._decode(data)
        first = self._header()
        for number in range(first, len(self.lines)):
            text = self.lines[number]
            if found := ITEM.match(text):
                self._item(number + 1, found)
            elif not NOTHING.match(text):
                self._broken(number + 1, text)
        self._close_section()
        if self.problems:
            self.problems.sort(key=lambda problem: (problem.line, problem.column))
            raise PlanErrors(self.path, tuple(self.problems))
        return self._plan()

    def _decode(self, data: bytes) -> list[str]:
        if data.startswith(b"\xef\xbb\xbf"):
            data = data[3:]
            self._problem(1, 1, "The file begins with a byte order mark, which Sqitch refuses", "UTF-8 without a mark")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode(errors="replace")
            for number, raw in enumerate(data.split(b"\n"), 1):
                try:
                    raw.decode()
                except UnicodeDecodeError as error:
                    column = len(raw[: error.start].decode()) + 1
                    self._problem(number, column, f"Byte 0x{raw[error.start]:02X} is not valid UTF-8", "UTF-8 text")
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
        return [line[:-1] if line.endswith("\r") else line for line in lines] if "\r" in text else lines

    def _header(self) -> int:
        """Read the pragmas; return the index of the first line of the body."""
        number = 0
        for number, text in enumerate(self.lines, 1):
            if found := NOTHING.match(text):
                if read_note(found[1] or "") in ("", "0"):
                    break
                continue
            if not self._pragma(number, text):
                message = "Invalid pragma; a blank line must come between pragmas and changes"
                self._problem(number, 1, message, "%name=value, a comment or an empty line")
                if not text.lstrip(BLANKS).startswith("%"):
                    number -= 1  # read it again, as the body's
                    break
        project = self.pragmas.get("project", "")
        tried = any(
            re.match(rf"[{BLANK}]*%[{BLANK}]*project[{BLANK}]*(?:[=#]|\Z)", text) for text in self.lines[:number]
        )
        if project == "0" or not (project or tried):
            at = f" before the empty line {number}" if number and number < len(self.lines) else ""
            self._problem(max(number, 1), 1, f"Missing %project pragma in {self.path.name}", f"%project=name{at}")
        self.project = project
        return number

    def _pragma(self, number: int, text: str) -> bool:
        text = text.partition("#")[0].rstrip(BLANKS)
        found = PRAGMA.match(text)
        if not found or not PRAGMA_NAME.fullmatch(found[2]):
            return False
        name, value = found[2], found[3]
        if name == "project" and (problem := name_problem(value or "")):
            column = (found.start(3) if value else len(text)) + 1 + problem.offset
            self._problem(number, column, f'invalid project name "{value or ""}": {problem.message}', NAME_RULE)
        self.pragmas[name] = "1.0.0" if name == "syntax-version" else "1" if value is None else value
        return True

    # -- lines of the body ---------------------------------------------------------------------------------------------

    def _item(self, number: int, found: re.Match[str]) -> None:
        at, operator, name, dependencies, timestamp, planner, email, note = found.groups()
        is_tag = at is not None
        if (name, is_tag) not in self.good_names:
            if problem := plan_name_problem(name, tag=is_tag):
                self._name_problem(number, found.start(3), name, problem)
                return
            self.good_names.add((name, is_tag))
        if timestamp not in self.good_times:
            if message := timestamp_problem(timestamp):
                self._problem(number, found.start(5) + 1, f"Invalid timestamp {timestamp}: {message}", TIMESTAMP_RULE)
            self.good_times.add(timestamp)
        share = self.shared.setdefault
        item = _Item(
            is_tag,
            operator or "",
            name,
            share(timestamp, timestamp),
            share(planner, planner),
            share(email, email),
            read_note(note) if note else "",
            number,
        )
        if "\0" in item.planner_name or "\0" in item.planner_email or "\0" in item.note:
            self._problem(
                number, self.lines[number - 1].index("\0") + 1, "A NUL character, which PostgreSQL can't store"
            )
        if is_tag:
            if dependencies:
                self._problem(number, found.start(4), "Tags may not specify dependencies", "@name timestamp planner")
            self._tag(item)
            return
        if dependencies:
            self._depend(item, dependencies, found.start(4))
        self._change(item)

    def _change(self, item: _Item) -> None:
        if earlier := self.section_lines.get(item.name):
            message = f'Change "{item.name}" duplicates earlier declaration on line {earlier}'
            self._problem(item.line, self._column(item.line, item.name), message, "another name, or a tag between")
        self.section_lines[item.name] = item.line
        self.section.append(item)
        self.changes.append(item)

    def _tag(self, item: _Item) -> None:
        key = f"@{item.name}"
        if not self.changes:
            message = f'Tag "{item.name}" declared without a preceding change'
            self._problem(item.line, self._column(item.line, key), message, "a change before the first tag")
        elif earlier := self.finished.get(key):
            message = f'Tag "{item.name}" duplicates earlier declaration on line {earlier}'
            self._problem(item.line, self._column(item.line, key), message, "another name")
        else:
            self.changes[-1].tags.append(item)
        self._close_section()
        self.finished.setdefault(key, item.line)

    def _depend(self, item: _Item, text: str, start: int) -> None:
        requires: list[Dependency] = []
        conflicts: list[Dependency] = []
        seen: set[str] = set()
        for offset, token in split_tokens(text):
            dependency = self.dependencies.get(token)
            if dependency is None:
                read = parse_dependency(token, self.project)
                if isinstance(read, NameProblem):
                    expected = "a dependency right after [" if not token else "change, change@tag, @tag, project:change"
                    self._problem(item.line, start + offset + 1, read.message, expected)
                    continue
                dependency = self.dependencies[token] = read
            if token in seen:
                self._problem(item.line, start + offset + 1, f'Duplicate dependency "{token}"', "each dependency once")
            seen.add(token)
            (conflicts if dependency.conflict else requires).append(dependency)
        item.requires, item.conflicts = tuple(requires), tuple(conflicts)

    # -- dependencies of a section -------------------------------------------------------------------------------------

    def _close_section(self) -> None:
        """Check the requirements of the section that ends here, as Sqitch does: order inside the project only."""
        seen: set[str] = set()
        for item in self.section:
            for dependency in item.requires:
                if dependency.project is None and dependency.key not in seen and not self._planned_before(dependency):
                    self._unmet(item, dependency)
            seen.add(item.name)
        self.finished.update(self.section_lines)
        self.section, self.section_lines = [], {}

    def _planned_before(self, dependency: Dependency) -> bool:
        if dependency.change is None or dependency.tag is None:
            return dependency.key in self.finished
        tag_line = self.finished.get(f"@{dependency.tag}", 0)
        return self.finished.get(dependency.change, tag_line) < tag_line

    def _unmet(self, item: _Item, dependency: Dependency) -> None:
        key = dependency.key
        expected = "a change or tag that stands earlier in the plan"
        if key == item.name:
            message = f'Change "{key}" cannot require itself'
        elif later := self.section_lines.get(key):
            distance = self._distance(item, key)
            count = "1 change" if distance == 1 else f"{distance} changes"
            message = f'Change "{item.name}" planned {count} before required change "{key}"'
            expected = f'"{item.name}" below line {later}, where "{key}" stands'
        elif (dependency.change or dependency.tag or "") in self.unreadable:
            return
        else:
            message = f'Unknown change "{key}" required by change "{item.name}"'
        self._problem(item.line, self._column(item.line, key, after=item.name), message, expected)

    def _distance(self, item: _Item, name: str) -> int:
        names = [other.name for other in self.section]
        return names.index(name) - names.index(item.name)

    # -- lines that don't match ----------------------------------------------------------------------------------------

    def _broken(self, number: int, text: str) -> None:
        """Say what a line that is no change or tag lacks."""
        head = text.partition("#")[0].rstrip(BLANKS)
        if not head:
            self._problem(number, text.index("#") + 1, "Invalid name; a lone # is no comment", "text after the #")
            return
        if head.lstrip(BLANKS).startswith("%"):
            message = "Invalid name; pragmas end at the first empty line"
            self._problem(number, head.index("%") + 1, message, "pragmas at the top of the file")
            return
        found = HEAD.match(head)
        assert found  # every part of it may be empty
        at, operator, name = found.groups()
        name, start, rest, offset = name, found.start(3), head[found.end() :], found.end()
        is_tag = at is not None
        if problem := plan_name_problem(name, tag=is_tag):
            self._name_problem(number, start, name, problem)
            return
        self._problem(number, *missing_part(rest, offset))
        item = _Item(is_tag, operator or "", name, "", "", "", "", number)
        if is_tag:
            self._tag(item)
        else:
            self._change(item)

    def _name_problem(self, number: int, start: int, name: str, problem: NameProblem) -> None:
        self.unreadable.add(name)
        cut = name.find("[", 1)
        if cut > 0 and not name_problem(name[:cut]):
            self.unreadable.add(name[:cut])
            self._problem(number, start + cut + 1, "Invalid name; a blank must stand before [", LINE_RULE)
        else:
            self._problem(number, start + problem.offset + 1, problem.message, NAME_RULE)

    def _column(self, number: int, text: str, after: str = "") -> int:
        line = self.lines[number - 1]
        return line.find(text, line.find(after) + len(after)) + 1 or 1

    def _problem(self, line: int, column: int, message: str, expected: str = "") -> None:
        self.problems.append(PlanProblem(self.path, line, column, message, expected))

    # -- the result ----------------------------------------------------------------------------------------------------

    def _plan(self) -> Plan:
        uri = plain_uri(self.pragmas.get("uri", "")) or None
        make = IdMaker(self.project, None if uri == "0" else uri)
        following: dict[str, int] = {}
        superseded: list[int | None] = [None] * len(self.changes)
        for index in range(len(self.changes) - 1, -1, -1):
            name = self.changes[index].name
            superseded[index] = following.get(name)
            following[name] = index
        changes: list[Change] = []
        parent: str | None = None
        for index, item in enumerate(self.changes):
            change = _change(make, item, index, parent, superseded[index])
            changes.append(change)
            parent = change.change_id
        plan = Plan(self.project, uri, tuple(self.pragmas.items()), tuple(changes), self.path)
        warnings = tuple(self._warnings(plan))
        return Plan(plan.project, plan.uri, plan.pragmas, plan.changes, plan.path, warnings) if warnings else plan

    def _warnings(self, plan: Plan) -> Iterator[PlanProblem]:
        """What Sqitch accepts in a plan, and fails on at deploy, sometimes after the script ran."""
        for change in plan.changes:
            if len(change.requires) + len(change.conflicts) < 2 and not change.conflicts:
                continue
            seen: set[str] = set()
            for dependency in change.requires + change.conflicts:
                message = ""
                if dependency.text in seen:
                    message = f'Change "{change.name}" names "{dependency.text}" twice; its deploy will fail'
                elif dependency.conflict and dependency.project is None and plan.resolve(dependency) is None:
                    message = f'Unable to find change "{dependency.key}", in conflict with "{change.name}"'
                if message:
                    column = self._column(change.line, dependency.key, after=change.name)
                    yield PlanProblem(self.path, change.line, column, message)
                seen.add(dependency.text)


def _change(make: IdMaker, item: _Item, index: int, parent: str | None, superseded_by: int | None) -> Change:
    planner = f"{item.planner_name} <{item.planner_email}>"
    requires = [dependency.text for dependency in item.requires]
    conflicts = [dependency.text for dependency in item.conflicts]
    text = make.change_text(item.name, parent, planner, item.timestamp, requires, conflicts, item.note)
    change_id = object_id("change", text)
    return Change(
        item.name,
        change_id,
        parent,
        index,
        item.operator,
        item.timestamp,
        item.planner_name,
        item.planner_email,
        item.note,
        item.requires,
        item.conflicts,
        tuple(_tag(make, tag, change_id) for tag in item.tags) if item.tags else (),
        item.line,
        superseded_by,
    )


def _tag(make: IdMaker, item: _Item, change_id: str) -> Tag:
    planner = f"{item.planner_name} <{item.planner_email}>"
    tag_id = object_id("tag", make.tag_text(item.name, change_id, planner, item.timestamp, item.note))
    return Tag(
        item.name, tag_id, change_id, item.timestamp, item.planner_name, item.planner_email, item.note, item.line
    )
