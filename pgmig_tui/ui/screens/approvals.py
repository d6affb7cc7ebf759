"""Who has approved what is pending on an environment: by role, with what is missing, and what was said so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar, Literal, Self

from pgmig_tui.display.cells import Line, Role, line, pad
from pgmig_tui.display.safe import safe
from pgmig_tui.display.words import count
from pgmig_tui.ui.backend.protocol import ApprovalsFacts, DecisionFacts, RoleFacts
from pgmig_tui.ui.keys import Key, Keys, Unavailable, WhyNot, unless, with_item
from pgmig_tui.ui.screens.confirm import named, word_for
from pgmig_tui.ui.screens.dialog import AskScreen, ConfirmScreen, Dialog, paragraph
from pgmig_tui.ui.screens.palette import Action, PaletteScreen
from pgmig_tui.ui.screens.rows import ListedRow, RowsScreen
from pgmig_tui.ui.threads import words_of

Verb = Literal["approve", "reject"]
_STATES: dict[str, tuple[str, Role]] = {
    "approved": ("+", "done"),
    "rejected": ("x", "failed"),
    "missing": ("x", "waiting"),
    "not asked": ("-", "muted"),
}
_DONE = {"approve": "APPROVE", "reject": "REJECT"}


class ApprovalsScreen(RowsScreen):
    """Reads until a word was typed: then one row is added to the table of approvals, and nothing else."""

    screen_id: ClassVar[str] = "approvals"
    listed: ClassVar[str] = "roles"

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self.facts: ApprovalsFacts | None = None
        self._busy = False

    def set_up(self) -> None:
        super().set_up()
        self._read()

    def _read(self) -> None:
        session, name = self.session, self.environment.name
        self.later("approvals", lambda: session.approvals(name), self._take, self._failed)

    def _take(self, facts: ApprovalsFacts) -> None:
        self.facts, self.trouble, self._busy = facts, "", False
        self.show_rows()

    def _failed(self, error: Exception) -> None:
        self.trouble, self._busy = words_of(error), False
        self.show_rows()
        self.say("nothing was recorded; the reason stands above", "failed")

    def doing(self) -> str:
        return "APPROVALS" if self.facts is None else f"APPROVALS of {count(len(self.facts.changes), 'change')}"

    # What is shown

    def summary_line(self, columns: int) -> Line:
        facts = self.facts
        if facts is None:
            return ((" ? nothing is known", "stale"),) if self.trouble else ((" asking the server ...", "muted"),)
        missing = [one.role for one in facts.roles if one.state in ("missing", "rejected")]
        packet = f"   packet {facts.packet[:12]}" if facts.packet else ""
        if not facts.roles:
            return ((f" ? not known: {safe(facts.may_not)}", "stale"),)
        if missing:
            return ((f" x not approved: {safe(', '.join(missing))}", "failed"), (packet, "muted"))
        if facts.state != "PASS":
            return ((f" {'?' if facts.state == 'UNKNOWN' else '!'} {safe(facts.summary)}", "stale"), (packet, "muted"))
        return ((" + every role has approved it", "done"), (packet, "muted"))

    def rows_now(self) -> Sequence[ListedRow]:
        facts = self.facts
        if facts is None:
            return ()
        return (*(_role_row(one) for one in facts.roles), *(_decision_row(one) for one in reversed(facts.decisions)))

    def quiet_line(self, columns: int) -> Line:
        facts = self.facts
        if facts is None:
            return ()
        if facts.may_not:
            return ((f" ? nothing can be recorded from here: {safe(facts.may_not)}", "stale"),)
        return ((f" logged in as {safe(facts.identity)}; nothing is recorded before the word", "muted"),)

    # Keys

    @classmethod
    def own_keys(cls) -> Keys[Self]:
        return (
            Key(
                "approvals.approve", "A", "A", "APPROVE..", "approve what is pending, for a role; asks for the word",
                with_item(cls._decidable, cls.do_approve), True,
            ),
            Key(
                "approvals.reject", "X", "X", "REJECT..", "reject it, for a role, with a note; asks for the word",
                with_item(cls._decidable, cls.do_reject), True,
            ),
            Key(
                "approvals.revoke", "V", "V", "REVOKE..", "revoke the decision under the cursor; asks for the word",
                with_item(cls._chosen_decision, cls.do_revoke, cls._revoked), True,
            ),
            Key(
                "approvals.packet", "p", "p", "Packet", "what is up for approval: changes, scripts, locks, losses",
                with_item(cls._known, cls.do_packet),
            ),
            Key(
                "approvals.write", "w", "w", "Write", "write the packet to a file",
                with_item(cls._known, cls.do_write),
            ),
            *cls.moves("line"),
        )  # fmt: skip

    def _known(self) -> ApprovalsFacts | Unavailable:
        if self.facts is None:
            return Unavailable(self.trouble or "the server has not answered")
        return self.facts

    def _decidable(self) -> ApprovalsFacts | Unavailable:
        def why_not(facts: ApprovalsFacts) -> WhyNot:
            return "a decision is being recorded" if self._busy else facts.may_not or None

        return unless(self._known(), why_not)

    def _chosen_decision(self) -> DecisionFacts | Unavailable:
        facts, row = self._decidable(), self.chosen_row
        if isinstance(facts, Unavailable):
            return facts
        found = next((one for one in facts.decisions if row is not None and row.key == one.number), None)
        return found or Unavailable("the cursor is on no decision")

    def _revoked(self, one: DecisionFacts) -> WhyNot:
        return "it is revoked already" if one.revoked else None

    def do_ask(self) -> None:
        super().do_ask()
        self._read()

    def do_approve(self, facts: ApprovalsFacts) -> None:
        self._choose("approve", facts)

    def do_reject(self, facts: ApprovalsFacts) -> None:
        self._choose("reject", facts)

    def _choose(self, verb: Verb, facts: ApprovalsFacts) -> None:
        """For which role: the one under the cursor comes first."""
        asked = [one for one in facts.roles if one.state != "not asked"]
        actions = [Action(one.role, one.told, partial(self._note, verb, one)) for one in asked]
        row = self.chosen_row
        at = next((number for number, one in enumerate(asked) if row is not None and row.key == one.role), 0)
        dialog = PaletteScreen(actions, asks=f"{verb} as which role?", at=at)
        self.app.push_screen(dialog, lambda action: action.do() if action is not None else None)

    def _note(self, verb: Verb, role: RoleFacts) -> None:
        asks = "what is wrong?" if verb == "reject" else "a note, or nothing"
        ask = AskScreen(f"{_DONE[verb]} as {role.role}: {asks}", "kept with it", least=1 if verb == "reject" else 0)
        self.app.push_screen(ask, lambda note: self._key(verb, role, note) if note is not None else None)

    def _key(self, verb: Verb, role: RoleFacts, note: str) -> None:
        if not role.keys:
            self._confirm(verb, role, note, "")
            return
        identity = self.facts.identity if self.facts is not None else ""
        otherwise = f"; nothing: as database role {identity}" if identity in role.people else ""
        ask = AskScreen(f"Path of the SSH key that signs{otherwise}", "~/.ssh/id_ed25519", least=0 if otherwise else 1)
        self.app.push_screen(ask, lambda key: self._confirm(verb, role, note, key) if key is not None else None)

    def _confirm(self, verb: Verb, role: RoleFacts, note: str, key: str) -> None:
        facts = self._decidable()
        if isinstance(facts, Unavailable):
            self.say(f"nothing was recorded: {facts.reason}")
            return
        found = facts
        who = f"signed with {key}" if key else f"as database role {facts.identity}"
        lines = paragraph(f"{_DONE[verb]} {count(len(facts.changes), 'change')} on {named(self.environment)}", "strong")
        lines += paragraph(f"for {role.role}, {who}", "muted")
        for change, digest in facts.changes:
            lines += paragraph(f"- {change} {digest[:12]}")
        lines += [(), *paragraph(f"Packet {facts.packet}"), *(paragraph(f"Note: {note}") if note else ())]

        def yes(said: bool | None) -> None:
            if said:
                self._record(lambda: self.session.decide(found, verb, role.role, note, key))

        does = "records it"
        word = word_for(self.environment)
        dialog = ConfirmScreen(lines, word, danger=self.protected, undone="nothing was recorded", does=does)
        self.app.push_screen(dialog, yes)

    def _record(self, work: object) -> None:
        self._busy = True
        self.say("recording it ...", "running")
        self.later("decide", work, self._recorded, self._failed)  # type: ignore[arg-type]

    def _recorded(self, told: str) -> None:
        self._read()
        self.say(told, "done")

    def do_revoke(self, one: DecisionFacts) -> None:
        ask = AskScreen(f"REVOKE number {one.number} of {one.role}: why?", "kept with it", least=0)
        self.app.push_screen(ask, lambda note: self._confirm_revoke(one, note) if note is not None else None)

    def _confirm_revoke(self, one: DecisionFacts, note: str) -> None:
        facts = self._decidable()
        if isinstance(facts, Unavailable):
            self.say(f"nothing was recorded: {facts.reason}")
            return
        found = facts
        lines = paragraph(f"REVOKE {one.decision} {one.number} of {one.role} on {named(self.environment)}", "strong")
        lines += paragraph(f"by {one.who}, {one.at}", "muted")

        def yes(said: bool | None) -> None:
            if said:
                self._record(lambda: self.session.revoke(found, one.number, note))

        word = word_for(self.environment)
        dialog = ConfirmScreen(lines, word, danger=self.protected, undone="it stands", does="revokes it")
        self.app.push_screen(dialog, yes)

    def do_packet(self, facts: ApprovalsFacts) -> None:
        lines: list[Line] = [line(safe(text)) if text.strip() else () for text in facts.text.splitlines()]
        shown: Dialog[None] = Dialog(lines, typed=False)
        self.app.push_screen(shown)

    def do_write(self, facts: ApprovalsFacts) -> None:
        self.write(f"packet-{facts.environment}.md", facts.text)

    def help_text(self) -> tuple[str, ...]:
        return (
            "An approval is of these very bytes, on this server, for a time; what changes makes it void.",
            "The database role that is logged in decides, or an SSH key that pgmig.toml names signs.",
        )


def _role_row(one: RoleFacts) -> ListedRow:
    mark, role = _STATES[one.state]
    told = line((f"{mark} {pad(safe(one.role), 16)} ", role), (pad(one.state, 10), role), safe(one.told))
    may = [f"database role {name}" for name in one.people] + [f"key {name}" for name in one.keys]
    return ListedRow(one.role, told, (line((safe(one.told), role)), line(safe(f"may speak for it: {', '.join(may)}"))))


def _decision_row(one: DecisionFacts) -> ListedRow:
    good = not one.void
    what = "approved" if one.decision == "approve" else "rejected"
    role: Role = "muted" if not good else "done" if one.decision == "approve" else "failed"
    state = "counts" if good else "void"
    told = line(
        (f"{'.' if good else '~'} {pad(f'#{one.number} {safe(one.role)}', 16)} ", role),
        (f"{what} by {safe(one.who[:24])} {one.at}  ", "plain"),
        (state, role),
    )
    return ListedRow(one.number, told, tuple(_decision_lines(one)))


def _decision_lines(one: DecisionFacts) -> Iterator[Line]:
    if one.void:
        yield line((safe(f"x void: {one.void}"), "failed"))
    if one.weak:
        yield line((safe(f"! who that was isn't certain: {one.weak}"), "waiting"))
    yield line(safe(f"{one.decision} for {one.role} by {one.who}, {one.by or 'no name'}"))
    yield line(safe(f"at {one.at}, until {one.expires}"))
    if one.note:
        yield line(safe(f"note: {one.note}"))
