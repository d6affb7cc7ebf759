"""Environments as cards side by side: facts in, lines out. What has no room is one card that leads to all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pgmig_tui.display.cells import Line, Role, Span, cut, pad, width
from pgmig_tui.display.charset import Charset
from pgmig_tui.display.safe import safe
from pgmig_tui.display.sparks import spark

ROWS = 4
"""Lines of a card."""
LEAST, MOST = 19, 38
"""Columns of one."""
WAITS = 12
"""So many of the last answers a card draws."""
GUARD = "!!"
"""Stands at the name of a protected environment."""
Corners = tuple[str, str, str, str, str, str]
"""Upper left, across, upper right, down, lower left, lower right."""
Kind = Literal["none", "done", "todo", "running", "differs", "failed", "stale", "asking"]
_GLYPHS: dict[Kind, Span] = {
    "asking": ("~", "muted"),
    "done": ("+", "done"),
    "todo": (".", "strong"),
    "running": (">", "running"),
    "differs": ("!", "differs"),
    "failed": ("x", "failed"),
    "stale": ("?", "stale"),
    "none": (" ", "plain"),
}
_COUNTED: tuple[tuple[Kind, str], ...] = (
    ("stale", "no answer"), ("failed", "failed"), ("differs", "differ"), ("running", "running"), ("todo", "pending"),
    ("asking", "asking"), ("done", "up to date"),
)  # fmt: skip
"""What the card of the rest counts, the worst first."""


@dataclass(frozen=True, slots=True)
class Card:
    """An environment at a glance. `told` is its state in words, `short` the same in fewer, `pending` how many changes
    it lacks (None: nobody knows), `waits` how many sessions waited at the last answers (None: no answer), `reason` why
    there is none now, `when` the age of what is shown, `risk` the strongest of what is pending."""

    number: int
    name: str
    protected: bool
    kind: Kind
    told: str
    short: str = ""
    pending: int | None = None
    waits: tuple[int | None, ...] = ()
    reason: str = ""
    when: str = ""
    risk: Span = ("", "plain")
    deployed: str = ""
    """How long ago something was deployed or reverted there; "" where nobody knows."""

    @property
    def glyph(self) -> Span:
        return _GLYPHS[self.kind]

    @property
    def role(self) -> Role:
        return self.glyph[1]


@dataclass(frozen=True, slots=True)
class CardPlace:
    """A card on the screen: from `at` on, `columns` wide. `index` is that of its environment, None: the rest."""

    index: int | None
    at: int
    columns: int


def places(columns: int, environments: int, chosen: int) -> tuple[CardPlace, ...]:
    """Where each card stands: all where they have room, else those around the chosen one, and one for the rest."""
    if environments == 0 or columns < LEAST:
        return ()
    fitting = columns // LEAST
    if environments <= fitting:
        each = min(MOST, columns // environments)
        return tuple(CardPlace(index, index * each, each) for index in range(environments))
    shown = max(1, fitting - 1)
    each = columns // (shown + 1) if fitting > 1 else columns
    first = max(0, min(chosen - shown // 2, environments - shown))
    found = [CardPlace(first + place, place * each, each) for place in range(shown)]
    if fitting > 1:
        found.append(CardPlace(None, shown * each, min(MOST, columns - shown * each)))
    return tuple(found)


def cards(found: Sequence[Card], chosen: int, columns: int, *, charset: Charset = Charset.ALL) -> list[Line]:
    """The lines of all cards."""
    rows: list[list[Span]] = [[] for _ in range(ROWS)]
    shown = places(columns, len(found), chosen)
    for place in shown:
        if place.index is None:
            seen = {one.index for one in shown}
            made = _rest([card for index, card in enumerate(found) if index not in seen], place.columns, charset)
        else:
            made = _card(found[place.index], place.index == chosen, place.columns, charset)
        for row, spans in zip(rows, made, strict=True):
            row += spans
    return [tuple(row) for row in rows]


def _card(card: Card, here: bool, columns: int, charset: Charset) -> list[list[Span]]:
    inner = columns - 4
    guard: list[Span] = [(f"{GUARD} ", "failed")] if card.protected else []
    title: list[Span] = [(f"{card.number} ", "key"), *guard]
    room = inner - sum(width(text) for text, _ in title) - 1
    title.append((cut(safe(card.name), max(4, room)), "strong" if here else "plain"))
    tail = f" {card.risk[0]}" if card.risk[0] else ""
    told, role = f"{card.glyph[0]} {safe(card.told)}", card.role
    if width(told) > inner - width(tail) and card.short:
        told = f"{card.glyph[0]} {safe(card.short)}"
    state: list[Span] = [(pad(cut(told, inner - width(tail)), inner - width(tail)), role), (tail, card.risk[1])]
    foot: Span = (f"deployed {card.deployed}" if card.deployed else "", "muted")
    return _framed(title, state, _below(card, inner, charset), columns, heavy=here, charset=charset, foot=foot)


def _below(card: Card, inner: int, charset: Charset) -> list[Span]:
    """Why there is no answer; else who has waited, who waits now, and how old that is."""
    when = f" {card.when}" if card.when else ""
    if card.reason:
        tail = f"{when} ="
        why = safe(last_words(card.reason))
        return [(pad(cut(why, inner - width(tail)), inner - width(tail)), "stale"), (tail, "key")]
    now = card.waits[-1] if card.waits else None
    if now is None:
        return [(pad("", inner - width(when)), "plain"), (when, "muted")]
    count = f" {now}{when}"
    bars = spark(card.waits, min(WAITS, max(0, inner - 6 - width(count))), full=4, unicode=charset is not Charset.ASCII)
    told = f"waits {bars}"
    return [
        (told, "waiting" if now else "muted"), (f" {now}", "waiting" if now else "plain"),
        (" " * max(0, inner - width(told) - width(count)), "plain"), (when, "muted"),
    ]  # fmt: skip


def last_words(reason: str) -> str:
    """What an error comes down to: behind the addresses that it begins with, and before any advice.

    >>> last_words('db:pg://x:1/d can\'t be reached: connection to server at "x", port 1 failed: refused. Is it up?')
    'refused'
    """
    return reason.partition(". ")[0].rpartition(": ")[2] or reason


def reason_first(reason: str) -> str:
    """An error with what it comes down to before the addresses, for a line that may be cut.

    >>> reason_first('db:pg://x:1/d can\'t be reached: connection to server at "x", port 1 failed: refused. Is it up?')
    'refused; db:pg://x:1/d can\'t be reached: connection to server at "x", port 1 failed. Is it up?'
    """
    why = last_words(reason)
    before, _, after = reason.partition(f": {why}")
    return f"{why}; {before}{after}" if why != reason else reason


def _rest(rest: Sequence[Card], columns: int, charset: Charset) -> list[list[Span]]:
    """How many there are besides, and what the worst of them are; `0` shows all."""
    inner = columns - 4
    counts = [(kind, sum(card.kind == kind for card in rest), word) for kind, word in _COUNTED]
    told: list[Span] = [
        (f"{_GLYPHS[kind][0]} {count} {word}", _GLYPHS[kind][1]) for kind, count, word in counts if count
    ]
    lines: list[list[Span]] = []
    for row in range(2):
        text, role = told[row] if row < len(told) else ("", "plain")
        more = "  .." if row == 1 and len(told) > 2 else ""
        lines.append([(pad(cut(text + more, inner), inner), role)])
    title: list[Span] = [(f"+{len(rest)} more  ", "strong"), ("0", "key"), (" all", "plain")]
    return _framed(title, lines[0], lines[1], columns, heavy=False, charset=charset, foot=_strongest(rest))


_RISKS = ("low", "med", "HIGH", "CRIT")


def _strongest(rest: Sequence[Card]) -> Span:
    """The strongest risk among several cards, `?` where none is known."""
    known = [(rank, card.risk) for card in rest for rank, word in enumerate(_RISKS) if word in card.risk[0]]
    if known:
        text, role = max(known, key=lambda one: one[0])[1]
        return f"risk {text.strip()}", role
    return ("risk ?", "muted") if any(card.risk[0] for card in rest) else ("", "plain")


_FRAMES: dict[Charset, tuple[Corners, Corners]] = {
    Charset.ALL: (("╭", "─", "╮", "│", "╰", "╯"), ("┏", "━", "┓", "┃", "┗", "┛")),
    Charset.LINES: (("┌", "─", "┐", "│", "└", "┘"), ("╔", "═", "╗", "║", "╚", "╝")),
    Charset.ASCII: (("+", "-", "+", "|", "+", "+"), ("#", "=", "#", "#", "#", "#")),
}
"""Frames by what a terminal can draw: thin, and thick for the chosen card."""


def _framed(
    title: Sequence[Span],
    first: Sequence[Span],
    second: Sequence[Span],
    columns: int,
    *,
    heavy: bool,
    charset: Charset,
    foot: Span = ("", "plain"),
) -> list[list[Span]]:
    left, dash, right, side, low_left, low_right = _FRAMES[charset][heavy]
    role: Role = "key" if heavy else "muted"
    rest = max(0, columns - 4 - sum(width(text) for text, _ in title))
    return [
        [(f"{left}{dash}", role), *title, (f" {dash * (rest - 1)}{dash}{right}" if rest else f"{dash}{right}", role)],
        [(f"{side} ", role), *first, (f" {side}", role)],
        [(f"{side} ", role), *second, (f" {side}", role)],
        _edge(low_left, dash, low_right, role, foot, columns),
    ]


def _edge(left: str, dash: str, right: str, role: Role, foot: Span, columns: int) -> list[Span]:
    """The lower edge, with words in it where they have room."""
    text = f" {foot[0]} "
    if not foot[0] or width(text) > columns - 4:
        return [(f"{left}{dash * (columns - 2)}{right}", role)]
    return [(f"{left}{dash}", role), (text, foot[1]), (f"{dash * (columns - 3 - width(text))}{right}", role)]


def strip(found: Sequence[Card], chosen: int, columns: int) -> list[Span]:
    """The same in one line: number, name, glyph and how many are pending, the chosen one with a star; where not all
    have room those around it, and how all are reached."""
    parts = [_part(card, index == chosen) for index, card in enumerate(found)]
    wide = [sum(width(text) for text, _ in part) for part in parts]
    tail = f" 0: all {len(found)}" if sum(wide) > columns else ""
    shown: list[int] = []
    room = columns - len(tail)
    for index in sorted(range(len(found)), key=lambda index: abs(index - chosen)):
        room -= wide[index]
        if room < 0 and shown:
            break
        shown.append(index)
    spans = [span for index in sorted(shown) for span in parts[index]]
    return [*spans, (tail, "key")] if tail else spans


def _part(card: Card, here: bool) -> list[Span]:
    glyph, role = card.glyph
    count = str(card.pending) if card.pending else ""
    guard: list[Span] = [(GUARD, "failed")] if card.protected else []
    return [
        (f" {card.number}", "key"), ("*" if here else " ", "strong"), *guard,
        (f"{safe(card.name)} ", "strong" if here else "muted"), (f"{glyph}{count} ", role),
    ]  # fmt: skip
