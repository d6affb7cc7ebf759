"""A pooler as small as can be: it lends real server connections to clients, for a transaction or for a session.

What PgBouncer does to a client, without PgBouncer: process IDs of its own, and in transaction mode another server
process whenever no transaction is open.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from tests.servers import Server


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _exactly(connection: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        chunk = connection.recv(length - len(found))
        if not chunk:
            raise ConnectionError
        found += chunk
    return found


def _read(connection: socket.socket) -> tuple[bytes, bytes]:
    kind = _exactly(connection, 1)
    (length,) = struct.unpack("!I", _exactly(connection, 4))
    return kind, _exactly(connection, length - 4)


class Pooler:
    """Listens on 127.0.0.1:`port`; every client becomes the server's superuser, whom peer authentication lets in."""

    def __init__(self, server: Server, dbname: str, mode: Literal["transaction", "session"]) -> None:
        self._mode = mode
        self._path = f"{server.parameters['host']}/.s.PGSQL.{server.parameters['port']}"
        self._startup = f"user\0{server.parameters['user']}\0database\0{dbname}\0\0".encode()
        self._greeting = b""
        self._idle: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = str(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()
        for connection in self._idle:
            connection.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            while True:
                (length,) = struct.unpack("!I", _exactly(client, 4))
                body = _exactly(client, length - 4)
                if struct.unpack("!I", body[:4])[0] == 196608:
                    break
                client.sendall(b"N")  # neither TLS nor GSS
            server = self._take()
            key = _message(b"K", struct.pack("!ii", 4242, 1))
            client.sendall(_message(b"R", bytes(4)) + self._greeting + key + _message(b"Z", b"I"))
            if self._mode == "transaction":
                self._give(server)
            open_transaction = False
            while True:
                kind, body = _read(client)
                if kind == b"X":
                    break
                if self._mode == "transaction" and not open_transaction:
                    server = self._take()
                server.sendall(_message(kind, body))
                while True:
                    answer, text = _read(server)
                    client.sendall(_message(answer, text))
                    if answer == b"Z":
                        break
                open_transaction = text != b"I"
                if self._mode == "transaction" and not open_transaction:
                    self._give(server)

    def _take(self) -> socket.socket:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        server = socket.socket(socket.AF_UNIX)
        server.connect(self._path)
        body = struct.pack("!I", 196608) + self._startup
        server.sendall(struct.pack("!I", len(body) + 4) + body)
        greeting = b""
        while True:
            kind, text = _read(server)
            assert kind in b"RSKZN", text
            if kind == b"S":
                greeting += _message(kind, text)
            if kind == b"Z":
                self._greeting = greeting
                return server

    def _give(self, server: socket.socket) -> None:
        with self._lock:
            self._idle.append(server)


@contextmanager
def pooler(server: Server, dbname: str, mode: Literal["transaction", "session"]) -> Iterator[Pooler]:
    made = Pooler(server, dbname, mode)
    try:
        yield made
    finally:
        made.close()
