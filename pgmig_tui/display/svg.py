"""Pictures as inline SVG in an HTML page: no script, nothing fetched, every text of others escaped.

Colours are classes whose values `STYLE` gives, for light and for dark; what a colour says is always said by a word or a
pattern, too. Each picture has a title and a description, which screen readers read instead of its shapes.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from pgmig_tui.display.safe import safe

LIGHT = {
    "page": "#ffffff", "ink": "#1b1b1b", "soft": "#595959", "line": "#8c8c8c", "done": "#0072b2", "wait": "#a85f00",
    "failed": "#882255", "open": "#6b6b6b",
}  # fmt: skip
DARK = {
    "page": "#16181c", "ink": "#e8e8e8", "soft": "#b0b0b0", "line": "#7d7d7d", "done": "#56b4e9", "wait": "#e69f00",
    "failed": "#f5a0c0", "open": "#a8a8a8",
}  # fmt: skip
"""From the palettes for color-blind eyes of Okabe and Ito, and of Tol; made darker and lighter for contrast."""


def _values(colours: Mapping[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())


STYLE = (
    f":root{{color-scheme:light dark;{_values(LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_values(DARK)}}}}}"
    "svg{display:block;max-width:100%;height:auto;margin:.6em 0}"
    "svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg text.soft{fill:var(--soft)}"
    "svg text.end{text-anchor:end}svg text.middle{text-anchor:middle}"
    "svg .axis{stroke:var(--line);stroke-width:1;fill:none}"
    "svg .grid{opacity:.35}svg .curve{stroke:var(--done);stroke-width:1.5;fill:none}"
    + "".join(f"svg .{name}{{fill:var(--{name})}}" for name in ("done", "wait", "failed", "open"))
    + "svg .stripe{stroke:var(--page);stroke-width:2}svg .try{stroke:var(--failed);stroke-width:2;fill:none}"
)


def told(text: object) -> str:
    """Text of others as text of a page, in one line."""
    return html.escape(safe(str(text)))


def picture(name: str, title: str, description: str, size: tuple[float, float], parts: Sequence[str]) -> str:
    """A whole picture; `name` is ours, and its own in the page. `size` is width and height."""
    width, height = size
    return (
        f'<svg role="img" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
        f' aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{told(title)}</title>'
        f'<desc id="{name}-desc">{told(description)}</desc>{"".join(parts)}</svg>\n'
    )


def stripes(name: str) -> str:
    """The pattern that lies over what is waited for: `bar` draws it."""
    return (
        f'<defs><pattern id="{name}-stripes" width="6" height="6" patternUnits="userSpaceOnUse"'
        ' patternTransform="rotate(45)"><line class="stripe" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>'
    )


def bar(place: tuple[float, float, float, float], colour: str, title: str, striped: str = "") -> str:
    """A rectangle at (x, y, width, height), never too narrow to be seen. `striped` names the picture of the stripes."""
    x, y, width, height = place
    shape = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 1.5):.1f}" height="{height:.1f}"'
    over = f'<rect {shape} fill="url(#{striped}-stripes)"/>' if striped else ""
    return f'<g><title>{told(title)}</title><rect class="{colour}" {shape}/>{over}</g>'


def label(x: float, y: float, text: str, classes: str = "") -> str:
    kind = f' class="{classes}"' if classes else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{kind}>{told(text)}</text>'


def rule(x1: float, y1: float, x2: float, y2: float, kind: str = "axis") -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def curve(points: Sequence[tuple[float, float]]) -> str:
    return f'<polyline class="curve" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'
