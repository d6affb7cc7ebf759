"""What the pictures show, in the order in which it happens on one demonstration."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.pictures.studio import Studio

Scene = Callable[[Studio], Awaitable[None]]


async def home(studio: Studio) -> None:
    async with studio.opened(100, 30) as screen:
        await screen.picture("home", "pending", "ACCESS EXCLUSIVE")


async def change(studio: Studio) -> None:
    async with studio.opened(100, 30) as screen:
        await screen.sees("pending", "ACCESS EXCLUSIVE")
        await screen.press("enter")
        await screen.picture("change", "ALTER TABLE", "rewrites")


async def review(studio: Studio) -> None:
    async with studio.opened(100, 30) as screen:
        await screen.sees("pending", "ACCESS EXCLUSIVE")
        await screen.press("d")
        await screen.picture("review", "production")


QUICK: tuple[Scene, ...] = (home, change)
"""These change nothing, and take a second or two."""
STORY: tuple[Scene, ...] = (*QUICK, review)
