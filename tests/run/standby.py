"""The receiving end of streaming replication, as far as a primary sees it: it takes WAL, and says what is replayed."""

from __future__ import annotations

import struct
import time

from psycopg import pq

from tests.servers import Server

_SINCE_2000 = 946_684_800


class Standby:
    """Streams from `server`; to the primary it has replayed everything up to `replayed`, until `catch_up`."""

    def __init__(self, server: Server) -> None:
        where = server.conninfo("postgres", replication="true", application_name="standby_of_a_test")
        self._raw = pq.PGconn.connect(where.encode())
        assert self._raw.status == pq.ConnStatus.OK, self._raw.get_error_message()
        # Without a slot a busy server recycles the WAL that has not been sent yet, and ends the stream.
        slot = f"standby_{self._raw.backend_pid}".encode()
        self._raw.exec_(b"CREATE_REPLICATION_SLOT %s TEMPORARY PHYSICAL RESERVE_WAL" % slot)
        start = server.execute("SELECT pg_current_wal_lsn()")[0][0]
        high, low = (int(part, 16) for part in start.split("/"))
        self.replayed = high << 32 | low
        self._server = server
        self._raw.exec_(b"START_REPLICATION SLOT %s PHYSICAL %X/%X" % (slot, high, low & ~0x1FFF))
        self._raw.nonblocking = 1
        self.tell()

    def tell(self) -> None:
        """Take what has come, and say how far we are (a standby status update)."""
        self._raw.consume_input()
        while self._raw.get_copy_data(1)[0] > 0:
            pass
        now = int((time.time() - _SINCE_2000) * 1_000_000)
        at = self.replayed
        self._raw.put_copy_data(b"r" + struct.pack("!QQQqB", at, at, at, now, 0))
        self._raw.flush()

    def catch_up(self) -> None:
        """Say that all there is has been replayed."""
        at = self._server.execute("SELECT (pg_current_wal_lsn() - '0/0')::bigint")[0][0]
        self.replayed = int(at)
        self.tell()

    def close(self) -> None:
        self._raw.finish()

    def __enter__(self) -> Standby:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
