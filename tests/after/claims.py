"""Takes what is told of a run apart, sentence by sentence, and asks the database whether each is so.

A sentence that no rule here knows is a failure, too: nothing may be claimed that nobody checks.
"""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.after.scene import OBJECTS, SCRIPTS, Ran, Scene
from tests.after.state import Deployed, State

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"
_SECOND = timedelta(seconds=1)
_UNITS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}

Check = Callable[["Claims", re.Match[str]], None]
_RULES: list[tuple[re.Pattern[str], Check]] = []


def rule(*patterns: str) -> Callable[[Check], Check]:
    """The sentences that a function checks."""

    def add(check: Check) -> Check:
        _RULES.extend((re.compile(pattern), check) for pattern in patterns)
        return check

    return add


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def milliseconds(text: str) -> float:
    """The least that a duration in words can mean: `<1 ms`, `12 ms`, `1.2 s`, `3 min 20 s`."""
    if text.startswith("<"):
        return 0.0
    parts = re.findall(r"([\d.]+) (ms|s|min|h|d)", text)
    assert parts, text
    return sum(float(number) * _UNITS[unit] for number, unit in parts) * 0.94


@dataclass
class Claims:
    """What is said of `ran`. `checked` counts sentences."""

    scene: Scene
    ran: Ran
    checked: int = 0
    about: Ran = field(init=False)
    """The run that a line of a timeline is about."""

    def __post_init__(self) -> None:
        self.about = self.ran

    def lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            text = re.sub(r"\\(.)", r"\1", line).rstrip()
            for pattern, check in _RULES:
                if match := pattern.fullmatch(text):
                    try:
                        check(self, match)
                    except AssertionError as error:
                        raise AssertionError(f"{text!r} isn't so: {error}") from error
                    break
            else:
                raise AssertionError(f"nobody checks {text!r}")
            self.checked += 1

    # -- what was so -------------------------------------------------------------------------------------------

    def in_time(self, text: str, ran: Ran | None = None) -> None:
        ran = ran or self.about
        at = moment(text)
        assert ran.began - _SECOND <= at <= ran.ended + _SECOND, f"it ran {ran.began} to {ran.ended}"

    @property
    def goal(self) -> bool:
        """Whether its changes are deployed when it is done."""
        return self.about.plan.command != "revert"

    def done(self, ran: Ran, change_id: str) -> bool:
        """Whether the registry says that the run's step for a change is done."""
        return ran.after.has(change_id) == (ran.plan.command != "revert")

    def done_steps(self) -> list[str]:
        ran = self.about
        return [step.change for step in ran.plan.steps if self.done(ran, step.change_id)]

    def how_many(self, least: str | None, number: str, total: str) -> None:
        steps = self.about.plan.steps
        assert int(total) == len(steps)
        if self.about.plan.dry_run:
            assert self.about.before == self.about.after, "something of a dry run stays"
            return
        if self.about.plan.command == "verify":
            return
        actual = len(self.done_steps())
        assert int(number) == actual or (least and int(number) <= actual), f"{actual} of them are done"

    def step(self, change: str) -> Any:
        name = change.split(" ")[0]
        return next(step for step in self.about.plan.steps if step.change == name)

    def ran_of(self, run_id: str) -> Ran | None:
        return next((ran for ran in self.scene.runs if ran.run_id == run_id), None)

    def there(self, state: State, name: str) -> bool:
        return name in state.objects

    def objects(self, change: str, state: State) -> dict[str, bool]:
        return {name: name in state.objects for name in OBJECTS[change]}

    def names(self, text: str) -> list[str]:
        if text in ("", "nothing", "none"):
            return []
        return re.split(r", | and ", re.sub(r" @\S+?(?=,| and |$)", "", text))


# -- what says nothing that could be wrong -----------------------------------------------------------------------------


@rule(
    "", "```", "## .*(?<!Z)", r"\| # \| action .*", r"\|[-|]+", "- cause:", "- how it was noticed:", "- what changes:",
    r"\| item \| answer .*", r"- detail: .*", r"- hint: .*", r"- do: .*", r"- (NOTICE|WARNING): .*",
)  # fmt: skip
def nothing(claims: Claims, match: re.Match[str]) -> None:
    """Headings, and what the server or a person said."""


# -- heads -------------------------------------------------------------------------------------------------------------


@rule(rf"# Incident: (\w[\w-]*) on box, ({TIME})")
def title(claims: Claims, match: re.Match[str]) -> None:
    plan = claims.ran.plan
    assert match[1].lower() == ("rollback" if plan.rolls_back is not None else plan.told)
    claims.in_time(match[2])


@rule(r"# ([\w-]+) (\S+)")
def report_title(claims: Claims, match: re.Match[str]) -> None:
    assert (match[1], match[2]) == (claims.ran.plan.told, claims.ran.run_id)


_BAD = r"(?:ROLLBACK|REVERT|DEPLOY|VERIFY|DRY-RUN) ([A-Z ,]+)"
_GOOD = r"(ROLLED BACK|REVERTED|DEPLOYED|VERIFIED|TRIED)(?: \((cut off, and settled|rolled back)\))?"


@rule(rf"{_GOOD}: box \((.*)\), (at least )?(\d+) of (\d+) changes? (\w+)")
def ended_well(claims: Claims, match: re.Match[str]) -> None:
    target(claims, match[3])
    claims.how_many(match[4], match[5], match[6])
    if claims.ran.plan.command != "verify" and not claims.ran.plan.dry_run:
        assert len(claims.done_steps()) == len(claims.ran.plan.steps), "not all of it is done"
    verb(claims, match[7])


@rule(rf"{_BAD}: box \((.*)\), (at least )?(\d+) of (\d+) changes? (\w+)")
def ended_badly(claims: Claims, match: re.Match[str]) -> None:
    result(claims, match[1])
    target(claims, match[2])
    claims.how_many(match[3], match[4], match[5])
    verb(claims, match[6])


def verb(claims: Claims, word: str) -> None:
    told = {"deploy": "deployed", "revert": "reverted", "verify": "verified", "dry-run": "tried"}
    assert word == told[claims.ran.plan.told]


def target(claims: Claims, text: str) -> None:
    assert text.startswith(f"{claims.scene.dbname} on /"), "by a socket, which is told in words"


def result(claims: Claims, words: str) -> None:
    """The end in words, by the exit status that was seen."""
    ran, words = claims.about, words.lower()
    if ran.status is None:
        assert words == ("cut off, and settled" if ran.settled else "cut off")
    else:
        expected = {
            0: ("done", "rolled back"),
            1: ("failed", "verification failed", "stopped"),
            3: ("stopped", "refused"),
            4: ("in doubt",),
        }[ran.status]
        assert words in (*expected, *(("cut off, and settled",) if ran.settled else ())), (
            f"its exit status was {ran.status}"
        )
    if words == "verification failed" and ran.plan.command == "deploy":
        last = claims.done_steps()[-1]
        assert claims.scene.verifies(last) is False, f"{last} verifies"


_WHEN = (
    rf"(?P<began>{TIME}|-)(?: to (?P<ended>{TIME}|-)(?: \((?P<took>.*)\))?"
    rf"|, last heard of (?P<heard>{TIME}), settled (?P<settled>{TIME})), by (?P<by>[^>]*>)"
)


@rule(rf"when: {_WHEN} on (?P<host>.*)", rf"- {_WHEN}")
def when(claims: Claims, match: re.Match[str]) -> None:
    found = match.groupdict()
    for name in ("began", "ended", "heard"):
        if found[name] and found[name] != "-":
            claims.in_time(found[name])
    if found["heard"]:
        assert claims.about.settled
        assert moment(found["settled"]) >= moment(found["heard"])
    if found["took"]:
        took(claims, found["took"])
    operator(claims, found["by"])
    assert found.get("host") in (None, socket.gethostname())


def took(claims: Claims, text: str) -> None:
    wall = (claims.about.ended - claims.about.began).total_seconds() * 1000
    assert milliseconds(text) <= wall + 5, f"it took {wall} ms at most"


def operator(claims: Claims, text: str) -> None:
    """Who the registry names for what the run recorded."""
    ran = claims.about
    own = {change.change_id: change.by for change in ran.after.events if ran.began <= change.at <= ran.ended}
    steps = [step.change_id for step in ran.plan.steps if claims.done(ran, step.change_id) and step.change_id in own]
    for change_id in steps:
        assert own[change_id] == text, f"the registry says {own[change_id]}"
    assert text == str(ran.plan.operator)


@rule(r"record: run (\S+)", r"rolls back: (?P<what>.*); record: run (\S+)", r"- rolls back: (?P<what>.*)")
def rolls_back(claims: Claims, match: re.Match[str]) -> None:
    found = match.groupdict().get("what")
    if match.lastindex and match[match.lastindex] and not match.groupdict().get("what"):
        assert match[match.lastindex] == claims.ran.run_id
    if found:
        _undone(claims, found)


def _undone(claims: Claims, text: str) -> None:
    ran = claims.ran
    told, _, back = text.partition("back to ")
    assert back, text
    _back_to(claims, back)
    if told.startswith("to a point that was chosen by hand"):
        assert ran.plan.rolls_back == ""
        return
    match = re.fullmatch(rf"run (\S+?)(?: \((.*), ({TIME}), (.*)\))?, ", told)
    assert match, told
    assert match[1] == ran.plan.rolls_back
    undone = claims.ran_of(match[1])
    if undone is None:
        assert match[2] is None, "its journal isn't here"
        return
    made = [step.change_id for step in undone.plan.steps if undone.after.has(step.change_id)]
    for step in ran.plan.steps:
        assert step.change_id in made, f"{step.change} came from another run"
    if match[2]:
        assert match[2] == str(undone.plan.operator)
        claims.in_time(match[3], undone)
        claims.about = undone
        try:
            result(claims, match[4])
        finally:
            claims.about = ran


def _back_to(claims: Claims, text: str) -> None:
    """The change that was, or would have been, the last deployed one."""
    ran = claims.ran
    left = ran.before.changes[: len(ran.before.changes) - len(ran.plan.steps)]
    kept = " ".join((left[-1].name, *left[-1].tags)) if left else "the state before the first change"
    assert text == kept, f"it is {kept}"
    if ran.status == 0:
        assert ran.after.names == [change.name for change in left]


# -- facts -------------------------------------------------------------------------------------------------------------


@rule(r"- environment: box(?:, (.+), PostgreSQL (\S+))?")
def where(claims: Claims, match: re.Match[str]) -> None:
    if match[1]:
        target(claims, match[1])
        assert claims.ran.before.version.startswith(match[2])


@rule(r"- target: (.*)")
def to(claims: Claims, match: re.Match[str]) -> None:
    target(claims, match[1])


@rule(r"- (?:rollback|revert|deploy|verify|dry-run): run (\S+), (.*?): (.*)")
def which(claims: Claims, match: re.Match[str]) -> None:
    assert match[1] == claims.ran.run_id
    result(claims, match[2])
    summary(claims, match[3])


@rule(r"- by: (.*), account (\S+) on (\S+)", r"- by: (.*) on (\S+)")
def by(claims: Claims, match: re.Match[str]) -> None:
    operator(claims, match[1])
    assert match[match.lastindex or 1] == socket.gethostname()
    if match.lastindex == 3:
        assert match[2] == getpass.getuser()


@rule(rf"- (?:started|ended|last heard of): ({TIME}|-)")
def started(claims: Claims, match: re.Match[str]) -> None:
    if match[1] != "-":
        claims.in_time(match[1])


@rule(rf"- settled: ({TIME})")
def settled_at(claims: Claims, match: re.Match[str]) -> None:
    assert claims.about.settled
    assert moment(match[1]) >= claims.about.began - _SECOND


@rule(r"- took: (.*)")
def took_line(claims: Claims, match: re.Match[str]) -> None:
    if match[1] != "-":
        took(claims, match[1])


@rule(r"- foretold: (.*)")
def foretold(claims: Claims, match: re.Match[str]) -> None:
    assert claims.about.plan.foretold is not None
    assert claims.about.plan.foretold["told"] == match[1]


@rule(
    r"- result: (.*?), (?P<least>at least )?(?P<n>\d+)(?:, at most (?P<most>\d+))? of (?P<of>\d+) steps? done"
    r"(?:; UNKNOWN: (?P<unknown>.*))?",
    r"- result: (.*), (?P<n>\d+) of (?P<of>\d+) steps? ran(?:, and nothing of it stays)?",
    r"- result: (.*), (?P<passed>\d+) of (?P<of>\d+) verifications? passed(?:, (?P<none>\d+) had nothing to run)?",
    r"\*\*[\w-]+ box: (.*)\*\* \((?P<least>at least )?(?P<n>\d+)(?:, at most (?P<most>\d+))? of (?P<of>\d+)"
    r" steps? done(?:; UNKNOWN: (?P<unknown>.*))?\)",
    r"\*\*[\w-]+ box: (.*)\*\* \((?P<n>\d+) of (?P<of>\d+) steps? ran(?:, and nothing of it stays)?\)",
    r"\*\*[\w-]+ box: (.*)\*\* \((?P<passed>\d+) of (?P<of>\d+) verifications? passed"
    r"(?:, (?P<none>\d+) had nothing to run)?\)",
)
def result_line(claims: Claims, match: re.Match[str]) -> None:
    found = match.groupdict()
    result(claims, match[1])
    if found.get("passed") is not None:
        said = [claims.scene.verifies(step.change) for step in claims.ran.plan.steps]
        assert int(found["of"]) == len(said)
        assert int(found["passed"]) == said.count(True)
        assert int(found.get("none") or 0) == said.count(None)
    else:
        claims.how_many(found.get("least"), found["n"], found["of"])
        if found.get("most") is not None:
            assert int(found["n"]) < int(found["most"])
            assert len(claims.done_steps()) <= int(found["most"])
            unknown = claims.names(found["unknown"])
            assert len(unknown) == int(found["most"]) - int(found["n"])
            assert set(claims.done_steps()[int(found["n"]) :]) <= set(unknown), "one that is done is not named"


@rule(r"- (deployed|reverted|verified|tried): (.*)", r"- (changes): (.*)")
def which_changes(claims: Claims, match: re.Match[str]) -> None:
    if claims.ran.plan.command == "verify" or claims.ran.plan.dry_run:
        assert claims.ran.before.names == claims.ran.after.names
        return
    told, done = claims.names(match[2]), claims.done_steps()
    open_steps = [step.change for step in claims.ran.plan.steps if claims.ran.status in (None, 4)]
    assert set(told) <= set(done), f"done are {done}"
    assert set(done) <= {*told, *open_steps}, f"done are {done}"


@rule(r"- not known whether (?:deployed|reverted): (.*)")
def open_changes(claims: Claims, match: re.Match[str]) -> None:
    assert claims.ran.status in (None, 4), "the run told its end"
    assert set(claims.names(match[1])) <= {step.change for step in claims.ran.plan.steps}


@rule(r"- what is true now: `pgmig-tui reconcile box` finds (?:it out|out what became of it, and settles it)")
def cut_off(claims: Claims, match: re.Match[str]) -> None:
    assert claims.ran.status is None


@rule(r"- run (\S+), (\S+ on .+)")
def run_and_target(claims: Claims, match: re.Match[str]) -> None:
    assert match[1] == claims.ran.run_id
    target(claims, match[2])


@rule(r"- summary: (.*)")
def summary_line(claims: Claims, match: re.Match[str]) -> None:
    summary(claims, match[1])


def summary(claims: Claims, text: str) -> None:
    """The run's own last sentence: every `N of M` in it, and every change that it names."""
    for number, total, what in re.findall(r"(\d+) of (\d+) (\w+)", text):
        if what in ("verifications", "verification"):
            failed = [claims.scene.verifies(step.change) for step in claims.about.plan.steps].count(False)
            assert (int(number), int(total)) == (failed, len(claims.about.plan.steps))
        elif what != "ran":
            claims.how_many(None, number, total)
    if match := re.search(r"(?:^|; )(\w+)(?: @v1)?: (.*)", text):
        step = claims.step(match[1])
        if "its verification failed" in match[2] or "division by zero" in match[2] or "rolled back" in match[2]:
            assert not claims.done(claims.about, step.change_id), f"{step.change} is done"


# -- steps -------------------------------------------------------------------------------------------------------------


@rule(r"\| (\d+) \| (\w+) \| (\w+)(?: @v1)? \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| (\w+) \|")
def step_row(claims: Claims, match: re.Match[str]) -> None:
    number, action, change, state, time, _, verified, mode = match.groups()
    step = claims.ran.plan.steps[int(number) - 1]
    assert (step.action, step.change, step.mode) == (action, change, mode)
    _step_state(claims, step, state)
    if time != "-":
        took(claims, time)
    _verified(claims, step, verified)


def _step_state(claims: Claims, step: Any, state: str) -> None:
    ran = claims.about
    if ran.plan.command == "verify":
        passes = claims.scene.verifies(step.change)
        assert (state == "failed") == (passes is False)
    elif ran.plan.dry_run:
        assert ran.before == ran.after
    elif state in ("done", "done, verification FAILED"):
        assert claims.done(ran, step.change_id), "the registry says otherwise"
    elif state in ("todo", "failed"):
        if not (state == "failed" and ran.status == 4):
            assert not claims.done(ran, step.change_id), "the registry says otherwise"
        if state == "todo":
            assert claims.objects(step.change, ran.before) == claims.objects(step.change, ran.after)
    else:
        assert state == "unknown"
        assert ran.status is None


def _verified(claims: Claims, step: Any, told: str) -> None:
    passes = claims.scene.verifies(step.change)
    if claims.about.plan.dry_run:
        assert told in ("passed", "FAILED", "none", "off", "-")  # what it was asked of was rolled back
    elif told == "passed":
        assert passes is True
    elif told == "FAILED":
        assert passes is False
    elif told in ("none", "off") and claims.about.plan.command != "revert":
        assert passes is None or claims.about.plan.log_only


@rule(r"### (\w+)(?: @v1)?: (failed|the verification failed)")
def failed_step(claims: Claims, match: re.Match[str]) -> None:
    claims.about = claims.ran
    step = claims.step(match[1])
    if match[2] == "the verification failed":
        assert claims.done(claims.ran, step.change_id)
    elif claims.ran.status != 4 and claims.ran.plan.command != "verify":
        assert not claims.done(claims.ran, step.change_id)
    claims.__dict__["failing"] = step.change


@rule(r"- where: (\S+?)(?::(\d+))?", r"- message: (.*) \(SQLSTATE (\S+)\)")
def place(claims: Claims, match: re.Match[str]) -> None:
    if match.re.pattern.startswith("- where") and match[2]:
        _line(claims, match[1], int(match[2]))


def _line(claims: Claims, path: str, number: int) -> None:
    """The line of a script as the run has read it."""
    folder = claims.about.plan.folder / "files" / path
    text = (folder if folder.exists() else claims.scene.root / path).read_text().splitlines()
    assert 0 < number <= len(text), f"{path} has {len(text)} lines"


@rule(
    r"- error: (?P<action>\w+) (?P<change>\w+)(?: @v1)?, (?P<path>\S+?)(?::(?P<line>\d+))?: .* \(SQLSTATE \S+\)",
    r"- FAILED: (?P<change>\w+)(?: @v1)?(?: at (?P<path>\S+?)(?::(?P<line>\d+))?)?: .*",
)
def error(claims: Claims, match: re.Match[str]) -> None:
    found = match.groupdict()
    about = claims.ran
    if found.get("action") and found["action"] != claims.ran.plan.command:
        about = claims.ran_of(str(claims.ran.plan.rolls_back)) or claims.ran
    claims.about = about
    step = claims.step(found["change"])
    claims.__dict__["failing"] = step.change
    if found["line"] and found["path"] != "-":
        _line(claims, found["path"], int(found["line"]))


@rule(r"- stays(?: of it)?: (.*)")
def stays(claims: Claims, match: re.Match[str]) -> None:
    left(claims, claims.__dict__["failing"], match[1])


def left(claims: Claims, change: str, text: str) -> None:
    """What stays of a step that failed."""
    ran = claims.about
    step = claims.step(change)
    before, after = claims.objects(change, ran.before), claims.objects(change, ran.after)
    if text == "nothing of it was committed":
        assert before == after, f"{before} became {after}"
        assert not claims.done(ran, step.change_id)
    elif text == "the change itself: it is committed and recorded":
        assert claims.done(ran, step.change_id)
    elif text.startswith("everything that "):
        assert all(there == (step.action == "deploy") for there in after.values()), after
    elif text == "it has no record":
        assert not claims.done(ran, step.change_id)
    elif "is not known" in text:
        assert ran.status in (None, 4)
        assert not claims.done(ran, step.change_id) or ran.status == 4
    elif match := re.match(r"(?:line \d+: )?(CREATE|DROP) (?:INDEX CONCURRENTLY|TABLE) (?:public\.)?(\w+)", text):
        made = [name for name in OBJECTS[change] if name.endswith(match[2])]
        assert made, f"{change} has no {match[2]}"
        assert after[made[0]] == (match[1] == "CREATE"), after
    elif match := re.match(r"INVALID index public\.(\w+)", text):
        assert f"invalid index public.{match[1]}" in ran.after.objects
    else:
        raise AssertionError("nobody checks what stays")


# -- losses ------------------------------------------------------------------------------------------------------------

LOSS = (
    r"public\.(?P<name>[\w.]+): (?P<most>at most )?(?P<n>[\d,]+) (?:rows?|values?)"
    r"(?:, (?:at most (?P<since>[\d,]+)|(?P<zero>none)) of them written since the deploy)?"
    rf"(?: \(counted at (?P<at>{TIME})\))?(?:: (?P<why>.*))?"
)


@rule(rf"- (?P<state>lost|gone, and saved|not lost|not known whether lost): {LOSS}")
def loss(claims: Claims, match: re.Match[str]) -> None:
    gone = match["state"] == "gone, and saved"
    assert gone or match["state"] != "lost" or not _kept(claims), "it was copied before"
    assert not gone or _kept(claims), "it wasn't copied before"
    one_loss(claims, match, "lost" if gone else match["state"])


@rule(r"- not lost: .* may lose data: .*: the revert of (?P<change>\w+) was rolled back")
def loss_untold(claims: Claims, match: re.Match[str]) -> None:
    assert match["change"] in claims.ran.after.names, "its revert is in the registry"


@rule(
    r"TIMELINE ! would be lost: revert/(?P<change>\w+)\.sql:\d+: this \w+ may lose data: "
    r"what it does is known only when it runs"
)
def loss_untold_before(claims: Claims, match: re.Match[str]) -> None:
    assert match["change"] in claims.ran.before.names, "there is nothing of it to lose"


def one_loss(claims: Claims, match: re.Match[str], state: str) -> None:
    ran, found = claims.ran, match.groupdict()
    looked = ran.looked
    assert looked is not None
    subject = f"public.{found['name']}"
    column = subject in looked.values
    actual = looked.values[subject] if column else looked.rows[subject]
    number = int(found["n"].replace(",", ""))
    assert number == actual or (found["most"] and number >= actual), f"there were {actual}"
    new = claims.scene.written.get(subject, 0)
    if found["zero"]:
        assert new == 0, f"{new} were written"
    elif found["since"]:
        assert new <= int(found["since"].replace(",", "")) <= number, f"{new} were written"
    if found["at"]:
        at = moment(found["at"])
        assert at <= ran.began + _SECOND, "it was counted before the run"
    name = f"column {subject}" if column else f"table {subject}"
    if state == "lost":
        assert name in ran.before.objects
        assert name not in ran.after.objects, "it is still there"
    elif state == "not lost":
        assert name in ran.after.objects, "it is gone"
        now = ran.after.values[subject] if column else ran.after.rows[subject]
        before = ran.before.values[subject] if column else ran.before.rows[subject]
        assert now == before
    else:
        assert ran.status is None, "the run told its end"


@rule(r"- nothing was counted that could be lost")
def nothing_lost(claims: Claims, match: re.Match[str]) -> None:
    ran = claims.ran
    gone = {name for name in ran.before.objects - ran.after.objects if not name.startswith("index")}
    if ran.plan.rolls_back is not None:
        assert not any(ran.before.rows.get(name.partition(" ")[2]) for name in gone), gone


@rule(r"data: (.*)")
def data(claims: Claims, match: re.Match[str]) -> None:
    ran = claims.ran
    for part in re.split(r"; (?=LOST|GONE|NOT KNOWN|SAVED|not saved|nothing)", match[1]):
        if part.startswith(("LOST ", "GONE ", "NOT KNOWN whether lost: ")):
            state = "not known" if part.startswith("NOT") else "lost"
            assert bool(_kept(claims)) == part.startswith("GONE ") or state != "lost"
            body = re.sub(r"^(LOST |GONE |NOT KNOWN whether lost: )", "", part)
            told = re.split(r"(?:, | and )(?=public\.)", re.sub(r" and \d+ more$", "", body))
            for one in told:
                found = re.fullmatch(LOSS, one)
                assert found, f"nobody checks {one!r}"
                one_loss(claims, found, state)
        elif part.startswith("SAVED "):
            found = re.fullmatch(r"SAVED ([\d,]+) rows? in (\d+) (?:copy|copies)", part)
            assert found, part
            assert int(found[1].replace(",", "")) == sum(_kept(claims).values())
            assert int(found[2]) == len(_kept(claims))
        elif part == "not saved":
            assert not _kept(claims)
        else:
            assert part in ("nothing was lost", "nothing is lost, as far as is known")
            for name in ran.before.objects - ran.after.objects:
                kind, _, subject = name.partition(" ")
                if ran.plan.rolls_back is not None and kind in ("table", "column"):
                    left_there = ran.before.rows if kind == "table" else ran.before.values
                    assert not left_there[subject], f"{name} is gone"


def _kept(claims: Claims) -> dict[str, int]:
    """The copies of this run, by their tables' names, which hold its ID."""
    start = f"pgmig_keep.r{claims.ran.run_id.replace('-', '_')}_"
    return {name: rows for name, rows in claims.ran.after.kept.items() if name.startswith(start)}


@rule(r"- saved: public\.(\w+) in (\S+), ([\d,]+) rows?, checksum (\S+)")
def saved(claims: Claims, match: re.Match[str]) -> None:
    assert _kept(claims)[match[2]] == int(match[3].replace(",", ""))
    (row,) = claims.scene.query(
        f"SELECT source_table, checksum::text FROM pgmig_keep.kept WHERE keep_table = '{match[2].split('.')[1]}'"
    )
    assert row == (match[1], match[4])


@rule(r"- to bring it back, after a redeploy: pgmig-tui undo (\S+); what others have brought back: pgmig-tui undo")
def brought_back(claims: Claims, match: re.Match[str]) -> None:
    assert match[1] == claims.ran.run_id
    assert _kept(claims)


# -- afterwards --------------------------------------------------------------------------------------------------------


@rule(rf"## Seen afterwards, at ({TIME})")
def seen_at(claims: Claims, match: re.Match[str]) -> None:
    assert claims.ran.concluded
    assert moment(match[1]) >= claims.ran.began - _SECOND


@rule(r"now: (.*)")
def now(claims: Claims, match: re.Match[str]) -> None:
    told = match[1]
    if found := re.fullmatch(rf"(.*) \(seen at {TIME}\)", told):
        for part in found[1].split("; "):
            claims.lines([f"- {part}" if not re.match(r"\d+ changes? ha", part) else f"- verify: {part}"])
    else:
        claims.lines([f"- {told}"])


@rule(r"- nothing was committed by it", r"- nothing was looked at", r"- it has not ended")
def unseen(claims: Claims, match: re.Match[str]) -> None:
    ran = claims.ran
    if match[0] == "- nothing was committed by it":
        assert ran.before.names == ran.after.names
        assert ran.before.objects == ran.after.objects
    assert not (ran.concluded and claims.done_steps())


def _remaining(claims: Claims) -> list[bool | None]:
    return [claims.scene.verifies(change.name) for change in claims.ran.after.changes]


@rule(
    r"- (?:[+x?] )?verify: (?P<n>\d+) of (?P<of>\d+) of what remains pass"
    r"(?:; (?P<none>\d+) changes? ha\w+ nothing to run)?",
    r"- (?:[+x?] )?verify: (?P<fail>\d+) of (?P<of>\d+) fail: (?P<names>.*)",
    r"- (?:[+x?] )?verify: nothing remains that could be verified(?:; (?P<none>\d+) changes? ha\w+ nothing to run)?",
    r"- (?:[+x?] )?verify: (?P<none>\d+) changes? ha\w+ nothing to run",
)
def verified_afterwards(claims: Claims, match: re.Match[str]) -> None:
    found, said = match.groupdict(), _remaining(claims)
    if found.get("n"):
        assert int(found["n"]) == int(found["of"]) == said.count(True) == len(said) - said.count(None)
    if found.get("fail"):
        failing = [one.name for one in claims.ran.after.changes if claims.scene.verifies(one.name) is False]
        assert (int(found["fail"]), int(found["of"]), claims.names(found["names"])) == (
            len(failing),
            len(said),
            failing,
        )
    if "nothing remains" in match[0]:
        assert said.count(True) + said.count(False) == 0
    if found.get("none"):
        assert int(found["none"]) == said.count(None)


@rule(r"\| item \| state \| seen by the program \| said by whom \| missing \| query \| asked \|")
def checklist(claims: Claims, match: re.Match[str]) -> None:
    assert any(entry.name == "evidence_kept" for entry in claims.ran.events())


@rule(r"\| (\S+:\S+) \| (PASS|WARN|FAIL|UNKNOWN|N-A) \| (.+) \| (.+) \| (.+) \| (.+) \| (.+) \|")
def evidence(claims: Claims, match: re.Match[str]) -> None:
    item, state, seen, said, _, query, asked = match.groups()
    kept = [entry.data for entry in claims.ran.events() if entry.name == "evidence_kept"]
    assert [one["state"] for one in kept if one["item"] == item][-1:] == [state]
    if said == "-" and state in ("PASS", "WARN"):
        assert seen != "-", "nobody said so, and nothing was seen"
    if asked != "-":
        at, _, role = asked.rpartition(" as ")
        assert role
        # Asked when the run was planned, a while before its process began.
        assert claims.ran.began - timedelta(minutes=5) <= moment(at) <= claims.ran.ended + _SECOND
    assert query == "-" or re.fullmatch(r"[0-9a-f]{12}", query)


@rule(
    r"- (?:[+!?] )?schema: ((?:not )?as before the deploy|not compared with the time before the deploy)",
    r"- (?P<part>no run was rolled back as a whole)",
    r"- run (?P<away>\S+), which was rolled back, has no journal here, where this account could read it",
)
def schema(claims: Claims, match: re.Match[str]) -> None:
    undone = claims.ran_of(claims.ran.plan.rolls_back or "")
    told, found = match[1] or "", match.groupdict()
    if found.get("away"):
        assert found["away"] == claims.ran.plan.rolls_back
        assert not (claims.ran.plan.folder.parent / found["away"]).exists()
        return
    if told.endswith("before the deploy") and not told.startswith("not compared"):
        assert undone is not None
        same = undone.before.schema == claims.ran.after.schema and undone.before.objects == claims.ran.after.objects
        assert same == (told == "as before the deploy")
    elif undone is not None and (claims.ran.plan.folder.parent / undone.run_id).exists():
        raise AssertionError("it could be compared")


@rule(
    r"- (column|index|table|relation|constraint|type|[\w ]+?) (\S.*):"
    r" (gone since|new since|- .*|\+ .*|its order differs.*)"
)
def difference(claims: Claims, match: re.Match[str]) -> None:
    undone = claims.ran_of(claims.ran.plan.rolls_back or "")
    assert undone is not None
    if match[1] in ("table", "index", "column") and match[3].endswith("since"):
        name = re.sub(r"^column (\w+) of table (\S+)$", r"column \2.\1", f"{match[1]} {match[2]}")
        before, after = name in undone.before.objects, name in claims.ran.after.objects
        assert (before, after) == ((False, True) if match[3] == "new since" else (True, False))


@rule(
    r"- and \d+ more",
    r"- (?:[+x!?] )?health: (\d+) of (\d+) checks pass"
    r"(?:, (\d+) do(?:es)? not apply here)?(?:, (\d+) unknown to this role)?",
    r"- (?:[x!] )?health: .*",
)
def health(claims: Claims, match: re.Match[str]) -> None:
    if not match.lastindex:
        return
    seen = [event.data for event in claims.ran.events() if event.name == "rollback_checked"][-1]["checks"]
    states = [one["state"] for one in seen]
    assert (int(match[1]), int(match[2])) == (states.count("PASS"), len(states))
    assert int(match[3] or 0) == states.count("N-A")
    assert int(match[4] or 0) == states.count("UNKNOWN")


@rule(r"(?:- (?:! )?do not deploy until that is lifted|do not deploy(?:, unless that was lifted since)?): (.*)")
def do_not_deploy(claims: Claims, match: re.Match[str]) -> None:
    ran = claims.ran
    marked = [change for change, run in ran.after.marked if run == ran.run_id]
    if ran.plan.marks is None:
        marked = _in_file(claims)
    if match[1] == "not looked at":
        assert not ran.concluded
    elif match[1] == "nothing is marked by it":
        assert not marked
    else:
        assert claims.names(match[1]) == marked


def _in_file(claims: Claims) -> list[str]:
    import json

    found = []
    for path in (claims.ran.plan.folder.parents[1] / "do-not-deploy").glob("*.json"):
        found += [row["change"] for row in json.loads(path.read_text()) if row["run"] == claims.ran.run_id]
    return found


# -- the timeline ------------------------------------------------------------------------------------------------------


@rule(rf"- ({TIME}) ([\w-]+): (.*)")
def timeline(claims: Claims, match: re.Match[str]) -> None:
    own = "rollback" if claims.ran.plan.rolls_back is not None else claims.ran.plan.told
    about = claims.ran if match[2] == own else claims.ran_of(str(claims.ran.plan.rolls_back))
    assert about is not None, "whose line is that?"
    claims.about = about
    try:
        if not match[3].startswith(("- ", "! ", "+ ", "? ")) or "settled" not in match[3]:
            _in_time_or_later(claims, match[1])
        claims.lines([f"TIMELINE {match[3]}"])
    finally:
        claims.about = claims.ran


def _in_time_or_later(claims: Claims, text: str) -> None:
    at = moment(text)
    assert at >= claims.about.began - _SECOND
    if not (claims.about.settlements or claims.about.concluded or claims.about.settled):
        claims.in_time(text)


@rule(r"TIMELINE ([\w-]+) (\d+) changes? on box")
def line_planned(claims: Claims, match: re.Match[str]) -> None:
    assert (match[1], int(match[2])) == (claims.about.plan.told, len(claims.about.plan.steps))


@rule(r"TIMELINE > (\d+)/(\d+) (\w+)(?: @v1)?(  statement by statement|  recorded only)?")
def line_started(claims: Claims, match: re.Match[str]) -> None:
    step = claims.about.plan.steps[int(match[1]) - 1]
    assert (step.change, len(claims.about.plan.steps)) == (match[3], int(match[2]))
    told = {"atomic": None, "stepwise": "  statement by statement", "record": "  recorded only"}
    assert step.action == "verify" or match[4] == told[step.mode]


@rule(r"TIMELINE \+ (\d+)/(\d+) (\w+)(?: @v1)? (deployed|reverted|verified|ran)(?: in (.*))?")
def line_done(claims: Claims, match: re.Match[str]) -> None:
    about = claims.about
    step = about.plan.steps[int(match[1]) - 1]
    assert (step.change, len(about.plan.steps)) == (match[3], int(match[2]))
    if match[4] in ("deployed", "reverted"):
        assert claims.done(about, step.change_id)
        events = [one for one in about.after.events if one.change_id == step.change_id and _inside(about, one)]
        assert step.action in [one.event for one in events], f"the registry's events: {events}"
    elif match[4] == "verified":
        assert claims.scene.verifies(step.change) is True
    if match[5]:
        took(claims, match[5])


def _inside(ran: Ran, event: Deployed) -> bool:
    return event.event != "fail" and ran.began - _SECOND <= event.at <= (ran.decided or ran.ended) + _SECOND


@rule(
    r"TIMELINE x (\d+)/(\d+) (\w+)(?: @v1)? (?:verify )?FAILED(?: in (.*))?", r"TIMELINE \? (\d+)/(\d+) (\w+) IN DOUBT"
)
def line_failed(claims: Claims, match: re.Match[str]) -> None:
    step = claims.about.plan.steps[int(match[1]) - 1]
    assert step.change == match[3]
    claims.__dict__["failing"] = step.change


@rule(r"TIMELINE (?:nothing of it was committed|the change itself.*|everything that .*|it has no record|line \d+: .*"
      r"|whether .* is not known|stays: .*|INVALID index .*)")  # fmt: skip
def line_left(claims: Claims, match: re.Match[str]) -> None:
    text = match[0].removeprefix("TIMELINE ").removeprefix("stays: ")
    if "failing" in claims.__dict__ and not re.match(r"line \d+: (?:waited|WAITING|try|the wait)", text):
        left(claims, claims.__dict__["failing"], text)


@rule(
    r"TIMELINE what stays:", r"TIMELINE (?:deploy|revert|verify)/\S+?(?::\d+)?: .*", r"TIMELINE (?:detail|hint|do): .*",
    r"TIMELINE \S.* \[\w{5}\]", r"TIMELINE (?:NOTICE|WARNING): .*", r"TIMELINE \| .*", r"TIMELINE asked to \w+",
    r"TIMELINE ! (?!would be lost|\d+/).*", r"TIMELINE ~ .*", r"TIMELINE (?:Maria|watched by|pid) .*",
    r"TIMELINE \+ checklist: .*", r"TIMELINE < ROLLBACK after .*", r"TIMELINE > line \d+: the wait is over",
    r"TIMELINE the database is told by .*", r"TIMELINE the connection .*", r"TIMELINE Fix it, .*",
    r"TIMELINE Fix the cause .*",
)  # fmt: skip
def line_said(claims: Claims, match: re.Match[str]) -> None:
    """What the server, the operator or a script said."""


@rule(r"TIMELINE \+ the run (\S+), which was cut off, is settled: (.*)")
def line_earlier(claims: Claims, match: re.Match[str]) -> None:
    """What the run found of the one before it."""
    earlier = claims.ran_of(match[1])
    assert earlier is not None
    assert earlier.status is None
    kept, claims.about = claims.about, earlier
    try:
        summary(claims, match[2])
    finally:
        claims.about = kept


@rule(r"TIMELINE x the index (\S+) is left INVALID; either of these repairs it:")
def line_invalid(claims: Claims, match: re.Match[str]) -> None:
    assert f"invalid index {match[1]}" in claims.about.after.objects


@rule(r"TIMELINE (?:repair: )?((?:DROP INDEX|REINDEX INDEX) CONCURRENTLY (\S+?);?)")
def line_repair(claims: Claims, match: re.Match[str]) -> None:
    """It is tried at the end, where everything else has been asked."""
    name = match[2].replace('"', "")
    assert f"invalid index {name}" in claims.about.after.objects


@rule(r"TIMELINE What stays of its script is listed with the step; the registry holds what it held before\.")
def line_partly(claims: Claims, match: re.Match[str]) -> None:
    step = claims.step(claims.__dict__["failing"])
    assert claims.about.before.has(step.change_id) == claims.about.after.has(step.change_id)


@rule(rf"TIMELINE ! would be lost: {LOSS}")
def line_loss(claims: Claims, match: re.Match[str]) -> None:
    one_loss_counted(claims, match)


def one_loss_counted(claims: Claims, match: re.Match[str]) -> None:
    """A count before the run: nothing is said of what became of it."""
    looked = claims.about.looked
    assert looked is not None
    subject = f"public.{match['name']}"
    actual = looked.values[subject] if subject in looked.values else looked.rows[subject]
    assert int(match["n"].replace(",", "")) == actual or match["most"]


@rule(r"TIMELINE \+ copied ([\d,]+) rows? of public\.(\w+) to (\S+); kept if this change commits")
def line_copied(claims: Claims, match: re.Match[str]) -> None:
    kept = _kept(claims).get(match[3])
    looked = claims.ran.before
    assert kept in (None, int(match[1].replace(",", "")))
    assert int(match[1].replace(",", "")) <= looked.rows[f"public.{match[2]}"]


@rule(r"TIMELINE [+x] (\d+) of (\d+) done(?:: (.*))?")
def line_ended(claims: Claims, match: re.Match[str]) -> None:
    about = claims.about
    claims.how_many("at least" if about.status in (None, 4) else None, match[1], match[2])
    if match[3]:
        summary(claims, match[3])


@rule(r"TIMELINE [-+!] (\d+)/(\d+) (\w+)(?: @v1)? settled: (applied and recorded|not applied|PARTLY APPLIED): (.*)")
def line_settled(claims: Claims, match: re.Match[str]) -> None:
    about = claims.about
    step = about.plan.steps[int(match[1]) - 1]
    claims.__dict__["failing"] = step.change
    settled(claims, step, {"applied and recorded": "recorded", "not applied": "not_applied"}.get(match[4], "partly"))


@rule(rf"({TIME}), run (\S+), step (\d+): (\d+) sessions? behind us")
def worst_moment(claims: Claims, match: re.Match[str]) -> None:
    claims.in_time(match[1])
    assert match[2] == claims.ran.run_id
    assert int(match[3]) <= len(claims.ran.plan.steps)
    assert match[4] == "0", "nobody else came"


@rule(
    r"pid (\d+) \(reporting\) idle in transaction, transaction open for (.*)",
    r" +LOCK TABLE notes IN ACCESS SHARE MODE",
)
def blocker(claims: Claims, match: re.Match[str]) -> None:
    if match.lastindex:
        assert int(match[1]) == claims.scene.holder
        open_for = (claims.about.ended - claims.scene.held_since).total_seconds() * 1000
        # It is in its transaction before it has the table, and is held to have it.
        assert milliseconds(match[2]) <= open_for + _SECOND.total_seconds() * 1000, f"{open_for} ms at most"


@rule(r"TIMELINE \. (\d+)/(\d+) (\w+)(?: @v1)? not verified: .*")
def line_unverified(claims: Claims, match: re.Match[str]) -> None:
    assert claims.scene.verifies(match[3]) is None


# -- reconcile ---------------------------------------------------------------------------------------------------------


def settled(claims: Claims, step: Any, outcome: str, state: State | None = None) -> None:
    """What became of a step of a run that was cut off."""
    ran = claims.about
    state = state or ran.after
    done = state.has(step.change_id) == (step.action == "deploy")
    before, after = claims.objects(step.change, ran.before), claims.objects(step.change, state)
    wanted = dict.fromkeys(after, step.action == "deploy")
    if outcome == "recorded":
        assert done, "the registry says otherwise"
        assert after == wanted
    else:
        assert not done, "the registry says otherwise"
    if outcome == "not_applied":
        assert before == after, f"{before} became {after}"
    elif outcome == "unrecorded":
        assert after == wanted, after
    elif outcome == "partly":
        assert before != after or step.mode == "stepwise", after


def check_steps(claims: Claims, document: dict[str, Any]) -> None:
    """The structured record of a run."""
    ran = claims.ran
    claims.about = ran
    assert (document["run"], document["command"]) == (ran.run_id, ran.plan.told)
    assert document["cut_off"] == (ran.status is None and not ran.settled)
    if ran.status is not None and not ran.settlements:
        assert document["exit_status"] == ran.status
    claims.how_many("at least" if ran.status in (None, 4) else None, str(document["done"]), str(document["total"]))
    for step, told in zip(ran.plan.steps, document["steps"], strict=True):
        assert (told["change"], told["change_id"], told["action"]) == (step.change, step.change_id, step.action)
        if told["recorded"]:
            assert claims.done(ran, step.change_id)
        _step_state(claims, step, told["state"])
        _verified(claims, step, told["verified"])
        if told["left"] is not None:
            for sentence in told["left"]["told"]:
                left(claims, step.change, sentence)
        claims.checked += 1


def check_settlements(claims: Claims) -> None:
    """What reconcile said, each time that it was asked."""
    claims.about = claims.ran
    for settlement, state in claims.ran.settlements:
        for one in settlement.verdicts:
            settled(claims, one.step, one.outcome, state)
            kept, claims.ran.after = claims.ran.after, state
            try:
                for item in one.stays:
                    left(claims, one.step.change, item.removeprefix("perhaps ") if "is not known" in item else item)
            finally:
                claims.ran.after = kept
            if found := re.search(r"carried out to line (\d+)", one.why):
                script = str(SCRIPTS[one.step.change][0 if one.step.action == "deploy" else 1])
                assert int(found[1]) <= len(script.splitlines())
            claims.checked += 1
        done = sum(state.has(step.change_id) == (step.action == "deploy") for step in claims.ran.plan.steps)
        assert f"{done} of {len(claims.ran.plan.steps)} steps are done" in settlement.summary, settlement.summary


def utc_now() -> datetime:
    return datetime.now(UTC)
