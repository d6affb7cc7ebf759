"""The first line of every screen: who, where, what, and how long already."""

from __future__ import annotations

from pgmig_tui.display.cells import Line, Role, Span, cut, sides, width

PRODUCTION = "!! PRODUCTION !!"


def tier_role(protected: bool, color: str | None) -> Role:
    """The role of an environment's banner: protection outweighs the colour that pgmig.toml gives."""
    if protected or (color or "").lower() == "red":
        return "tier-prod"
    if (color or "").lower() in {"yellow", "amber", "orange"}:
        return "tier-staging"
    return "tier-none"


def tier_word(name: str, protected: bool) -> str:
    return PRODUCTION if protected else name.upper()


def banner(
    *, tier: str, role: Role, database: str, host: str, user: str, access: str, doing: str, columns: int
) -> Line:
    """One line of `columns` columns. Narrow terminals lose the port, then the user, then the domain; never the tier,
    the database or what is going on."""
    short_host = host.split(":")[0]
    bare_host = short_host if short_host.replace(".", "").isdigit() else short_host.split(".")[0]
    short_access = {"READ-ONLY": "RO", "READ-WRITE": "RW"}.get(access, access)
    forms = (
        f"  {database}@{host} as {user}  {access}",
        f"  {database}@{short_host} as {user}  {access}",
        f"  {database}@{short_host} as {user}  {short_access}",
        f"  {database}@{short_host}  {short_access}",
        f"  {database}@{bare_host}  {short_access}",
        f"  {database}  {short_access}",
        f"  {database}",
        "",
    )
    doing = cut(doing, max(8, columns - width(tier) - 3))
    right: Span = (f" {doing} ", role)
    for form in forms:
        if width(tier) + 1 + width(form) + width(doing) + 2 <= columns:
            break
    return sides(((f" {tier}", role), (form, role)), (right,), columns)
