"""After a failure: what failed, where, what is true now, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.review.verify_evidence import VerifyEvidence
from pgmig_tui.run.journal.picture import RunPicture, StepPicture
from pgmig_tui.ui.backend.protocol import EVERYTHING, Command, EnvironmentFacts, Manner
from pgmig_tui.ui.destinations import ToLocks, ToReview, ToRollback
from pgmig_tui.ui.screens.base import BaseScreen, bindings
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.threads import words_of
from pgmig_tui.ui.views import run as run_view
from pgmig_tui.ui.widgets.lines import Bar, Lines

if TYPE_CHECKING:
    from pgmig_tui.ui.screens.run import RunScreen


_CHOICES = frozenset({"failed.retry", "failed.revert", "failed.record"})


class FailedScreen(BaseScreen):
    """Stands over the run screen. Every choice that changes something leads through the review and its word."""

    place: ClassVar[str] = "failed"
    least: ClassVar[tuple[int, int]] = SMALL
    CSS_PATH = "../styles/failed.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("failed")

    def __init__(self, run: RunScreen, step: StepPicture) -> None:
        super().__init__()
        self.run = run
        self.step = step
        self._asking = False
        self._evidence: VerifyEvidence | None = None
        self.headline = Bar(identity="headline")
        self.what = Lines(identity="what")
        self.choices = Lines(identity="choices")

    def body(self) -> Iterable[Widget]:
        yield self.headline
        yield self.what
        yield self.choices

    def set_up(self) -> None:
        self.headline.make(self.run.headline_line)
        super().set_up()
        self.show()

    def run_told(self) -> None:
        self.show()

    def show(self) -> None:
        """Draws anew, as when the script's text has come."""
        self.what.fill(lambda columns: self._what_lines(columns - 1))
        columns = self.choices.size.width or self.app.size.width
        # With the border above it, and never so high that what failed goes out of sight.
        most = max(3, min(10, self.app.size.height // 2 - 1))
        self.choices.styles.height = min(len(self._choice_lines(columns - 1)) + 1, most)
        self.choices.fill(lambda columns: self._choice_lines(columns - 1))

    def on_resize(self) -> None:
        self.show()

    def answers_changed(self) -> None:
        # The process that has just told its end lives on for a moment, in which nothing else may start.
        self.show()

    @property
    def picture(self) -> RunPicture:
        return self.run.picture

    @property
    def where(self) -> EnvironmentFacts | None:
        return self.run.where

    def doing(self) -> str:
        return f"RUN {self.run.run_id}  FAILED"

    def _what_lines(self, columns: int) -> list[Line]:
        return run_view.failure_lines(self.picture, self.step, self.run.script, columns, copies=True)

    def _choice_lines(self, columns: int) -> list[Line]:
        left = len(self.picture.steps) - self.picture.done
        choices = (
            ("failed.retry", "d", f"retry: a new run of the {count(left, 'change')} that is left" if left == 1
             else f"retry: a new run of the {count(left, 'change')} that are left"),
            ("failed.revert", "R", self._revert_told()),
            ("failed.record", "m", "mark it deployed: runs its verify script, then only records it"),
            ("failed.after", "Enter", "leave it as it is: results, and the list for afterwards"),
        )  # fmt: skip
        lines: list[Line] = []
        for key_id, key, told in choices:
            off = self.off(key_id)
            role: Role = "off" if off else "plain"
            lines.append(((f" {key:<6}", "off" if off else "key"), (told, role)))
            if off:
                lines += wrap(f"off: {off}", columns, "waiting", indent="       ")[:1]
        if self._asking:
            lines.append(((" running its verify script ...", "running"),))
        elif self._evidence is not None and (told := self._evidence.problem or self._evidence.told):
            lines += wrap(safe(told), columns, "done" if self._evidence.ok else "failed", indent=" ")
        return lines

    # Keys

    def panes(self) -> Sequence[Lines]:
        return (self.what, self.choices)

    def off(self, key_id: str) -> str | None:
        if key_id not in _CHOICES and key_id != "failed.locks":
            return None
        place = self.where
        if place is None:
            return "its environment is not in this project"
        if key_id == "failed.locks":
            return None
        if self.picture.exit_status == 4:
            return f"it is in doubt what took effect; `pgmig-tui reconcile {safe(place.name)}` settles it first"
        stops_it = key_id == "failed.revert"  # as a rollback does, with what runs there
        reason = self.pgmig.answers.silent(place.name) if stops_it else self.pgmig.answers.cannot(place.name)
        if reason is not None:
            return reason
        return self._off_now(key_id)

    def _off_now(self, key_id: str) -> str | None:
        command = self.picture.command
        recorded = self.step.recorded
        if key_id == "failed.retry" and command not in {"deploy", "revert", "verify"}:
            return f"a {safe(command)} is started from its own place"
        if key_id == "failed.retry" and command == "deploy" and recorded and not self._rest:
            return "nothing is left: this change is deployed, its verification failed"
        if key_id in {"failed.revert", "failed.record"} and command != "deploy":
            return "this was not a deploy"
        if key_id == "failed.revert" and not self.picture.recorded:
            stays = self.step.left.kind != "nothing"
            return "it isn't recorded as deployed; repair or mark it first" if stays else "nothing of it is deployed"
        if key_id == "failed.record":
            if recorded:
                return "it is recorded already"
            if self._asking:
                return "its verify script runs"
        return None

    @property
    def _rest(self) -> list[StepPicture]:
        """The steps that come after the one that failed."""
        return [step for step in self.picture.steps.values() if step.state == "todo"]

    def _review(self, command: Command, to: str | None, *, how: Manner = "run", evidence: str = "") -> None:
        place = self.where
        assert place is not None, "off() has seen to it"
        self.go(ToReview(place, command, to, how=how, evidence=evidence), instead=True)

    def do_retry(self) -> None:
        command = self.picture.command
        last = list(self.picture.steps.values())[-1]
        if command == "revert":
            self._review("revert", self._before(last.change_id))
        else:
            self._review("verify" if command == "verify" else "deploy", last.change_id)

    def _revert_told(self) -> str:
        steps = self.picture.recorded
        many = count(len(steps), "change")
        if self.step.left.kind not in ("nothing", "recorded"):
            return f"roll back the {many} it has committed; what stays of this one is left"
        return f"roll back the {many} that this run has committed"

    def do_revert(self) -> None:
        place = self.where
        assert place is not None, "off() has seen to it"
        self.go(ToRollback(place, came_from=self.run.run_id), instead=True)

    def _before(self, change_id: str) -> str:
        """The change that the plan has before another: where a revert of that one goes back to."""
        before = EVERYTHING
        for line in self.pgmig.session.facts.plan:
            if line.change_id == change_id:
                break
            before = line.change_id
        return before

    def do_record(self) -> None:
        place = self.where
        assert place is not None, "off() has seen to it"
        self._asking = True
        self.show()
        session, name, change_id = self.pgmig.session, place.name, self.step.change_id
        self.later("evidence", lambda: session.evidence(name, change_id), self._heard, self._unheard)

    def _heard(self, evidence: VerifyEvidence) -> None:
        self._asking, self._evidence = False, evidence
        self.show()
        if evidence.problem:
            self.say("it can't be marked", "failed")
        elif evidence.ok is False:
            self.say("its own verify script says that it isn't deployed; `deploy --log-only` would not ask", "failed")
        elif self.is_current:
            self._review("deploy", self.step.change_id, how="record", evidence=evidence.told)

    def _unheard(self, error: Exception) -> None:
        self._asking, self._evidence = False, VerifyEvidence(None, problem=words_of(error))
        self.show()

    def do_locks(self) -> None:
        assert self.where is not None, "off() has seen to it"
        self.go(ToLocks(self.where))

    def do_after(self) -> None:
        self.app.pop_screen()
        self.run.do_after()

    def copy_text(self) -> str:
        # Each is enough by itself: they mustn't be run one after the other.
        repairs = ["\n-- or\n".join(f"{sql.rstrip(';')};" for sql in one.repair) for one in self.picture.invalid]
        return "\n\n".join(repairs) or self.run.copy_text()

    def copied_what(self, text: str) -> str:
        return "copied the repair" if self.picture.invalid else super().copied_what(text)

    def help_text(self) -> tuple[str, ...]:
        return (
            "The run has ended. Nothing here changes anything before the review's last word.",
            "Retry runs the scripts as they lie on disk now: mend the script first.",
            "Mark deployed runs the verify script, and no deploy script; then the review asks for the word.",
        )
