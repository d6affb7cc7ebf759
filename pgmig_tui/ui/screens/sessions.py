"""Sessions in a lock tree: choose one, cancel or terminate it once its pid has been typed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Self

from textual.containers import Vertical
from textual.widget import Widget

from pgmig_tui.display.activity import Blocker
from pgmig_tui.display.cells import Line, Role, Span, cut, pad, width, wrap
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import clock, duration, utc
from pgmig_tui.ui.backend.protocol import LockSession
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, with_item
from pgmig_tui.ui.screens.base import BaseScreen
from pgmig_tui.ui.screens.confirm import named
from pgmig_tui.ui.screens.dialog import ConfirmScreen, paragraph
from pgmig_tui.ui.views.locks import crowd_lines, crowd_words, whole_session
from pgmig_tui.ui.widgets.lines import Bar, Choices, Lines
from pgmig_tui.ui.widgets.panes import framed


class SessionsScreen(BaseScreen):
    """A list and, below it, all that is known of the session under the cursor. Subclasses give `rows` and `end`."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: tuple[LockSession, ...] = ()
        self.summary = Bar(identity="summary")
        self.head = Bar(identity="head")
        self.list = Choices(identity="list")
        self.detail = Lines(identity="detail")

    def body(self) -> Iterable[Widget]:
        yield self.summary
        yield framed(Vertical(self.head, self.list, id="sessions"), "sessions", self.list)
        yield framed(self.detail, "session")

    def set_up(self) -> None:
        self.summary.make(self.summary_line)
        self.head.make(self._head_line)
        super().set_up()
        self.show_rows()

    def end(self, row: LockSession, *, terminate: bool) -> None:
        """The pid was typed: sees to it that the session is cancelled or terminated."""
        raise NotImplementedError

    def may_not(self) -> str | None:
        """Why nobody can be ended from here; None when somebody can."""
        return None

    def summary_line(self, columns: int) -> Line:
        return ()

    @property
    def trouble(self) -> str:
        """Why there is no list, in full; "" where nothing is wrong."""
        return ""

    # The list

    @property
    def chosen(self) -> LockSession | None:
        return self.rows[min(self.list.cursor, len(self.rows) - 1)] if self.rows else None

    def take(self, rows: Sequence[LockSession]) -> None:
        """Shows other rows; the cursor stays on its session as long as that's among them."""
        self.rows = tuple(rows)
        self.show_rows()

    def show_rows(self) -> None:
        self.list.tell([row.identity for row in self.rows], [whole_session(row) for row in self.rows])
        self.list.fill(lambda columns: [self._row_line(row, columns - 1) for row in self.rows])
        self.detail.fill(lambda columns: self._detail_lines(columns - 1))
        self.summary.refresh()
        self.tick()

    def _columns(self, columns: int) -> tuple[int, int, int, int]:
        """Of session, state, wait and locks (0: not shown); the query has the rest, which may be nothing."""
        return (28, 13, 6, 34) if columns >= 96 else (24, 11, 6, columns - 46)

    def _head_line(self, columns: int) -> Line:
        names = zip(("session", "state", "wait", "wants / holds"), self._columns(columns), strict=True)
        query = "query" if columns >= 96 or not self._columns(columns)[3] else ""
        return (("  " + "".join(pad(name, room) + " " for name, room in names if room) + query, "title"),)

    def _row_line(self, row: LockSession, columns: int) -> Line:
        session = row.session
        who, state, wait, locks = self._columns(columns + 1)
        indent = "  " * (session.depth - 1) + "└ " if session.depth else ""
        if row.more:
            return ((cut(f" {indent}{crowd_words(row)}", columns), "waiting"),)
        role: Role = "running" if session.ours else "failed" if not session.depth else "plain"
        said = "hidden" if session.hidden else _short_state(session.state)
        wants = f"wants {row.wants}" if row.wants else f"holds {row.holds}" if row.holds else ""
        waited = clock(row.wait_ms / 1000)[3:] if row.wait_ms is not None else ""
        query = "" if session.hidden else safe(" ".join(session.query.split()))
        label = f"{indent}{session.pid or 'prepared'} {_name(session)}"
        spans: list[Span] = [
            (f" {pad(label, who)} ", role),
            (f"{pad(said, state)} ", "stale" if session.hidden else "plain"),
        ]
        if wait:
            spans.append((f"{pad(waited, wait)} ", "waiting"))
        if locks:
            spans.append((f"{pad(safe(wants), locks)} ", "plain" if row.wants else "muted"))
        room = columns - sum(width(text) for text, _role in spans)
        if room > 4:
            spans.append((cut(query, room), "muted"))
        return tuple(spans)

    def _detail_lines(self, columns: int) -> list[Line]:
        row = self.chosen
        if row is None:
            return wrap(safe(self.trouble), columns, "stale", indent=" ") if self.trouble else []
        if row.more:
            told = (line for text in crowd_lines(row) for line in wrap(text, columns, indent=" "))
            return [*told, ((" Enter shows them one by one", "muted"),)]
        session = row.session
        head = f"{session.name}  user {safe(session.user or '?')}"
        if row.client:
            head += f" from {safe(row.client)}"
        head += f"  connected {safe(utc(session.started) if session.started else '?')}"
        about, role = session.about()
        lines: list[Line] = [((cut(f" {head}", columns), "strong"),), *wrap(about, columns, role, indent=" ")[:1]]
        for word, text in (("wants", row.wants), ("holds", row.holds)):
            if text:
                waited = f" for {duration(row.wait_ms)}" if word == "wants" and row.wait_ms is not None else ""
                lines.append(((cut(f" {word} {safe(text)}{waited}", columns), "plain"),))
        if session.query and not session.hidden:
            lines += wrap(safe(" ".join(session.query.split())), columns, "muted", indent=" ")[:3]
        return lines

    def on_choices_moved(self, message: Choices.Moved) -> None:
        message.stop()
        self.detail.fill(lambda columns: self._detail_lines(columns - 1))
        self.foot.refresh()

    # Keys

    def panes(self) -> Sequence[Lines]:
        return (self.list, self.detail)

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                f"{cls.screen_id}.cancel", "c", "c", "Cancel..", "cancel what the session runs; asks for its pid",
                with_item(cls._within_reach, cls.do_cancel, cls._no_end), True,
            ),
            Key(
                f"{cls.screen_id}.terminate", "T", "T", "TERMINATE..", "end the session; asks for its pid",
                with_item(cls._within_reach, cls.do_terminate, cls._no_end), True,
            ),
        )  # fmt: skip

    def _within_reach(self) -> LockSession | Unavailable:
        """The session under the cursor, if any can be ended from here."""
        reason = self.may_not()
        return self._chosen_row() if reason is None else Unavailable(reason)

    def _no_end(self, row: LockSession) -> WhyNot:
        if row.more:
            return "these are several; Enter shows them one by one"
        hidden = "when it connected is hidden from this role; the pid alone could be another's by now"
        return row.session.fixed or (None if row.session.started else hidden)

    def _chosen_row(self) -> LockSession | Unavailable:
        return self.chosen or Unavailable("there is no session")

    def copied(self) -> Callable[[], str] | Unavailable:
        row = self._chosen_row()
        return row if isinstance(row, Unavailable) else super().copied()

    def do_cancel(self, row: LockSession) -> None:
        self._ask(row, terminate=False)

    def do_terminate(self, row: LockSession) -> None:
        self._ask(row, terminate=True)

    def _ask(self, row: LockSession, *, terminate: bool) -> None:
        session, environment = row.session, self.where
        verb = "TERMINATE" if terminate else "CANCEL what is run by"
        where = f" on {named(environment)}" if environment is not None else ""
        told, role = session.about()
        lines = paragraph(f"{verb} {session.name}{where}", "failed" if terminate else "strong")
        lines += paragraph(told, role)
        if session.query and not session.hidden:
            lines += paragraph(" ".join(session.query.split()), "muted", rows=3)
        lines.append(())
        if terminate:
            lines += paragraph("Its connection is closed and its transaction rolled back; its client gets an error.")
        else:
            lines += paragraph("Only a statement that runs can be cancelled; a session that idles keeps its locks.")
        dialog = ConfirmScreen(
            lines,
            str(session.pid),
            danger=self.protected,
            undone="it is left alone",
            does="ends the session" if terminate else "cancels its statement",
        )
        self.app.push_screen(dialog, lambda yes: self.end(row, terminate=terminate) if yes else None)

    def copy_text(self) -> str:
        row = self.chosen
        if row is None:
            return ""
        if row.more:
            return "\n".join((crowd_words(row), *crowd_lines(row)[1:]))
        session = row.session
        told, _role = session.about()
        return "\n".join(
            part for part in (f"{session.name}: {told}", row.wants, row.holds, safe(session.query)) if part
        )


def _name(session: Blocker) -> str:
    if session.ours:
        return f"ours: {safe(session.application.rpartition('/')[2] or session.application)}"
    return "autovacuum" if session.wraparound is not None else safe(session.application or session.user)


def _short_state(state: str) -> str:
    """A state of pg_stat_activity in twelve columns."""
    short = {"idle in transaction": "idle in tx", "idle in transaction (aborted)": "aborted tx"}.get(state, state)
    return safe(short) or "?"
