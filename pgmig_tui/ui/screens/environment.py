"""An environment: how it is, what was done to it, who works there now, and all that can be done from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, Self, TypeVar, get_args

from textual.containers import Vertical
from textual.widget import Widget

from pgmig_tui.display.cells import Line, Role, line, pad, width
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.ui.backend.protocol import EnvironmentFacts, LockTree
from pgmig_tui.ui.destinations import (
    ToReview,
)
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, always, with_item
from pgmig_tui.ui.screens import leading
from pgmig_tui.ui.screens.confirm import confirm_lift, named
from pgmig_tui.ui.screens.dialog import AskScreen, ConfirmScreen, ReadScreen, paragraph
from pgmig_tui.ui.screens.other import comparable, compare_with_another
from pgmig_tui.ui.screens.rows import ListedRow, RowsScreen
from pgmig_tui.ui.sizes import SHORT as SHORT_ROWS
from pgmig_tui.ui.threads import words_of
from pgmig_tui.ui.views import environment as views
from pgmig_tui.ui.views.order import SortedBy, column_at, head_line
from pgmig_tui.ui.widgets.lines import Bar
from pgmig_tui.ui.widgets.panes import framed, retitle

if TYPE_CHECKING:
    from pgmig_tui.review.history import History
    from pgmig_tui.ui.backend.environment_facts import HealthFacts
    from pgmig_tui.ui.backend.protocol import ReviewFacts, StatusFacts

T = TypeVar("T")
Tell = Callable[[str], None]
Outcome = tuple[tuple[Line, ...], Callable[[], None] | None]
"""What is shown of what was done, and what is asked once that was read."""
Tab = Literal["health", "history", "now", "do"]
TABS: tuple[Tab, ...] = get_args(Tab)
TITLES: dict[Tab, str] = {"health": "Health", "history": "History", "now": "Who works there", "do": "What can be done"}
SHORT: dict[Tab, str] = {"health": "Health", "history": "History", "now": "Now", "do": "Do"}
ROOMY = 72
"""With fewer columns the parts have short titles."""
PATIENCE = timedelta(seconds=20)
"""After so long without an answer that is said; an answer that comes later is still taken."""
ASKED: tuple[Tab, ...] = ("health", "history", "now")


class EnvironmentScreen(RowsScreen):
    """Asks by itself when it opens, each part in a thread of its own; the environment is but read. What changes
    something leads to a screen or a dialog with its own gate."""

    screen_id: ClassVar[str] = "environment"
    CSS_PATH: ClassVar[list[str]] = ["../styles/rows.tcss", "../styles/environment.tcss"]  # type: ignore[assignment]

    def __init__(self, environment: EnvironmentFacts) -> None:
        super().__init__(environment)
        self.tab: Tab = "health"
        self.health: HealthFacts | None = None
        self.history: History | None = None
        self.lock_tree: LockTree | None = None
        self.troubles: dict[Tab, str] = {}
        self.asked: dict[Tab, datetime] = {}
        """The parts that have been asked for and have not answered, and since when."""
        self.result: tuple[Line, ...] = ()
        """What came of that which was done last from here."""
        self.doing_now = ""
        self._round = 0
        self._cursors: dict[Tab, int] = {}
        self.order = views.NEWEST
        self.tabs = Bar(identity="tabs")
        self.head = Bar(identity="head")
        self.listing = framed(Vertical(self.head, self.list, id="listing"), self.listed, self.list)

    def body(self) -> Iterable[Widget]:
        yield self.summary
        yield self.tabs
        yield self.listing
        yield framed(self.detail, "details")

    def set_up(self) -> None:
        self.tabs.make(self._tabs_line)
        self.head.make(lambda columns: head_line(views.HISTORY, self.order))
        super().set_up()
        self._ask()

    # Asking

    def _ask(self) -> None:
        self._round += 1
        session, name, now = self.session, self.environment.name, self.shell.clock()

        def locks() -> LockTree:
            watch = session.lock_watch(name)
            try:
                return watch.read()
            finally:
                watch.close()

        self.asked = dict.fromkeys(ASKED, now)
        self.troubles = {}
        self._later("health", lambda: session.health(name), self._take_health)
        self._later("history", lambda: session.history(name), self._take_history)
        self._later("now", locks, self._take_tree)
        self.show_rows()

    def _later(self, tab: Tab, work: Callable[[], T], take: Callable[[T], None]) -> None:
        number = self._round

        def done(value: T) -> None:
            if number == self._round:
                self.asked.pop(tab, None)
                take(value)
                self.show_rows()

        def failed(error: Exception) -> None:
            if number == self._round:
                self.asked.pop(tab, None)
                self.troubles[tab] = words_of(error)
                self.show_rows()

        self.later(f"environment {tab}", work, done, failed)

    def _take_health(self, found: HealthFacts) -> None:
        self.health = found

    def _take_history(self, found: History) -> None:
        self.history = found

    def _take_tree(self, found: LockTree) -> None:
        self.lock_tree = found

    def do_ask(self) -> None:
        super().do_ask()
        self._ask()

    def answers_changed(self) -> None:
        self.show_rows()

    # What is shown

    def doing(self) -> str:
        return "ENVIRONMENT"

    @property
    def status_now(self) -> StatusFacts | None:
        return self.answers.last.get(self.environment.name)

    def summary_line(self, columns: int) -> Line:
        name, now = self.environment.name, self.shell.clock()
        told = self.answers.state(name, now)
        mark = self.answers.drift_mark(name, now)
        verdict = views.verdict(self.health) if self.health is not None else ("~ asking", "running")
        return line(" ", verdict, "   ", *told, ("   schema ", "muted"), mark)

    def _tabs_line(self, columns: int) -> Line:
        return tuple(span for tab, text in self._tab_texts(columns) for span in self._tab_spans(tab, text))

    def _tab_texts(self, columns: int) -> list[tuple[Tab, str]]:
        titles = TITLES if columns >= ROOMY else SHORT
        return [(tab, f" {titles[tab]}{' ~' if tab in self.asked else ''} ") for tab in TABS]

    def _tab_spans(self, tab: Tab, text: str) -> Line:
        here = tab == self.tab
        return ((f"{'[' if here else ' '}{text}{']' if here else ' '}", "strong" if here else "muted"),)

    def show_rows(self) -> None:
        self.trouble = self.troubles.get(self.tab, "")
        super().show_rows()
        self.tabs.refresh()
        retitle(self.listing, TITLES[self.tab].lower())
        self.head.display = self._sortable() is self.history and self.size.height >= SHORT_ROWS

    def rows_now(self) -> Sequence[ListedRow]:
        if self.tab == "do":
            return tuple(self._action_rows())
        rows = [ListedRow((self.tab, *row.key), row.told, row.more, row.run) for row in self._rows()]
        trouble = self.troubles.get(self.tab, "")
        if trouble:
            rows.insert(0, ListedRow((self.tab, "trouble"), line((f"? no answer: {safe(trouble)}", "stale"))))
        elif not rows:
            told = "nothing was done here yet" if self.tab == "history" and self.history is not None else "asking ..."
            rows.append(ListedRow((self.tab, "empty"), line((f"~ {told}", "muted"))))
        return tuple(rows)

    def _rows(self) -> Iterable[views.ToldRow]:
        runs = tuple(run for run in self.answers.runs if run.environment == self.environment.name)
        match self.tab:
            case "health":
                return views.health_rows(self.health) if self.health is not None else ()
            case "history":
                return views.history_rows(self.history, runs, self.order) if self.history is not None else ()
            case _:
                alive = tuple(run for run in runs if run.state == "running")
                return views.now_rows(self.lock_tree, alive, self.status_now) if self.lock_tree is not None else ()

    def _action_rows(self) -> Iterable[ListedRow]:
        for key in self.keys.values():
            if key.id not in ACTIONS:
                continue
            off = key.off(self)
            role: Role = "off" if off else "key"
            told = line(
                (f" {pad(key.shown, 3)}", role), (pad(key.label_on(self), 16), "off" if off else "plain"),
                (f"off: {safe(off)}" if off else key.does, "muted"),
            )  # fmt: skip
            more: tuple[Line, ...] = (line((key.does, "plain")),)
            more += (line((f"off: {safe(off)}", "waiting")),) if off else ()
            yield ListedRow(("do", key.id), told, (*more, *self.result))

    def quiet_line(self, columns: int) -> Line:
        if self.doing_now:
            return ((f" ~ {safe(self.doing_now)}", "running"),)
        since = self.asked.get(self.tab)
        if since is not None and self.shell.clock() - since > PATIENCE:
            return ((f" ? no answer for {PATIENCE.seconds} s: r asks again, what comes later is still shown", "stale"),)
        return ((f" {count(len(self.rows), 'row')}; [ and ] go to the other parts, r asks again", "muted"),)

    # The parts

    def go_to(self, tab: Tab) -> None:
        self._cursors[self.tab] = self.list.cursor
        self.tab = tab
        self.show_rows()
        self.list.move(self._cursors.get(tab, 0))

    def do_turn(self, by: int) -> None:
        self.go_to(TABS[(TABS.index(self.tab) + by) % len(TABS)])

    def _sortable(self) -> History | Unavailable:
        if self.tab != "history" or self.history is None:
            return Unavailable("history is what is sorted; the order of all else says something")
        return self.history

    def do_sort(self, history: History) -> None:
        self._sort(self.order.next(views.HISTORY))

    def _sort(self, order: SortedBy) -> None:
        """The cursor stays on what it is on."""
        self.order = order
        self.show_rows()
        self.list.settle()
        self.head.refresh()

    def on_bar_clicked(self, message: Bar.Clicked) -> None:
        if message.bar is self.head:
            message.stop()
            self._sort(self.order.clicked(column_at(message.x, views.HISTORY)))
        if message.bar is not self.tabs:
            return
        message.stop()
        at = 0
        for tab, text in self._tab_texts(self.tabs.size.width):
            at += width(text) + 2
            if message.x < at:
                self.go_to(tab)
                return

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "environment.open", "enter", "Enter", "Open",
                "open the run under the cursor, all of a check, or what can be done",
                with_item(cls._openable, cls.do_open),
            ),
            Key(
                "environment.next", "right_square_bracket,right", "]", "Next part",
                "the next part: health, history, who works there, what can be done", always(partial(cls.do_turn, by=1)),
            ),
            Key(
                "environment.previous", "left_square_bracket,left", "[", "", "the part before",
                always(partial(cls.do_turn, by=-1)),
            ),
            Key(
                "environment.sort", "s", "s", "", "sort history the other way round, then by the next column",
                with_item(cls._sortable, cls.do_sort),
            ),
            Key(
                "environment.compare", "C", "C", "Compare", "what another environment has deployed, beside this one",
                with_item(cls._comparable, cls.do_compare),
            ),
            Key(
                "environment.locks", "l", "l", "Locks", "who waits for whom on this environment's server",
                with_item(cls.known_environment, leading.to_locks),
            ),
            Key(
                "environment.watch", "w", "w", "Watch", "what works here now, if it isn't a run of this account",
                with_item(cls._answering, leading.to_foreign, cls._unwatched),
            ),
            Key(
                "environment.watch_deploy", "W", "W", "Watch deploy",
                "what the last deploy here has done to its statements, against before",
                with_item(cls._answering, leading.to_watch),
            ),
            Key(
                "environment.approvals", "a", "a", "Approvals", "who has approved what is pending here",
                with_item(cls._answering, leading.to_approvals),
            ),
            Key(
                "environment.drift", "S", "S", "Schema drift", "whether the schema differs from the plan",
                with_item(cls._answering, leading.to_drift),
            ),
            Key(
                "environment.maintain", "M", "M", "Maintain", "the regular tasks of this environment",
                with_item(cls.known_environment, leading.to_maintain),
            ),
            Key(
                "environment.dry_run", "D", "D", "DRY RUN..", "review, then run what is pending and roll it back",
                with_item(cls._startable, cls.do_dry_run), True,
            ),
            Key(
                "environment.rollback", "R", "R", "ROLL BACK..",
                "what a rollback would do, what it costs and loses, as its dry run says; nothing starts before GO",
                with_item(cls._answering, leading.to_rollback), True,
            ),
            Key(
                "environment.lift", "L", "L", "LIFT..", "let what was rolled back be deployed again, with a reason",
                with_item(cls._marked, cls.do_lift), True,
            ),
            Key(
                "environment.rehearse", "H", "H", "Rehearse..",
                "carry out what is pending on a copy of the schema, on a server of our own: locks, reverts, times",
                with_item(cls._startable, cls.do_rehearse, cls._busy),
            ),
            Key(
                "environment.test", "t", "t", "Test..",
                "take each pending change through verify, deploy, revert and deploy again, on a server of our own",
                with_item(cls._startable, cls.do_test, cls._busy),
            ),
            Key(
                "environment.reconcile", "F", "F", "RECONCILE..",
                "settle the runs that were cut off here, by the evidence; what stays open is asked",
                with_item(cls._answering, cls.do_reconcile, cls._busy), True,
            ),
            Key(
                "environment.undo", "U", "U", "UNDO..",
                "bring back the rows and values that a rollback has kept, after its change was deployed again",
                with_item(cls._answering, cls.do_undo, cls._busy), True,
            ),
            *cls.moves("row"),
        )  # fmt: skip

    def _answering(self) -> EnvironmentFacts | Unavailable:
        reason = self.answers.silent(self.environment.name)
        return Unavailable(reason) if reason else self.environment

    def _unwatched(self, environment: EnvironmentFacts) -> WhyNot:
        status = self.status_now
        if status is not None and status.under_way:
            return None
        return f"no run of another account is under way on {environment.name}"

    def _startable(self) -> EnvironmentFacts | Unavailable:
        name = self.environment.name
        status = self.answers.good.get(name)
        reason = self.answers.cannot(name)
        if reason is None and status is not None:
            reason = status.nothing_to_deploy
        return Unavailable(reason) if reason else self.environment

    def _marked(self) -> EnvironmentFacts | Unavailable:
        if self.doing_now:
            return Unavailable("something is being done already")
        status = self.answers.good.get(self.environment.name)
        reason = self.answers.silent(self.environment.name)
        if reason is None and (status is None or not status.marked):
            reason = "nothing that is pending here is marked `do not deploy`"
        return Unavailable(reason) if reason else self.environment

    def _openable(self) -> Callable[[], None] | Unavailable:
        row = self.chosen_row
        if row is None or not isinstance(row.key, tuple):
            return Unavailable("there is nothing in the list")
        if self.tab == "do":
            key = self.keys[str(row.key[1])]
            off = key.off(self)
            return Unavailable(off) if off else partial(self.action_do, key.id)
        if row.run:
            return partial(self.shell.open_run, row.run)
        if not row.more:
            return Unavailable("there is no more to say of it")
        return partial(self._show_whole, row)

    def _show_whole(self, row: ListedRow) -> None:
        self.app.push_screen(ReadScreen(row.more))

    def do_open(self, do: Callable[[], None]) -> None:
        do()

    def _comparable(self) -> EnvironmentFacts | Unavailable:
        return comparable(self, self.environment)

    def do_compare(self, environment: EnvironmentFacts) -> None:
        compare_with_another(self, environment)

    def do_dry_run(self, environment: EnvironmentFacts) -> None:
        self.go(ToReview(environment, "deploy", how="try"))

    # Lifting marks

    def do_lift(self, environment: EnvironmentFacts) -> None:
        """What is marked is read anew: of that, and of nothing else, the question speaks."""
        session, name = self.session, environment.name
        self.doing_now = "reading what must not be deployed"
        self.later("marks", lambda: session.prepare(name, "deploy", None), self._ask_why, self._not_done)

    def _ask_why(self, review: ReviewFacts) -> None:
        from pgmig_tui.gates.checklist import LEAST_REASON

        self.doing_now = ""
        if not review.marks:
            self.say("nothing that is pending here is marked `do not deploy` any more")
            return
        many = count(len(review.marks), "change")
        ask = AskScreen(
            f"Why may {many} be deployed again?", "what was fixed; it is kept with the mark", least=LEAST_REASON
        )
        self.app.push_screen(ask, lambda reason: self._confirm_lift(review, reason) if reason else None)

    def _confirm_lift(self, review: ReviewFacts, reason: str) -> None:
        session, name = self.session, self.environment.name
        changes = tuple(dict.fromkeys(mark.change_id for mark in review.marks))

        def lift(yes: bool | None) -> None:
            if yes:
                self.doing_now = "lifting the marks"
                work = partial(session.lift, name, changes, reason, self._tell)
                self.later("lift", work, partial(self._lifted, len(changes)), self._not_done)

        self.app.push_screen(confirm_lift(self.environment, review, reason, ""), lift)

    def _tell(self, text: str) -> None:
        """Called in the thread that works."""
        self.meanwhile(text, self._told, self._not_done)

    def _told(self, text: str) -> None:
        self.doing_now = text

    def _lifted(self, many: int, nothing: None) -> None:
        told = f"+ {count(many, 'change')} may be deployed again on {safe(self.environment.name)}"
        self._done((line((told, "done"), "; d on home reviews the deploy"),))

    def _done(self, result: tuple[Line, ...], then: Callable[[], None] | None = None) -> None:
        self.doing_now, self.result = "", ((), *result)
        self.shell.ask_again()
        self.show_rows()
        self.app.push_screen(ReadScreen(result), lambda read: then() if then is not None else None)

    def _not_done(self, error: Exception) -> None:
        self.doing_now = ""
        self.result = ((), line((f"x {safe(words_of(error))}", "failed")))
        self.say(words_of(error), "failed")
        self.show_rows()

    # Rehearsing, settling, undoing

    def _busy(self, environment: EnvironmentFacts) -> WhyNot:
        return "something is being done already" if self.doing_now else None

    def carry_out(self, told: str, work: Callable[[Tell], T], done: Callable[[T], Outcome | None]) -> None:
        """Does it in a thread, and says what came of it; `done` gives what is shown, None: nothing."""

        def finished(found: T) -> None:
            self.doing_now = ""
            outcome = done(found)
            if outcome is not None:
                self._done(*outcome)

        self.doing_now = told
        self.later(told, lambda: work(self._tell), finished, self._not_done)
        self.tick()

    def do_rehearse(self, environment: EnvironmentFacts) -> None:
        session, name = self.session, environment.name
        lines: list[Line] = paragraph(f"REHEARSE what is pending on {named(environment)}", "strong")
        lines += paragraph("On a copy of its schema, on a server of our own; the environment is only read.")

        def start(yes: bool | None) -> None:
            if yes:
                self.carry_out("rehearsing", partial(session.rehearse, name), lambda lines: (tuple(lines), None))

        dialog = ConfirmScreen(lines, "yes", danger=False, undone="nothing was rehearsed")
        self.app.push_screen(dialog, start)

    def do_test(self, environment: EnvironmentFacts) -> None:
        session, name = self.session, environment.name
        lines: list[Line] = paragraph(f"TEST what is pending on {named(environment)}", "strong")
        lines += paragraph(
            "Each change in eight steps, in databases of a server of our own; the environment is asked what it has."
        )

        def start(yes: bool | None) -> None:
            if yes:
                self.carry_out("testing", partial(session.test, name), lambda lines: (tuple(lines), None))

        dialog = ConfirmScreen(lines, "yes", danger=False, undone="nothing was tested")
        self.app.push_screen(dialog, start)

    def do_reconcile(self, environment: EnvironmentFacts) -> None:
        from pgmig_tui.ui.screens.settling import Settling

        Settling(self, environment).ask()

    def do_undo(self, environment: EnvironmentFacts) -> None:
        from pgmig_tui.ui.screens.bringing_back import BringingBack

        BringingBack(self, environment).ask()

    def whole_text(self) -> Sequence[str]:
        parts = [*super().whole_text()]
        return [*parts, *(f"{TITLES[tab]}: {text}" for tab, text in self.troubles.items())]

    def help_text(self) -> tuple[str, ...]:
        return (
            "Health is what `pgmig-tui check TARGET` says, history what `history` and `runs` say, who works there what "
            "`locks` and `status` say.",
            "schema: + same as the plan   ! diff   ? unknown or old; S compares anew.",
            "Nothing is changed by looking. What changes something asks for the environment's word.",
        )


ACTIONS = (
    "environment.compare",
    "environment.locks", "environment.watch", "environment.watch_deploy", "environment.approvals", "environment.drift",
    "environment.maintain", "environment.dry_run", "environment.rollback", "environment.lift", "environment.rehearse",
    "environment.test", "environment.reconcile", "environment.undo",
)  # fmt: skip
"""The keys that stand in the part `What can be done`."""
