"""Who may open the screen in a browser: each way in that isn't the printed address is refused, and says so."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import WSServerHandshakeError

from pgmig_tui.web.access import TOKEN_SECONDS, WRONG_LIMIT, WRONG_SECONDS, BrowserAccess, hosts_of, is_loopback
from tests.cli.program import shop
from tests.web.served import Served, served

HOST = "127.0.0.1:4000"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock: Clock) -> BrowserAccess:
    return BrowserAccess(hosts_of("127.0.0.1", 4000), clock=clock)


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(shop(tmp_path, {}).root) as running:
        yield running


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
        ("10.1.2.3", False), ("192.168.0.1", False), ("localhost.example.org", False), ("127.0.0.1.example.org", False),
        ("", False), ("2130706433", False), ("::ffff:10.0.0.1", False),
    ],
)  # fmt: skip
def test_only_addresses_of_this_machine_are_listened_on(address: str, near: bool) -> None:
    assert is_loopback(address) is near


def test_a_token_opens_once(access: BrowserAccess) -> None:
    assert [access.redeem(access.token) for _ in range(2)] == ["ok", "used"]


def test_a_token_dies_unused(access: BrowserAccess, clock: Clock) -> None:
    clock.now += TOKEN_SECONDS
    assert access.redeem(access.token) == "late"


def test_whoever_guesses_has_to_wait_and_a_right_token_with_him(access: BrowserAccess, clock: Clock) -> None:
    assert [access.redeem(f"guess {n}") for n in range(WRONG_LIMIT + 1)] == [*["wrong"] * WRONG_LIMIT, "limited"]
    assert access.redeem(access.token) == "limited"
    clock.now += WRONG_SECONDS
    assert access.redeem(access.token) == "ok"


def test_secrets_are_long_and_none_tells_another(access: BrowserAccess) -> None:
    cookie = access.set_cookie()
    value = re.fullmatch(rf"{access.cookie_name}=([\w-]{{43}}); Path={access.path}; HttpOnly; SameSite=Strict", cookie)
    assert value is not None
    assert len(access.token) == 43
    assert len(access.path) > 20
    assert len({value[1], access.token, access.path, access.cookie_name}) == 4
    other = BrowserAccess(hosts_of("127.0.0.1", 4000))
    assert not {access.token, access.path, access.cookie_name} & {other.token, other.path, other.cookie_name}


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        (["{cookie}"], True), (["{name}=forged; {cookie}"], True), (["other=1; {cookie}"], True),
        (["other=1", "{cookie}"], True), ([], False), ([""], False), (["{name}="], False), (["{name}={token}"], False),
        (["{name}=é"], False), (["other={value}"], False), (["\x00{cookie}"], False),
    ],
)  # fmt: skip
def test_the_cookie_alone_is_known(access: BrowserAccess, headers: list[str], known: bool) -> None:
    cookie = access.set_cookie().partition(";")[0]
    words = {"cookie": cookie, "name": access.cookie_name, "token": access.token, "value": cookie.partition("=")[2]}
    assert access.knows([header.format(**words) for header in headers]) is known


@pytest.mark.parametrize(
    ("hosts", "origins", "asked", "same"),
    [
        ([HOST], [f"http://{HOST}"], True, True), (["localhost:4000"], ["http://localhost:4000"], True, True),
        ([HOST], [], False, True), ([HOST], [], True, False), ([HOST], ["null"], False, False),
        ([HOST], ["http://localhost:4000"], False, False), ([HOST], [f"https://{HOST}"], False, False),
        ([HOST], ["http://127.0.0.1:4001"], False, False), ([HOST], ["http://127.0.0.1"], False, False),
        ([HOST], [f"http://{HOST}.example.org"], False, False), ([HOST], [f"http://{HOST}", "null"], False, False),
        ([HOST], ["http://example.org"], False, False), ([HOST], [""], False, False), ([], [], False, True),
        (["example.org:4000"], ["http://example.org:4000"], True, False),
    ],
)  # fmt: skip
def test_an_origin_is_the_pages_own_to_the_letter(
    access: BrowserAccess, hosts: list[str], origins: list[str], asked: bool, same: bool
) -> None:
    assert access.same_origin(hosts, origins, asked=asked) is same


@pytest.mark.parametrize(
    ("hosts", "same"),
    [
        ([HOST], True), (["LOCALHOST:4000"], True), (["127.0.0.1"], False), (["127.0.0.1:4001"], False), ([], False),
        (["example.org:4000"], False), ([HOST, HOST], False), (["127.0.0.1.example.org:4000"], False),
    ],
)  # fmt: skip
def test_a_host_is_one_of_ours_to_the_letter(access: BrowserAccess, hosts: list[str], same: bool) -> None:
    assert access.same_host(hosts) is same


def test_hosts_of_other_addresses() -> None:
    assert hosts_of("::1", 4000) == {"[::1]:4000", "localhost:4000"}
    assert hosts_of("127.0.0.1", 80) == {"127.0.0.1:80", "localhost:80", "127.0.0.1", "localhost"}


GOOD = {"Cookie": "{cookie}", "Origin": "{origin}"}
REFUSED = {
    "another name that leads here": ("GET", "/", {"Host": "example.org"}),
    "another name, with our port": ("GET", "{path}", {**GOOD, "Host": "example.org:{port}"}),
    "another port as host": ("GET", "{path}", {**GOOD, "Host": "127.0.0.1:1"}),
    "no cookie": ("GET", "{path}", {}),
    "the token as cookie": ("GET", "{path}", {"Cookie": "{name}={token}"}),
    "a file without a cookie": ("GET", "{path}textual.js", {}),
    "the state without a cookie": ("GET", "{path}state", {}),
    "a page of another port": ("GET", "{path}", {**GOOD, "Origin": "http://127.0.0.1:1"}),
    "a page of another site": ("GET", "{path}", {**GOOD, "Origin": "http://example.org"}),
    "a page of no origin": ("GET", "{path}", {**GOOD, "Origin": "null"}),
    "a link of another site": ("GET", "{path}", {"Cookie": "{cookie}", "Sec-Fetch-Site": "cross-site"}),
    "a link of another port": ("GET", "{path}", {"Cookie": "{cookie}", "Sec-Fetch-Site": "same-site"}),
    "a token without an origin": ("POST", "/open", {}),
    "a token from another port": ("POST", "/open", {"Origin": "http://127.0.0.1:1"}),
    "a token from no origin": ("POST", "/open", {"Origin": "null"}),
    "a token from a name that leads here": ("POST", "/open", {"Host": "a.org:{port}", "Origin": "http://a.org:{port}"}),
}  # fmt: skip
SOCKETS = {
    "no cookie": {"Origin": "{origin}"},
    "no origin": {"Cookie": "{cookie}"},
    "a null origin": {"Cookie": "{cookie}", "Origin": "null"},
    "a page of another port": {"Cookie": "{cookie}", "Origin": "http://127.0.0.1:1"},
    "a page of another site": {"Cookie": "{cookie}", "Origin": "http://example.org"},
    "another name that leads here": {"Cookie": "{cookie}", "Host": "a.org:{port}", "Origin": "http://a.org:{port}"},
    "our name with another's origin": {"Cookie": "{cookie}", "Host": "a.org:{port}", "Origin": "{origin}"},
    "a link of another site": {"Cookie": "{cookie}", "Origin": "{origin}", "Sec-Fetch-Site": "cross-site"},
    "the token as cookie": {"Cookie": "{name}={token}", "Origin": "{origin}"},
}


def filled(site: Served, headers: dict[str, str]) -> dict[str, str]:
    words = {
        "cookie": site.cookie, "origin": site.origin, "port": site.port, "name": site.access.cookie_name,
        "token": site.access.token,
    }  # fmt: skip
    return {name: value.format(**words) for name, value in headers.items()}


async def test_each_request_that_is_not_the_pages_own_is_refused(site: Served) -> None:
    for what, (method, path, headers) in REFUSED.items():
        body = site.access.token if method == "POST" else ""
        status, text, _ = await site.ask(path, method=method, headers=filled(site, headers), body=body)
        assert (status, text[-1:]) == (403, "."), (what, status, text)
        assert site.access.token not in text
    assert site.access.redeem(site.access.token) == "ok", "a refused request has used the token up"


async def test_each_websocket_that_is_not_the_pages_own_is_refused(site: Served) -> None:
    for what, headers in SOCKETS.items():
        with pytest.raises(WSServerHandshakeError) as refused:
            await site.client.ws_connect(site.url("{path}ws"), headers=filled(site, headers))
        assert refused.value.status == 403, what
    assert (await site.ask("{path}state", headers={"Cookie": site.cookie}))[1] == "The screen has ended."


async def test_the_token_becomes_a_cookie_once(site: Served) -> None:
    headers = {"Origin": site.origin}
    status, text, given = await site.ask("/open", method="POST", headers=headers, body=site.access.token)
    assert (status, text, given["Set-Cookie"]) == (200, site.access.path, site.access.set_cookie())
    status, text, given = await site.ask("/open", method="POST", headers=headers, body=site.access.token)
    assert (status, "used already" in text, "Set-Cookie" in given) == (403, True, False)
    assert site.told == ["The screen was opened in a browser; the address doesn't work any more."]


async def test_whoever_guesses_is_told_of_at_the_terminal(site: Served) -> None:
    headers = {"Origin": site.origin}
    answers = [await site.ask("/open", method="POST", headers=headers, body=f"guess{n}") for n in range(6)]
    assert [status for status, _, _ in answers] == [403] * 5 + [429]
    assert len(site.told) == 1
    assert "wrong addresses" in site.told[0]


async def test_nothing_is_loaded_from_elsewhere_and_the_page_tells_nobody_where_it_stands(site: Served) -> None:
    for path in ("/", "{path}", "/nothing", "{path}xterm.css"):
        _, text, headers = await site.ask(path, headers={"Cookie": site.cookie})
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';"), path
        assert set(re.findall(r"\w+://\S+?(?=[ ;])", policy)) == {f"ws://{site.host}"}
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Server"] == "pgmig-tui"
        assert "Access-Control-Allow-Origin" not in headers
        if path != "{path}xterm.css":  # there they stand in its licence
            assert not re.findall(r"https?://", text)
        assert site.access.token not in text


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "OPTIONS", "DELETE"])
async def test_no_other_method_does_anything(site: Served, method: str) -> None:
    status, _, headers = await site.ask(method=method, headers=filled(site, GOOD))
    assert (status, "Set-Cookie" in headers) == (405, False)
