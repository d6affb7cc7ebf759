"""Colours. Tiers of environments have variables of their own: no theme makes production look like a state."""

from __future__ import annotations

from textual.theme import Theme

_TIERS_DARK = {
    "tier-prod": "#a8071a",
    "tier-prod-text": "#ffffff",
    "tier-staging": "#d48806",
    "tier-staging-text": "#000000",
}

DARK = Theme(
    name="pgmig-dark",
    primary="#5aa9e6",
    secondary="#8ab4d8",
    accent="#c5a3ff",
    warning="#e8b339",
    error="#ff7875",
    success="#73d13d",
    foreground="#e6e6e6",
    background="#101418",
    surface="#161b21",
    panel="#222932",
    dark=True,
    variables={**_TIERS_DARK, "muted": "#9aa4af", "cursor-line": "#2b3a4d", "line": "#5c6873"},
)
LIGHT = Theme(
    name="pgmig-light",
    primary="#0b5cad",
    secondary="#3d6a94",
    accent="#6b2fb3",
    warning="#8a5a00",
    error="#b3001b",
    success="#1f6f1f",
    foreground="#16191d",
    background="#fbfbfa",
    surface="#f1f2f3",
    panel="#dfe3e7",
    dark=False,
    variables={**_TIERS_DARK, "muted": "#57606a", "cursor-line": "#cfe2f6", "line": "#8a939c"},
)
# For red-green blindness: blue and orange carry the states.
DEUTERANOPIA = Theme(
    name="pgmig-deuteranopia",
    primary="#7cc4ff",
    secondary="#8ab4d8",
    accent="#d0b3ff",
    warning="#ffd24d",
    error="#ff9f40",
    success="#4da3ff",
    foreground="#e6e6e6",
    background="#101418",
    surface="#161b21",
    panel="#222932",
    dark=True,
    variables={**_TIERS_DARK, "muted": "#9aa4af", "cursor-line": "#2b3a4d", "line": "#5c6873"},
)
HIGH_CONTRAST = Theme(
    name="pgmig-contrast",
    primary="#66ccff",
    secondary="#ffffff",
    accent="#ffccff",
    warning="#ffff00",
    error="#ff8080",
    success="#80ff80",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1c1c1c",
    dark=True,
    variables={**_TIERS_DARK, "muted": "#d0d0d0", "cursor-line": "#003a66", "line": "#a0a0a0"},
)
THEMES = (DARK, LIGHT, DEUTERANOPIA, HIGH_CONTRAST)
