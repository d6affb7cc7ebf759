"""From roles to colours, once for all widgets: a style sheet that gave each widget these would cost the first frame."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style

from pgmig_tui.display.cells import Role

# Role: colour, background (both variables of the theme, "" = as it is), attributes.
_ROLES: dict[Role | str, tuple[str, str, str]] = {
    "plain": ("", "", ""),
    "strong": ("", "", "bold"),
    "muted": ("muted", "", ""),
    "title": ("secondary", "", "bold"),
    "done": ("success", "", ""),
    "todo": ("muted", "", ""),
    "running": ("primary", "", "bold"),
    "waiting": ("warning", "", "bold"),
    "failed": ("error", "", "bold"),
    "differs": ("warning", "", "bold"),
    "stale": ("warning", "", ""),
    "key": ("primary", "", "bold"),
    "off": ("muted", "", ""),
    "tier-prod": ("tier-prod-text", "tier-prod", "bold"),
    "tier-staging": ("tier-staging-text", "tier-staging", "bold"),
    "tier-none": ("foreground", "panel", "bold"),
    "comment": ("muted", "", "italic"),
    "string": ("success", "", ""),
    "keyword": ("primary", "", ""),
    "number": ("accent", "", ""),
    "cursor": ("", "cursor-line", ""),
}


_COLORLESS: dict[Role | str, str] = {
    "failed": "bold reverse",
    "tier-prod": "bold reverse",
    "tier-staging": "bold underline",
    "differs": "bold underline",
    "waiting": "bold",
    "stale": "bold",
    "running": "bold",
    "key": "bold",
    "off": "dim",
}
"""Where NO_COLOR takes the colours away a grey would be all that is left of them: the louder, the brighter instead."""


def role_styles(variables: Mapping[str, str], *, colors: bool = True) -> dict[str, Style]:
    """The style of each role under a theme's variables; without `colors` danger stands out otherwise."""
    styles = {}
    for role, (color, background, attributes) in _ROLES.items():
        if not colors and role in _COLORLESS:
            styles[str(role)] = Style.parse(_COLORLESS[role])
            continue
        styles[str(role)] = Style.parse(attributes) + Style(
            color=_color(variables, color) if color else None,
            bgcolor=_color(variables, background) if background else None,
        )
    if variables.get("cursor-line") == "ansi_default":
        styles["cursor"] = Style(reverse=True)
    return styles


def _color(variables: Mapping[str, str], name: str) -> str:
    """Of a variable, as Rich calls it: the sixteen colours of a terminal have other names in a style sheet."""
    return variables[name].removeprefix("ansi_").replace("transparent", "default")
