"""How fast a server works, as ranges: stated defaults, until it has been measured there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MB = 1 << 20
Range = tuple[int, int]
"""Bytes a second, (slow, fast)."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Bytes a second of reading tables, of writing them anew, and of building indexes.

    The sources say where each comes from: `measured` on the server, `scaled` from what was measured, or `default`.
    """

    scan: Range = (150 * MB, 2000 * MB)
    rewrite: Range = (15 * MB, 150 * MB)
    build: Range = (20 * MB, 300 * MB)
    scan_source: str = "default"
    other_source: str = "default"
    how: str = "stated defaults; nothing was measured"

    def to_json(self) -> dict[str, Any]:
        """The field `rates` of `impact --json`."""

        def one(rate: Range, source: str) -> dict[str, Any]:
            return {"low": rate[0], "high": rate[1], "source": source}

        return {
            "source": self.scan_source,
            "unit": "bytes per second",
            "scan": one(self.scan, self.scan_source),
            "rewrite": one(self.rewrite, self.other_source),
            "build": one(self.build, self.other_source),
            "how": self.how,
        }


DEFAULT_RATES = Rates()
_USUAL = 1000 * MB
"""The speed of reading a table in memory that the defaults go with."""


def rates_from(in_memory: float, from_disk: float | None) -> Rates:
    """Rates from measured reading: of a table in memory, and of blocks that were not in PostgreSQL's own (None = the
    server doesn't time them). Both in bytes a second."""
    factor = min(max(in_memory / _USUAL, 0.25), 4.0)
    slow = in_memory / 6 if from_disk is None else min(in_memory / 2, from_disk / 2)
    how = f"a table in memory was read at {in_memory / MB:.0f} MB/s"
    if from_disk is not None:
        how += f", blocks from outside of shared_buffers came at {from_disk / MB:.0f} MB/s"

    def scaled(rate: Range) -> Range:
        return int(rate[0] * min(factor, 1.0)), int(rate[1] * max(factor, 1.0))

    return Rates(
        (max(1, int(slow)), int(in_memory * 1.5)),
        scaled(DEFAULT_RATES.rewrite),
        scaled(DEFAULT_RATES.build),
        "measured",
        "scaled",
        f"{how}; writing and building indexes is scaled from that",
    )
