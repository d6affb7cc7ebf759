"""The first line of every screen: who, where, what, and how long already."""

from __future__ import annotations

from pgmig_tui.display.cells import Line, Role, Span, cut, sides, width

PRODUCTION = "!! PRODUCTION !!"
UNPROVEN = "UNVERIFIED SERVER"
_HOST = 6
"""Less of a host than that says nothing."""


def tier_role(protected: bool, color: str | None) -> Role:
    """The role of an environment's banner: protection outweighs the colour that pgmig.toml gives."""
    if protected or (color or "").lower() == "red":
        return "tier-prod"
    if (color or "").lower() in {"yellow", "amber", "orange"}:
        return "tier-staging"
    return "tier-none"


def tier_word(name: str, protected: bool, *, unproven: bool = False) -> str:
    """The tier, which no banner loses; `unproven`: who answers hasn't proven to be that server."""
    word = PRODUCTION if protected else name.upper()
    return f"{word} {UNPROVEN}" if unproven else word


def banner(
    *, tier: str, role: Role, database: str, host: str, user: str, access: str, doing: str, columns: int
) -> Line:
    """One line of `columns` columns. Narrow terminals lose words, then the user, the domain, the end of the host and
    the access; the port stays with what is left of the host, for servers of one host differ in nothing else. Never lost
    are the tier, the database and what is going on."""
    name, colon, port = host.rpartition(":") if host.rpartition(":")[2].isdigit() else (host, "", "")
    bare = name if name.replace(".", "").isdigit() or name.startswith("/") else name.split(".")[0]
    short_access = {"READ-ONLY": "RO", "READ-WRITE": "RW"}.get(access, access)
    doing = cut(doing, max(8, columns - width(tier) - 3))
    right: Span = (f" {doing} ", role)
    room = columns - width(tier) - width(doing) - 3
    left = room - width(f"  {database}@{colon}{port}")
    beside = left - width(f"  {short_access}")
    forms = (
        f"  {database}@{host} as {user}  {access}",
        f"  {database}@{host} as {user}  {short_access}",
        f"  {database}@{host}  {short_access}",
        f"  {database}@{bare}{colon}{port}  {short_access}",
        *((f"  {database}@{cut(bare, beside)}{colon}{port}  {short_access}",) if beside >= _HOST else ()),
        f"  {database}@{bare}{colon}{port}",
        *((f"  {database}@{cut(bare, left)}{colon}{port}",) if left >= _HOST else ()),
        f"  {database}  {short_access}",
        f"  {database}",
        "",
    )
    for form in forms:
        if width(form) <= room:
            break
    return sides(((f" {tier}", role), (form, role)), (right,), columns)
