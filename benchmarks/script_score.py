"""What was predicted of whole scripts against what came: which statements are wrong and how, and figures of all.

A statement is right when its strong locks (SHARE UPDATE EXCLUSIVE and more) and its rewrites are exact, when it fails
if and only if that was told, and when nothing is destroyed of which nothing was told. What is told as possible need not
come, and bounds what may: that is right too. A statement that isn't right, but of which something was said to be
unknown, counts as unknown and not as wrong. Failures that rows or other servers cause aren't scored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from lock_runner import Line
from lock_score import STRONG, Locks, Tally, as_json, is_dml, rewrites
from script_runner import Outcome

from pgmig_tui.impact.modes import LockMode
from pgmig_tui.impact.result import Lock

_OUTSIDE = ("08", "21", "22", "23", "44", "53", "57", "58", "P0", "XX")
"""Classes of SQLSTATE whose errors come from rows, from other servers or from the machine: nobody can tell before."""
_ROW_REFUSED = "new row violates row-level security policy"
_CALLED = re.compile(r"^what ([\w.$\"]+)\(\) does")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the prediction of one statement. `wrong` says how, "" = right; `unknown`: it was said."""

    line: Line
    wrong: tuple[str, ...] = ()
    unknown: bool = False
    scored: bool = True
    hidden: bool = False
    """Nothing was told, not even that something isn't known, and there was something."""


def judged(outcome: Outcome) -> Iterator[Verdict]:
    for position, line in enumerate(outcome.lines):
        yield _judge(line, outcome.lost.get(position, frozenset()))


def _judge(line: Line, lost: frozenset[str]) -> Verdict:
    impact, truth = line.impact, line.truth
    outside = truth.why_not.startswith("not in a transaction")
    if impact is None or (truth.why_not and not outside):
        return Verdict(line, scored=False)
    unsure = bool(impact.unknown)
    if truth.error:
        told = impact.problem is not None or (impact.needs_no_transaction and truth.sqlstate == "25001")
        if not told and (truth.sqlstate.startswith(_OUTSIDE) or _ROW_REFUSED in truth.error):
            return Verdict(line, scored=False)
        return Verdict(line, () if told else (f"fails, untold: {truth.error}",), unsure)
    if outside:
        return Verdict(line, tuple(_outside(line)), unsure)
    wrong = [f"told to fail: {impact.problem.message}"] if impact.problem is not None else []
    wanted, really = compared(line)
    for name in sorted({*wanted, *really}):
        one, other = wanted.get(name), really.get(name)
        if one != other and max(one or 0, other or 0) >= STRONG:
            wrong.append(f"{name}: told {_word(one)}, is {_word(other)}")
    told_files, files = rewrites(line)
    told_files -= {lock.name for lock in impact.locks if lock.certainty == "possible"} - files
    if told_files != files:
        wrong.append(f"rewrites told {_names(told_files)}, are {_names(files)}")
    if lost and not impact.data_loss.final and not impact.void:  # what the script itself rolls back is none
        wrong.append(f"loss untold: {_names(lost)}")
    hidden = not impact.locks and not impact.unknown and impact.problem is None and bool(really or lost)
    return Verdict(line, tuple(wrong), unsure, hidden=hidden)


def _outside(line: Line) -> Iterator[str]:
    """Of a statement that ran outside of a transaction some locks may have come and gone unseen."""
    wanted, really = compared(line)
    for name, mode in sorted(really.items()):
        if mode >= STRONG and wanted.get(name, 0) < mode:
            yield f"{name}: told {_word(wanted.get(name))}, is {_word(mode)}"


def compared(line: Line) -> tuple[Locks, Locks]:
    """Prediction and truth, without what shows nowhere because it was held, and with possible locks as they came."""
    locks: tuple[Lock, ...] = line.impact.locks if line.impact is not None else ()
    wanted: Locks = {lock.name: lock.mode for lock in locks if not lock.new}
    unsure = {lock.name for lock in locks if lock.certainty == "possible"}
    truth = dict(line.truth.locks)
    for name, modes in line.truth.held.items():
        mode = wanted.get(name)
        if mode is not None and mode in modes and truth.get(name, 0) < mode:
            wanted.pop(name)
            truth.pop(name, None)
    for name in unsure & set(wanted):
        really = truth.get(name)
        if really is None:
            del wanted[name]
        elif really <= wanted[name]:
            wanted[name] = really
    return wanted, truth


def _word(mode: LockMode | None) -> str:
    return "none" if mode is None else LockMode(mode).sql_name


def _names(names: Iterable[Any]) -> str:
    return ", ".join(sorted(map(str, names))) or "none"


@dataclass(slots=True)
class ScriptScore:
    """All cases of a run. `known` tells whether a function of that name is in pg_catalog and nowhere else."""

    known: Callable[[str], bool]
    verdicts: list[Verdict] = field(default_factory=list)
    deployed: list[Verdict] = field(default_factory=list)
    """Those up to the first statement of a case that really failed, and that one: there a deployment ends."""
    strong: dict[str, Tally] = field(default_factory=dict)
    weak: Tally = field(default_factory=Tally)
    false_unknown: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    cases: int = 0
    broken: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> list[Verdict]:
        """Count a case; its verdicts."""
        self.broken += [f"{outcome.case.name}: {problem}" for problem in outcome.problems]
        self.cases += 1
        self.slowest = max(self.slowest, (outcome.seconds, outcome.case.name))
        found = list(judged(outcome))
        for one in found:
            self._count(one)
        self.verdicts += [one for one in found if one.scored]
        end = next((n for n, one in enumerate(found) if one.line.truth.error), len(found))
        self.deployed += [one for one in found[: end + 1] if one.scored]
        return found

    def _count(self, one: Verdict) -> None:
        line = one.line
        for text in line.impact.unknown if line.impact is not None else ():
            called = _CALLED.match(text)
            if called and self.known(called[1].rpartition(".")[2].strip('"')):
                self.false_unknown.append(f"{line.file}:{line.statement.line}: {text}")
        if not one.scored or line.truth.error or line.truth.why_not:
            return
        wanted, truth = compared(line)
        told, really = rewrites(line)
        family = "DML" if is_dml(line) else "DDL"
        self.strong.setdefault(family, Tally()).add(_part(wanted, strong=True), _part(truth, strong=True), told, really)
        kinds = {lock.name: lock.relkind for lock in line.impact.locks} if line.impact is not None else {}
        kinds.update(line.truth.kinds)
        indexes = frozenset(name for name, kind in kinds.items() if kind in "iI")
        self.weak.add(
            _part(wanted, strong=False, without=indexes), _part(truth, strong=False, without=indexes), told, really
        )

    def report(self) -> str:
        hidden = [one for one in self.verdicts if one.hidden]
        rows = [f"{self.cases} cases, {len(self.verdicts)} statements with a truth"]
        rows.append(_figure("past every failure", self.verdicts))
        rows.append(_figure("as a deployment runs it, to the first failure of each script", self.deployed))
        failed = [one.line for one in self.verdicts if one.line.truth.error and not one.wrong]
        coded = sum(1 for line in failed if _code(line) == line.truth.sqlstate)
        rows.append(f"failures told with the server's SQLSTATE: {coded} of {len(failed)}")
        for family, tally in sorted(self.strong.items()):
            rows.append(
                f"{family}, SUE and stronger: precision {_rate(tally.hit, tally.hit + tally.extra)}, "
                f"recall {_rate(tally.hit, tally.hit + tally.missed)}, exact {_rate(tally.exact, tally.statements)}"
            )
        rows.append(f"weaker locks: exact {_rate(self.weak.exact, self.weak.statements)}")
        rows.append(f"nothing told where there was something: {len(hidden)}")
        rows.append(f"functions of pg_catalog said to be unknown: {len(self.false_unknown)}")
        rows.append(f"slowest prediction: {self.slowest[0]:.2f} s ({self.slowest[1]})")
        rows += [f"  {text}" for text in self.false_unknown]
        rows += [f"not set up: {text}" for text in self.broken]
        return "\n".join(rows)


def _figure(what: str, verdicts: list[Verdict]) -> str:
    wrong = sum(1 for one in verdicts if one.wrong and not one.unknown)
    unknown = sum(1 for one in verdicts if one.wrong and one.unknown)
    right = len(verdicts) - wrong - unknown
    rate = _rate(right, len(verdicts))
    return f"{what}: right {right} of {len(verdicts)} ({rate}), said to be unknown {unknown}, wrong {wrong}"


def _code(line: Line) -> str:
    problem = line.impact.problem if line.impact is not None else None
    return problem.sqlstate if problem is not None else ""


def _part(locks: Locks, *, strong: bool, without: frozenset[Any] = frozenset()) -> Locks:
    return {name: mode for name, mode in locks.items() if (mode >= STRONG) is strong and name not in without}


def _rate(part: int, whole: int) -> str:
    return f"{part / whole:.4f}" if whole else "-"


def explained(one: Verdict, *, weak: bool) -> list[str]:
    """The lines that tell of a statement that isn't right; with `weak` those that are wrong in weaker locks, too."""
    line, wrong = one.line, list(one.wrong)
    if one.scored and weak and not line.truth.error and not line.truth.why_not:
        wanted, truth = compared(line)
        for name in sorted({*wanted, *truth}):
            told, really = wanted.get(name), truth.get(name)
            if told != really and max(told or 0, really or 0) < STRONG and line.truth.kinds.get(name, "r") not in "iI":
                wrong.append(f"weak: {name}: told {_word(told)}, is {_word(really)}")
    if not wrong and not one.hidden:
        return []
    head = f"{line.file}:{line.statement.line}: {' '.join(line.statement.text.split())[:200]}"
    found = [head, *(f"    {text}" for text in wrong)]
    if one.hidden:
        found.append("    nothing was told")
    return [*found, *(f"    unknown: {text}" for text in (line.impact.unknown if line.impact is not None else ()))]


def verdict_json(case: str, one: Verdict, lost: frozenset[str]) -> dict[str, Any]:
    """A line of the results: that of the statement alone, and what is wrong with it."""
    impact = one.line.impact
    return {
        "case": case,
        **as_json(one.line),
        "wrong": list(one.wrong),
        "hidden": one.hidden,
        "lost": sorted(lost),
        "loss_class": impact.data_loss.loss_class if impact is not None else None,
        "problem": impact.problem.message if impact is not None and impact.problem is not None else None,
        "sqlstate": [_code(one.line), one.line.truth.sqlstate],
    }
