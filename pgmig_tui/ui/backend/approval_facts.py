"""Approvals as facts for the screens. Not before the first frame: `protocol` gives them when asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class RoleFacts:
    """A role that is asked for its approval. `state`: approved, rejected, missing or not asked; `told` says by whom, or
    what is missing. `keys`: SSH keys may speak for it; `people` are the database roles that may."""

    role: str
    state: Literal["approved", "rejected", "missing", "not asked"]
    told: str
    people: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionFacts:
    """A decision that was recorded. Times are UTC in words; `void`: why it doesn't count, "" where it does."""

    number: int
    decision: Literal["approve", "reject"]
    role: str
    who: str
    at: str
    expires: str
    by: str = ""
    note: str = ""
    weak: str = ""
    void: str = ""
    revoked: bool = False


@dataclass(frozen=True)
class ApprovalsFacts:
    """Who has approved what is pending on an environment. `changes` are (change, hash of its deploy script); `identity`
    is the database role that is logged in; `may_not`: why nothing can be recorded from here; `packet` is the hash of
    what is up for approval, `text` all of it as Markdown; `found` is opaque to screens."""

    environment: str
    roles: tuple[RoleFacts, ...] = ()
    decisions: tuple[DecisionFacts, ...] = ()
    changes: tuple[tuple[str, str], ...] = ()
    identity: str = ""
    may_not: str = ""
    packet: str = ""
    text: str = ""
    found: Any = None
    state: str = "UNKNOWN"
    """Of the item of the checklist, with what it says."""
    summary: str = ""
