"""Following a run: its journal in words or as it is, and what the operator's signals ask of it.

The run is a process of its own; whoever follows only reads and asks. Ctrl-C at a terminal: first pause after this step,
then cancel the statement and stop, then leave. Without a terminal, Ctrl-C and SIGTERM cancel and stop at once. SIGHUP
says that the terminal is gone: the follower ends, and the run does what its policy (`on_hangup`) says. Of several
followers the first one controls the run; the others only watch, and their signals end nothing but themselves. Whatever
happens, the exit status is the run's own; leaving before the run has ended is "in doubt".
"""

from __future__ import annotations

import contextlib
import errno
import json
import select
import signal
import sys
import time
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

from pgmig_tui.cli import output
from pgmig_tui.cli.ask import somebody_is_there
from pgmig_tui.cli.progress import ProgressLine, RunAdvance
from pgmig_tui.display import hangup
from pgmig_tui.display.cells import Line, line
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import InDoubt, PgmigError, StepFailure
from pgmig_tui.run.journal import events as happened
from pgmig_tui.run.journal.lines import RunLines
from pgmig_tui.run.journal.picture import RunPicture

if TYPE_CHECKING:
    from subprocess import Popen

    from pgmig_tui.cli.consent import Consent
    from pgmig_tui.project.environments import Environment
    from pgmig_tui.run.clients.client import RunHandle
    from pgmig_tui.run.journal.entry import Entry
    from pgmig_tui.run.journal.run_plan import RunPlan

POLL_S = 0.05
HOOKS_S = 3.0
"""For so long a follower waits at most for the answer of hooks that were called at the end."""
LEFT = 4
"""Exit status of a follower that left before the run's end: whether its steps get applied isn't known."""


def start_and_follow(
    plan: RunPlan, environment: Environment, given: Consent, process: Popen[bytes], *, json_lines: bool
) -> int:
    """Start a run with the answers that were given, in the process that was warmed up for it, and follow it. Returns
    the run's exit status."""
    from pgmig_tui.run.clients.client import start

    target = environment.target
    with Signals() as signals:
        handle = start(
            plan,
            given.answers,
            password=target.password,
            secrets=target.secrets,
            process=process,
            evidence=given.evidence,
            estimates=given.estimates,
        )
        return Follower(handle, signals, json_lines=json_lines).follow()


class Signals:
    """Counts signals while it is open, and gives the handlers back afterwards. Handlers only count: what a signal asks
    for is done between two looks at the journal, never inside a handler."""

    def __init__(self) -> None:
        self.interrupts = 0
        self.terminations = 0
        self._hung_up = False
        self._terminal: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # nohup and `&` in a script ignore a signal on purpose.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._count)
        if signal.SIGHUP in self._previous:
            self._terminal = hangup.terminal()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _count(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            self.interrupts += 1
        elif number == signal.SIGTERM:
            self.terminations += 1
        else:
            self.hang_up()

    def hang_up(self) -> None:
        self._hung_up = True

    @property
    def hung_up(self) -> bool:
        """The terminal is gone, whether we were sent a signal or not."""
        return self._hung_up or (self._terminal is not None and hangup.is_gone(self._terminal))


def _is_trouble(event: Entry) -> bool:
    """Whether an event is told although only what goes wrong is to be."""
    match event.event:
        case (
            happened.StepFailed()
            | happened.StepInDoubt()
            | happened.Warned()
            | happened.IndexInvalid()
            | happened.RunPaused()
            | happened.HookTold(ok=False)
        ):
            return True
        case happened.RunFinished(exit_status=status):
            return status != 0
        case happened.StepVerified(ok=ok):
            return not ok
    return False


class Follower:
    """Prints what a run's journal says until it ends, and passes the operator's wishes on."""

    def __init__(
        self,
        handle: RunHandle,
        signals: Signals,
        *,
        json_lines: bool,
        resume: bool = False,
    ) -> None:
        self._handle = handle
        self._controls = handle.take_control()
        self._resume = resume
        self._paused = False
        self._signals = signals
        self._json_lines = json_lines
        self._person = somebody_is_there()
        self._picture = RunPicture()
        self._lines = RunLines(every_statement=output.is_verbose())
        self._asked = 0
        self._asked_at_pause = False
        self._waits_for_answer = False
        self._nobody_reads = False
        self._advance = RunAdvance(handle.estimates)
        self._bar = None if json_lines else ProgressLine()

    def follow(self) -> int:
        """The exit status: the run's own, or LEFT. Raises InDoubt (StepFailed for a backfill) when the run
        process exits without recording an end."""
        try:
            return self._follow()
        finally:
            if self._bar is not None:
                self._bar.end()

    def _follow(self) -> int:
        if not self._controls and self._handle.alive():
            self._tell(f"Watching only: {self._handle.controlled_by() or 'another'} controls this run.")
        while True:
            alive = self._handle.alive()
            events = self._handle.poll()
            for event in events:
                self._show(event)
            if self._picture.exit_status is not None:
                self._hear_hooks()
                return self._picture.exit_status
            if self._signals.hung_up:
                return LEFT
            if self._obey() == LEFT:
                return LEFT
            if events:
                continue
            if not alive:
                raise self._cut_off()
            if self._resume and self._paused and self._controls:
                self._resume = not self._handle.send("resume")
            elif self._paused and not self._asked_at_pause:
                self._ask_at_pause()
            self._answer_pause()
            if self._bar is not None:
                self._bar.show(self._advance.now())
            time.sleep(POLL_S)

    def _a_try_s(self) -> float:
        """How long one try of a hook that hasn't answered may take."""
        from pgmig_tui.run.journal.run_plan import RunPlan

        waiting = {name for name, one in self._picture.hooks.items() if one.told is None}
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            hooks = RunPlan.load(self._handle.folder).hooks
            return max((float(one["timeout_ms"]) / 1000 for one in hooks if one["name"] in waiting), default=HOOKS_S)
        return HOOKS_S

    def _hear_hooks(self) -> None:
        """What becomes of the hooks that the run has called at its end, for a moment: nobody waits longer than one try
        of one that hangs may take, and its own process tells the journal."""
        deadline = time.monotonic() + min(HOOKS_S, self._a_try_s())
        while waiting := [name for name, one in self._picture.hooks.items() if one.told is None]:
            for event in self._handle.poll():
                self._show(event)
            if time.monotonic() > deadline or self._signals.hung_up or self._signals.interrupts:
                told = f"`pgmig-tui after {self._handle.run_id}` shows what became of it"
                self._tell(f"Nobody has answered yet by the hook {' and '.join(waiting)}: {told}.")
                return
            time.sleep(POLL_S)

    def _show(self, event: Entry) -> None:
        self._picture.add(event)
        self._advance.add(event)
        if isinstance(event.event, happened.RunPaused | happened.RunResumed):
            self._paused = isinstance(event.event, happened.RunPaused)
            self._waits_for_answer = self._asked_at_pause = False
        if not self._nobody_reads:
            try:
                self._print(event)
            except BrokenPipeError:
                # The reader of our stdout has gone; the run, and the truth about it in our exit status, go on.
                self._nobody_reads = True
                output.silence(sys.stdout)
            except OSError as error:
                if error.errno != errno.EIO:
                    raise
                self._signals.hang_up()  # the terminal that it was written to is gone

    def _ask_at_pause(self) -> None:
        """Once the journal is told to its end: a pause of long ago, that another has ended, is none."""
        self._asked_at_pause = True
        if not self._controls:
            self._tell("The run is paused.")
        elif self._person:
            self._waits_for_answer = True
            self._tell("Enter r to go on, s to stop here, or l to leave it paused:")
        else:
            self._tell(f"The run is paused: pgmig-tui attach {self._handle.run_id} --resume lets it go on.")

    def _print(self, event: Entry) -> None:
        if self._json_lines:
            text = event.to_line()
            # Only ASCII goes out: a log of it may come to a terminal one day, and no name in it may steer that.
            sys.stdout.write((text if text.isascii() and "\x7f" not in text else json.dumps(json.loads(text))) + "\n")
        else:
            lines = self._lines.add(event)
            if output.is_quiet() and not _is_trouble(event):
                return
            for told in lines:
                output.say(told)
        sys.stdout.flush()

    def _obey(self) -> int:
        """Act on signals that came since the last time. LEFT when the operator wants out."""
        if not self._controls:
            return LEFT if self._signals.terminations or self._signals.interrupts else 0
        if self._signals.terminations or (self._signals.interrupts and not self._person):
            wishes = 2
        else:
            wishes = min(self._signals.interrupts, 3)
        while self._asked < wishes:
            self._asked = 2 if wishes == 2 else self._asked + 1
            if self._asked == 1:
                self._handle.send("pause")
                self._tell("Pausing after this step. Ctrl-C again cancels the statement and stops the run.")
            elif self._asked == 2:
                self._handle.send("stop")
                self._tell("Cancelling the statement and stopping the run; waiting for the server's answer.")
            else:
                self._handle.send("detach")
                self._tell(f"Left. The run goes on ending by itself: pgmig-tui attach {self._handle.run_id}")
                return LEFT
        return 0

    def _answer_pause(self) -> None:
        if not self._waits_for_answer or not select.select([sys.stdin], [], [], 0)[0]:
            return
        answer = sys.stdin.readline()
        match answer.strip().lower()[:1]:
            case "r":
                self._waits_for_answer = False
                self._asked = self._signals.interrupts = 0
                self._handle.send("resume")
            case "s":
                self._waits_for_answer = False
                self._handle.send("stop")
            case "l":
                self._waits_for_answer = False
                self._handle.send("detach")
                self._signals.hang_up()
                self._tell(f"Left. The run stays paused: pgmig-tui attach {self._handle.run_id}")
            case _:
                if not answer:
                    self._waits_for_answer = False
                else:
                    self._tell("Enter r, s or l:")

    def _tell(self, message: str) -> None:
        told: Line = line(("~ ", "waiting"), safe(message))
        output.note(told)

    def _cut_off(self) -> PgmigError:
        environment = self._picture.environment
        if self._picture.command == "backfill":
            return StepFailure(
                f"The run process of {self._handle.run_id} has exited without recording an end.",
                now="What it has committed stands in its checkpoint, which was written in the same transactions.",
                do=f"`pgmig-tui backfill {environment} --resume {self._handle.run_id}` goes on from there.",
                details=self._handle.last_words().splitlines()[-1:],
            )
        return InDoubt(
            f"The run process of {self._handle.run_id} has exited without recording an end.",
            now="A step may or may not have been applied; what the registry says is what counts.",
            do=f"`pgmig-tui reconcile {environment or 'TARGET'}` finds out and settles it.",
            details=self._handle.last_words().splitlines()[-1:],
        )
