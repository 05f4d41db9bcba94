"""What the network looked at, in headless Chromium: the view of its own and the zoom of the Cleaner."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Open = Callable[..., "Page"]
PIXEL = """([x, y]) => {
  const canvas = document.querySelector('.bw-class-map');
  return [...canvas.getContext('2d').getImageData(x * (canvas.width - 1), y * (canvas.height - 1), 1, 1).data];
}"""


def ready(open_page: Open, query: str = "", **options: object) -> Page:
    page = open_page(f"view.html?view=explain&{query}", **options)
    page.wait_for_selector(".bw-explain[data-ready]")
    return page


def pixel(page: Page, x: float, y: float) -> list[int]:
    return page.evaluate(PIXEL, [x, y])


def asked(page: Page, op: str = "explain") -> list[dict]:
    return page.evaluate("op => kernel.log.filter(each => each.op === op)", op)


def chosen(page: Page) -> str:
    return page.locator("[role='option'][aria-selected='true'] bdi").inner_text()


def test_the_map_lies_on_the_image_and_the_sum_is_told(open_page: Open) -> None:
    page = ready(open_page)
    image, canvas = (page.locator(each).bounding_box() for each in (".bw-explain-image img", ".bw-class-map"))
    assert canvas == pytest.approx(image, abs=1)
    assert (
        page.locator(".bw-map-sum")
        .inner_text()
        .startswith("Sum of the map 2.00 + 0.50 (constant) = logit 2.50: ")
    )
    assert pixel(page, 0, 0)[:3] == [232, 89, 12], "it speaks for the class"
    assert pixel(page, 1, 1)[:3] == pytest.approx([25, 113, 194], abs=2), "it speaks against it"
    assert (pixel(page, 0, 0)[3], pixel(page, 1, 1)[3], pixel(page, 0.5, 0.5)[3]) == (255, 128, 0)
    assert page.locator(".bw-sr td").count() == 49
    assert page.locator(".bw-sr p").text_content().endswith("Most speaks for it at the top left, 4.00.")


def test_keys_switch_class_and_difference_without_asking_and_go_on_to_another_image(open_page: Open) -> None:
    page = ready(open_page)
    first = chosen(page)
    page.locator(".bw-explain-stage").click()
    page.keyboard.press("ArrowDown")
    second = chosen(page)
    assert second != first
    assert (
        page.locator(".bw-map-sum")
        .inner_text()
        .startswith("Sum of the map 1.00 + 0.50 (constant) = logit 1.50")
    )
    page.keyboard.press("d")
    assert page.locator(".bw-against").input_value() == first
    words = page.locator(".bw-map-sum").inner_text()
    assert words.startswith("Sum of the difference −1.00 + 0.00 (constants) = −1.00 logits: ")
    assert words.endswith(f": {first} is 2.7 times as probable as {second}")
    assert pixel(page, 0, 0)[:3] == pytest.approx([25, 113, 194], abs=2)
    page.keyboard.press("d")
    assert page.locator(".bw-against").input_value() == ""
    assert len(asked(page)) == 1, "all of it lives in the page"
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".bw-explain[data-item='id1']")
    assert page.locator(".bw-explain-bar [role='status']").inner_text() == "2 of 30"
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(".bw-explain[data-item='id0']")
    assert len(asked(page)) == 3 or len(asked(page)) == 2


def test_clicks_choose_a_class_and_another_to_compare_with(open_page: Open) -> None:
    page = ready(open_page)
    page.locator("[role='option']").nth(2).click()
    assert chosen(page) == page.locator("[role='option'] bdi").nth(2).inner_text()
    other = page.locator("[role='option'] bdi").nth(0).inner_text()
    page.select_option(".bw-against", other)
    assert page.locator(".bw-map-sum").inner_text().endswith("as probable as " + chosen(page))
    assert "<b>teddy</b>" in page.locator(".bw-classes").inner_text(), "names are text"


def test_strength_places_and_what_one_place_says(open_page: Open) -> None:
    page = ready(open_page)
    opacity = "getComputedStyle(document.querySelector('.bw-class-map')).opacity"
    assert page.evaluate(opacity) == "0.75"
    page.locator(".bw-opacity").fill("30")
    assert page.evaluate(opacity) == "0.3"
    page.uncheck("text=Smooth")
    assert page.evaluate(
        "[document.querySelector('.bw-class-map').width, document.querySelector('.bw-class-map').height]"
    ) == [7, 7]
    box = page.locator(".bw-class-map").bounding_box()
    page.mouse.move(box["x"] + 4, box["y"] + 4)
    assert page.locator(".bw-place").inner_text() == "Row 1, column 1: +4.00"


def test_another_method_and_a_class_without_a_map_are_asked_for(open_page: Open) -> None:
    page = ready(open_page, "classes=150")
    assert page.locator("[role='option']").count() == 8
    page.select_option("[aria-label='Another class']", "class 99")
    page.wait_for_function("document.querySelector('[aria-selected=true] bdi').textContent === 'class 99'")
    assert asked(page)[-1] | {"id": 0} == {
        "kind": "request",
        "id": 0,
        "op": "explain",
        "item": "id0",
        "method": "class_map",
        "label": "class 99",
        "image": False,
    }
    page.select_option("[aria-label='And not']", "class 120")
    page.wait_for_function("document.querySelector('.bw-map-sum').textContent.includes('difference')")
    page.select_option("[aria-label='Method']", "grad_cam")
    page.wait_for_function("document.querySelector('.bw-map-sum').textContent.includes('no sum')")
    assert asked(page)[-1]["method"] == "grad_cam"


def test_a_check_tells_its_progress_its_verdict_and_its_curves(open_page: Open) -> None:
    page = ready(open_page)
    page.click("text=Check this map")
    page.wait_for_function(
        "document.querySelector('.bw-verdict').textContent === 'Covering places: 8 of 92 images'"
    )
    assert page.locator("text=Check this map").is_disabled()
    page.evaluate("kernel.finish()")
    assert page.locator(".bw-verdict").inner_text().startswith("You can believe this map")
    assert page.locator(".bw-check-lines polyline").count() == 3
    page.locator(".bw-explain-stage").click()
    page.keyboard.press("ArrowDown")
    assert page.locator(".bw-check-lines").is_hidden(), "the other map was not checked"
    page.keyboard.press("ArrowUp")
    assert page.locator(".bw-check-lines").is_visible()
    page.keyboard.press("d")
    assert page.locator(".bw-check-map").is_hidden(), "a check is of the map of one class"
    page.keyboard.press("d")
    page.click("text=Check this map")
    page.click("text=Stop")
    assert len(asked(page, "stop")) == 1


def test_another_network_is_asked_anew(open_page: Open) -> None:
    page = ready(open_page)
    page.evaluate("kernel.push({event: 'items', ids: null})")
    page.wait_for_function("kernel.log.filter(each => each.op === 'explain').length === 2")


@pytest.mark.parametrize("seen", [(0.25, 0, 0.75, 1), (0, -0.5, 1, 1.5)])
def test_what_the_network_did_not_see_has_no_map(open_page: Open, seen: tuple[float, ...]) -> None:
    page = ready(open_page, "seen=" + ",".join(map(str, seen)))
    page.wait_for_function("document.querySelector('.bw-explain-image img').naturalWidth > 0")
    image, canvas = (page.locator(each).bounding_box() for each in (".bw-explain-image img", ".bw-class-map"))
    assert canvas["x"] == pytest.approx(image["x"] + seen[0] * image["width"], abs=1)
    assert canvas["y"] == pytest.approx(image["y"] + seen[1] * image["height"], abs=1)
    assert canvas["width"] == pytest.approx((seen[2] - seen[0]) * image["width"], abs=1)
    stage = page.locator(".bw-explain-stage").bounding_box()
    assert canvas["y"] >= stage["y"] - 1
    assert canvas["y"] + canvas["height"] <= stage["y"] + stage["height"] + 1


def test_an_image_that_cannot_be_explained_says_why(open_page: Open) -> None:
    page = ready(open_page, "fail='black/1.jpg' is cut off.")
    assert page.locator(".bw-message").inner_text() == "'black/1.jpg' is cut off."
    assert page.locator(".bw-class-map").is_hidden()
    page.evaluate("delete kernel.fail.explain")
    page.click("[aria-label='Next image']")
    page.wait_for_selector(".bw-explain[data-item='id1']")
    assert page.locator(".bw-message").is_hidden()
    assert page.locator(".bw-class-map").is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_texts_can_be_read(open_page: Open, theme: str) -> None:
    page = ready(open_page, f"theme={theme}")
    page.click("text=Check this map")
    page.wait_for_function("Boolean(kernel.finish)")
    page.evaluate("kernel.finish()")
    poor = page.evaluate("import('/tests/browser/contrast.js').then(each => each.poorTexts())")
    assert poor == []


def test_narrow(open_page: Open) -> None:
    page = ready(open_page, width=500)
    assert (
        page.locator(".bw-map-panel").bounding_box()["y"] > page.locator(".bw-class-map").bounding_box()["y"]
    )
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


# ---------------------------------------------------------------- in the Cleaner


def test_a_key_opens_the_zoom_under_the_map(page: Page) -> None:
    page.keyboard.press("l")
    page.wait_for_selector(".bw-zoom .bw-class-map")
    page.wait_for_selector(".bw-zoom[data-full='true']")
    assert asked(page)[-1]["image"] is False
    image, canvas = (page.locator(each).bounding_box() for each in (".bw-pane img", ".bw-class-map"))
    assert canvas == pytest.approx(image, abs=1)
    title, first = page.locator(".bw-zoom h2").inner_text(), chosen(page)
    page.keyboard.press("ArrowDown")
    assert (chosen(page) != first, page.locator(".bw-zoom h2").inner_text()) == (True, title)
    page.keyboard.press("d")
    assert "difference" in page.locator(".bw-map-sum").inner_text()
    page.keyboard.press("+")
    image, canvas = (page.locator(each).bounding_box() for each in (".bw-pane img", ".bw-class-map"))
    assert canvas == pytest.approx(image, abs=1), "the map follows a closer look"
    page.keyboard.press("ArrowRight")
    page.wait_for_function("title => document.querySelector('.bw-zoom h2').textContent !== title", arg=title)
    page.wait_for_selector(".bw-zoom .bw-class-map")
    assert len({each["item"] for each in asked(page)}) == 2
    page.keyboard.press("l")
    assert page.locator(".bw-zoom .bw-map-panel").is_hidden()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("k")
    page.wait_for_function("kernel.log.some(each => each.op === 'mark' && each.action === 'keep')")


def test_the_zoom_says_why_there_is_no_map(page: Page) -> None:
    page.evaluate("kernel.fail.explain = 'There is no network to look into.'")
    page.keyboard.press("l")
    page.wait_for_selector(".bw-zoom >> text=There is no network to look into.")
    page.keyboard.press("Escape")
    page.keyboard.press(" ")
    page.wait_for_selector(".bw-zoom[data-full='true']")
    assert page.locator(".bw-zoom-map").is_hidden(), "a zoom opened otherwise has no map"
