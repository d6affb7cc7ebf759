"""Who may open the screen in a browser: facts and secrets alone, without a socket.

Other accounts of this machine reach its loopback ports as we do, and so does every page that a browser here shows. What
keeps them out is a secret, and what a browser says of the page that asks (Host, Origin). A browser hands a cookie of
127.0.0.1 to *every* port there, another account's server too: so the cookie's name and path can't be guessed either.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from http.cookies import CookieError, SimpleCookie
from typing import Literal

TOKEN_SECONDS = 300.0
"""How long the one-time URL can be used."""
WRONG_LIMIT = 5
WRONG_SECONDS = 60.0
"""After so many wrong ones within this time none is taken until the time is over."""

Redeemed = Literal["ok", "wrong", "used", "late", "limited"]


def is_loopback(address: str) -> bool:
    """Whether nobody but this machine reaches it. A name other than `localhost` counts for none: what it means can
    change."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def hosts_of(address: str, port: int) -> frozenset[str]:
    """What a browser may write as Host: the address itself, or localhost, with this port."""
    names = {"127.0.0.1" if address == "localhost" else address, "localhost"}
    named = {f"[{name}]" if ":" in name else name for name in names}
    return frozenset(f"{name}:{port}" for name in named) | (frozenset(named) if port == 80 else frozenset())


class BrowserAccess:
    """The secrets of one `pgmig-tui serve`. `clock` gives seconds that never go back."""

    def __init__(self, hosts: frozenset[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._hosts = hosts
        self._clock = clock
        self.token = secrets.token_urlsafe(32)
        """Opens the screen once; printed in the URL, kept nowhere."""
        self._cookie = secrets.token_urlsafe(32)
        self.cookie_name = f"pgmig-{secrets.token_hex(8)}"
        self.path = f"/{secrets.token_urlsafe(16)}/"
        """Under which the screen stands, and the cookie is sent."""
        self._until = clock() + TOKEN_SECONDS
        self._used = False
        self._wrong: deque[float] = deque(maxlen=WRONG_LIMIT)

    def same_host(self, hosts: Sequence[str]) -> bool:
        """`hosts` are all Host headers of a request. Another name is another site's, whatever address it leads to."""
        return len(hosts) == 1 and hosts[0].lower() in self._hosts

    def same_origin(self, hosts: Sequence[str], origins: Sequence[str], *, asked: bool) -> bool:
        """`origins` are all Origin headers of a request; `asked`: there must be one, as browsers send it there."""
        if not origins:
            return not asked
        return len(origins) == 1 and self.same_host(hosts) and origins[0].lower() == f"http://{hosts[0].lower()}"

    @property
    def limited(self) -> bool:
        """Whether so many wrong ones have come that none is looked at now."""
        return len(self._wrong) == WRONG_LIMIT and self._clock() - self._wrong[0] < WRONG_SECONDS

    def redeem(self, token: str) -> Redeemed:
        """What becomes of a token that somebody has sent. `ok` once in its life."""
        if self.limited:
            return "limited"
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self.token.encode()):
            self._wrong.append(self._clock())
            return "wrong"
        if self._used:
            return "used"
        if self._clock() >= self._until:
            return "late"
        self._used = True
        return "ok"

    def set_cookie(self) -> str:
        """The Set-Cookie header for whoever has redeemed the token: until the browser is closed, for no script."""
        return f"{self.cookie_name}={self._cookie}; Path={self.path}; HttpOnly; SameSite=Strict"

    def knows(self, cookies: Sequence[str]) -> bool:
        """Whether a request comes from that browser; `cookies` are all its Cookie headers."""
        for header in cookies:
            jar: SimpleCookie = SimpleCookie()
            try:
                jar.load(header)
            except CookieError:
                continue
            given = jar.get(self.cookie_name)
            if given is not None and hmac.compare_digest(given.value.encode("utf-8", "replace"), self._cookie.encode()):
                return True
        return False
