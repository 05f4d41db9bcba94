"""Views that follow each other in headless Chromium: what was chosen elsewhere is shown, or said, in each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Open = Callable[..., "Page"]
SELECTED = (
    "[...document.querySelectorAll('.bw-cell[aria-selected=true]')].map(each => Number(each.dataset.index))"
)


def chosen_elsewhere(page: Page, **linked: Any) -> None:
    """Have the fake kernel tell of something that another view did."""
    page.evaluate(
        "linked => { kernel.linked = linked; kernel.push({ event: 'link', by: 'other' }); }", linked
    )


def test_the_grid_selects_what_another_view_selected(page: Page) -> None:
    chosen_elsewhere(page, selected=[[0, 2], [4, 5]])
    page.wait_for_function(f"{SELECTED}.length === 3")
    assert page.evaluate(SELECTED) == [0, 1, 4]
    assert page.locator(".bw-bulk strong").inner_text() == "3 selected"
    page.wait_for_timeout(300)
    sent = page.evaluate("kernel.log.filter(m => m.op === 'select' && m.ranges.length > 1)")
    assert sent == [], "it is not sent back"


def test_what_is_out_of_sight_is_said_and_gone_to(page: Page) -> None:
    chosen_elsewhere(page, selected=[[200, 203]])
    toast = page.locator(".bw-toast")
    toast.get_by_text("3 selected in the map, out of sight here.").wait_for()
    toast.get_by_role("button", name="Go there").click()
    page.wait_for_selector('.bw-cell[data-index="201"][aria-selected="true"]')
    assert page.locator(".bw-bulk strong").inner_text() == "3 selected"


def test_what_is_not_in_this_view_can_be_shown(page: Page) -> None:
    chosen_elsewhere(page, selected=[[1, 2]], total=31)
    toast = page.locator(".bw-toast")
    toast.get_by_text("31 selected in the map, 1 of them in this view.").wait_for()
    page.wait_for_timeout(7000)
    toast.get_by_role("button", name="Show them").click()
    page.wait_for_function("kernel.log.some(m => m.op === 'follow' && m.what === 'selected')")


def test_what_another_view_shows_is_offered(page: Page) -> None:
    chosen_elsewhere(page, offer="7 images shown in the confusion matrix.")
    page.locator(".bw-toast").get_by_role("button", name="Show here too").click()
    page.wait_for_function("kernel.log.some(m => m.op === 'follow' && m.what === 'shown')")
    assert page.evaluate("document.activeElement.classList.contains('bw-cell')"), "keys stay in the view"


def test_a_page_that_is_loaded_again_shows_what_is_selected(page: Page) -> None:
    page.evaluate(
        """async () => {
          window.cleanup();
          Object.assign(kernel, { selectedBefore: 2, linked: { selected: [[1, 3]] } });
          const { default: widget } = await import("/bearwidgets/static/cleaner.js");
          window.cleanup = widget.render({ model: kernel, el: document.querySelector("#widget") });
        }"""
    )
    page.wait_for_function(f"{SELECTED}.length === 2")
    assert page.evaluate(SELECTED) == [1, 2]


def test_what_this_page_selects_is_not_asked_for(page: Page) -> None:
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function("kernel.log.some(m => m.op === 'select')")
    page.evaluate("kernel.push({ event: 'link', by: kernel.log.findLast(m => m.op === 'select').by })")
    page.wait_for_timeout(200)
    assert page.evaluate("kernel.log.filter(m => m.op === 'link')") == []


def test_the_matrix_marks_the_cells(open_page: Open) -> None:
    page = open_page("view.html?view=confusion")
    page.wait_for_selector("[data-ready]")
    page.evaluate("kernel.cellsLinked = [[1, 0, 3], [2, 2, 1]]; kernel.push({ event: 'link', by: 'other' })")
    page.get_by_text("4 selected in the map: 2 cells (dashed)").wait_for()
    box = page.locator(".bw-matrix-box")
    page.wait_for_function("document.querySelector('.bw-matrix-box').dataset.linked !== '[]'")
    assert box.get_attribute("data-linked") == "[[1,0,3],[2,2,1]]"
    page.evaluate("kernel.cellsLinked = []; kernel.push({ event: 'link', by: 'other' })")
    page.wait_for_function("document.querySelector('.bw-matrix-box').dataset.linked === '[]'")


def test_a_filter_elsewhere_limits_the_counts_until_all_are_wanted(open_page: Open) -> None:
    page = open_page("view.html?view=confusion")
    page.wait_for_selector("[data-ready]")
    assert page.get_by_role("button", name="All images").count() == 0
    page.evaluate("""kernel.limited = "6 of 285 images: filter from the map";
        kernel.counts = [[3, 0, 0], [1, 2, 0], [0, 0, 0]];
        kernel.push({ event: "link", by: "other" })""")
    page.get_by_text("6 of 285 images: filter from the map · accuracy 83.3 %").wait_for()
    assert page.locator(".bw-sr tbody tr").nth(1).locator("td").all_inner_texts() == ["1", "2", "0"]
    page.evaluate("kernel.counts = [[90, 0, 0], [12, 91, 0], [0, 0, 92]]")
    page.get_by_role("button", name="All images").click()
    page.get_by_text("285 images · accuracy 95.8 %").wait_for()
    assert page.locator(".bw-sr tbody tr").nth(1).locator("td").all_inner_texts() == ["12", "91", "0"]
    assert page.get_by_role("button", name="All images").count() == 0


def test_the_map_shows_what_is_selected_and_shown_elsewhere(open_page: Open) -> None:
    page = open_page("view.html?view=map&n=60")
    page.wait_for_selector("[data-ready]")
    words = page.locator(".bw-map-words")
    page.evaluate("kernel.selected = [[3, 8]]; kernel.push({ event: 'link', by: 'other' })")
    words.get_by_text("5 selected").wait_for()
    page.evaluate(
        "kernel.selected = []; kernel.elsewhere = [[0, 12]]; kernel.push({ event: 'link', by: 'other' })"
    )
    words.get_by_text("12 shown in the confusion matrix").wait_for()
