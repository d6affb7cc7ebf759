"""The two programs, each with an empty home."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.programs import Ours, Program, Sqitch
from tests.servers import Server


@pytest.fixture
def programs(pg18: Server, tmp_path: Path) -> tuple[Program, Program]:
    """(ours, the real sqitch)"""
    home = tmp_path / "home"
    home.mkdir()
    psql = pg18.bin_dir / "psql"
    return Ours(home, psql), Sqitch(home, psql)
