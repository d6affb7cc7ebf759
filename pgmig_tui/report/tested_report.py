"""A test of changes for CI: JUnit's XML, and Markdown for a job's summary or a merge request.

JUnit's XML is written down nowhere by its makers; these are the elements that Jenkins, GitLab and GitHub's actions
read: a suite a change, a case a step.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pgmig_tui.display import words
from pgmig_tui.display.markdown import prose
from pgmig_tui.display.safe import safe
from pgmig_tui.rehearse.tested import STEPS, ChangeTest, ChangeTests, CycleStep
from pgmig_tui.rehearse.tested_words import MARKS
from pgmig_tui.report.comment import Fold, comment, heading, row


def as_junit(found: ChangeTests) -> str:
    """The whole of it as JUnit's XML."""
    root = Element("testsuites", name=f"pgmig-tui test {safe(found.project)}", time=f"{found.seconds:.3f}")
    totals = {"tests": 0, "failures": 0, "skipped": 0}
    for one in found.changes:
        suite = SubElement(root, "testsuite", name=safe(one.change), time=f"{one.ms / 1000:.3f}")
        number = {"tests": 0, "failures": 0, "skipped": 0}
        for step in one.steps or (_NO_STEPS,):
            _case(suite, one, step, number)
        for key, value in number.items():
            suite.set(key, str(value))
            totals[key] += value
    _asked_in_vain(root, found, totals)
    for key, value in totals.items():
        root.set(key, str(value))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _asked_in_vain(root: Element, found: ChangeTests, totals: dict[str, int]) -> None:
    """Tables that got no rows, and queries that were never answered: a suite each, where there are any."""
    for suite_name, each in (("rows", found.unfilled), ("queries", found.unasked)):
        if not each:
            continue
        counts = {"tests": len(each), "failures": len(each), "skipped": 0}
        suite = SubElement(root, "testsuite", name=suite_name, time="0")
        for key, number in counts.items():
            suite.set(key, str(number))
            totals[key] += number
        for name, why in each.items():
            case = SubElement(suite, "testcase", classname=suite_name, name=safe(name), time="0")
            SubElement(case, "failure", message=safe(why)).text = safe(why)


_NO_STEPS = CycleStep("deploy", "failed")


def _case(suite: Element, change: ChangeTest, step: CycleStep, number: dict[str, int]) -> None:
    name, time = STEPS[step.name], f"{step.ms / 1000:.3f}"
    case = SubElement(suite, "testcase", classname=safe(change.change), name=name, time=time)
    number["tests"] += 1
    text = reason(change, step)
    if step.outcome == "failed":
        number["failures"] += 1
        SubElement(case, "failure", message=text.partition("\n")[0]).text = text
    elif step.outcome in ("none", "not_run"):
        number["skipped"] += 1
        SubElement(case, "skipped", message=text or "a step before it failed")
    elif text:
        SubElement(case, "system-out").text = text


def reason(change: ChangeTest, step: CycleStep) -> str:
    """What is to be said of a step, in lines that are safe; "" = nothing."""
    if change.not_tested:
        return safe(f"not tested: {change.not_tested}")
    problem = step.problem
    parts = [step.told]
    if problem is not None:
        where = ":".join(part for part in (problem.path, str(problem.line or "")) if part)
        state = f" [{problem.sqlstate}]" if problem.sqlstate else ""
        parts += [f"{where}: {problem.message}{state}" if where else problem.message, problem.detail, problem.hint]
    return "\n".join(safe(part) for part in parts if part)


def as_markdown(found: ChangeTests) -> str:
    """The whole of it as Markdown: a table of changes and steps, and what there is to say of each to be unfolded."""
    many = words.count(len(found.changes), "change")
    opening = [
        f"# Test of {prose(found.project)}: {'passed' if found.ok else '**FAILED**'}",
        "",
        f"{found.count('passed')} of {many} passed, {found.count('failed')} failed,"
        f" {found.count('not_tested')} not tested; {prose(found.where)}, {words.duration(found.seconds * 1000)}.",
    ]
    notes = [f"- {prose(note)}" for note in found.notes]
    for table, reason_ in found.unfilled.items():
        notes.append(f"- {prose(table)} has no rows, and nothing was tested with any: {prose(reason_)}")
    opening += ["", *notes] if notes else []
    rows = heading("change", *STEPS.values(), "took")
    for one in found.changes:
        marks = [_WORDS[step.outcome] for step in one.steps] or ["not tested"] + [""] * (len(STEPS) - 1)
        rows.append(row(prose(one.change), *marks, words.duration(one.ms)))
    folds = [fold for one in found.changes if (fold := _fold(one)) is not None]
    return comment("pgmig-tui test", opening, rows, folds, "pgmig-tui test")


def _fold(one: ChangeTest) -> Fold | None:
    """What there is to say of a change."""
    lines = []
    for each in one.data.queries:
        if each.told and not each.breaks:
            lines.append(f"- query {prose(each.name)}: {prose(each.told)}")
    failed = False
    for step in one.steps or (_NO_STEPS,):
        text = reason(one, step)
        if step.outcome in ("failed", "declared") and text:
            failed |= step.outcome == "failed"
            what = "not tested" if one.not_tested else f"{STEPS[step.name]} {_WORDS[step.outcome]}"
            lines.append(f"- {what}: {'; '.join(prose(part) for part in text.splitlines())}")
    if not lines:
        return None
    title = f"{one.change}: {'not tested' if one.not_tested else 'failed' if failed else 'passed'}"
    return Fold(title, tuple(lines), int(failed))


_WORDS = {"passed": "ok", "failed": "**failed**", "declared": "declared", "none": "-", "not_run": "not run"}
assert _WORDS.keys() == MARKS.keys()
