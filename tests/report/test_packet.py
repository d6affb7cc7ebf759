"""A packet shows what scripts and notes hold as text, whatever they hold."""

from __future__ import annotations

import json
from typing import Any

from pgmig_tui.report.packet import as_html, as_json, as_markdown

HOSTILE = "<script>alert(1)</script> | `x` \x1b[2J\u202e ![x](https://evil.example/x.png)"
FACTS: dict[str, Any] = {
    "project": HOSTILE, "environment": HOSTILE, "server": HOSTILE, "packet": "ab" * 32, "loses": [], "lint": None,
    "tests": None, "warnings": [HOSTILE], "approvals": [{"state": "FAIL", "summary": HOSTILE, "given": []}],
    "changes": [
        {
            "change": HOSTILE, "label": HOSTILE, "note": HOSTILE, "planner": HOSTILE, "mode": "atomic", "risk": "low",
            "lock": HOSTILE, "loses": [HOSTILE], "at_most_ms": 1200, "tested": {"line": HOSTILE},
            "script_sha256": {"deploy": "cd" * 32},
            "script": f"```\n{HOSTILE}\n````\n", "revert": "</pre><script>",
            "included": {HOSTILE: "</pre><script>"},
        }
    ],
}  # fmt: skip


def test_html_holds_no_markup_of_others_and_loads_nothing() -> None:
    page = as_html(FACTS)
    assert "<script" not in page
    assert "<img" not in page
    assert page.count("</pre>") == 3
    assert "\x1b" not in page
    assert "default-src 'none'" in page
    assert "at most 1.2 s" in page


def test_markdown_keeps_a_script_in_its_fence_and_a_name_in_its_cell() -> None:
    text = as_markdown(FACTS)
    assert "\x1b" not in text
    assert "\u202e" not in text
    (row,) = [one for one in text.splitlines() if one.startswith("| 1 |")]
    assert row.replace("\\|", "").count("|") == 8
    fence = next(one for one in text.splitlines() if one.endswith("`sql"))
    assert fence == "`````sql", "longer than any in the script"
    assert "![x](" not in text.split("### Deploy")[0].replace("!\\[x\\](", "")


def test_json_is_plain_ascii_that_reads_back_the_same() -> None:
    text = as_json(FACTS)
    assert text.isascii()
    assert "\x1b" not in text
    assert json.loads(text) == FACTS
