"""Text inside Markdown: whoever renders it sees the text, and nothing of it is Markdown, HTML or a link."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from pgmig_tui.display.markdown import code, prose
from pgmig_tui.display.safe import safe

HOSTILE = (
    "<script>alert(1)</script>", "</td></tr></table>", "a | b || c", "`code` ``more``", "![x](http://evil/x.png)",
    "[click](javascript:alert(1))", "<http://evil>", "http://evil.example/x www.evil.example", "a@evil.example @team",
    "# heading", "- item", "+ item", "* item", "1. item", "2) item", "> quote", "---", "===", "    code", "~~gone~~",
    "**bold** __bold__ *it* _it_", "snake_case_name and _lead trail_", "&lt;b&gt; &amp;", "\\| \\` \\\\", "$x^2$",
    "line\nbreak\r\nand\n\n# heading", "\x1b[31mred\x1b[0m\x07", "\u202eright to left\u202c", "```\nfence",
    "<!-- hidden", "| a |\n|---|\n| b |", "[^1]: note", "[ref]: http://evil", "a\\", "`", "``", "a`", "~~~",
)  # fmt: skip
ALLOWED = {"text", "softbreak", "html_inline"}


def parsed(text: str) -> list[Token]:
    return MarkdownIt("gfm-like").parse(text)


def inline(tokens: list[Token]) -> list[Token]:
    return [child for token in tokens for child in token.children or ()]


def in_a_cell(told: str) -> list[list[Token]]:
    """What stands in the cells of a row around it."""
    tokens = parsed(f"| a | b |\n|---|---|\n| {told} | end |\n\nafter")
    cells = [token.children or [] for token in tokens if token.type == "inline"]
    assert [token.type for token in tokens].count("tr_open") == 2, told
    assert [one.content for one in cells[-2]] == ["end"], told
    return [cells[-3]]


@pytest.mark.parametrize("text", HOSTILE)
def test_prose_is_read_as_it_was_written(text: str) -> None:
    told = prose(text)
    assert {token.type for token in parsed(told)} <= {"paragraph_open", "inline", "paragraph_close"}
    for children in (inline(parsed(told)), *in_a_cell(told), inline(parsed(f"- {told}"))):
        kinds = {one.type for one in children}
        assert kinds <= ALLOWED, (text, told, kinds)
        assert {one.content for one in children if one.type == "html_inline"} <= {"<br>"}
        shown = "".join("\n" if one.type != "text" else one.content for one in children)
        lines = [" ".join(line.split()) for line in safe(text.strip(), multiline=True).split("\n")]
        assert shown.split("\n") == lines


@pytest.mark.parametrize("text", HOSTILE)
def test_code_is_one_span_of_what_was_written(text: str) -> None:
    told = code(text)
    for children in (inline(parsed(told)), *in_a_cell(told), inline(parsed(f"- {told}"))):
        kinds = [one.type for one in children]
        assert set(kinds) <= {"code_inline", "text", "html_inline"}, (text, told, kinds)
        tags = [one.content for one in children if one.type == "html_inline"]
        assert tags in ([], ["<code>", "</code>"]), (text, told)
        shown = "".join(one.content for one in children if one.type != "html_inline")
        assert shown == " ".join(safe(text, multiline=True).split())


@given(st.text(alphabet=st.sampled_from("ab_*`|\\<>[]()#-+=~!&$^@:.1 \n\t\"'/w"), max_size=30))
def test_no_text_at_all_becomes_anything_else(text: str) -> None:
    for told in (prose(text), code(text)):
        kinds = {token.type for token in parsed(told)}
        assert kinds <= {"paragraph_open", "inline", "paragraph_close"}, (text, told)
        children = inline(parsed(told))
        assert {one.type for one in children} <= {*ALLOWED, "code_inline"}, (text, told)
        assert {one.content for one in children if one.type == "html_inline"} <= {"<br>", "<code>", "</code>"}
