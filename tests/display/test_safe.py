"""safe(): nothing that a terminal would obey, or hide, comes out."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgmig_tui.display.safe import safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ALTER TABLE a", "ALTER TABLE a"),
        ("", ""),
        ("Zoë “v1” 文書 🚀", "Zoë “v1” 文書 🚀"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\tb", "a    b"),
        ("a\nb", "a␊b"),
        ("a\rb", "a␍b"),
        ("a\x00b\x7f", "a␀b␡"),
        ("\x9b31m", "<U+009B>31m"),
        ("user\u202etxt.exe", "user<U+202E>txt.exe"),
        ("a\u200bb\ufeff", "a<U+200B>b<U+FEFF>"),
        ("a\u2028b\u2029", "a<U+2028>b<U+2029>"),
        ("a\udcffb", "a<U+DCFF>b"),
        ("a\U000e0041", "a<U+E0041>"),
        ("[bold]not markup[/]", "[bold]not markup[/]"),
    ],
)
def test_a_control_character_is_shown_instead_of_obeyed(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_multiline_keeps_line_feeds_only() -> None:
    assert safe("a\r\nb\nc\rd\x1b", multiline=True) == "a\nb\nc␍d␛"


@given(st.text(st.characters()), st.booleans())
def test_no_control_character_comes_out(text: str, multiline: bool) -> None:
    shown = safe(text, multiline=multiline)
    kinds = {unicodedata.category(character) for character in shown if character != "\n"}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert multiline or "\n" not in shown
    shown.encode()


@given(st.text(st.characters()))
def test_a_text_made_safe_twice_is_as_made_safe_once(text: str) -> None:
    assert safe(safe(text)) == safe(text)
