"""Home: the plan against the environments, and what the change under the cursor will do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, ClassVar, Self

from textual.containers import Horizontal, Vertical
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Span, cut, point, text_of, width
from pgmig_tui.display.charset import Charset
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import ago, count, utc
from pgmig_tui.ui.answers import NOT_YET
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, ImpactFacts, RunFacts, StatusFacts
from pgmig_tui.ui.glance import card_of, deployed_ago
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, unless, with_item
from pgmig_tui.ui.previews import Judged, PendingScripts, Previews, WantedScript
from pgmig_tui.ui.screens import leading, side
from pgmig_tui.ui.screens.base import NUMBERS, BaseScreen
from pgmig_tui.ui.sizes import LARGE, NARROW, SHORT, SMALL, TALL
from pgmig_tui.ui.views.cards import Card, places, strip
from pgmig_tui.ui.views.here import DeployedTo, deployed_to, rules
from pgmig_tui.ui.views.matrix import LEGEND, NOTHING, Brief, RuleAcross
from pgmig_tui.ui.widgets.cards import Cards
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines
from pgmig_tui.ui.widgets.matrix import Cells, ColumnHeads, PlanMatrix
from pgmig_tui.ui.widgets.panes import framed, retitle

if TYPE_CHECKING:
    from pgmig_tui.ui.backend.protocol import PlanLine

Here = tuple[EnvironmentFacts, StatusFacts]
"""An environment, and what it answered last."""
LOOK_SECONDS = 0.12
DIGIT_SECONDS = 1.5
"""A digit that follows another one within so many seconds makes one number with it."""
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
        self._digits = ""
        self._digit_at = 0.0
        self._reached: dict[str, tuple[StatusFacts, int | None]] = {}
        self._ages: tuple[str | None, ...] = ()
        """How old the answers are that the matrix shows: all in it that time alone changes."""
        self._ran: tuple[str, tuple[RunFacts, ...]] | None = None
        """The environment and the runs of which the last ones are shown."""
        self._previews = Previews(self._read_preview, self._tell_previews, self._alike)
        self.summary = Bar(identity="summary")
        self.cards = Cards(self._cards, identity="cards")
        self.legend = Bar(identity="legend")
        self.lower: Horizontal | None = None
        self.health = Lines(identity="health")
        self.ran = Lines(identity="ran")
        self.side = Lines(identity="side")

    def body(self) -> Iterable[Widget]:
        facts = self.session.facts
        self.scripts = PendingScripts(lambda: self.session.facts, self.answers, self._previews)
        cells = Cells(self._cell, self._brief)
        self.matrix = PlanMatrix(
            facts.plan, [environment.name for environment in facts.environments], cells, identity="matrix"
        )
        self.matrix.empty = ((" no change in sqitch.plan yet: `pgmig-tui add NAME` writes the first", "muted"),)
        self.matrix.chosen = self.shell.chosen
        self.matrix.charset = self.cards.charset = self.shell.charset
        self._placed = self.matrix.change
        self.heads = ColumnHeads(self.matrix, identity="head")
        yield self.summary
        yield self.cards
        plan = framed(Vertical(self.heads, self.matrix, self.legend, id="plan"), "plan", self.matrix)
        yield Horizontal(plan, framed(self.side, "change"), id="columns")

    def set_up(self) -> None:
        self.summary.make(self._summary_line)
        self.legend.make(lambda columns: LEGEND)
        super().set_up()
        side.as_before(self)
        self._look = self.set_timer(LOOK_SECONDS, self._look_at)
        self.set_timer(LOOK_SECONDS, self._show_side)

    def on_resize(self) -> None:
        self.matrix.with_locks = self.size.width < WIDE or self.size.width >= ROOMY
        self.cards.display = self.carded
        self._lay_below()
        self.note.show(self._note_lines(self.size.width))
        self._draw()
        self.call_after_refresh(self._draw)  # the plan has its new width only then, and its titles go by that

    def _draw(self) -> None:
        """Draws what says how environments stand."""
        self.matrix.again()
        self._draw_ages()

    def _draw_ages(self) -> None:
        """Draws of it what another second may have changed."""
        now = self.shell.clock()
        ages = tuple(self.answers.old(environment.name, now) for environment in self.session.facts.environments)
        if ages != self._ages:
            self._ages = ages
            self.matrix.again()
        self.cards.chosen = self.shell.chosen
        self.cards.again()
        columns = self.matrix.columns
        form = self.matrix.layout_for(columns)
        self.legend.display = form.slim and self.size.height >= SHORT
        if columns:
            self.heads.again(columns, self._drift_mark if self.size.height >= SHORT else None)
        if self._large and self.chosen is not None:
            retitle(self.health, self.chosen.name)
            retitle(self.ran, f"last runs on {self.chosen.name}")
            self.health.fill(self._health_lines)
            if self._ran != (of := (self.chosen.name, self.answers.runs)):
                self._ran = of
                self.ran.fill(self._run_lines)

    @property
    def _large(self) -> bool:
        return self.size.width >= LARGE[0] and self.size.height >= LARGE[1]

    def _lay_below(self) -> None:
        """The panes below are made where they first have room: elsewhere they would only delay the first frame."""
        if self.lower is None and self._large:
            panes = framed(self.health, "environment"), framed(self.ran, "last runs")
            self.lower = Horizontal(*panes, id="lower")
            self.query_one("#body").mount(self.lower)
        if self.lower is not None:
            self.lower.display = self._large

    def _health_lines(self, columns: int) -> list[Line]:
        environment, now, answers = self.chosen, self.shell.clock(), self.answers
        if environment is None:
            return []
        from pgmig_tui.ui.views.below import health_lines

        name = environment.name
        drift = answers.drift_words(name, now)
        last, good, waits = answers.last.get(name), answers.good.get(name), answers.waited(name)
        return health_lines(
            environment, last, good, waits, drift, now, columns, unicode=self.shell.charset is not Charset.ASCII
        )

    def _run_lines(self, columns: int) -> list[Line]:
        from pgmig_tui.ui.views.below import run_lines

        name = self.chosen.name if self.chosen is not None else ""
        return run_lines([run for run in self.answers.runs if run.environment == name], columns)

    # Facts

    @property
    def carded(self) -> bool:
        """Whether there is room for the environments as cards; else the status line has them."""
        return self.size.width >= NARROW and self.size.height >= TALL and bool(self.session.facts.environments)

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

    def _brief(self, change_id: str) -> Brief:
        return self.scripts.brief(self.chosen.name, change_id) if self.chosen is not None else Brief()

    def _cards(self) -> list[Card]:
        now, environments = self.shell.clock(), self.session.facts.environments
        seen = {place.index for place in places(self.cards.size.width, len(environments), self.shell.chosen)}
        found = []
        for index, environment in enumerate(environments):
            risk = self.scripts.strongest(environment.name) if index in seen else NOTHING
            found.append(card_of(index + 1, environment, self.answers, now, risk))
        return found

    def _rules(self) -> tuple[RuleAcross, ...]:
        """Where the chosen environment is, and the protected ones."""
        plan, now = self.session.facts.plan, self.shell.clock()
        found = []
        for number, environment in enumerate(self.session.facts.environments):
            name = environment.name
            good = self.answers.good.get(name) if environment.protected or number == self.shell.chosen else None
            if good is None:
                continue
            known = self._reached.get(name)
            if known is None or known[0] is not good:
                known = self._reached[name] = (good, deployed_to(good, plan))
            if known[1] is not None:
                found.append(DeployedTo(name, known[1], environment.protected, self.answers.old(name, now)))
        return rules(found)

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
        risk, strong = self.scripts.strongest(name)
        age = deployed_ago(status, self.shell.clock())
        spans: list[Span] = [(head, "plain"), (f"{name}: {told}", role)]
        old = self.answers.old(name, self.shell.clock()) is not None
        seen: Span = (f"   asked {asked}", "stale" if old else "muted")
        if not old and width(text_of((*spans, seen))) <= columns:
            spans.append(seen)
        rest: list[Span] = [seen] if old else []
        if not self.carded:  # a card has these
            rest += [(f"   risk {risk}" if risk else "", strong), (f"   deployed {age}" if age else "", "muted")]
        for span in rest:
            if width(text_of((*spans, span))) > columns:
                spans[0] = (f" Plan {facts.project}  ", "plain")
            if width(text_of((*spans, span))) <= columns:
                spans.append(span)
        return tuple(spans)

    def quiet_line(self, columns: int) -> Line:
        spans: list[Span] = []
        for run in self.answers.alive()[:1]:
            how: Span = (" ~ run {} PAUSED", "waiting") if run.paused else (" > run {} alive", "running")
            spans.append((f"{how[0].format(run.run_id)} on {run.environment} {run.steps_short}: h", how[1]))
        room = columns - sum(width(text) for text, _role in spans)
        if self.carded:
            return (*self._last_run(room), *spans)
        return (*strip(self._cards(), self.shell.chosen, room), *spans)

    def _last_run(self, columns: int) -> Line:
        """The run that began last, wherever that was."""
        last = max(self.answers.runs, key=lambda run: run.started_at, default=None)
        if last is None or last.state == "running":
            return ()
        from pgmig_tui.ui.views.below import RUN_WORDS

        told, role = RUN_WORDS[last.outcome]
        role = "muted" if last.state == "finished" else role
        when = f"{utc(last.started_at)}  " if last.started_at else ""
        by = f" by {last.operator}" if last.operator else ""
        text = f" last run: {last.command} {last.environment} {told} {last.steps_short}{by}  {when}h: all"
        return ((cut(safe(text), columns), role),)

    def answers_changed(self) -> None:
        if self._said is not None and self._said[0].endswith(NOT_YET):
            self._said = None
        self.note.show(self._note_lines(self.size.width))
        if not self._moved:
            self._to_next()
        self._ask_locks()
        self.matrix.rule(self._rules())
        self._draw()
        self._show_side()
        super().tick()
        self.summary.refresh()

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
        self.scripts.forget(change_id)
        self._ask_locks()

    def project_changed(self) -> None:
        facts = self.session.facts
        self.matrix.take(facts.plan, [environment.name for environment in facts.environments])
        self.matrix.chosen = self.shell.chosen
        if self._filter:
            self.matrix.refill(self._rows(self._filter))
        self.scripts.forget()
        self._reached.clear()
        self.cards.display = self.carded
        self.say("plan and configuration have changed on disk, and were read again", "running")

    def do_ask(self) -> None:
        """What is said of scripts is read again, too."""
        self.scripts.forget()
        super().do_ask()
        self._ask_locks()
        self._show_side()

    def _look_at(self) -> None:
        """Asks for what is under the cursor, then for what is pending in sight."""
        change, environment = self.matrix.change, self.chosen
        if not self.answers.last or change is None or environment is None:
            return
        pending = frozenset(self.scripts.pending(environment.name))
        near = [one.change_id for one in self.matrix.in_sight() if one.change_id in pending]
        self.scripts.want(environment.name, near, first=True)
        self.scripts.want_both(environment.name, change.change_id)

    def _ask_locks(self) -> None:
        """What is pending on the chosen environment first, then on the protected ones, then on all others."""
        if self.answers.last:
            order = sorted(self.session.facts.environments, key=lambda one: (one is not self.chosen, not one.protected))
            self.scripts.want_pending([one.name for one in order])
        self._look_at()

    def _read_preview(self, wanted: WantedScript) -> ImpactFacts:
        session = self.session
        return session.impact(
            wanted.change_id, wanted.kind, wanted.environment, live=False, pending=wanted.pending, before=wanted.before
        )

    def _alike(self, wanted: WantedScript) -> Hashable:
        return self.session.judged_alike(wanted.change_id, wanted.kind, wanted.environment, wanted.before)

    def _tell_previews(self, answers: Sequence[Judged]) -> None:
        """Called in the thread that reads."""

        def done(found: Sequence[Judged]) -> None:
            for wanted, facts in found:
                self._previews.take(wanted, facts)
            self.scripts.taken()
            self.matrix.again()
            self.cards.again()
            if self.matrix.change is not None and self.matrix.change.change_id in {one.change_id for one, _ in found}:
                self._show_side()

        self.meanwhile(answers, done, self.work_failed)

    def _show_side(self) -> None:
        self.side.fill(self._side_lines)

    def _side_lines(self, columns: int) -> list[Line]:
        change = self.matrix.change
        if change is None:
            return []
        from pgmig_tui.ui.views.findings import side_lines

        name = self.chosen.name if self.chosen is not None else ""
        deploy, revert = (self.scripts.impact(name, change.change_id, kind) for kind in ("deploy", "revert"))
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
                with_item(cls._answering, leading.to_rollback), True,
            ),
            Key(
                "home.open", "enter", "Enter", "Open", "the scripts and the lock impact of the change under the cursor",
                with_item(cls._change, cls.do_open),
            ),
            Key(
                "home.locks", "l", "l", "Locks", "who waits for whom on the chosen environment's server",
                with_item(cls._environment, leading.to_locks),
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
                with_item(cls._answering, leading.to_foreign, cls._unwatched),
            ),
            Key(
                "home.watch_deploy", "W", "W", "Watch deploy",
                "what the last deploy on the chosen environment has done to its statements, against before",
                with_item(cls._answering, leading.to_watch),
            ),
            Key(
                "home.approvals", "a", "a", "Approvals", "who has approved what is pending on the chosen environment",
                with_item(cls._answering, leading.to_approvals),
            ),
            Key(
                "home.drift", "S", "S", "Schema drift",
                "whether the chosen environment's schema differs from its plan; compares where nobody knows",
                with_item(cls._answering, leading.to_drift),
            ),
            Key(
                "home.maintain", "M", "M", "Maintain",
                "the regular tasks of the chosen environment: leftovers, retention, drill, access and more",
                with_item(cls._environment, leading.to_maintain),
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
                "home.environments", "0", "0", "",
                "all environments by name: choose one; behind another digit it is the last of a number, as 1 0",
                always(cls.do_zero),
            ),
            Key("home.left", "left", "left", "", "the environment to the left", always(cls.do_left)),
            Key("home.right", "right", "right", "", "the environment to the right", always(cls.do_right)),
            *side.width_keys("home"),
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
        return here[1].nothing_to_deploy

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
            now = self.shell.clock()
            risk, age = (
                self.scripts.strongest(environment.name)[0],
                deployed_ago(self.answers.good.get(environment.name), now),
            )
            told = text_of(self.answers.state(environment.name, now))
            told += f", risk {risk}" if risk else ""
            told += f", deployed {age}" if age else ""
            actions.append(Action(f"{number:>2} {environment.name}", told, partial(self.choose_environment, number)))
        dialog = PaletteScreen(actions, asks="part of an environment's name, or its number", at=self.shell.chosen)
        self.app.push_screen(dialog, lambda action: action.do() if action is not None else None)

    def action_do(self, key_id: str, number: int = 0) -> None:
        if key_id not in (NUMBERS, "home.environments"):
            self._digits = ""
        super().action_do(key_id, number)

    def number_typed(self, number: int) -> None:
        """Chooses at once; a digit that comes soon after makes a longer number of it, where there is one."""
        longer = self._longer(number)
        self._digits, self._digit_at = str(longer or number), monotonic()
        self.choose_environment(longer or number)
        first, count = int(self._digits) * 10, len(self.session.facts.environments)
        if first <= count:
            last = min(first + 9, count)
            more = str(first) if first == last else f"{first} to {last}"
            self.say(f"environment {self._digits}; another digit goes on to {more}", "muted")

    def _longer(self, digit: int) -> int:
        """The number that a digit makes with those before it; 0 where there is no such environment."""
        if not self._digits or monotonic() - self._digit_at > DIGIT_SECONDS:
            return 0
        number = int(f"{self._digits}{digit}")
        return number if number <= len(self.session.facts.environments) else 0

    def do_zero(self) -> None:
        if self._longer(0):
            self.number_typed(0)
        else:
            self.do_environments()

    def on_cards_chosen(self, message: Cards.Chosen) -> None:
        message.stop()
        if message.index is None:
            self.do_environments()
        else:
            self.choose_environment(message.index + 1)

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        if message.bar is self.heads:
            index = self.matrix.environment_at(message.x, self.matrix.columns)
            if index is not None:
                self.choose_environment(index + 1)
        if message.bar is self.status and self._said is None and not self.carded:
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

    def do_open(self, change: PlanLine) -> None:
        from pgmig_tui.ui.destinations import ToChange

        self.go(ToChange(change, self.chosen))

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

    def side_pane(self) -> Lines:
        return self.side

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
        self.summary.renew()
        if self.answers.last:
            self._draw_ages()

    def help_text(self) -> tuple[str, ...]:
        return (
            "+ ok deployed   . todo in the plan, not deployed   ! differ: the plan and the database disagree",
            "x marked: it was rolled back and must not be deployed until that is lifted; d says why, L lifts it there",
            "Cards: !! is protected; waits: who waited for locks lately, and now; 1 2 is environment 12. What is below "
            "a line `... is here` is deployed there.",
            "schema: + same as the plan   ! diff: S shows it   ? unknown: nobody has looked, or not since a deploy",
            "? an old answer, with its age: no answer now   ... not answered yet",
            "x behind a risk: deploying loses data, by its text alone. More may lose some: opening the change, or the "
            "review, asks the server.",
            "Nothing on this screen changes a database: d, v and R open the review, which asks for confirmation.",
            "A protected environment is read-only until u and its word; every run on it needs the word again.",
        )
