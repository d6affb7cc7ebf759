"""The real sqitch, to compare registries with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers import Server
from tests.sqitch import OPERATOR, Sqitch

PLAN = """\
%syntax-version=1.0.0
%project=flip
%uri=https://example.com/flip/

users 2024-01-02T03:04:05Z Zoë Müller <zoe@example.com> # Adds “users” — it's \\\\ v1
flips [users !legacy !other:thing] 2024-01-02T03:05:00Z Ann O'Nymous <ann@example.com> # line one\\n\\nline three
@v1 2024-01-02T03:06:00Z Zoë Müller <zoe@example.com> # First
@v1b 2024-01-02T03:06:01Z Zoë Müller <zoe@example.com> # Again, with 'quotes'
users [users@v1 flips @v1b] 2024-01-03T00:00:00Z Zoë Müller <zoe@example.com>
legacy 2024-01-04T00:00:00Z Zoë Müller <zoe@example.com> # 0
"""


@pytest.fixture
def sqitch_project(tmp_path: Path, pg: Server) -> Sqitch:
    """A project with rework, tags, conflicts, odd characters; its scripts are told apart by their comments only."""
    (tmp_path / "sqitch.conf").write_text("[core]\n\tengine = pg\n")
    (tmp_path / "sqitch.plan").write_text(PLAN, encoding="utf-8")
    for name in ("users@v1", "flips", "users", "legacy"):
        for kind in ("deploy", "revert"):
            (tmp_path / kind).mkdir(exist_ok=True)
            (tmp_path / kind / f"{name}.sql").write_text(f"-- {kind} {name}\n")
    return Sqitch(tmp_path, pg.bin_dir / "psql")


Rows = Callable[[Server, str], dict[str, list[tuple[object, ...]]]]
__all__ = ["OPERATOR", "PLAN", "Rows"]
