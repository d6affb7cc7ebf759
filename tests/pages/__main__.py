"""Writes the generated pages under docs/ anew."""

from __future__ import annotations

from tests.pages.all import DOCS, PAGES

for name, page in PAGES.items():
    (DOCS / name).write_text(page(), encoding="utf-8")
    print(f"docs/{name}")
