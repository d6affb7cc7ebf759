"""What a rollback says before it begins: its extent, its list of steps, and what would be lost."""

from __future__ import annotations

import re
from typing import Any

from pgmig_tui.display.cells import text_of
from pgmig_tui.review.rollback import document, lines
from tests.after.claims import LOSS, Claims, milliseconds, one_loss_counted
from tests.after.scene import OBJECTS, Ran, Scene

_HEAD = (
    re.compile(r"Roll back run (?P<run>\S+) \((?P<by>.*), (?P<age>(?:last heard of )?(?:now|.* ago))"
               r"(?:, (?P<end>[A-Z ]+))?, (?P<n>\d+) of (?P<of>\d+)\), back to (?P<to>.*)"),
    re.compile(r"Roll back (?P<n>\d+) changes? to a chosen point: back to (?P<to>.*)"),
)  # fmt: skip
_SIZE = r"(?:never analysed, rows and size unknown|about (?P<rows>\d+) rows, (?P<bytes>\d+) bytes)"
_QUIET = re.compile(
    r"\s*(#.*|in all about .*|how long .*|rewrites .*|statement by statement: .*|\d+:\d+ .*|\+ (?!\d+ deploy).*|\? .*"
    r"|~ .*|`pgmig-tui undo \S+` brings it back after a redeploy|! (?!never).*)"
)


def check_receipt(scene: Scene, ran: Ran) -> int:
    """Every sentence of it; how many there were."""
    found, looked = ran.review, ran.looked
    assert found is not None
    assert looked is not None
    claims = Claims(scene, ran)
    told = [text_of(line).rstrip() for line in lines(found, 160)]
    _head(claims, told[0])
    steps = [row.change.split(" ")[0] for row in found.rows]
    assert steps == [step.change for step in ran.plan.steps]
    for row in found.rows:
        name = row.change.split(" ")[0]
        there = [subject for subject in _losing(name) if looked.count(subject)]
        assert (row.data == "loses") == bool(there), f"{name}: {row.data}, and there is {there}"
    rest = told[1:]
    for text in rest:
        _sentence(claims, text, steps)
    _json(claims, document(found))
    return len(told)


def _losing(change: str) -> list[str]:
    """The tables and columns that go with a change's revert."""
    named = (name.partition(" ") for name in OBJECTS[change])
    return [subject for kind, _, subject in named if kind in ("table", "column")]


def _head(claims: Claims, text: str) -> None:
    ran = claims.ran
    match = next((one for pattern in _HEAD if (one := pattern.fullmatch(text))), None)
    assert match, text
    found, looked = match.groupdict(), ran.looked
    assert looked is not None
    assert int(found["n"]) == len(ran.plan.steps)
    left = looked.changes[: len(looked.changes) - len(ran.plan.steps)]
    assert found["to"] == (" ".join((left[-1].name, *left[-1].tags)) if left else "the state before the first change")
    if found.get("run"):
        assert found["run"] == ran.plan.rolls_back
        undone = claims.ran_of(found["run"])
        if undone is not None:
            assert int(found["of"]) == len(undone.plan.steps)
            assert found["by"] == undone.plan.operator_name
            assert (found["end"] or "DONE") in {
                0: ("DONE",),
                1: ("FAILED", "VERIFY FAILED"),
                3: ("STOPPED",),
                4: ("IN DOUBT",),
                None: ("SETTLED", "DONE", "CUT OFF"),
            }[undone.status]


def _sentence(claims: Claims, text: str, steps: list[str]) -> None:
    stripped = text.strip()
    if match := re.fullmatch(rf"(?:LOSES|empty) {LOSS}", stripped):
        one_loss_counted(claims, match)
        looked = claims.ran.looked
        assert looked is not None
        new = claims.scene.written.get(f"public.{match['name']}", 0)
        assert new <= int((match["since"] or "0").replace(",", "")), f"{new} were written"
    elif match := re.fullmatch(
        r"MAY LOSE data: revert/(\w+)\.sql:\d+: this \w+ may lose data: what it does is known only when it runs",
        stripped,
    ):
        assert match[1] in steps
    elif match := re.fullmatch(
        rf"(?P<table>public\.\w+): {_SIZE}, 0 scans/s, \d+ rows read/s, 0 rows written/s", stripped
    ):
        _size(claims, match)
    elif match := re.fullmatch(
        r"x (.*) on (public\.\w+)( and \d+ others?)? would queue behind pid (\d+) \(reporting\), (.*)", stripped
    ):
        assert int(match[4]) == claims.scene.holder
        assert match[2] in claims.ran.before.rows
        held = re.fullmatch(r"idle in transaction for (.*)", match[5])
        assert held, match[5]
        assert milliseconds(held[1]) <= (claims.ran.began - claims.scene.held_since).total_seconds() * 1000
    elif stripped == "LOCK TABLE notes IN ACCESS SHARE MODE":
        assert claims.scene.holder
    elif match := re.fullmatch(r"SAVES keeps (.*) in schema pgmig_keep for 30 days; .*", stripped):
        assert match[1]
    elif match := re.fullmatch(r"(\d+) +(\S+)(?: @v1)? +.*", stripped):
        assert steps[int(match[1]) - 1] == match[2]
    elif match := re.fullmatch(r"\+ (\d+) deploy scripts? as deployed, by hash", stripped):
        assert int(match[1]) == len(steps)
    elif match := re.fullmatch(r"! never tried, as far as is known: (.*)", stripped):
        names = re.sub(r" and \d+ more$", "", match[1])
        assert set(claims.names(names)) <= set(steps)
    else:
        assert _QUIET.fullmatch(text), f"nobody checks {text!r}"


def _size(claims: Claims, match: re.Match[str]) -> None:
    """A table's size as of its last analyze, which may have been between our looks."""
    looked = claims.ran.looked
    assert looked is not None
    seen = [state.analysed.get(match["table"]) for state in (looked, claims.ran.before)]
    told = (int(match["rows"]), int(match["bytes"])) if match["rows"] else None
    assert told in [one if one is not None and one[0] >= 0 else None for one in seen], f"pg_class has {seen}"


def _json(claims: Claims, told: dict[str, Any]) -> None:
    looked = claims.ran.looked
    assert looked is not None
    assert [step["change_id"] for step in told["steps"]] == [step.change_id for step in claims.ran.plan.steps]
    keep = told["keep"]
    left = looked.changes[: len(looked.changes) - len(claims.ran.plan.steps)]
    assert (keep and keep["change_id"]) == (left[-1].change_id if left else None)
    for loss in told["loses"]["counted"]:
        for column in loss["columns"] or [""]:
            subject = f"{loss['relation']}.{column}" if column else loss["relation"]
            actual = looked.values[subject] if column else looked.rows[subject]
            assert loss["total"] == actual, f"{subject}: {loss['total']}, and there are {actual}"
