"""A generated page says what the program does now."""

from __future__ import annotations

import pytest

from pgmig_tui.project.hooks import HOOKS
from tests.pages import configuration
from tests.pages.all import DOCS, PAGES


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_current(name: str) -> None:
    kept = (DOCS / name).read_text(encoding="utf-8")
    assert kept == PAGES[name](), f"docs/{name} is stale: `make pages` writes it"


def test_every_key_that_the_reader_takes_is_told_and_no_other() -> None:
    for table, accepted in configuration.accepted().items():
        assert set(configuration.MEANING[table]) == set(accepted), table
    assert set(configuration.HOOK_NAMES) == set(HOOKS)


def test_what_a_key_expects_is_what_its_reader_says() -> None:
    assert configuration.expected("lock_timeout") == 'a duration in quotes, such as "300ms"'
    assert configuration.expected("protected") == "true or false"
    assert configuration.expected("queue_guard.waiters") == "a whole number, not below 0"
