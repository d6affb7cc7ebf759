"""Where words go: results on stdout, progress and diagnostics on stderr.

No text of a file or a server is ever read as markup: consoles are made with markup off and get `Text` objects, whose
content went through `display.safe`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TextIO

from pgmig_tui.display.cells import text_of
from pgmig_tui.display.safe import safe
from pgmig_tui.errors import PgmigError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

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
PIPED_WIDTH = 4000
"""Columns when nobody looks at a terminal: a table is as wide as its text, so that `grep` sees whole lines."""


@cache
def console(stream: TextIO) -> Console:
    """The console on a stream, honouring NO_COLOR, TERM and the terminal's width."""
    from rich.console import Console

    # Without a height rich takes no width for a dumb terminal: it is 80 columns wide then, whatever it is.
    width, height = _width(stream), 25
    return Console(file=stream, markup=False, highlight=False, emoji=False, width=width, height=height)


def _width(stream: TextIO) -> int:
    """COLUMNS wins, then the terminal's own width."""
    wanted = os.environ.get("COLUMNS", "")
    if wanted.isdigit() and int(wanted) > 0:
        return int(wanted)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return PIPED_WIDTH


def text(spans: str | Iterable[Span]) -> Text:
    """Spans as rich text; a bare string is plain. Both must be safe already."""
    from rich.text import Text

    if isinstance(spans, str):
        return Text(spans)
    return Text.assemble(*((words, STYLES.get(role, "")) for words, role in spans))


def table(headings: Sequence[str], rows: Iterable[Sequence[str | Line]]) -> None:
    """Print a table on stdout.

    A heading may end in marks: `>` aligns its column right, `?` lets a terminal that is too narrow go without it; of
    several such columns the last goes first.
    """
    from rich.measure import Measurement

    out = console(sys.stdout)
    cells = [[text(cell) for cell in row] for row in rows]
    shown = list(range(len(headings)))
    while True:
        grid = _grid(headings, cells, shown)
        spare = [column for column in shown if "?" in headings[column]]
        if not spare or Measurement.get(out, out.options.update(max_width=PIPED_WIDTH), grid).maximum <= out.width:
            break
        shown.remove(spare[-1])
    out.print(grid)


def _grid(headings: Sequence[str], rows: Iterable[Sequence[Text]], shown: Sequence[int]) -> Table:
    from rich import box
    from rich.table import Table

    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in shown:
        heading = headings[column]
        justify: Literal["left", "right"] = "right" if ">" in heading else "left"
        grid.add_column(text(heading.rstrip(">?")), justify=justify, overflow="fold")
    for row in rows:
        grid.add_row(*(row[column] for column in shown))
    return grid


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
    sys.stdout.write(text)


def say(spans: str | Iterable[Span] = "") -> None:
    """One line of the result, on stdout."""
    _put(sys.stdout, spans)


def note(spans: str | Iterable[Span]) -> None:
    """One line of progress or diagnosis, on stderr."""
    _put(sys.stderr, spans)


def _put(stream: TextIO, spans: str | Iterable[Span]) -> None:
    # A log of a thousand changes is thousands of lines: where nobody sees colours, none are worked out.
    if stream.isatty() or os.environ.get("FORCE_COLOR"):
        console(stream).print(text(spans), soft_wrap=True)
    else:
        stream.write((spans if isinstance(spans, str) else text_of(spans)) + "\n")


def warn(message: str) -> None:
    """A warning on stderr; the message may come from anywhere."""
    note((("warning: ", "waiting"), (safe(message), "plain")))


def document(value: Any) -> None:
    """One JSON document on stdout. Only ASCII goes out, so that no name in it can steer a terminal."""
    # Not json.dump: that one writes piece by piece, in Python, and is ten times slower.
    sys.stdout.write(json.dumps(value, indent=2 if sys.stdout.isatty() else None) + "\n")


def document_of(before: dict[str, Any], key: str, items: Iterable[str], after: dict[str, Any]) -> None:
    """A document with one long list, whose items are JSON texts already: fields before it, the list, fields after."""
    text = f'{json.dumps(before)[:-1]}, "{key}": [{", ".join(items)}], {json.dumps(after)[1:]}'
    if sys.stdout.isatty():
        document(json.loads(text))
    else:
        sys.stdout.write(text + "\n")


def failure(error: PgmigError) -> None:
    """What failed, what is now true, what to do: on stderr, without rich, because this must work at all times."""
    lines = [f"pgmig-tui: {error.what}", *(f"  {detail}" for detail in error.details), error.now, error.do]
    for words in lines:
        if words.strip():
            print(safe(words, multiline=True), file=sys.stderr)
