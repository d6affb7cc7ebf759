"""The documents hang together: each is in the site's navigation, and each link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.site import remote_in_page

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
DOCUMENTS = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md")))
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(path: Path) -> set[str]:
    """The anchors of a document's headings, as the site and code hosts make them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    plain = (re.sub(r"[`*]", "", heading).lower() for heading in re.findall(r"^#+ (.+)$", text, re.M))
    return {re.sub(r"[^\w\s-]", "", heading).strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    wrong = []
    text = re.sub(r"^```.*?^```$|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    for link in _LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        to = (path.parent / name).resolve() if name else path
        if not to.exists() or (anchor and anchor not in anchors(to)):
            wrong.append(link)
    assert wrong == []


def test_every_document_is_in_the_navigation_once() -> None:
    listed = re.findall(r"^ +- .+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    there = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md") if path.parent == DOCS or path.stem == "README"}
    assert sorted(listed) == sorted(there)


@pytest.mark.parametrize(
    ("html", "fetched"),
    [
        ('<link rel="stylesheet" href="https://fonts.example/css">', 1),
        ('<script src="//cdn.example/x.js"></script>', 1),
        ('<img src="http://example.org/a.png"><img src="a.png">', 1),
        ("<style>@import 'https://x.example/a.css'; b { background: url(//x.example/b) }</style>", 2),
        ('<div class="mermaid">graph</div>', 1),
        ('<a href="https://sqitch.org">Sqitch</a> https://example.org <link rel="stylesheet" href="assets/a.css">', 0),
    ],
)
def test_what_a_page_fetches_is_found(html: str, fetched: int) -> None:
    assert len(remote_in_page(html)) == fetched
