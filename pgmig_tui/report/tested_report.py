"""A test of changes for CI: JUnit's XML, and Markdown for a job's summary or a merge request.

JUnit's XML is written down nowhere by its makers; these are the elements that Jenkins, GitLab and GitHub's actions
read: a suite a change, a case a step.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from pgmig_tui.display import words
from pgmig_tui.display.safe import safe
from pgmig_tui.rehearse.tested import STEPS, ChangeTest, ChangeTests, CycleStep
from pgmig_tui.rehearse.tested_words import MARKS
from pgmig_tui.report.run_report import cell


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
    for key, value in totals.items():
        root.set(key, str(value))
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


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
    """The whole of it as Markdown: a table of changes and steps, and what failed below it."""
    many = words.count(len(found.changes), "change")
    end = "passed" if found.ok else "**FAILED**"
    lines = [
        f"# Test of {cell(found.project)}: {end}",
        "",
        f"{found.count('passed')} of {many} passed, {found.count('failed')} failed,"
        f" {found.count('not_tested')} not tested; {cell(found.where)}, {words.duration(found.seconds * 1000)}.",
        "",
        f"| change | {' | '.join(STEPS.values())} | took |",
        f"|---|{'---|' * len(STEPS)}---|",
    ]
    for one in found.changes:
        marks = [_WORDS[step.outcome] for step in one.steps] or ["not tested"] + [""] * (len(STEPS) - 1)
        lines.append(f"| {cell(one.change)} | {' | '.join(marks)} | {words.duration(one.ms)} |")
    told = [
        (one, step, text)
        for one in found.changes
        for step in one.steps or (_NO_STEPS,)
        if step.outcome in ("failed", "declared") and (text := reason(one, step))
    ]
    lines.append("")
    lines += [f"- {cell(note)}" for note in found.notes]
    for table, reason_ in found.unfilled.items():
        lines.append(f"- {cell(table)} has no rows, and nothing was tested with any: {cell(reason_)}")
    for one in found.changes:
        for each in one.data.queries:
            if each.told and not each.breaks:
                lines.append(f"- {cell(one.change)}, query {cell(each.name)}: {cell(each.told)}")
    for one, step, text in told:
        what = "not tested" if one.not_tested else f"{STEPS[step.name]} {_WORDS[step.outcome]}"
        lines.append(f"- {cell(one.change)}, {what}: {'; '.join(cell(part) for part in text.splitlines())}")
    return "\n".join(lines) + "\n"


_WORDS = {"passed": "ok", "failed": "**failed**", "declared": "declared", "none": "-", "not_run": "not run"}
assert _WORDS.keys() == MARKS.keys()
