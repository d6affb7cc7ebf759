"""A server that speaks TLS on this host, certified by an authority that is made for it."""

from __future__ import annotations

import contextlib
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def certify(folder: Path) -> Path:
    """An authority and a key of `localhost` by it, in `folder`: the authority's certificate."""
    folder.mkdir(parents=True, exist_ok=True)

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True, timeout=30)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        "req", "-x509", *key, "-subj", "/CN=test authority", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem",
    )  # fmt: skip
    openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    openssl(
        "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-days", "2", "-extfile", "names", "-out", "server.pem",
    )  # fmt: skip
    return folder / "ca.pem"


@dataclass
class Heard:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Listener:
    """`answers` are given in turn, the last one for ever: a status, or "hang" for none."""

    port: int
    ca_file: Path
    answers: Sequence[int | str] = (200,)
    says: str = ""
    echoes: bool = False
    """It says what it was sent besides the body."""
    heard: list[Heard] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str = "/hook") -> str:
        return f"https://localhost:{self.port}{path}"


@contextlib.contextmanager
def listening(folder: Path) -> Iterator[Listener]:
    """A listener, certified by `certify(folder)`, on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            told.heard.append(Heard(self.path, dict(self.headers), body))
            answer = told.answers[min(len(told.heard), len(told.answers)) - 1]
            if answer == "hang":
                told.over.wait(30)
                return
            self.send_response(int(answer))
            self.send_header("Location", told.url("/elsewhere"))
            self.end_headers()
            self.wfile.write(told.says.encode())
            if told.echoes:
                self.wfile.write(f"{self.path} {self.headers.get('Authorization')}".encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    told = Listener(server.server_port, folder / "ca.pem")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.over.set()
        server.shutdown()
        server.server_close()
