"""One POST of JSON over https, bounded whatever the other end does.

The certificate is verified. Nothing is followed (a redirect is an answer like another), no proxy of the environment is
asked, and of the answer the beginning alone is read.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from pgmig_tui import __version__

MOST_BYTES = 4096
"""Of the answer that are read."""


@dataclass(frozen=True, slots=True)
class PostAnswer:
    """What came of it: the status (None: there was no answer), the answer's beginning, and why it is no success."""

    status: int | None
    text: str = ""
    problem: str = ""

    @property
    def may_pass(self) -> bool:
        """Whether the same, sent again, may be taken: nobody answered, or said that it is a trouble of the moment."""
        return bool(self.problem) and (self.status is None or self.status >= 500 or self.status == 429)


def post(address: str, body: bytes, *, headers: Mapping[str, str], ca_file: str, timeout_s: float) -> PostAnswer:
    """Send `body` there and wait `timeout_s` seconds for all of it: name, connection, certificate and answer. Never
    raises; no message repeats what stands behind the host in the address."""
    call = _Call(address, body, headers, ca_file, timeout_s)
    # Looking up a name can't be given a time limit: what hangs in it is left behind, in a thread that nobody waits for.
    thread = threading.Thread(target=call.run, daemon=True, name="webhook")
    thread.start()
    thread.join(timeout_s)
    if call.answer is not None:
        return call.answer
    call.abandon()
    return PostAnswer(None, problem=f"no answer within {timeout_s:g} s")


class _Call:
    def __init__(self, address: str, body: bytes, headers: Mapping[str, str], ca_file: str, timeout_s: float) -> None:
        self.answer: PostAnswer | None = None
        self._parts = urlsplit(address)
        self._body, self._ca_file, self._timeout_s = body, ca_file, timeout_s
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"pgmig-tui/{__version__}",
            "Connection": "close",
            **headers,
        }
        self._connection: http.client.HTTPSConnection | None = None

    def run(self) -> None:
        try:
            self.answer = self._answer()
        except ssl.SSLCertVerificationError as error:
            self.answer = PostAnswer(None, problem=f"the server's certificate is not trusted: {error.verify_message}")
        except ssl.SSLError as error:
            self.answer = PostAnswer(None, problem=f"TLS failed: {error.reason or 'no reason was given'}")
        except TimeoutError:
            self.answer = PostAnswer(None, problem=f"no answer within {self._timeout_s:g} s")
        except (OSError, ValueError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            self.answer = PostAnswer(None, problem=f"it can't be reached: {why}")

    def abandon(self) -> None:
        """Nobody waits for it any more: a socket that is read from is shut under its reader."""
        there = self._connection.sock if self._connection is not None else None
        if there is not None:
            with contextlib.suppress(OSError):
                there.shutdown(socket.SHUT_RDWR)

    def _answer(self) -> PostAnswer:
        context = ssl.create_default_context(cafile=self._ca_file or None)
        host = self._parts.hostname or ""
        self._connection = http.client.HTTPSConnection(host, self._parts.port, timeout=self._timeout_s, context=context)
        where = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
        try:
            self._connection.request("POST", where, self._body, self._headers)
            answer = self._connection.getresponse()
            text = answer.read(MOST_BYTES).decode("utf-8", "replace")
        finally:
            self._connection.close()
        if 200 <= answer.status < 300:
            return PostAnswer(answer.status, text)
        if 300 <= answer.status < 400:
            return PostAnswer(answer.status, text, f"HTTP {answer.status}: it sends elsewhere, which isn't followed")
        return PostAnswer(answer.status, text, f"HTTP {answer.status}")
