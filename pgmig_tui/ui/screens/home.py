"""Home: the plan against the environments, and what the change under the cursor will do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Span, cut, point, text_of, width
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import ago, count
from pgmig_tui.ui.answers import NOT_YET
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, ImpactFacts, ScriptKind, StatusFacts
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, unless, with_item
from pgmig_tui.ui.previews import Previews, WantedScript, required
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.sizes import SMALL
from pgmig_tui.ui.views.matrix import environment_spans
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines
from pgmig_tui.ui.widgets.matrix import Cells, PlanMatrix
from pgmig_tui.ui.widgets.panes import framed

if TYPE_CHECKING:
    from pgmig_tui.ui.backend.protocol import PlanLine

Here = tuple[EnvironmentFacts, StatusFacts]
"""An environment, and what it answered last."""
LOOK_SECONDS = 0.12
LOCK_COLUMN_CHANGES = 40
WIDE, ROOMY = 96, 120
"""From so many columns on there is a side pane; from so many there is room for it and a lock column."""


class HomeScreen(BaseScreen):
    """The plan matrix. Everything here reads; `d`, `v` and `R` lead to the review."""

    screen_id: ClassVar[str] = "home"
    least: ClassVar[tuple[int, int]] = SMALL
    footed: ClassVar[Collection[str]] = ("any.help", "any.quit")

    def __init__(self) -> None:
        super().__init__()
        self._placed: PlanLine | None = None
        self._filter = ""
        self._briefs: dict[str, tuple[ImpactFacts | None, Span, Span, bool]] = {}
        self._required: tuple[StatusFacts | None, dict[str, PlanLine], dict[str, tuple[str, ...]]] = (None, {}, {})
        self._previews = Previews(self._read_preview, self._tell_preview)
        self.summary = Bar(identity="summary")
        self.head = Bar(identity="head")
        self.drift = Bar(identity="drift")
        self.side = Lines(identity="side")

    def body(self) -> Iterable[Widget]:
        facts = self.session.facts
        cells = Cells(self._cell, self._lock_cell, self._risk_cell, self._loses)
        self.matrix = PlanMatrix(
            facts.plan, [environment.name for environment in facts.environments], cells, identity="matrix"
        )
        self.matrix.chosen = self.shell.chosen
        self._placed = self.matrix.change
        yield self.summary
        plan = framed(Vertical(self.head, self.drift, self.matrix, id="plan"), "plan", self.matrix)
        yield Horizontal(plan, framed(self.side, "change"), id="columns")

    def set_up(self) -> None:
        self.summary.make(self._summary_line)
        self.head.make(lambda columns: self.matrix.head(self.matrix.columns or columns))
        self.drift.make(lambda columns: self.matrix.marks(self.matrix.columns or columns, self._drift_mark))
        super().set_up()
        self._look = self.set_timer(LOOK_SECONDS, self._look_at)
        self.set_timer(LOOK_SECONDS, self._show_side)

    def on_resize(self) -> None:
        self.matrix.with_locks = self.size.width < WIDE or self.size.width >= ROOMY
        self.note.show(self._note_lines(self.size.width))
        self.head.refresh()
        self.drift.refresh()
        self.matrix.refresh()

    # Facts

    @property
    def chosen(self) -> EnvironmentFacts | None:
        environments = self.session.facts.environments
        return environments[self.shell.chosen] if environments else None

    def _known_status(self) -> StatusFacts | None:
        return self.answers.good.get(self.chosen.name) if self.chosen else None

    def _cell(self, change_id: str, environment: str) -> Span:
        return self.answers.cell(change_id, environment, self.shell.clock())

    def _drift_mark(self, environment: str) -> Span:
        return self.answers.drift_mark(environment, self.shell.clock())

    def _pending_impact(self, change_id: str) -> ImpactFacts | None:
        """What deploying a change would do, if it's pending in the chosen environment and has been looked at."""
        status = self._known_status()
        if status is None or change_id in status.deployed or change_id not in status.pending:
            return None
        return self._previews.get(self._wanted(change_id, "deploy"))

    def _brief(self, change_id: str) -> tuple[ImpactFacts | None, Span, Span, bool]:
        """What is known of deploying a change, its lock, its risk, and whether it loses data: worked out once, since a
        script may be long and its row is drawn every second."""
        facts = self._pending_impact(change_id)
        if facts is None:
            return None, ("", "plain"), ("", "plain"), False
        known = self._briefs.get(change_id)
        if known is None or known[0] is not facts:
            from pgmig_tui.gates.loss import of_script
            from pgmig_tui.ui.views.findings import short_lock, short_risk

            loses = facts.impact is not None and bool(of_script(facts.impact).known)
            known = self._briefs[change_id] = (facts, short_lock(facts), short_risk(facts), loses)
        return known

    def _lock_cell(self, change_id: str) -> Span:
        return self._brief(change_id)[1]

    def _risk_cell(self, change_id: str) -> Span:
        return self._brief(change_id)[2]

    def _loses(self, change_id: str) -> bool:
        return self._brief(change_id)[3]

    def doing(self) -> str:
        environments, now = self.session.facts.environments, f"{self.shell.clock():%H:%M:%S}Z"
        if self.chosen is None:
            return f"no environment  {now}"
        guard = "!! PROTECTED !! " if self.chosen.protected else ""
        if guard and self.shell.locked(self.chosen) is None:
            guard = "!! UNLOCKED !! "
        return f"{guard}env {self.shell.chosen + 1}/{len(environments)} {self.chosen.name}  {now}"

    def right_spans(self, text: str) -> tuple[Span, ...]:
        # d, v and R are about the chosen environment: that it's protected must be seen before they are pressed.
        return ((text, "tier-prod" if self.chosen is not None and self.chosen.protected else "tier-none"),)

    def _summary_line(self, columns: int) -> Line:
        facts = self.session.facts
        head = f" Plan {facts.project}  {count(len(facts.plan), 'change')}  {count(facts.tags, 'tag')}   "
        if self._filter:
            return (
                (head, "plain"),
                (f"filter: {self._filter}  {len(self.matrix.rows)} shown, Esc shows all", "waiting"),
            )
        if self.chosen is None:
            return ((head, "plain"), ("no target in sqitch.conf and no environment in pgmig.toml", "waiting"))
        name = self.chosen.name
        last, status = self.answers.last.get(name), self._known_status()
        if last is None:
            return ((head, "plain"), (f"{name}: asking...", "muted"))
        if not last.reachable:
            return ((head, "plain"), (f"{name}: no answer", "stale"))
        assert status is not None, "a reachable answer is a good answer"
        asked = ago((self.shell.clock() - status.asked_at).total_seconds())
        told, role = status.words
        return ((head, "plain"), (f"{name}: {told}", role), (f"   asked {asked}", "muted"))

    def quiet_line(self, columns: int) -> Line:
        spans: list[Span] = []
        for run in self.answers.alive()[:1]:
            how: Span = (" ~ run {} PAUSED", "waiting") if run.paused else (" > run {} alive", "running")
            spans.append((f"{how[0].format(run.run_id)} on {run.environment} {run.done}/{run.steps}: h", how[1]))
        room = columns - sum(width(text) for text, _role in spans)
        names = [environment.name for environment in self.session.facts.environments]
        return (*environment_spans(names, self.shell.chosen, room), *spans)

    def answers_changed(self) -> None:
        if self._said is not None and self._said[0].endswith(NOT_YET):
            self._said = None
        self.note.show(self._note_lines(self.size.width))
        if not self._moved:
            self._to_next()
        self._ask_locks()
        self.matrix.refresh()
        self.drift.refresh()
        self._show_side()
        self.tick()

    def _note_lines(self, columns: int) -> list[Line]:
        """The worst of what must be known, each in one line; where that cuts it, the key that shows the whole."""
        notes = self.answers.notes(self.shell.clock())
        notes += [((f" . {text}", "muted"),) for text in self.session.facts.foreign]
        shown = notes[: 4 if self.size.height >= 28 else 2]
        more = len(notes) - len(shown)
        lines: list[Line] = []
        for number, ((text, role),) in enumerate(shown, 1):
            text = safe(text)
            tail = f"  = all {len(notes)}" if more and number == len(shown) else ""
            if width(text) + width(tail) > columns - 1:
                tail = tail or "  = all"
                text = cut(text, columns - 1 - width(tail))
            lines.append(((text, role), (tail, "key")))
        return lines

    def _to_next(self) -> None:
        """Puts the cursor on the next change to deploy."""
        status = self._known_status()
        if status is not None and status.pending:
            row = self.matrix.row_of(status.pending[0])
            if row is not None:
                self.matrix.move(row)
        self._placed = self.matrix.change

    @property
    def _moved(self) -> bool:
        """Whether somebody has put the cursor elsewhere than it was put by itself, by whatever key or click."""
        here, placed = self.matrix.change, self._placed
        return here is not None and placed is not None and here.change_id != placed.change_id

    # The side pane, the locks and the risks

    def on_choices_moved(self, message: Choices.Moved) -> None:
        message.stop()
        self._show_side()
        self._look.stop()
        self._look = self.set_timer(LOOK_SECONDS, self._look_at)

    def script_changed(self, change_id: str) -> None:
        self._previews.forget(change_id)
        self._ask_locks()

    def project_changed(self) -> None:
        facts = self.session.facts
        self.matrix.take(facts.plan, [environment.name for environment in facts.environments])
        self.matrix.chosen = self.shell.chosen
        if self._filter:
            self.matrix.refill(self._rows(self._filter))
        self._previews.forget()
        self.head.refresh()
        self.say("plan and configuration have changed on disk, and were read again", "running")

    def do_ask(self) -> None:
        """What is said of scripts is read again, too: nobody watches the files of all of them."""
        self._previews.forget()
        super().do_ask()
        self._ask_locks()
        self._show_side()

    def _wanted(self, change_id: str, kind: ScriptKind) -> WantedScript:
        status = self._known_status()
        pending = status is not None and change_id not in status.deployed
        name = self.chosen.name if self.chosen is not None else ""
        if status is None or not pending:
            return WantedScript(name, change_id, kind, pending)
        if self._required[0] is not status:
            self._required = (status, {line.change_id: line for line in self.session.facts.plan}, {})
        _, lines, known = self._required
        if change_id not in known:
            known[change_id] = required(lines, change_id, frozenset(status.pending))
        return WantedScript(name, change_id, kind, pending, known[change_id])

    def _look_at(self) -> None:
        """Asks for what is under the cursor, then for what is pending in sight."""
        change, status = self.matrix.change, self._known_status()
        if not self.answers.last or change is None or self.chosen is None:
            return
        if status is not None:
            pending, top = frozenset(status.pending), self.matrix.scroll_offset.y
            rows = self.matrix.rows[max(0, top) : top + self.matrix.size.height]
            near = [self.matrix.plan[index].change_id for index in rows]
            self._previews.want([self._wanted(one, "deploy") for one in near if one in pending], first=True)
        self._previews.want([self._wanted(change.change_id, kind) for kind in ("deploy", "revert")], first=True)

    def _ask_locks(self) -> None:
        status = self._known_status()
        pending = (status.pending if status is not None else ())[:LOCK_COLUMN_CHANGES]
        self._previews.want([self._wanted(change_id, "deploy") for change_id in pending])
        self._look_at()

    def _read_preview(self, wanted: WantedScript) -> ImpactFacts:
        session = self.session
        return session.impact(
            wanted.change_id, wanted.kind, wanted.environment, live=False, pending=wanted.pending, before=wanted.before
        )

    def _tell_preview(self, wanted: WantedScript, facts: ImpactFacts) -> None:
        """Called in the thread that reads."""

        def done(found: ImpactFacts) -> None:
            self._previews.take(wanted, found)
            self.matrix.refresh()
            if self.matrix.change is not None and self.matrix.change.change_id == wanted.change_id:
                self._show_side()

        self.meanwhile(facts, done, self.work_failed)

    def _show_side(self) -> None:
        self.side.fill(self._side_lines)

    def _side_lines(self, columns: int) -> list[Line]:
        change = self.matrix.change
        if change is None:
            return []
        from pgmig_tui.ui.views.findings import side_lines

        deploy = self._previews.get(self._wanted(change.change_id, "deploy"))
        revert = self._previews.get(self._wanted(change.change_id, "revert"))
        where = self._where_lines(change, columns - 1) if self.matrix.layout_for(self.matrix.columns).slim else []
        return side_lines(change, deploy, revert, self._differs(change), columns - 1, where)

    def _where_lines(self, change: PlanLine, columns: int) -> list[Line]:
        """The state of a change by words, where the matrix has room for glyphs alone: each state with the environments
        that are in it."""
        states: dict[Span, list[str]] = {}
        for environment in self.session.facts.environments:
            states.setdefault(self._cell(change.change_id, environment.name), []).append(environment.name)
        lines: list[Line] = []
        for (text, role), names in states.items():
            lines += point(f"{text}: {', '.join(names)}", columns, role)
        return lines

    def _differs(self, change: PlanLine) -> list[str]:
        said: list[str] = []
        for environment in self.session.facts.environments:
            good = self.answers.good.get(environment.name)
            for known in (good.differing, good.marked) if good is not None else ():
                if change.change_id in known:
                    said.append(f"{environment.name}: {known[change.change_id]}")
        return said

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "home.deploy", "d", "d", "Deploy..",
                "review, then deploy the pending changes of the chosen environment",
                with_item(cls._startable, cls.do_deploy, cls._complete), True,
            ),
            Key(
                "home.verify", "v", "v", "Verify..", "review, then run the verify scripts of what is deployed",
                with_item(cls._startable, cls.do_verify, cls._empty), True,
            ),
            Key(
                "home.rollback", "R", "R", "ROLL BACK..",
                "review, then revert the last deploy run that stands, wherever the cursor is",
                with_item(cls._answering, cls.do_rollback), True,
            ),
            Key(
                "home.open", "enter", "Enter", "Open", "the scripts and the lock impact of the change under the cursor",
                with_item(cls._change, cls.do_open),
            ),
            Key(
                "home.locks", "l", "l", "Locks", "who waits for whom on the chosen environment's server",
                with_item(cls._environment, cls.do_locks),
            ),
            Key(
                "home.runs", "h", "h", "Runs", "runs of this host: watch one that is alive, read one that has ended",
                always(cls.do_runs),
            ),
            Key(
                "home.dry_run", "D", "D", "DRY RUN..", "run what is pending (up to the cursor) and roll it back",
                with_item(cls._startable, cls.do_dry_run, cls._complete), True,
            ),
            Key(
                "home.unlock", "u", "u", "Unlock..",
                "let a protected environment be changed, for this session; by its word",
                with_item(cls._locked, cls.do_unlock), True,
            ),
            Key(
                "home.filter", "slash", "/", "Filter",
                "show only the changes whose name holds a text; Esc shows all again", always(cls.do_filter),
            ),
            Key(
                "home.watch", "w", "w", "Watch",
                "what works on the chosen environment now, if it isn't a run of this account",
                with_item(cls._answering, cls.do_watch, cls._unwatched),
            ),
            Key(
                "home.watch_deploy", "W", "W", "Watch deploy",
                "what the last deploy on the chosen environment has done to its statements, against before",
                with_item(cls._answering, cls.do_watch_deploy),
            ),
            Key(
                "home.approvals", "a", "a", "Approvals", "who has approved what is pending on the chosen environment",
                with_item(cls._answering, cls.do_approvals),
            ),
            Key(
                "home.drift", "S", "S", "Schema drift",
                "whether the chosen environment's schema differs from its plan; compares where nobody knows",
                with_item(cls._answering, cls.do_drift),
            ),
            Key(
                "home.maintain", "M", "M", "Maintain",
                "the regular tasks of the chosen environment: leftovers, retention, drill, access and more",
                with_item(cls._environment, cls.do_maintain),
            ),
            Key(
                "home.environment", "e", "e", "Environment",
                "how the chosen environment is: health and checks, history, who works there, and what can be done",
                with_item(cls._environment, cls.do_environment),
            ),
            Key(
                "home.compare", "C", "C", "Compare", "what another environment has deployed, beside the chosen one",
                with_item(cls._comparable, cls.do_compare),
            ),
            Key(
                "home.environments", "0", "0", "", "all environments by name: choose one, also beyond the ninth",
                always(cls.do_environments),
            ),
            Key("home.left", "left", "left", "", "the environment to the left", always(cls.do_left)),
            Key("home.right", "right", "right", "", "the environment to the right", always(cls.do_right)),
            *cls.moves("change"),
        )  # fmt: skip

    def _environment(self) -> EnvironmentFacts | Unavailable:
        return self.chosen or Unavailable("there is no environment")

    def _change(self) -> PlanLine | Unavailable:
        return self.matrix.change or Unavailable("no change here")

    def _answering(self) -> EnvironmentFacts | Unavailable:
        """The chosen environment, if it answers."""
        return unless(self._environment(), lambda environment: self.answers.silent(environment.name))

    def _unwatched(self, environment: EnvironmentFacts) -> WhyNot:
        under_way = self.answers.last[environment.name].under_way
        return None if under_way else f"no run of another account is under way on {environment.name}"

    def _locked(self) -> EnvironmentFacts | Unavailable:
        environment = self.chosen
        if environment is None or not environment.protected:
            return Unavailable(f"{environment.name if environment else 'nothing'} is not protected")
        return environment if self.shell.locked(environment) else Unavailable(f"{environment.name} is unlocked already")

    def _startable(self) -> Here | Unavailable:
        """The chosen environment, if a run can be started there, with what it answered."""
        environment = self._environment()
        if isinstance(environment, Unavailable):
            return environment
        reason, status = self.answers.cannot(environment.name), self._known_status()
        return Unavailable(reason or "no answer yet") if reason or status is None else (environment, status)

    def _complete(self, here: Here) -> WhyNot:
        """Why there is nothing to deploy."""
        environment, status = here
        if status.pending:
            return None
        if status.untagged:
            return f"every change is there; `pgmig-tui deploy {environment.name}` records the tags"
        return f"{environment.name} has everything that the plan has"

    def _empty(self, here: Here) -> WhyNot:
        """Why there is nothing to verify."""
        return None if here[1].deployed else f"nothing is deployed on {here[0].name}"

    def do_left(self) -> None:
        self.choose_environment(max(1, self.shell.chosen))

    def do_right(self) -> None:
        self.choose_environment(min(len(self.session.facts.environments), self.shell.chosen + 2))

    def do_environments(self) -> None:
        from pgmig_tui.ui.screens.palette import Action, PaletteScreen

        actions = []
        for number, environment in enumerate(self.session.facts.environments, 1):
            told = text_of(self.answers.state(environment.name, self.shell.clock()))
            actions.append(Action(f"{number:>2} {environment.name}", told, partial(self.choose_environment, number)))
        dialog = PaletteScreen(actions, asks="part of an environment's name, or its number", at=self.shell.chosen)
        self.app.push_screen(dialog, lambda action: action.do() if action is not None else None)

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        if message.bar is self.head:
            index = self.matrix.environment_at(message.x, self.matrix.columns)
            if index is not None:
                self.choose_environment(index + 1)
        if message.bar is self.status and self._said is None:
            self._chosen_by_click(message.x)

    def _chosen_by_click(self, column: int) -> None:
        """The environments stand in the status line, each as ` 1*` and `name `."""
        at, number = 0, 0
        for text, role in self.status.shown:
            number = int(text) if role == "key" and text.strip().isdigit() else number
            at += width(text)
            if column < at:
                if role == "key" and not text.strip().isdigit():
                    self.do_environments()
                elif number:
                    self.choose_environment(number)
                return

    def whole_text(self) -> Sequence[str]:
        change = self.matrix.change
        now = self.shell.clock()
        notes = [text_of(line).strip() for line in self.answers.notes(now)]
        notes += [text_of(self.answers.drift_words(self.chosen.name, now)).strip()] if self.chosen is not None else []
        foreign = [f". {text}" for text in self.session.facts.foreign]
        return [*([f"{change.name} {change.change_id}"] if change is not None else []), *notes, *foreign]

    def choose_environment(self, number: int) -> None:
        if not 0 < number <= len(self.session.facts.environments):
            self.say(f"there is no environment {number}")
            return
        self.shell.chosen = self.matrix.chosen = number - 1
        self._placed = self.matrix.change
        self.answers_changed()
        self.head.refresh()
        self.summary.refresh()

    def do_deploy(self, here: Here) -> None:
        from pgmig_tui.ui.destinations import ToReview

        self.go(ToReview(here[0], "deploy"))

    def do_dry_run(self, here: Here) -> None:
        """The first pending change; with the cursor put on a later one, all up to there."""
        (environment, status), change = here, self.matrix.change
        chosen = self._moved and change is not None and change.change_id in status.pending[1:]
        to = change.change_id if chosen and change is not None else None
        from pgmig_tui.ui.destinations import ToReview

        self.go(ToReview(environment, "deploy", to, how="try"))

    def do_unlock(self, environment: EnvironmentFacts) -> None:
        self.shell.unlock(
            environment, lambda: self.say(f"{environment.name} may be changed until this program is left", "done")
        )

    def do_verify(self, here: Here) -> None:
        from pgmig_tui.ui.destinations import ToReview

        self.go(ToReview(here[0], "verify"))

    def do_rollback(self, environment: EnvironmentFacts) -> None:
        """The last deploy run that still stands, wherever the cursor is; a point further back is chosen over there."""
        from pgmig_tui.ui.destinations import ToRollback

        self.go(ToRollback(environment))

    def do_open(self, change: PlanLine) -> None:
        from pgmig_tui.ui.destinations import ToChange

        self.go(ToChange(change, self.chosen))

    def do_locks(self, environment: EnvironmentFacts) -> None:
        from pgmig_tui.ui.destinations import ToLocks

        self.go(ToLocks(environment))

    def do_watch(self, environment: EnvironmentFacts) -> None:
        from pgmig_tui.ui.destinations import ToForeign

        self.go(ToForeign(environment))

    def do_watch_deploy(self, environment: EnvironmentFacts) -> None:
        from pgmig_tui.ui.destinations import ToWatch

        self.go(ToWatch(environment))

    def do_approvals(self, environment: EnvironmentFacts) -> None:
        from pgmig_tui.ui.destinations import ToApprovals

        self.go(ToApprovals(environment))

    def do_drift(self, environment: EnvironmentFacts) -> None:
        from pgmig_tui.ui.destinations import ToDrift

        self.go(ToDrift(environment))

    def do_maintain(self, environment: EnvironmentFacts) -> None:
        from pgmig_tui.ui.destinations import ToMaintain

        self.go(ToMaintain(environment))

    def _comparable(self) -> EnvironmentFacts | Unavailable:
        from pgmig_tui.ui.screens.other import comparable

        return comparable(self, self._environment())

    def do_compare(self, environment: EnvironmentFacts) -> None:
        from pgmig_tui.ui.screens.other import compare_with_another

        compare_with_another(self, environment)

    def do_environment(self, environment: EnvironmentFacts) -> None:
        from pgmig_tui.ui.destinations import ToEnvironment

        self.go(ToEnvironment(environment))

    def do_runs(self) -> None:
        from pgmig_tui.ui.destinations import ToRuns

        self.go(ToRuns())

    def do_filter(self) -> None:
        from pgmig_tui.ui.screens.dialog import AskScreen

        self.app.push_screen(AskScreen("Show the changes whose name holds", "part of a name", least=0), self._filtered)

    def _filtered(self, text: str | None) -> None:
        if text is None:
            return
        self._filter = text
        self.matrix.needle = text or self.matrix.needle
        self.matrix.refill(self._rows(text))
        if text:
            self.matrix.move(0)
        self._show_side()
        self.tick()

    def _rows(self, text: str) -> Sequence[int]:
        """The changes whose names hold a text, newest first."""
        plan, wanted = self.session.facts.plan, text.lower()
        every = range(len(plan) - 1, -1, -1)
        return [index for index in every if wanted in plan[index].name.lower()] if text else every

    def do_back(self) -> None:
        if self._filter:
            self._filtered("")
        else:
            self.say("this is home; q leaves")

    def panes(self) -> Sequence[Lines]:
        return (self.matrix, self.side) if self.size.width >= WIDE else (self.matrix,)

    def copied(self) -> Callable[[], str] | Unavailable:
        change = self._change()
        return change if isinstance(change, Unavailable) else self.copy_text

    def copy_text(self) -> str:
        change = self.matrix.change
        return f"{change.name} {change.change_id}" if change else ""

    def tick(self) -> None:
        super().tick()
        self.summary.refresh()
        self.drift.refresh()
        if self.answers.good:
            self.matrix.refresh()

    def help_text(self) -> tuple[str, ...]:
        return (
            "+ ok deployed   . todo in the plan, not deployed   ! differ: the plan and the database disagree",
            "x marked: it was rolled back and must not be deployed until that is lifted; d says why, L lifts it there",
            "schema: + same as the plan   ! diff: S shows it   ? unknown: nobody has looked, or not since a deploy",
            "? an old answer, with its age: the server does not answer now   ... not answered yet",
            "x behind todo or behind a lock: deploying the change loses data, by its text alone; the pane at the right "
            "says what. More may lose some: opening the change, or the review, asks the server.",
            "Nothing on this screen changes a database: d, v and R open the review, which asks for confirmation.",
            "A protected environment is read-only until u and its word; every run on it needs the word again.",
        )
