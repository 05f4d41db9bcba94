"""The confusion matrix's view in headless Chromium, its kernel played by the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Open = Callable[..., "Page"]


def ready(open_page: Open, query: str = "") -> Page:
    page = open_page(f"confusion.html?{query}")
    page.wait_for_selector("[data-ready]")
    return page


def test_counts_recall_precision_and_names_as_text(open_page: Open) -> None:
    page = ready(open_page)
    table = page.locator('[role="grid"]')
    assert " ".join(table.locator("tbody tr").nth(1).inner_text().split()) == "grizzly 12 91 0 103 88 %"
    assert "<b>teddy</b>" in table.inner_text()
    assert "100 %" in table.locator("tfoot").inner_text()
    assert "285 images · accuracy 91.4 % · labels as on disk" in page.locator(".bw-root").inner_text()


def test_click_and_keys_open_cells(open_page: Open) -> None:
    page = ready(open_page)
    assert page.locator('.bw-matrix [tabindex="0"]').count() == 1
    page.locator('.bw-count-cell[tabindex="0"]').focus()
    for key in ["ArrowDown", "ArrowRight", "ArrowLeft", "Enter"]:
        page.keyboard.press(key)
    asked = page.evaluate("kernel.log.filter(m => m.op === 'cell').map(m => [m.actual, m.predicted])")
    assert asked == [["grizzly", "black"]]
    assert page.locator('[aria-pressed="true"]').inner_text() == "12"
    page.click("text=grizzly → black: 12")
    page.keyboard.press("Tab")
    assert page.evaluate("kernel.log.filter(m => m.op === 'cell').length") == 2


def test_split_and_push(open_page: Open) -> None:
    page = ready(open_page)
    page.select_option('[aria-label="Split"]', "train")
    assert page.evaluate("kernel.log.at(-1).split") == "train"
    page.evaluate("kernel.push({event: 'matrix', matrix: {...kernel.matrix({}), total: 7, accuracy: null}})")
    assert "7 images · accuracy –" in page.locator(".bw-root").inner_text()


def test_a_matrix_that_is_drawn_anew_keeps_the_focus(open_page: Open) -> None:
    page = ready(open_page)
    page.locator(".bw-count-cell").first.focus()
    page.keyboard.press("ArrowRight")
    page.evaluate("kernel.push({event: 'matrix', matrix: {...kernel.matrix({}), total: 7}})")
    page.wait_for_function("document.activeElement === document.querySelectorAll('.bw-count-cell')[1]")
    page.evaluate("document.activeElement.blur()")
    page.evaluate("kernel.push({event: 'matrix', matrix: kernel.matrix({})})")
    assert page.evaluate("document.activeElement === document.body")


def test_a_cell_opens_its_images_in_the_grid_below(open_page: Open) -> None:
    page = ready(open_page, "grid")
    page.wait_for_selector(".bw-cleaner[data-ready] .bw-cell img")
    page.locator(".bw-count-cell").nth(1).click()
    page.wait_for_selector(".bw-cleaner[data-revision='2']")
    shown = page.locator(".bw-cleaner [role='gridcell']").first
    assert shown.get_attribute("aria-description").startswith("labeled black, predicted grizzly")
    shown.click()
    page.keyboard.press("k")
    page.wait_for_function("kernel.log.some(m => m.op === 'mark' && m.action === 'keep')")
    assert ready(open_page).locator(".bw-cleaner").count() == 0, "a matrix that drives a grid elsewhere"


def test_what_cannot_be_seen_in_a_name_is_spelled_out(open_page: Open) -> None:
    page = ready(open_page)
    page.evaluate(
        "classes => kernel.push({event: 'matrix', matrix: {...kernel.matrix({}), classes}})",
        ["bl\u202eack", "te\u200bddy", "teddy"],
    )
    table = page.locator('[role="grid"]')
    assert r"bl\u202eack" in table.inner_text()
    assert table.locator("tbody th").nth(1).get_attribute("title") == r"te\u200bddy"
    page.locator(".bw-count-cell").nth(1).click()
    assert page.evaluate("kernel.log.at(-1).predicted") == "te\u200bddy", (
        "the name itself is what is asked for"
    )
    assert r"bl\u202eack, predicted te\u200bddy" in page.locator(".bw-count-cell").nth(1).get_attribute(
        "aria-label"
    )


@pytest.mark.parametrize("wrong", [0, 3, 60])
def test_only_classes_with_mistakes_are_the_most_confused(open_page: Open, wrong: int) -> None:
    page = ready(open_page, "classes=150")
    page.evaluate(
        """wrong => {
          const matrix = kernel.matrix({});
          matrix.counts = matrix.classes.map((_, a) => matrix.classes.map((_, p) => (a === p ? 9 : 0)));
          for (let k = 0; k < wrong; k++) matrix.counts[149 - 2 * k][148 - 2 * k] = 60 - k;
          kernel.push({ event: "matrix", matrix });
        }""",
        wrong,
    )
    rows = page.locator(".bw-matrix tbody tr th").all_inner_texts()
    scope = page.locator(".bw-confusion-head .bw-hint").inner_text()
    if not wrong:
        assert (len(rows), scope) == (40, "No mistakes in 150 classes; the first 40 are shown.")
    else:
        assert rows == [f"class {k}" for n in range(min(wrong, 20)) for k in (148 - 2 * n, 149 - 2 * n)]
    if wrong == 3:
        assert scope == "6 of 150 classes have mistakes; the most confused come first."


def test_many_classes_stay_readable(open_page: Open) -> None:
    page = ready(open_page, "classes=100&theme=dark")
    assert page.locator(".bw-matrix tbody tr").count() == 40
    page.click("text=Show all")
    assert page.locator(".bw-matrix tbody tr").count() == 100
    page.locator(".bw-count-cell").first.focus()
    page.keyboard.press("Control+End")
    box = page.locator(".bw-matrix-box").bounding_box()
    head = page.locator(".bw-matrix tbody tr:last-child th").bounding_box()
    top = page.locator(".bw-matrix thead th").last.bounding_box()
    assert box
    assert head
    assert top
    assert abs(head["x"] - box["x"]) < 3, "the row's name stays"
    assert abs(top["y"] - box["y"]) < 3, "the column's name stays"
    assert page.locator(".bw-pairs li").count() == 12
