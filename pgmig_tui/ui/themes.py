"""Colours. Tiers of environments have variables of their own: no theme makes production look like a state.

In every theme what has gone well, what waits, what has failed and what goes on can be told apart by people who see red
and green, or blue and yellow, alike; each has a glyph and a word besides. Each text stands out from what lies under it
by 4.5:1 and more; the tests hold both.
"""

from __future__ import annotations

from textual.theme import Theme

_TIERS = {
    "tier-prod": "#a8071a",
    "tier-prod-text": "#ffffff",
    "tier-staging": "#d48806",
    "tier-staging-text": "#000000",
}

DARK = Theme(
    name="pgmig-dark",
    primary="#6cb6ff",
    secondary="#9ac4e8",
    accent="#d2a8ff",
    warning="#f2c744",
    error="#ff8a65",
    success="#4fd1a5",
    foreground="#e6e6e6",
    background="#101418",
    surface="#161b21",
    panel="#222932",
    dark=True,
    variables={**_TIERS, "muted": "#a3adb8", "cursor-line": "#1f2e55", "line": "#66727e"},
)
LIGHT = Theme(
    name="pgmig-light",
    primary="#0b57a4",
    secondary="#2b5a85",
    accent="#6b2fb3",
    warning="#6b5900",
    error="#b3004b",
    success="#00654a",
    foreground="#16191d",
    background="#fbfbfa",
    surface="#f1f2f3",
    panel="#dfe3e7",
    dark=False,
    variables={**_TIERS, "muted": "#505962", "cursor-line": "#cfe2f6", "line": "#858f99"},
)
HIGH_CONTRAST = Theme(
    name="pgmig-contrast",
    primary="#80ccff",
    secondary="#ffffff",
    accent="#ffccff",
    warning="#ffe14d",
    error="#ff9e80",
    success="#66ffcc",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    dark=True,
    variables={**_TIERS, "muted": "#d6d6d6", "cursor-line": "#002a66", "line": "#b0b0b0"},
)
# The terminal's own sixteen colours and its own ground, which its owner has made to go together.
TERMINAL = Theme(
    name="pgmig-terminal",
    ansi=True,
    primary="ansi_cyan",
    secondary="ansi_cyan",
    accent="ansi_magenta",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=True,
    variables={
        "tier-prod": "ansi_red",
        "tier-prod-text": "ansi_bright_white",
        "tier-staging": "ansi_yellow",
        "tier-staging-text": "ansi_black",
        "muted": "ansi_default",
        "cursor-line": "ansi_default",
        "line": "ansi_default",
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "border-blurred": "ansi_default",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "input-cursor-text-style": "reverse",
        "input-selection-background": "ansi_cyan",
        "input-selection-foreground": "ansi_black",
    },
)
THEMES = (DARK, LIGHT, HIGH_CONTRAST, TERMINAL)
_FORMER = {"pgmig-deuteranopia": DARK.name}
"""Themes that there were once: what they were for, the others do."""


def theme_named(name: str) -> str | None:
    """The name of a theme that there is, for one that was chosen once; None where there is no such theme."""
    name = _FORMER.get(name, name)
    return name if name in {theme.name for theme in THEMES} else None


def theme_for(chosen: str, *, light: bool, colors: int) -> str:
    """The theme to show: the `chosen` one, else light or dark as the terminal is. A terminal of fewer than 256
    `colors` gets its own: nothing else can be drawn there as it is meant."""
    if colors < 256:
        return TERMINAL.name
    return theme_named(chosen) or (LIGHT.name if light else DARK.name)
