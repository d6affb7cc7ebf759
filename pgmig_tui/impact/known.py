"""Functions that are known although their code can't be read: the server's own, and those of contrib."""

from __future__ import annotations

from pgmig_tui.impact.facts import FunctionFact
from pgmig_tui.impact.shadow import Catalog
from pgmig_tui.impact.volatility import CALM, VOLATILE


def is_known(parts: list[str], catalog: Catalog) -> bool:
    """Whether a name is that of a function of pg_catalog."""
    if len(parts) > 1:
        return parts[-2] in {"pg_catalog", "information_schema"}
    name = parts[0]
    return name in CALM or name in VOLATILE or name.startswith(("pg_", "has_"))


def harmless(fact: FunctionFact) -> bool:
    """Whether a function locks nothing and destroys nothing, whatever it is given."""
    return bool(fact.extension) and fact.volatility in "is"
