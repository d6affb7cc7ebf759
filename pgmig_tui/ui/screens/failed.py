"""After a failure: what failed, where, what is true now, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.review.verify_evidence import VerifyEvidence
from pgmig_tui.run.journal.picture import RunPicture, StepPicture
from pgmig_tui.ui.backend.protocol import EVERYTHING, EnvironmentFacts
from pgmig_tui.ui.destinations import ToLocks, ToReview, ToRollback
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, unless, with_item
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.threads import words_of
from pgmig_tui.ui.views import run as run_view
from pgmig_tui.ui.widgets.lines import Bar, Lines

if TYPE_CHECKING:
    from pgmig_tui.ui.screens.run import RunScreen


class FailedScreen(BaseScreen):
    """Stands over the run screen. Every choice that changes something leads through the review and its word."""

    screen_id: ClassVar[str] = "failed"
    least: ClassVar[tuple[int, int]] = SMALL
    CSS_PATH = "../styles/failed.tcss"

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
        return f"RUN {self.run.run_id}  {'IN DOUBT' if self.picture.exit_status == 4 else 'FAILED'}"

    def _what_lines(self, columns: int) -> list[Line]:
        return run_view.failure_lines(self.picture, self.step, self.run.script, columns, copies=True)

    def _choice_lines(self, columns: int) -> list[Line]:
        left = len(self.picture.steps) - self.picture.done
        choices = (
            ("failed.retry", "d", f"retry: a new run of the {count(left, 'change')} that is left" if left == 1
             else f"retry: a new run of the {count(left, 'change')} that are left"),
            ("failed.revert", "R", self._revert_told()),
            ("failed.record", "m", "mark it deployed: runs its verify script, then only records it"),
            ("failed.after", "Enter", "leave it as it is: results, and the post-deployment checklist"),
        )  # fmt: skip
        lines: list[Line] = []
        before: WhyNot = None
        for key_id, key, told in choices:
            off = self.keys[key_id].off(self)
            role: Role = "off" if off else "plain"
            lines.append(((f" {key:<6}", "off" if off else "key"), (told, role)))
            if off:
                why = "for the same reason" if off == before else off
                lines += wrap(f"off: {why}", columns, "waiting", indent="       ", hanging="         ")[:2]
                before = off
        if self._asking:
            lines.append(((" running its verify script ...", "running"),))
        elif self._evidence is not None and (told := self._evidence.problem or self._evidence.told):
            lines += wrap(safe(told), columns, "done" if self._evidence.ok else "failed", indent=" ")
        return lines

    # Keys

    def panes(self) -> Sequence[Lines]:
        return (self.what, self.choices)

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "failed.retry", "d", "d", "Retry..", "review, then run what is left, this change first",
                with_item(cls._free, cls.do_retry, cls._no_retry), True,
            ),
            Key(
                "failed.revert", "R", "R", "ROLL BACK..",
                "review, then revert this change; if it isn't deployed, what its run has committed",
                with_item(cls._settled, cls.do_revert, cls._no_revert), True,
            ),
            Key(
                "failed.record", "m", "m", "Mark deployed..",
                "run its verify script, then record it without running it",
                with_item(cls._free, cls.do_record, cls._no_record), True,
            ),
            Key(
                "failed.after", "enter", "Enter", "Leave it", "leave it: results, the post-deployment checklist",
                always(cls.do_after),
            ),
            Key(
                "failed.locks", "l", "l", "", "everybody who waits for a lock on this server, and for whom",
                with_item(cls.known_environment, cls.do_locks),
            ),
            *cls.moves("line"),
        )  # fmt: skip

    def _settled(self) -> EnvironmentFacts | Unavailable:
        """Its environment, if it's known what took effect there."""

        def in_doubt(environment: EnvironmentFacts) -> str | None:
            told = f"in doubt; F on its environment (e), or `pgmig-tui reconcile {safe(environment.name)}`, settles it"
            return told if self.picture.exit_status == 4 else None

        return unless(self.known_environment(), in_doubt)

    def _free(self) -> EnvironmentFacts | Unavailable:
        """As `_settled`, if a run can be started there."""
        return unless(self._settled(), lambda environment: self.answers.cannot(environment.name))

    def _no_retry(self, environment: EnvironmentFacts) -> WhyNot:
        command = self.picture.command
        if command not in {"deploy", "revert", "verify"}:
            return f"a {safe(command)} is started from its own screen"
        complete = command == "deploy" and self.step.recorded and not self._rest
        return "nothing is left: this change is deployed, its verification failed" if complete else None

    def _no_revert(self, environment: EnvironmentFacts) -> WhyNot:
        # A rollback stops what runs there.
        if reason := self.answers.silent(environment.name):
            return reason
        if self.picture.command != "deploy":
            return "this was not a deploy"
        if self.picture.recorded:
            return None
        stays = self.step.left.kind != "nothing"
        return "it isn't recorded as deployed; repair or mark it first" if stays else "nothing of it is deployed"

    def _no_record(self, environment: EnvironmentFacts) -> WhyNot:
        if self.picture.command != "deploy":
            return "this was not a deploy"
        if self.step.recorded:
            return "it is recorded already"
        return "its verify script runs" if self._asking else None

    @property
    def _rest(self) -> list[StepPicture]:
        """The steps that come after the one that failed."""
        return [step for step in self.picture.steps.values() if step.state == "todo"]

    def do_retry(self, environment: EnvironmentFacts) -> None:
        command = self.picture.command
        last = list(self.picture.steps.values())[-1]
        again = ToReview(environment, "verify" if command == "verify" else "deploy", last.change_id)
        if command == "revert":
            again = ToReview(environment, "revert", self._before(last.change_id))
        self.go(again, instead=True)

    def _revert_told(self) -> str:
        steps = self.picture.recorded
        many = count(len(steps), "change")
        if self.step.left.kind not in ("nothing", "recorded"):
            return f"roll back the {many} it has committed; what stays of this one is left"
        return f"roll back the {many} that this run has committed"

    def do_revert(self, environment: EnvironmentFacts) -> None:
        self.go(ToRollback(environment, came_from=self.run.run_id), instead=True)

    def _before(self, change_id: str) -> str:
        """The change that the plan has before another: where a revert of that one goes back to."""
        before = EVERYTHING
        for line in self.session.facts.plan:
            if line.change_id == change_id:
                break
            before = line.change_id
        return before

    def do_record(self, environment: EnvironmentFacts) -> None:
        self._asking = True
        self.show()
        session, name, change_id = self.session, environment.name, self.step.change_id
        self.later(
            "evidence", lambda: session.evidence(name, change_id), partial(self._heard, environment), self._unheard
        )

    def _heard(self, environment: EnvironmentFacts, evidence: VerifyEvidence) -> None:
        self._asking, self._evidence = False, evidence
        self.show()
        if evidence.problem:
            self.say("it can't be marked", "failed")
        elif evidence.ok is False:
            self.say("its own verify script says that it isn't deployed; `deploy --log-only` would not ask", "failed")
        elif self.is_active:
            mark = ToReview(environment, "deploy", self.step.change_id, how="record", evidence=evidence.told)
            self.go(mark, instead=True)

    def _unheard(self, error: Exception) -> None:
        self._asking, self._evidence = False, VerifyEvidence(None, problem=words_of(error))
        self.show()

    def do_locks(self, environment: EnvironmentFacts) -> None:
        self.go(ToLocks(environment))

    def do_after(self) -> None:
        self.app.pop_screen()
        self.run.do_after(self.picture)

    def copy_text(self) -> str:
        # Each is enough by itself: they mustn't be run one after the other.
        repairs = ["\n-- or\n".join(f"{sql.rstrip(';')};" for sql in one.repair) for one in self.picture.invalid]
        return "\n\n".join(repairs) or self.run.copy_text()

    def copied_what(self, text: str) -> str:
        return "copied the repair" if self.picture.invalid else super().copied_what(text)

    def help_text(self) -> tuple[str, ...]:
        return (
            "The run has ended. Nothing here changes anything before the review's confirmation word.",
            "Retry runs the scripts as they lie on disk now: fix the script first.",
            "Mark deployed runs the verify script, and no deploy script; then the review asks for the word.",
        )
