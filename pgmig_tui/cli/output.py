"""Where words go: results on stdout, progress and diagnostics on stderr.

No text of a file or a server is ever read as markup: rich is asked for the colours of a role alone, and every text
went through `display.safe`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, TextIO

from pgmig_tui.display.cells import text_of
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from pgmig_tui.cli.progress import ProgressLine
    from pgmig_tui.display.cells import Line, Role, Span

STYLES: Mapping[Role, str] = {
    "strong": "bold",
    "title": "bold",
    "muted": "dim",
    "done": "green",
    "todo": "cyan",
    "running": "bold blue",
    "waiting": "yellow",
    "failed": "bold red",
    "differs": "yellow",
    "stale": "yellow",
    "tier-prod": "bold red",
    "tier-staging": "yellow",
}
"""A role that isn't here needs no style."""
_quiet = _verbose = False
_bar: ProgressLine | None = None
_hide: Callable[[str], str] | None = None
PIPED_WIDTH = 4000
"""Columns when nobody looks at a terminal: a table is as wide as its text, so that `grep` sees whole lines."""


def _width(stream: TextIO) -> int:
    """COLUMNS wins, then the terminal's own width."""
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return PIPED_WIDTH


def silence(stream: TextIO) -> None:
    """Nobody reads it any more: what is written from here on goes nowhere, and Python's end doesn't stumble over it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def give_way(bar: ProgressLine | None) -> None:
    """From here on this bar is taken away for each line that is printed, and drawn below it again; None: no more."""
    global _bar
    _bar = bar


def columns() -> int:
    """How wide stdout is."""
    return _width(sys.stdout)


def note_columns() -> int:
    """The width of what `note` writes, and no more than a person reads."""
    return min(_width(sys.stderr), 160)


def table(headings: Sequence[str], rows: Iterable[Sequence[str | Line]]) -> None:
    """Print a table on stdout, in the terminal's width; the headings' marks are those of `display.tables`."""
    from pgmig_tui.display.charset import Charset
    from pgmig_tui.display.sparks import drawable
    from pgmig_tui.display.tables import table

    rule = "─" if drawable(Charset.LINES) else "-"
    if _hide is not None:
        rows = ([_hidden(cell) for cell in row] for row in rows)
    for told in table(headings, rows, _width(sys.stdout), rule):
        _write(sys.stdout, told)


def hide_values(values: Mapping[str, str]) -> None:
    """From here on nothing that is said for people holds one of these values: the variables' names stand there."""
    global _hide
    from pgmig_tui.display.mask import hider

    _hide = hider(values)


def hidden(words: str) -> str:
    """The text with names instead of the values of variables."""
    return words if _hide is None else _hide(words)


def _hidden(cell: str | Line) -> str | Line:
    """A cell of a table, before it is cut to its column."""
    return hidden(cell) if isinstance(cell, str) else tuple((hidden(words), role) for words, role in cell)


def set_volume(*, quiet: bool, verbose: int) -> None:
    """How much of a run is told: only what goes wrong, or each statement, too."""
    global _quiet, _verbose
    _quiet, _verbose = quiet, verbose > 0


def is_quiet() -> bool:
    """Whether only what goes wrong is to be told of a run."""
    return _quiet


def is_verbose() -> bool:
    """Whether each statement of a run is to be told, too."""
    return _verbose


def text_out(text: str) -> None:
    """Text of the result as it stands, on stdout; it must be safe already."""
    sys.stdout.write(hidden(text))


def say(spans: str | Iterable[Span] = "") -> None:
    """One line of the result, on stdout."""
    _put(sys.stdout, spans)


def note(spans: str | Iterable[Span]) -> None:
    """One line of progress or diagnosis, on stderr."""
    _put(sys.stderr, spans)


def _put(stream: TextIO, spans: str | Iterable[Span]) -> None:
    line = _without_values(((spans, "plain"),) if isinstance(spans, str) else tuple(spans))
    if _bar is not None:
        _bar.clear()
    for part in _folded(line, _width(stream)) if stream.isatty() else (line,):
        _write(stream, part)
    if _bar is not None:
        stream.flush()
        _bar.draw()


def _without_values(line: Line) -> Line:
    """The line without what is hidden, also where roles change in the middle of it; before it is folded there."""
    if _hide is None:
        return line
    line = tuple((hidden(words), role) for words, role in line)
    whole = text_of(line)
    return line if hidden(whole) == whole else ((hidden(whole), "plain"),)


def _write(stream: TextIO, line: Line) -> None:
    # A log of a thousand changes is thousands of lines: rich is asked once for each role, not for each line.
    colored = stream.isatty() or os.environ.get("FORCE_COLOR")
    stream.write(("".join(_styled(stream, *span) for span in line) if colored else text_of(line)) + "\n")


def _folded(line: Line, columns: int) -> Sequence[Line]:
    """The line as a terminal of so many columns shows it without breaking a word."""
    if 2 * sum(len(words) for words, _role in line) <= columns or any("\n" in words for words, _role in line):
        return (line,)  # no letter is wider than two columns
    from pgmig_tui.display.fold import in_lines

    return in_lines(line, columns)


def _styled(stream: TextIO, words: str, role: Role) -> str:
    before, after = _marks(stream, role)
    return f"{before}{words}{after}"


@cache
def _marks(stream: TextIO, role: Role) -> tuple[str, str]:
    """What a terminal is sent before and after words of that role; rich knows NO_COLOR, FORCE_COLOR and TERM."""
    style = STYLES.get(role)
    if style is None:
        return "", ""
    from rich.console import Console

    console = Console(file=stream, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print("|", style=style, end="")
    before, _, after = captured.get().partition("|")
    return before, after


def warn(message: str) -> None:
    """A warning on stderr; the message may come from anywhere."""
    note((("warning: ", "waiting"), (safe(message), "plain")))


def document(value: object) -> None:
    """One JSON document on stdout. Only ASCII goes out, so that no name in it can steer a terminal."""
    if _hide is not None:
        from pgmig_tui.display.mask import without_values

        value = without_values(value, _hide)
    # Not json.dump: that one writes piece by piece, in Python, and is ten times slower.
    sys.stdout.write(json.dumps(value, indent=2 if sys.stdout.isatty() else None) + "\n")


def document_of(before: dict[str, object], key: str, items: Iterable[str], after: dict[str, object]) -> None:
    """A document with one long list, whose items are JSON texts already: fields before it, the list, fields after."""
    text = f'{json.dumps(before)[:-1]}, "{key}": [{", ".join(items)}], {json.dumps(after)[1:]}'
    if sys.stdout.isatty() or _hide is not None:
        document(json.loads(text))
    else:
        sys.stdout.write(text + "\n")


def failure(error: PgmigError) -> None:
    """What failed, what is now true, what to do: on stderr, without rich, because this must work at all times."""
    lines = [f"pgmig-tui: {error.what}", *(f"  {detail}" for detail in error.details), error.now, error.do]
    for words in lines:
        if words.strip():
            for told in note_lines(safe(hidden(words), multiline=True)):
                print(told, file=sys.stderr)


def note_lines(text: str) -> list[str]:
    """A safe text as the lines that stderr shows of it: on a terminal none breaks in the middle of a word."""
    lines = text.split("\n")
    if sys.stderr is None or not sys.stderr.isatty():
        return lines
    columns = _width(sys.stderr)
    return [text_of(part) for told in lines for part in _folded(((told, "plain"),), columns)]
