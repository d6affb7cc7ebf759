"""What the pictures show, in the order in which it happens on one demonstration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.pictures.studio import Sitter, Studio

Scene = Callable[[Studio], Awaitable[None]]
IMPACT = "ACCESS EXCLUSIVE"
"""On home as soon as the servers have answered, and the change under the cursor was looked at."""


async def at_home(screen: Sitter) -> Sitter:
    """Waits until home is complete."""
    return await screen.sees("5 pending", IMPACT)


async def home(studio: Studio) -> None:
    async with studio.opened(100, 30) as screen:
        await screen.picture("home", "5 pending", IMPACT)


async def change(studio: Studio) -> None:
    async with studio.opened(100, 30) as screen:
        await (await at_home(screen)).press("enter")
        await screen.picture("change", "ALTER TABLE", "rewrites", "stands in the way")


async def looking(studio: Studio) -> None:
    """What changes nothing, on production."""
    async with studio.opened(160, 50) as screen:
        await screen.picture("home-wide", "5 pending", IMPACT)
    async with studio.opened(100, 30) as screen:
        await (await at_home(screen)).press("e")
        await screen.picture("environment", "connections", "PASS")
        await screen.press("escape", "question_mark")
        await screen.picture("help", "HELP for HOME")
        await screen.press("escape", "colon")
        await screen.picture("palette")
    async with studio.opened(100, 30) as screen:
        await (await at_home(screen)).press("M")
        await screen.picture("maintain", "Recovery drill")
    async with studio.opened(100, 30) as screen:
        await (await at_home(screen)).press("enter")
        await screen.sees("stands in the way")
        await screen.press("right_square_bracket", "right_square_bracket")
        await screen.picture("change-revert", "[revert]")


async def review(studio: Studio) -> None:
    async with studio.opened(100, 30) as screen:
        await (await at_home(screen)).press("d")
        await screen.picture("review", "cannot start", " passed")


async def deploy(studio: Studio) -> None:
    """Staging lacks two changes: deployed, and rolled back."""
    async with studio.opened(100, 30, "staging") as screen:
        await screen.sees("2 pending")
        await screen.press("d")
        await screen.picture("review-ready", "ready to start")
        await screen.press("E")
        await screen.picture("confirm", "looked again at")
        await screen.type("yes")
        await screen.press("enter")
        await screen.picture("run", "2 of 2 done")
        await screen.press("enter")
        await screen.picture("after", "Monitor system health")
        await screen.press("escape", "escape")
        await screen.sees("up to date")
        await screen.press("R")
        await screen.picture("rollback", "ready to start", "as deployed")
        await screen.press("s")
        await screen.picture("rollback-sql", "DROP INDEX CONCURRENTLY dms")
        await screen.press("escape", "h")
        await screen.picture("runs", "deploy")
    async with studio.opened(100, 30, "staging") as screen:
        await screen.sees("up to date")
        await screen.press("C")
        await screen.sees("compare staging with")
        await screen.press("down", "enter")
        await screen.picture("compare", "COMPARED WITH production", "5 differences")
    async with studio.opened(60, 15) as screen:
        await (await screen.sees("5 pending", "A.EXCL")).press("u")
        await screen.picture("small", "UNLOCK")


QUICK: tuple[Scene, ...] = (home, change)
"""These change nothing, and take a second or two."""
STORY: tuple[Scene, ...] = (*QUICK, looking, review, deploy)
