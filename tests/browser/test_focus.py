"""Where keys go: whatever is pressed in a view, they stay in it, and what is outside of it keeps its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def in_the_view(page: Page) -> bool:
    """Whether the focus is in it."""
    return page.evaluate("document.activeElement.closest('.bw-root') !== null")


PLACES = {
    "the scroll bar": ".bw-grid",
    "the reason": ".bw-said",
    "the number of items": ".bw-count",
    "the edge of the toolbar": ".bw-toolbar",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_press_on_what_takes_no_focus_leaves_it_on_the_tile(page: Page, place: str) -> None:
    box = page.locator(PLACES[place]).bounding_box()
    x, y = {
        "the scroll bar": (box["x"] + box["width"] - 4, box["y"] + box["height"] / 2),
    }.get(place, (box["x"] + box["width"] - 3, box["y"] + 3))
    page.mouse.click(x, y)
    page.wait_for_function("document.activeElement.dataset.index === '2'")
    page.keyboard.press("k")
    page.wait_for_selector('.bw-cell[data-index="2"][data-decision="keep"]')


def test_a_press_on_the_room_below_the_tiles(page: Page) -> None:
    page.keyboard.press("q")
    page.click(".bw-option >> text=Odd size")
    page.wait_for_function("document.querySelectorAll('.bw-cell').length === 2")
    box = page.locator(".bw-grid").bounding_box()
    page.mouse.click(box["x"] + 300, box["y"] + box["height"] - 20)
    page.wait_for_function("document.activeElement.dataset.index === '0'")
    assert page.locator("[aria-selected=true].bw-cell").count() == 0


def test_what_is_drawn_anew_under_the_focus_gives_it_to_the_grid(page: Page) -> None:
    page.locator(".bw-legend button >> nth=1").focus()
    page.evaluate(
        "kernel.classes = [...kernel.classes, 'panda']; kernel.push({event: 'state', state: kernel.state()}); null"
    )
    page.wait_for_selector(".bw-legend >> text=panda")
    page.wait_for_function("document.activeElement.closest('.bw-root') !== null")
    page.keyboard.press("u")
    page.wait_for_selector('.bw-cell[data-decision="unsure"]')


def test_a_key_right_after_a_press_on_a_text_is_not_too_early(page: Page) -> None:
    page.locator(".bw-search").focus()
    page.evaluate("window.setTimeout = () => 0; null")
    box = page.locator(".bw-reason").bounding_box()
    page.mouse.click(box["x"] + 4, box["y"] + 4)
    assert page.evaluate("document.activeElement.dataset.index") == "2"


def test_keys_stay_in_a_view_without_images(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("nothing is called so")
    page.wait_for_selector(".bw-empty >> text=No items match")
    page.keyboard.press("Escape")
    assert in_the_view(page)
    page.keyboard.press("r")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"


def test_a_cell_of_the_notebook_keeps_the_focus(page: Page) -> None:
    dim = "document.querySelector('.bw-cell[aria-selected=true] .bw-card')"
    bright = page.evaluate(f"getComputedStyle({dim}).boxShadow")
    page.click("#before")
    page.evaluate("kernel.push({event: 'state', state: kernel.state()}); null")
    page.evaluate("document.querySelector('.bw-said').append('more')")
    page.wait_for_timeout(50)
    assert page.evaluate("document.activeElement.id") == "before"
    assert page.evaluate(f"getComputedStyle({dim}).boxShadow") != bright, "keys do not go to it now"
    page.evaluate("document.activeElement.blur()")
    page.evaluate("document.querySelector('.bw-said').append('more')")
    page.wait_for_timeout(50)
    assert not in_the_view(page)


def test_a_press_in_a_dialog_or_menu_leaves_the_keys_there(page: Page) -> None:
    page.keyboard.press("?")
    page.click(".bw-dialog td >> nth=1")
    page.keyboard.press("Escape")
    page.wait_for_selector(".bw-dialog", state="detached")
    page.keyboard.press("r")
    box = page.locator(".bw-menu").bounding_box()
    page.mouse.click(box["x"] + 2, box["y"] + 2)
    page.keyboard.type("teddy")
    page.keyboard.press("Enter")
    page.wait_for_selector('.bw-cell[data-index="2"][data-decision="relabel"]')


def test_a_press_in_the_filters_leaves_the_keys_there(page: Page) -> None:
    page.click("text=/^Filters/")
    page.wait_for_selector(".bw-histogram")
    page.click(".bw-panel >> text=Order")
    page.keyboard.press("k")
    page.wait_for_function("document.activeElement.closest('.bw-panel') !== null")
    assert page.evaluate("kernel.log.filter(message => message.op === 'mark')") == []
    page.keyboard.press("Escape")
    page.wait_for_selector(".bw-panel", state="detached")
    page.wait_for_function("document.activeElement.dataset.index === '2'")


def test_escape_in_the_toolbar_gives_the_keys_back(page: Page) -> None:
    page.locator(".bw-queue").focus()
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.dataset.index === '2'")


def test_the_buttons_for_several_images_are_one_tab_stop(page: Page) -> None:
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Accept suggestions"
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.textContent") == "Delete"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.bw-bulk')") is None
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.textContent") == "Delete"
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.dataset.index === '3'")


def test_a_new_class_is_asked_for_twice_and_letters_name_classes_only(page: Page) -> None:
    page.keyboard.press("r")
    page.keyboard.type("de")
    page.keyboard.press("Enter")
    page.wait_for_selector(".bw-option[aria-selected=true] >> text=Make a new class “de”? Enter again.")
    assert page.evaluate("kernel.log.filter(message => message.op === 'mark')") == []
    page.keyboard.type("f")
    page.keyboard.press("Enter")
    page.wait_for_selector(".bw-option[aria-selected=true] >> text=Make a new class “def”?")
    page.click(".bw-option[aria-selected=true]")
    page.wait_for_selector('.bw-cell[data-index="2"][data-decision="relabel"]')
    assert page.evaluate("kernel.log.filter(message => message.op === 'mark')[0].label") == "def"


@pytest.mark.parametrize("shown", ["frame", "whole"])
def test_keys_reach_a_dialog_whose_button_is_gone(open_page: Callable[..., Page], shown: str) -> None:
    page = open_page("cleaner.html")
    page.wait_for_selector(".bw-cell img")
    if shown == "frame":
        page.evaluate("Object.defineProperty(screen, 'height', {value: 100})")
    page.locator('.bw-cell[data-index="0"]').click()
    page.keyboard.press("Delete")
    page.click(".bw-toolbar >> text=Apply")
    assert page.locator(".bw-boxed").count() == (shown == "frame")
    page.evaluate("kernel.holding = ['apply']")
    page.locator(".bw-main-button").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("kernel.held.length === 1")
    page.wait_for_function("document.activeElement.closest('.bw-dialog') !== null")
    page.evaluate("kernel.release()")
    page.wait_for_selector("text=Done, round 1.")
    page.wait_for_function("document.activeElement.closest('.bw-dialog') !== null")
    page.locator(".bw-dialog >> text=Roll back…").focus()
    page.keyboard.press("Enter")
    page.locator("text=Roll back round 1").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Round 1 was rolled back.")
    page.wait_for_function("document.activeElement.closest('.bw-dialog') !== null")
    page.keyboard.press("Escape")
    page.wait_for_selector(".bw-dialog", state="detached")
    page.wait_for_function("document.activeElement.dataset.index === '1'")


def test_what_is_hidden_or_disabled_under_the_focus_gives_it_to_the_grid(page: Page) -> None:
    page.keyboard.press("/")
    page.keyboard.type("nothing is called so")
    page.wait_for_selector(".bw-empty >> text=No items match")
    page.locator("text=Clear filters").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".bw-cell img")
    page.wait_for_function("document.activeElement.dataset.index === '0'")
    page.keyboard.press("u")
    page.wait_for_selector('.bw-cell[data-index="0"][data-decision="unsure"]')
    page.locator("[aria-label=Undo]").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.dataset.index === '0'")


def test_a_toast_that_goes_by_itself_gives_its_focus_to_the_grid(page: Page) -> None:
    page.clock.install()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Delete")
    page.locator(".bw-toast button").focus()
    page.clock.run_for(6_500)
    page.wait_for_selector(".bw-toast button", state="detached")
    page.wait_for_function("document.activeElement.dataset.index === '3'")


def test_what_loses_the_focus_to_the_page_does_not_take_it_back(page: Page) -> None:
    page.locator(".bw-search").focus()
    page.evaluate("document.activeElement.blur()")
    page.evaluate("new Promise(done => setTimeout(done))")
    assert not in_the_view(page)


SEEN = """() => {
    const {top, bottom} = document.activeElement.querySelector('.bw-image').getBoundingClientRect();
    return top >= 0 && bottom <= innerHeight;
}"""


@pytest.mark.parametrize("height", [1200, 4000])
def test_the_tile_that_keys_go_to_is_in_the_window(open_page: Callable[..., Page], height: int) -> None:
    page = open_page(f"cleaner.html?height={height}&n=4000")
    page.wait_for_selector(".bw-cell img")
    page.locator('.bw-cell[data-index="0"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("scrollY") == 0, "what is in sight does not move"
    for key in ["ArrowDown"] * 8 + [
        "PageDown",
        "ArrowUp",
        "Control+End",
        "ArrowUp",
        "Delete",
        "Control+z",
        "Control+Home",
    ]:
        page.keyboard.press(key)
        page.wait_for_function(SEEN)
    page.keyboard.press("ArrowDown")
    page.evaluate("document.querySelector('.bw-root').scrollIntoView({block: 'end'})")
    at = page.evaluate("scrollY")
    page.evaluate("kernel.push({event: 'state', state: kernel.state()}); null")
    last = page.locator(".bw-cell >> visible=true").last
    last.dispatch_event("click")
    assert page.evaluate("scrollY") == at, "clicks and news do not move the page"
