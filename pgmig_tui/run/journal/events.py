"""What happened in a run, as facts.

One event is one line of the journal and one line of `--json-lines`; screens, `attach` and reports read the same lines.
Names and fields are those of the interface description; a reader must tolerate names that it doesn't know.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False).encode

FORMAT = 1
"""Version of the event lines, written in `run_planned`."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact: `at` is UTC (the local clock corrected by the measured skew of the server), `seq` counts from 1."""

    seq: int
    at: str
    run: str
    name: str
    data: dict[str, Any] = field(default_factory=dict)

    def to_line(self) -> str:
        head = {"at": self.at, "run": self.run, "seq": self.seq, "event": self.name}
        return _encode({**head, **self.data})

    @staticmethod
    def from_line(line: str) -> Event:
        """The event of a journal line. Raises ValueError on anything that isn't one."""
        data = json.loads(line)
        if not isinstance(data, dict):
            raise ValueError("a journal line is one JSON object")
        try:
            head = (int(data.pop("seq")), str(data.pop("at")), str(data.pop("run")), str(data.pop("event")))
        except KeyError as missing:
            raise ValueError(f"a journal line lacks {missing}") from missing
        return Event(*head, data)


def utc(now: float, skew: float = 0.0) -> str:
    """`now` (seconds since 1970) plus `skew` seconds as ISO 8601 in UTC with milliseconds and Z."""
    seconds, thousandths = divmod(round((now + skew) * 1000), 1000)
    return f"{_second(seconds)}.{thousandths:03}Z"


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
