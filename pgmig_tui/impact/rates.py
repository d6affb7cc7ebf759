"""How fast a server works: as the usual machine that `impact.work` counts in, until it has been measured there."""

from __future__ import annotations

from dataclasses import dataclass

from pgmig_tui.impact.cost import BUILD, REWRITE_BYTE, REWRITE_ROW, SCAN_BYTE, SCAN_ROW, SORT

MB = 1 << 20
Range = tuple[int, int]
"""Bytes a second, (slow, fast)."""
USUAL = 2000 * MB
"""The speed of reading a table in memory, in bytes a second, of the usual machine."""
CACHED = 1024 * MB
"""So much of a table is taken to be in memory; what is beyond that may have to come from a disk."""
_WIDTH, _ROWS_LOG = 100, 20
"""The rows that are told of: so wide, and 2^20 of them."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How many times as long as the usual machine this server takes (`slowness`), and by which factor the ends of an
    estimate are below and above its middle (`spread`). `disk`: bytes a second from outside of shared_buffers.

    The sources say where each comes from: `measured` on the server, `scaled` from what was measured, or `default`.
    """

    slowness: float = 1.0
    spread: float = 6.0
    disk: int = 300 * MB
    scan_source: str = "default"
    other_source: str = "default"
    how: str = "stated defaults; nothing was measured"

    @property
    def scan(self) -> Range:
        """Reading a table with rows of 100 bytes."""
        return self._around(SCAN_ROW + SCAN_BYTE * _WIDTH)

    @property
    def rewrite(self) -> Range:
        """Writing it anew."""
        return self._around(SCAN_ROW + REWRITE_ROW + (SCAN_BYTE + REWRITE_BYTE) * _WIDTH)

    @property
    def build(self) -> Range:
        """Building an index on a number over it."""
        return self._around(SCAN_ROW + SCAN_BYTE * _WIDTH + BUILD + SORT * _ROWS_LOG)

    def _around(self, nanoseconds: float) -> Range:
        rate = _WIDTH / nanoseconds * 1e9 / self.slowness
        return max(1, int(rate / self.spread)), int(rate * self.spread)

    def to_json(self) -> dict[str, object]:
        """The field `rates` of `impact --json`; bytes a second are those of a table with rows of 100 bytes."""

        def one(rate: Range, source: str) -> dict[str, object]:
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


def rates_from(in_memory: float, from_disk: float | None) -> Rates:
    """Rates from measured reading: of a table in memory, and of blocks that were not in PostgreSQL's own (None = the
    server doesn't time them). Both in bytes a second."""
    how = f"a table in memory was read at {in_memory / MB:.0f} MB/s"
    if from_disk is not None:
        how += f", blocks from outside of shared_buffers came at {from_disk / MB:.0f} MB/s"
    return Rates(
        min(max(USUAL / in_memory, 0.25), 6.0),
        3.0,
        int(from_disk if from_disk is not None else in_memory / 6),
        "measured",
        "scaled",
        f"{how}; writing and building indexes is scaled from that",
    )
