"""Fingers on the Cleaner: a tap, a held tap, two taps, and one or two fingers on the large image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import CDPSession, Page

pytestmark = pytest.mark.browser

WIDTH = "parseFloat(document.querySelector('.bw-pane img').style.width)"
PLACE = "document.querySelector('.bw-pane img').style.transform"
Points = list[tuple[float, float]]


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A Cleaner on a screen that is touched, its clock under control."""
    page = open_page("cleaner.html?queues", touch=True)
    page.wait_for_selector(".bw-cell img")
    page.wait_for_function("!document.querySelector('.bw-waiting')")
    page.clock.install()
    return page


@pytest.fixture
def hand(page: Page) -> CDPSession:
    """What touches the page, with as many fingers as there are points."""
    return page.context.new_cdp_session(page)


def touch(hand: CDPSession, kind: str, points: Points) -> None:
    """One step of a touch: touchStart, touchMove or touchEnd."""
    fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})


def middle(page: Page, selector: str) -> tuple[float, float]:
    """The middle of an element."""
    box = page.locator(selector).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def tap(page: Page, index: int) -> None:
    """Touch a tile for a moment."""
    page.touchscreen.tap(*middle(page, f'.bw-cell[data-index="{index}"]'))
    page.wait_for_selector(f'.bw-cell[data-index="{index}"][aria-selected="true"]')


def test_a_tap_selects_and_two_open_the_image(page: Page) -> None:
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    tap(page, 2)
    page.clock.fast_forward(2000)
    tap(page, 2)
    page.clock.fast_forward(2000)
    tap(page, 3)
    tap(page, 4)
    assert page.locator(".bw-zoom").count() == 0, "slow taps, and two on two images, are no double one"
    page.touchscreen.tap(*middle(page, '.bw-cell[data-index="4"]'))
    page.wait_for_selector(".bw-zoom[open]")
    assert page.evaluate("document.querySelectorAll('.bw-cell[aria-selected=true]').length") == 1


def test_a_tap_that_is_held_opens_the_image(page: Page, hand: CDPSession) -> None:
    x, y = middle(page, '.bw-cell[data-index="3"] .bw-image')
    touch(hand, "touchStart", [(x, y)])
    touch(hand, "touchMove", [(x, y + 30)])
    page.clock.fast_forward(1000)
    touch(hand, "touchEnd", [])
    assert page.locator(".bw-zoom").count() == 0, "a finger that moves scrolls"
    touch(hand, "touchStart", [(x, y)])
    page.clock.fast_forward(1000)
    page.wait_for_selector(".bw-zoom[open]")
    touch(hand, "touchEnd", [])
    title = page.locator('.bw-cell[data-index="3"] [title*="jpg"]').first.get_attribute("title")
    assert page.inner_text(".bw-zoom h2") in title
    assert page.evaluate("kernel.state().marked") == 0


def test_two_fingers_enlarge_and_one_moves(page: Page, hand: CDPSession) -> None:
    page.locator('.bw-cell[data-index="2"]').focus()
    page.keyboard.press("Space")
    page.wait_for_selector('.bw-zoom[data-full="true"]')
    fitted, place = page.evaluate(WIDTH), page.evaluate(PLACE)
    x, y = middle(page, ".bw-panes")
    touch(hand, "touchStart", [(x, y)])
    touch(hand, "touchMove", [(x + 40, y)])
    touch(hand, "touchEnd", [])
    assert (page.evaluate(WIDTH), page.evaluate(PLACE)) == (fitted, place), "all of it is shown"
    touch(hand, "touchStart", [(x - 50, y), (x + 50, y)])
    touch(hand, "touchMove", [(x - 100, y), (x + 100, y)])
    page.wait_for_function(f"Math.abs({WIDTH} / {fitted} - 2) < 0.02")
    touch(hand, "touchEnd", [])
    place = page.evaluate(PLACE)
    touch(hand, "touchStart", [(x, y)])
    touch(hand, "touchMove", [(x - 30, y - 30)])
    page.wait_for_function(f"{PLACE} !== {place!r}")
    touch(hand, "touchEnd", [])
    place = page.evaluate(PLACE)
    touch(hand, "touchStart", [(x - 100, y), (x + 100, y)])
    touch(hand, "touchMove", [(x - 25, y), (x + 25, y)])
    page.wait_for_function(f"{WIDTH} === {fitted}")
    touch(hand, "touchEnd", [])
