"""What single steps cost on the usual machine, in nanoseconds.

Measured with PostgreSQL 15 and 18 as they come, by `benchmarks/time_accuracy.py`, on tables that are in memory. A name
with BYTE is for each byte, the others are for each row, entry, check or call.
"""

from __future__ import annotations

SCAN_ROW, SCAN_BYTE = 60.0, 0.15
REWRITE_ROW, REWRITE_BYTE = 250.0, 3.5
WRITE_ROW, WRITE_BYTE = 700.0, 6.0
UPDATE_ROW, DELETE_ROW = 1300.0, 500.0
ENTRY, ENTRY_TEXT, ENTRY_OTHER = 1200.0, 3500.0, 6000.0
SORT, SORT_TEXT = 10.0, 25.0
BUILD, BUILD_HASH, BUILD_OTHER = 150.0, 900.0, 7000.0
KEY_CHECK, CASCADE, TRIGGER = 4500.0, 9000.0, 1500.0
JOIN, GROUP, AGGREGATE, CALL, LOOKUP = 220.0, 60.0, 40.0, 150.0, 4000.0
DEAR = {"gen_random_uuid": 4000.0, "uuid_generate_v4": 4000.0, "uuidv4": 4000.0, "uuidv7": 4000.0, "md5": 400.0}
"""Calls that cost more than others."""
FILE = 2_000_000.0
"""A new file of a table or index for an old one that goes, written out at COMMIT."""
STATEMENT = 2500.0
"""One statement more inside of code."""
SAMPLED = 350.0
