"""Whether a built site fetches anything from elsewhere: `python -m tests.site FOLDER`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

_FETCHED = {
    "audio": "src", "embed": "src", "iframe": "src", "img": "src", "image": "href", "link": "href", "object": "data",
    "script": "src", "source": "src", "use": "href", "video": "src",
}  # fmt: skip
_ELSEWHERE = re.compile(r"\s*(?:[a-z][a-z+.-]*:)?//", re.I)
_OF_SHEETS = re.compile(r"(?:url\(|@import)\s*[\"']?\s*((?:https?:)?//[^\"')\s]+)", re.I)
_NOT_FETCHED = {"canonical", "next", "prev", "license"}


class _Fetched(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        value = given.get(_FETCHED.get(tag, "")) or ""
        if _ELSEWHERE.match(value) and given.get("rel") not in _NOT_FETCHED:
            self.found.append(value)
        if "mermaid" in (given.get("class") or "").split():
            self.found.append("a diagram, whose program the theme would fetch")
        self.found += _OF_SHEETS.findall(given.get("style") or "")


def remote_in_page(html: str) -> list[str]:
    """The addresses elsewhere from which a page would fetch something. Where its links lead doesn't count."""
    parser = _Fetched()
    parser.feed(html)
    return parser.found + _OF_SHEETS.findall(" ".join(re.findall(r"<style.*?</style>", html, re.S)))


def remote_in(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each page and sheet of a site with what it would fetch from elsewhere."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".html", ".svg"):
            yield from ((path, found) for found in remote_in_page(path.read_text(encoding="utf-8")))
        elif path.suffix == ".css":
            yield from ((path, found) for found in _OF_SHEETS.findall(path.read_text(encoding="utf-8")))


def main() -> int:
    """1 where something is fetched, or there is no page."""
    folder = Path(sys.argv[1])
    found = [f"{path}: {what}" for path, what in remote_in(folder)]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found or not (folder / "index.html").exists() else 0


if __name__ == "__main__":
    sys.exit(main())
