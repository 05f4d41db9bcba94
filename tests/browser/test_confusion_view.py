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
    page = open_page(f"view.html?view=confusion&{query}")
    page.wait_for_selector("[data-ready]")
    return page


def cell(page: Page, row: int, column: int) -> dict[str, float]:
    """Where the middle of a cell lies on the canvas; -1 for the names."""
    page.wait_for_function("document.querySelector('.bw-matrix-box').dataset.place")
    x, y, side = page.evaluate("JSON.parse(document.querySelector('.bw-matrix-box').dataset.place)")
    return {
        "x": x + (column + 0.5) * side if column >= 0 else x - 30,
        "y": y + (row + 0.5) * side if row >= 0 else y - 12,
    }


def click(page: Page, row: int, column: int, *keys: str) -> None:
    page.locator(".bw-matrix-canvas").click(position=cell(page, row, column), modifiers=list(keys))


def chosen(page: Page) -> list[list[int]]:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return page.evaluate("JSON.parse(document.querySelector('.bw-matrix-box').dataset.chosen)")


def asked(page: Page) -> list:
    return page.evaluate("kernel.log.filter(m => m.op === 'cells').map(m => m.blocks)")


def color(page: Page, row: int, column: int, part: float) -> list[int]:
    """The color of a cell at a part of its height, near its left edge."""
    at = cell(page, row, column)
    return page.evaluate(
        """([x, y, part]) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
          const canvas = document.querySelector(".bw-matrix-canvas");
          const ratio = canvas.width / canvas.clientWidth;
          const side = JSON.parse(document.querySelector(".bw-matrix-box").dataset.place)[2];
          const [left, down] = [x - 0.4 * side, y + (part - 0.5) * side].map((each) => Math.round(each * ratio));
          done([...canvas.getContext("2d").getImageData(left, down, 1, 1).data]);
        })))""",
        [at["x"], at["y"], part],
    )


def test_cells_are_read_aloud_and_said_on_hover(open_page: Open) -> None:
    page = ready(open_page)
    row = page.locator(".bw-sr tbody tr").nth(1)
    assert row.locator("th, td").all_inner_texts() == ["grizzly", "12", "91", "0"]
    assert "285 images · accuracy 95.8 % · labels as on disk" in page.locator(".bw-root").inner_text()
    page.locator(".bw-matrix-canvas").hover(position=cell(page, 1, 0))
    said = "12 of 103 grizzly called black (12 %), about 3 with a wrong label and 9 where the model is wrong"
    assert page.locator(".bw-tip").inner_text() == said
    page.select_option("[aria-label='Cells']", "predicted")
    page.locator(".bw-matrix-canvas").hover(position=cell(page, 1, 1))
    assert page.locator(".bw-tip").inner_text().startswith("91 of 91 called grizzly are grizzly (100 %)")
    page.locator(".bw-matrix-canvas").hover(position=cell(page, -1, 2))
    assert page.locator(".bw-tip").inner_text() == "<b>teddy</b>"


def test_click_and_keys_choose_cells_rows_and_columns(open_page: Open) -> None:
    page = ready(open_page)
    click(page, 1, 0)
    assert chosen(page) == [[1, 0]]
    assert asked(page)[-1] == [{"actual": ["grizzly"], "predicted": ["black"]}]
    click(page, 2, 1, "Shift")
    assert chosen(page) == [[1, 0], [1, 1], [2, 0], [2, 1]]
    click(page, 2, 1, "ControlOrMeta")
    assert chosen(page) == [[1, 0], [1, 1], [2, 0]]
    click(page, 1, -1)
    assert chosen(page) == [[1, 0], [1, 1], [1, 2]]
    click(page, -1, 0)
    assert asked(page)[-1] == [{"actual": ["black", "grizzly", "<b>teddy</b>"], "predicted": ["black"]}]
    page.locator(".bw-matrix-canvas").focus()
    for key in ["Control+Home", "ArrowDown", "ArrowRight", "Enter"]:
        page.keyboard.press(key)
    assert chosen(page) == [[1, 1]]
    assert (
        page.locator(".bw-matrix-box [role=status]")
        .inner_text()
        .startswith("91 of 103 grizzly called grizzly")
    )
    page.keyboard.press("r")
    assert chosen(page) == [[1, 0], [1, 1], [1, 2]]
    page.keyboard.press("Escape")
    assert chosen(page) == []
    page.click("text=grizzly → black: 12")
    assert chosen(page) == [[1, 0]]


def test_who_is_wrong_is_a_second_color(open_page: Open) -> None:
    page = ready(open_page)
    upper, lower = (color(page, 1, 0, part) for part in (0.2, 0.9))
    assert upper != lower, "a quarter of the labels is wrong"
    page.uncheck("text=Who is wrong")
    assert "label wrong" not in page.locator(".bw-legend").inner_text()
    assert color(page, 1, 0, 0.2) == color(page, 1, 0, 0.9) == upper


def test_split_labels_and_push(open_page: Open) -> None:
    page = ready(open_page)
    page.select_option('[aria-label="Split"]', "train")
    assert page.evaluate("kernel.log.findLast(({ op }) => op === 'matrix').part") == "train"
    page.select_option('[aria-label="Labels"]', "as on disk")
    assert page.evaluate("kernel.log.findLast(({ op }) => op === 'matrix').labels") == "as on disk"
    click(page, 1, 0)
    page.evaluate("kernel.counts = [[0, 0, 0], [7, 0, 0], [0, 0, 0]]; kernel.push({event: 'matrix'})")
    page.wait_for_selector("text=7 images · accuracy 0.0 %")
    assert chosen(page) == [[1, 0]], "what was chosen stays"
    page.evaluate(
        "kernel.counts = kernel.counts.map((row) => row.map(() => 0)); kernel.push({event: 'matrix'})"
    )
    page.wait_for_selector("text=No images in this split.")


def test_a_matrix_that_is_drawn_anew_keeps_the_focus(open_page: Open) -> None:
    page = ready(open_page)
    page.locator(".bw-matrix-canvas").focus()
    page.keyboard.press("ArrowRight")
    page.evaluate("kernel.counts[0][0] += 1; kernel.push({event: 'matrix'})")
    page.wait_for_selector("text=286 images")
    page.keyboard.press("Enter")
    assert chosen(page) == [[0, 1]]


def test_cells_open_their_images_in_the_grid_below(open_page: Open) -> None:
    page = ready(open_page, "grid")
    page.wait_for_selector(".bw-cleaner[data-ready] .bw-cell img")
    click(page, 0, 1)
    page.wait_for_selector(".bw-cleaner[data-revision='2']")
    shown = page.locator(".bw-cleaner [role='gridcell']").first
    assert shown.get_attribute("aria-description").startswith("labeled black, predicted grizzly")
    shown.click()
    page.keyboard.press("k")
    page.wait_for_function("kernel.log.some(m => m.op === 'mark' && m.action === 'keep')")
    page.evaluate("cleanup()")
    assert page.locator(".bw-root").count() == 0
    assert ready(open_page).locator(".bw-cleaner").count() == 0, "a matrix that drives a grid elsewhere"


def test_what_cannot_be_seen_in_a_name_is_spelled_out(open_page: Open) -> None:
    page = ready(open_page)
    page.evaluate(
        "names => { kernel.names = names; kernel.push({event: 'matrix'}); }",
        ["bl\u202eack", "te\u200bddy", "teddy"],
    )
    page.wait_for_function("document.querySelector('.bw-sr table').innerText.includes('u202e')")
    page.locator(".bw-matrix-canvas").hover(position=cell(page, 1, 0))
    assert r"te\u200bddy called bl\u202eack" in page.locator(".bw-tip").inner_text()
    click(page, 0, 1)
    assert asked(page)[-1][0]["predicted"] == ["te\u200bddy"], "the name itself is what is asked for"


def test_only_mistakes_are_the_most_confused(open_page: Open) -> None:
    page = ready(open_page)
    assert page.locator(".bw-pairs li").all_inner_texts() == ["grizzly → black: 12"]
    page.evaluate("kernel.counts[1][0] = 0; kernel.push({event: 'matrix'})")
    page.wait_for_selector("text=Nothing is confused here.")


def test_groups_are_folded_opened_renamed_and_pinned(open_page: Open) -> None:
    page = ready(open_page, "classes=12")
    page.check("text=Fold groups")
    assert page.locator(".bw-sr tbody tr th").all_inner_texts()[:2] == ["first ones", "class 3"]
    page.locator(".bw-matrix-canvas").hover(position=cell(page, 0, -1))
    assert page.locator(".bw-tip").inner_text() == "first ones: class 0, class 1, class 2"
    click(page, 0, 0)
    assert asked(page)[-1][0]["actual"] == ["class 0", "class 1", "class 2"]
    page.locator(".bw-matrix-canvas").focus()
    page.keyboard.press("g")
    assert page.locator(".bw-sr tbody tr th").all_inner_texts()[:2] == ["class 0", "class 1"]
    page.click("text=Groups >> nth=-1")
    page.click("[aria-label='Fold first ones']")
    assert page.locator(".bw-sr tbody tr").count() == 10
    page.fill("[aria-label='Name of the group first ones']", "odd")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.bw-sr tbody th').textContent === 'odd'")
    assert page.locator(".bw-group-row [aria-pressed='true']").inner_text() == "Pinned"


def test_a_comparison_says_what_changed_beyond_chance(open_page: Open) -> None:
    page = ready(open_page, "classes=4&compare&theme=dark")
    assert "1 cell differs by more than chance" in page.locator(".bw-root").inner_text()
    page.locator(".bw-matrix-canvas").hover(position=cell(page, 1, 0))
    assert "more than chance (p = 1e-6)" in page.locator(".bw-tip").inner_text()
    page.locator(".bw-matrix-canvas").hover(position=cell(page, 2, 0))
    assert page.locator(".bw-tip").inner_text().endswith("within chance (p = 0.400)")


def test_a_thousand_classes_from_a_pixel_to_full_text(open_page: Open) -> None:
    page = ready(open_page, "classes=1000&theme=dark")
    place = "JSON.parse(document.querySelector('.bw-matrix-box').dataset.place)"
    page.wait_for_function(f"document.querySelector('.bw-matrix-box').dataset.place && {place}[2] === 1")
    page.fill("[aria-label='Find a class']", "class 777")
    page.wait_for_function(f"{place}[2] > 20")
    x, y, side = page.evaluate(place)
    at = {"x": x + 775.5 * side, "y": y + 775.5 * side}  # two classes less: those of the group are one
    page.locator(".bw-matrix-canvas").hover(position=at)
    assert "class 777 called class 777" in page.locator(".bw-tip").inner_text()
    page.locator(".bw-matrix-canvas").focus()
    page.keyboard.press("Control+End")
    assert "class 999 called class 999" in page.locator(".bw-tip").inner_text()
    page.keyboard.press("0")
    page.wait_for_function(f"{place}[2] === 1")
