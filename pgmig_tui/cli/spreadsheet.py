"""Rows for a spreadsheet, on stdout."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING

from pgmig_tui.display.safe import safe

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def csv_of(kind: type[DataclassInstance], rows: Iterable[DataclassInstance]) -> None:
    """With a heading; a cell that a spreadsheet would take for a formula is put behind an apostrophe."""
    names = [one.name for one in fields(kind)]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for one in rows:
        writer.writerow([_cell(getattr(one, name)) for name in names])


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = safe(str(value)) if not isinstance(value, bool) else str(value).lower()
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" and text[:1] else text
