"""Which pages are generated, and by what."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.pages import configuration
from tests.run.journal import page as events
from tests.ui import test_rebound_keys as keys

DOCS = Path(__file__).parents[2] / "docs"
PAGES: Mapping[str, Callable[[], str]] = {
    "configuration.md": configuration.page,
    "events.md": events.page,
    "keys.md": keys.page,
}
