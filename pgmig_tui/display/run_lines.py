"""The events of a run in words, as the command line prints them and the run screen's log shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pgmig_tui.display import words
from pgmig_tui.display.activity import Activity, named, unseen_words
from pgmig_tui.display.batches import BatchLines
from pgmig_tui.display.cells import Line, Role, Span, line
from pgmig_tui.display.left import left_of
from pgmig_tui.display.safe import safe

_DONE = {"deploy": "deployed", "revert": "reverted", "verify": "verified"}


def between(earlier: str, later: str) -> float | None:
    """Milliseconds between two ISO 8601 times; None when either is none."""
    try:
        return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds() * 1000
    except (ValueError, TypeError):
        return None


_SETTLED: Mapping[str, tuple[str, str, Role]] = {
    "recorded": ("+ ", "settled: applied and recorded", "done"),
    "not_applied": ("- ", "settled: not applied", "muted"),
    "partly": ("! ", "settled: PARTLY APPLIED", "failed"),
}


class RunLines:
    """Turns events into lines, one at a time, and remembers what a later line must repeat: names and start times."""

    def __init__(self, whom: str = "us", *, every_statement: bool = False) -> None:
        """`whom` stands for the run where others wait behind it. A statement that took a second is told of, or each."""
        self._whom = whom
        self._every_statement = every_statement
        self._command = "deploy"
        self._steps: dict[int, str] = {}
        self._actions: dict[int, str] = {}
        self._started: dict[int, str] = {}
        self._told_of: tuple[object, ...] = ()
        self._batches = BatchLines()

    def add(self, name: str, at: str, data: Mapping[str, Any]) -> list[Line]:
        """The lines of one event, all safe to print; none for events that say nothing to a person, or unknown ones."""
        told = self._batches.add_batch(name, at, data)
        if told is None:
            tell = getattr(self, f"_{name}", None)
            if tell is None:
                return []
            told = tell(data, at)
        time: Span = (words.time_of_day(at), "muted")
        return [line(time, "  ", *spans) for spans in told]

    def _step(self, data: Mapping[str, Any]) -> str:
        number = int(data.get("step") or 0)
        change = self._steps.get(number) or str(data.get("change") or "")
        return f"{number}/{len(self._steps) or '?'} {safe(change)}"

    def _took(self, data: Mapping[str, Any], at: str) -> str:
        ms = between(self._started.get(int(data.get("step") or 0), ""), at)
        if isinstance(data.get("ms"), int | float):
            ms = float(data["ms"])
        return "" if ms is None else f" in {words.duration(ms)}"

    def _done(self, data: Mapping[str, Any], at: str) -> list[Line]:
        action = self._actions.get(int(data.get("step") or 0), self._command)
        return [line(("+ ", "done"), self._step(data), " ", (_DONE.get(action, "done"), "done"), self._took(data, at))]

    def _run_planned(self, data: Mapping[str, Any], at: str) -> list[Line]:
        self._command = str(data.get("command") or "deploy")
        for step in data.get("steps") or ():
            self._steps[int(step.get("number") or 0)] = str(step.get("label") or step.get("change") or "")
            self._actions[int(step.get("number") or 0)] = str(step.get("action") or self._command)
        steps = words.count(len(self._steps), "change") if self._steps else "no change"
        return [line(("  ", "plain"), f"{self._command} {steps} on {safe(str(data.get('environment') or '?'))}")]

    def _run_started(self, data: Mapping[str, Any], at: str) -> list[Line]:
        return []

    def _gate_passed(self, data: Mapping[str, Any], at: str) -> list[Line]:
        how = {"attest": "attested", "override": "OVERRIDDEN"}.get(str(data.get("how")), "passed")
        item, note = safe(str(data.get("item_id") or "an item")), safe(str(data.get("note") or ""))
        role: Role = "waiting" if data.get("how") == "override" else "done"
        return [line(("+ ", role), f"checklist: {item} ", (how, role), f": {note}" if note else "")]

    def _rows_restored(self, data: Mapping[str, Any], at: str) -> list[Line]:
        names = list(dict.fromkeys(str(one.get("source")) for one in data.get("restored") or ()))
        equal = all(one.get("equal") for one in data.get("restored") or ())
        mark: Span = ("+ ", "done") if equal else ("! ", "waiting")
        more = "" if equal else ", NOT equal to what was kept"
        told = line(mark, safe(f"brought back {words.listing(names)}{more}, by {data.get('by') or '?'}"))
        if not data.get("accepted"):
            return [told]
        return [told, line("  ", safe(f"accepted: the loss of {data['accepted']}"))]

    def _item_answered(self, data: Mapping[str, Any], at: str) -> list[Line]:
        item, note = safe(str(data.get("item_id") or "an item")), safe(str(data.get("note") or ""))
        said: Span = (f"afterwards: {item}: {note}" if note else f"afterwards: {item} is open again", "plain")
        return [line(("+ ", "done") if note else (". ", "todo"), said)]

    def _step_started(self, data: Mapping[str, Any], at: str) -> list[Line]:
        number = int(data.get("step") or 0)
        self._started[number] = at
        self._steps.setdefault(number, str(data.get("change") or ""))
        self._actions.setdefault(number, str(data.get("action") or self._command))
        told = {"stepwise": "  statement by statement", "record": "  recorded only"}
        mode = "" if self._actions[number] == "verify" else told.get(str(data.get("mode")), "")
        extra: Span = (mode, "muted")
        return [line(("> ", "running"), self._step(data), extra)]

    def _step_committed(self, data: Mapping[str, Any], at: str) -> list[Line]:
        return self._done(data, at)

    def _step_recorded(self, data: Mapping[str, Any], at: str) -> list[Line]:
        return self._done(data, at)

    def _step_tried(self, data: Mapping[str, Any], at: str) -> list[Line]:
        return [line(("+ ", "done"), self._step(data), (" ran", "done"), self._took(data, at))]

    def _rolled_back(self, data: Mapping[str, Any], at: str) -> list[Line]:
        message = safe(str(data.get("message") or ""))
        took = words.duration(float(data.get("ms") or 0))
        return [line(("< ", "waiting"), ("ROLLBACK", "strong"), f" after {took}: {message}")]

    def _step_verified(self, data: Mapping[str, Any], at: str) -> list[Line]:
        if data.get("ok"):
            if self._actions.get(int(data.get("step") or 0)) == "verify":
                if data.get("where") == "none":
                    why = safe(str(data.get("message") or "it has no verify script"))
                    return [line((". ", "muted"), self._step(data), f" not verified: {why}")]
                return self._done(data, at)
            return []
        if data.get("where") == "inside":
            return []  # step_failed follows, with the same message
        return [line(("x ", "failed"), self._step(data), (" verify FAILED", "failed")), *self._message(data)]

    def _statement_started(self, data: Mapping[str, Any], at: str) -> list[Line]:
        self._told_of = ()
        return []

    def _activity(self, data: Mapping[str, Any], at: str) -> list[Line]:
        """Once for each set of sessions that are waited for, and for each phase; the screen shows all in between."""
        now = Activity.of(data)
        key = (now.waiting, tuple((one.pid, one.prepared) for one in now.blockers), now.phase, now.note)
        if key == self._told_of:
            return []
        before, self._told_of = self._told_of, key
        where = f"line {now.line}: " if now.line else ""
        lines: list[Line] = []
        if now.waiting and key[:2] != before[:2]:
            lines.append(line(("~ ", "waiting"), where, ("WAITING", "waiting"), f" for {now.waits_for() or 'a lock'}"))
            for one in now.blockers:
                lines.append(line("  ", "  " * one.depth, (one.name, "strong"), "  ", one.about()))
                if one.query and not one.hidden:
                    lines.append(line("  ", "  " * one.depth, (f"  {safe(' '.join(one.query.split()))}", "muted")))
            if behind := now.behind(self._whom):
                lines.append(line(("    ", "plain"), (behind, "waiting")))
            if unseen := unseen_words(now):
                lines.append(line(("  ? ", "stale"), (unseen, "stale")))
        elif before and before[0] and not now.waiting:
            lines.append(line(("> ", "running"), where, "the wait is over"))
        if now.phase and now.phase not in before[2:3]:
            lines.append(line(("  ", "plain"), where, (now.progress(), "running")))
        if now.note and now.note not in before[3:]:
            lines.append(line(("! ", "waiting"), safe(now.note)))
        return lines

    def _statement_retried(self, data: Mapping[str, Any], at: str) -> list[Line]:
        self._told_of = ()
        where = f"line {data['line']}: " if data.get("line") else ""
        lost = f"try {data.get('try', '?')} of {data.get('of', '?')} is lost"
        why, after = safe(str(data.get("why") or data.get("sqlstate") or "?")), float(data.get("wait_ms") or 0)
        who = named(Activity.of(data).blockers)
        why += f", behind {who}" if who else ""
        return [line(("~ ", "waiting"), where, (lost, "waiting"), f": {why}; the next in {words.duration(after)}")]

    def _lock_timeout_raised(self, data: Mapping[str, Any], at: str) -> list[Line]:
        raised = words.duration(float(data.get("ms") or 0))
        return [line(("~ ", "waiting"), f"lock_timeout {raised} for one try: {safe(str(data.get('why') or ''))}")]

    def _settings_changed(self, data: Mapping[str, Any], at: str) -> list[Line]:
        timeout = words.duration(float(data.get("lock_timeout_ms") or 0))
        return [line(("  ", "plain"), f"from now on: lock_timeout {timeout}, {data.get('retries', '?')} retries")]

    def _blocker_ended(self, data: Mapping[str, Any], at: str) -> list[Line]:
        how = "cancelled" if data.get("how") == "cancel" else "terminated"
        message = f": {safe(str(data['message']))}" if data.get("message") else ""
        pid = safe(str(data.get("pid") or "?"))
        if data.get("ok"):
            return [line(("+ ", "done"), f"pid {pid} {how}{message}")]
        return [line(("x ", "failed"), (f"pid {pid} was not {how}", "failed"), message)]

    def _index_invalid(self, data: Mapping[str, Any], at: str) -> list[Line]:
        index = safe(str(data.get("index") or "?"))
        told: Span = (f"the index {index} is left INVALID", "failed")
        lines = [line(("x ", "failed"), told, "; either of these mends it:")]
        return lines + [line("      ", (safe(str(one)), "strong")) for one in data.get("repair") or ()]

    def _watcher_came(self, data: Mapping[str, Any], at: str) -> list[Line]:
        if data.get("started"):  # who started the run is no news
            return []
        return [line(("  ", "plain"), (f"watched by {safe(str(data.get('who') or '?'))}", "muted"))]

    def _watcher_left(self, data: Mapping[str, Any], at: str) -> list[Line]:
        return [line(("  ", "plain"), (f"{safe(str(data.get('who') or '?'))} has left", "muted"))]

    def _statement_finished(self, data: Mapping[str, Any], at: str) -> list[Line]:
        ms = float(data.get("ms") or 0)
        if ms < 1000 and not self._every_statement:
            return []
        tag = f" {safe(str(data['tag']))}" if data.get("tag") else ""
        where = f"  line {data.get('line', '?')}:{tag}"
        return [line((where, "muted"), f" took {words.duration(ms)}")]

    def _statements_finished(self, data: Mapping[str, Any], at: str) -> list[Line]:
        many = words.count(int(data.get("count") or 0), "statement")
        where = f"lines {data.get('from_line', '?')} to {data.get('to_line', '?')}"
        return [line((f"  {where}: {many} in {words.duration(float(data.get('ms') or 0))}", "muted"))]

    def _lock_waited(self, data: Mapping[str, Any], at: str) -> list[Line]:
        what = safe(str(data.get("relation") or data.get("message") or "a lock"))
        if "holder" in data:
            holder = safe(str(data["holder"] or "a session that can't be seen"))
            return [line(("~ ", "waiting"), f"another run works on this database: {holder}; waiting")]
        where = f"line {data['line']}: " if data.get("line") else ""
        return [line(("~ ", "waiting"), where, f"waited {words.duration(float(data.get('ms') or 0))} for {what}")]

    def _notice_received(self, data: Mapping[str, Any], at: str) -> list[Line]:
        severity = safe(str(data.get("severity") or "NOTICE"))
        role: Role = "waiting" if severity == "WARNING" else "muted"
        return [line((f"  {severity}: ", role), safe(str(data.get("message") or "")))]

    def _output(self, data: Mapping[str, Any], at: str) -> list[Line]:
        text = safe(str(data.get("text") or "").rstrip("\n"), multiline=True)
        return [line(("  | ", "muted"), part) for part in text.split("\n")]

    def _warning(self, data: Mapping[str, Any], at: str) -> list[Line]:
        return [line(("! ", "waiting"), safe(str(data.get("message") or "")))]

    def _step_failed(self, data: Mapping[str, Any], at: str) -> list[Line]:
        what = " verify FAILED" if data.get("verify") else " FAILED"
        lines = [line(("x ", "failed"), self._step(data), (what, "failed"), self._took(data, at)), *self._message(data)]
        return lines + self._left(data)

    def _left(self, data: Mapping[str, Any]) -> list[Line]:
        left = left_of(data)
        if left.kind == "nothing":
            return [line(f"    {left.sentences[0]}")]
        return [line(("    what stays:", "waiting")), *(line(f"      {one}") for one in left.sentences)]

    def _loss_counted(self, data: Mapping[str, Any], at: str) -> list[Line]:
        return [line(("! ", "waiting"), "would be lost: ", safe(str(data.get("told") or "?")))]

    def _rows_saved(self, data: Mapping[str, Any], at: str) -> list[Line]:
        rows = words.count(int(data.get("rows") or 0), "row")
        source, keep = safe(str(data.get("table") or "?")), safe(str(data.get("keep") or "?"))
        return [line(("+ ", "done"), ("copied ", "done"), f"{rows} of {source} to {keep}; kept if this change commits")]

    def _step_in_doubt(self, data: Mapping[str, Any], at: str) -> list[Line]:
        told = line(("? ", "failed"), self._step(data), (" IN DOUBT", "failed"))
        return [told, *self._message(data), *self._left({"in_doubt": True, **data})]

    def _message(self, data: Mapping[str, Any]) -> list[Line]:
        where = ":".join(safe(str(data[key])) for key in ("path", "line") if data.get(key))
        state = safe(str(data.get("sqlstate") or ""))
        message = safe(str(data.get("message") or ""))
        lines = [line("    ", where, ": " if where else "", (message, "strong"), f" [{state}]" if state else "")]
        return lines + [line(f"    {key}: ", safe(str(data[key]))) for key in ("detail", "hint", "do") if data.get(key)]

    def _run_settled(self, data: Mapping[str, Any], at: str) -> list[Line]:
        """What was found out later about a step of a run that was cut off."""
        outcome = str(data.get("outcome") or "")
        glyph, word, role = _SETTLED.get(outcome, ("? ", outcome or "?", "stale"))
        why = safe(str(data.get("message") or ""))
        told = line((glyph, role), self._step(data), " ", (safe(word), role), f": {why}")
        stays = [line(("    stays: ", "muted"), safe(str(one))) for one in data.get("what_stays") or ()]
        return [told, *stays, *(line(("    repair: ", "muted"), safe(str(one))) for one in data.get("repair") or ())]

    def _earlier_run_settled(self, data: Mapping[str, Any], at: str) -> list[Line]:
        told = safe(
            f"the run {data.get('settled') or '?'}, which was cut off, is settled: {data.get('message') or '?'}"
        )
        return [line(("+ ", "done"), told)]

    def _host_slept(self, data: Mapping[str, Any], at: str) -> list[Line]:
        seconds = safe(str(data.get("seconds") or "?"))
        return [line(("~ ", "waiting"), f"the host slept for {seconds} s: looking around")]

    def _run_paused(self, data: Mapping[str, Any], at: str) -> list[Line]:
        why = f" ({safe(str(data['why']))})" if data.get("why") else ""
        what = "batches" if self._command == "backfill" else "changes"
        return [line(("~ ", "waiting"), f"paused between two {what}{why}; no transaction is open")]

    def _run_resumed(self, data: Mapping[str, Any], at: str) -> list[Line]:
        return [line(("> ", "running"), "going on")]

    def _command_received(self, data: Mapping[str, Any], at: str) -> list[Line]:
        command, *arguments = str(data.get("command") or "?").split(" ")
        verb, blocker, _ = command.partition("_blocker")
        told = f"{verb} pid {arguments[0]}" if blocker and arguments else " ".join((command, *arguments))
        return [line(("  ", "plain"), f"asked to {safe(told)}")]

    def _run_finished(self, data: Mapping[str, Any], at: str) -> list[Line]:
        good = data.get("exit_status") == 0
        glyph: Span = ("+ ", "done") if good else ("x ", "failed")
        done, total = data.get("done", "?"), data.get("total", "?")
        summary = safe(str(data.get("summary") or data.get("result") or ""))
        lines = [line(glyph, (f"{done} of {total} done", "strong"), f": {summary}" if summary and not good else "")]
        if good and not total:
            lines = [line(glyph, summary)]
        return lines + [line("    ", safe(str(data[key]))) for key in ("now", "do") if data.get(key)]
