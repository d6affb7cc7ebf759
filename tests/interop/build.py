"""A Sqitch project written to disk, line by line: what both programs are given to read."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

PLANNER = "Åsa Öberg <asa@example.com>"
_EPOCH = datetime(2024, 1, 1, 9, 30, tzinfo=UTC)


@dataclass(slots=True)
class Builder:
    """Appends to the plan and writes the scripts of each change; the folder is complete after every call."""

    folder: Path
    project: str
    uri: str = ""
    conf: str = ""
    _lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for kind in ("deploy", "revert", "verify"):
            (self.folder / kind).mkdir(parents=True, exist_ok=True)
        self.save()

    def change(
        self,
        name: str,
        deploy: str,
        revert: str,
        verify: str | None = "SELECT 1;",
        *,
        needs: Sequence[str] = (),
        note: str = "",
    ) -> None:
        """A change and its scripts (dedented). `needs` as in the plan: `name`, `!name`, `other:name@tag`."""
        dependencies = f" [{' '.join(needs)}]" if needs else ""
        self._lines.append(f"{name}{dependencies} {self._stamp()}{f' # {note}' if note else ''}")
        self.script("deploy", name, deploy)
        self.script("revert", name, revert)
        if verify is not None:
            self.script("verify", name, verify)
        self.save()

    def table(self, name: str, *, needs: Sequence[str] = (), note: str = "") -> None:
        """The plainest change: a table in a transaction of its own."""
        self.change(
            name,
            transaction(f"CREATE TABLE public.{name} (id int PRIMARY KEY);"),
            transaction(f"DROP TABLE public.{name};"),
            f"SELECT id FROM public.{name} WHERE false;",
            needs=needs,
            note=note,
        )

    def tag(self, name: str, note: str = "") -> None:
        self._lines.append(f"@{name} {self._stamp()}{f' # {note}' if note else ''}")
        self.save()

    def rework(self, name: str, tag: str, deploy: str, verify: str, *, needs: Sequence[str] = ()) -> None:
        """As `sqitch rework`: the old scripts get the tag's name, and the old deploy script is what a revert runs."""
        old = (self.folder / "deploy" / f"{name}.sql").read_text(encoding="utf-8")
        for kind in ("deploy", "revert", "verify"):
            shutil.copy(self.folder / kind / f"{name}.sql", self.folder / kind / f"{name}@{tag}.sql")
        self.change(name, deploy, old, verify, needs=(f"{name}@{tag}", *needs))

    def script(self, kind: str, name: str, text: str) -> None:
        path = self.folder / kind / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).strip("\n") + "\n", encoding="utf-8")

    def save(self) -> None:
        """Write plan and configuration as they are now."""
        uri = f"%uri={self.uri}\n" if self.uri else ""
        head = f"%syntax-version=1.0.0\n%project={self.project}\n{uri}\n"
        (self.folder / "sqitch.plan").write_text(head + "".join(f"{line}\n" for line in self._lines), encoding="utf-8")
        (self.folder / "sqitch.conf").write_text(f"[core]\n\tengine = pg\n{dedent(self.conf)}", encoding="utf-8")

    def _stamp(self) -> str:
        at = _EPOCH + timedelta(minutes=len(self._lines))
        return f"{at:%Y-%m-%dT%H:%M:%SZ} {PLANNER}"


def transaction(sql: str, end: str = "COMMIT") -> str:
    """The frame that `sqitch add` puts around a script."""
    return f"-- a script\n\nBEGIN;\n\n{dedent(sql).strip(chr(10))}\n\n{end};\n"
