"""The map's view in headless Chromium, its kernel played by the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from bearwidgets.safe_text import as_json
from bearwidgets.widgets.parse import parse
from bearwidgets.widgets.protocol import MAP_REQUESTS, REQUESTS, MapEvent

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Open = Callable[..., "Page"]
FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
# With "cross" the first point stands in the middle and the next four 0.9 right, above, left and below, farther out
# than the others; with "few" no layout moves them.
CROSS = "cross&few&n=60"


def ready(open_page: Open, query: str = "", **size: Any) -> Page:
    page = open_page(f"view.html?view=map&{query}", **size)
    page.wait_for_selector("[data-ready]")
    page.evaluate(FRAME)
    return page


def settled(page: Page, dims: int = 2) -> None:
    page.wait_for_selector(f"[data-settled='{dims}']")
    page.evaluate(FRAME)


def at(page: Page, right: float = 0, up: float = 0) -> tuple[float, float]:
    """Where a place of the unmoved map is on the page."""
    box = page.locator(".bw-map-stage").bounding_box()
    assert box
    half = min(box["width"], box["height"]) / 2 * 0.94 / 0.9
    return box["x"] + box["width"] / 2 + right * half, box["y"] + box["height"] / 2 - up * half


def drag(page: Page, *places: tuple[float, float], keys: str = "") -> None:
    if keys:
        page.keyboard.down(keys)
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()
    if keys:
        page.keyboard.up(keys)


def around(page: Page, right: float, up: float, size: float = 0.06) -> list[tuple[float, float]]:
    sides = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
    return [at(page, right + x * size, up + y * size) for x, y in sides]


def asked(page: Page, op: str) -> list[dict[str, Any]]:
    return page.evaluate("op => kernel.log.filter(each => each.op === op)", op)


def selected(page: Page) -> set[int]:
    ranges = asked(page, "map_select")[-1]["ranges"]
    return {number for start, stop in ranges for number in range(start, stop)}


def words(page: Page) -> str:
    return page.locator(".bw-map-words").inner_text()


def pixels(page: Page, canvas: int = 0) -> str:
    """What is drawn: the points, or what is above them."""
    page.evaluate(FRAME)
    return page.evaluate("at => document.querySelectorAll('.bw-map-stage > canvas')[at].toDataURL()", canvas)


def test_points_settle_before_ones_eyes_and_in_the_same_way_each_time(open_page: Open) -> None:
    page = ready(open_page, "wait")
    assert "600 images by features" in words(page)
    assert page.locator(".bw-map-progress").inner_text() == "Looking for neighbors…"
    first = pixels(page)
    page.evaluate("kernel.ready = true; kernel.push({event: 'map', what: 'pairs', selected: []})")
    settled(page)
    assert page.locator(".bw-map-progress").inner_text() == ""
    last = pixels(page)
    assert last != first
    again = ready(open_page)
    settled(again)
    assert pixels(again) == last


def test_a_click_opens_an_image_with_its_neighbors(open_page: Open) -> None:
    page = ready(open_page, CROSS)
    page.mouse.move(*at(page))
    tip = page.locator(".bw-map-tip")
    tip.locator("canvas").wait_for()
    assert "Labeled black" in tip.inner_text()
    page.mouse.click(*at(page))
    assert [each["number"] for each in asked(page, "map_open")] == [0]
    assert "1 selected" in words(page)
    page.mouse.click(*at(page, 0.9))
    assert asked(page, "map_open")[-1]["number"] == 1
    page.mouse.click(*at(page, 0.7, 0.9))
    assert len(asked(page, "map_open")) == 2, "there is nothing"
    page.click("text=Clear")
    assert selected(page) == set()
    assert "selected" not in words(page)


def test_lines_go_to_the_neighbors_of_the_image_under_the_pointer(open_page: Open) -> None:
    page = ready(open_page, "n=200")
    settled(page)
    page.locator(".bw-map-stage").focus()
    before = pixels(page, 1)
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".bw-map-tip:not([hidden])")
    with_lines = pixels(page, 1)
    assert with_lines != before
    ink = """() => {
      const canvas = document.querySelectorAll('.bw-map-stage > canvas')[1];
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, at) => at % 4 === 3 && value).length;
    }"""
    assert page.evaluate(ink) > 500


def test_lasso_and_box_select_add_and_take_away(open_page: Open) -> None:
    page = ready(open_page, CROSS)
    page.locator(".bw-map-stage").focus()
    page.keyboard.press("l")
    assert page.locator("[data-tool=lasso]").get_attribute("aria-pressed") == "true"
    corners = around(page, 0.9, 0)
    drag(page, *corners, corners[0])
    assert selected(page) == {1}
    page.click("text=Box")
    drag(page, at(page, -1, 0.05), at(page, 1, -0.05))
    many = selected(page)
    assert {0, 1, 3} <= many
    assert not {2, 4} & many
    assert f"{len(many)} selected" in words(page)
    drag(page, at(page, -0.05, 0.94), at(page, 0.05, 0.85), keys="Shift")
    assert selected(page) == many | {2}
    drag(page, at(page, 0.8, 0.1), at(page, 1, -0.1), keys="Alt")
    left = selected(page)
    assert {0, 2, 3} <= left < many | {2}
    assert 1 not in left
    page.keyboard.press("Escape")
    assert selected(page) == set()


def test_a_lasso_without_its_tool_takes_shift(open_page: Open) -> None:
    page = ready(open_page, CROSS)
    corners = around(page, -0.9, 0)
    drag(page, *corners, corners[0], keys="Shift")
    assert selected(page) == {3}
    page.keyboard.down("Shift")
    page.mouse.click(*at(page, 0.9))
    page.keyboard.up("Shift")
    assert selected(page) == {1, 3}
    assert asked(page, "map_open") == []


def test_dragging_moves_and_the_wheel_zooms_until_images_appear(open_page: Open) -> None:
    page = ready(open_page, "few&n=300&cross")
    before = pixels(page)
    drag(page, at(page, 0.3, 0.3), at(page, 0.4, 0.3))
    assert pixels(page) != before
    assert asked(page, "map_select") == []
    page.click("text=Fit")
    assert pixels(page) == before
    above = pixels(page, 1)
    asked_before = len(asked(page, "map_items"))
    page.mouse.move(*at(page))
    for _ in range(8):
        page.mouse.wheel(0, -200)
    page.wait_for_function("n => kernel.log.filter(m => m.op === 'map_items').length > n", arg=asked_before)
    page.wait_for_function(
        "above => document.querySelectorAll('.bw-map-stage > canvas')[1].toDataURL() !== above", arg=above
    )
    most = max(len(each["numbers"]) for each in asked(page, "map_items"))
    assert 1 < most <= 64


def test_few_images_are_shown_as_images_at_once(open_page: Open) -> None:
    page = ready(open_page, "few&n=20")
    page.wait_for_function("kernel.log.some(m => m.op === 'map_items' && m.numbers.length > 5)")


def test_the_keyboard_goes_everywhere(open_page: Open) -> None:
    page = ready(open_page, CROSS)
    page.locator("#before").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className").startswith("bw-map-stage")
    page.keyboard.press("ArrowRight")  # the one in the middle
    live = page.locator(".bw-map [aria-live=polite]")
    page.wait_for_function("document.querySelector('.bw-map [aria-live=polite]').textContent")
    assert live.inner_text().startswith("labeled black")
    page.keyboard.press("Enter")
    assert asked(page, "map_open")[-1]["number"] == 0
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    assert selected(page) == {0, 1}
    page.keyboard.press(" ")
    assert selected(page) == {0}
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "after"


def test_what_is_said_follows_its_point_and_the_colors(open_page: Open) -> None:
    page = ready(open_page, CROSS)
    page.locator(".bw-map-stage").focus()
    page.keyboard.press("ArrowRight")
    tip = page.locator(".bw-map-tip")
    page.wait_for_selector(".bw-map-tip canvas")
    middle = tip.bounding_box()
    for key in ["ArrowRight"] * 20 + ["+"] * 4 + ["ArrowLeft"] * 20:
        page.keyboard.press(key)
    page.evaluate(FRAME)
    zoomed = tip.bounding_box()
    page.keyboard.press("f")
    page.evaluate(FRAME)
    assert tip.bounding_box() not in (middle, zoomed), "at the point of the left edge"
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    page.select_option("[aria-label='Color by']", "loss")
    page.wait_for_selector(".bw-map-tip >> text=Loss: 0.0400")
    page.locator(".bw-map-stage").focus()
    page.keyboard.press("Escape")
    assert not tip.is_visible()


def test_two_and_three_dimensions_by_a_key(open_page: Open) -> None:
    page = ready(open_page)
    settled(page)
    flat = pixels(page)
    page.locator(".bw-map-stage").focus()
    page.keyboard.press("3")
    settled(page, 3)
    assert page.get_by_role("button", name="3-D").get_attribute("aria-pressed") == "true"
    deep = pixels(page)
    drag(page, at(page, 0.2, 0.2), at(page, 0.5, 0.3))
    assert pixels(page) not in (flat, deep), "it turns"
    assert asked(page, "map_select") == []
    page.keyboard.press("3")
    settled(page, 2)
    assert pixels(page) == flat, "where they settled is known"


def test_colors_and_their_legend(open_page: Open) -> None:
    page = ready(open_page, "few")
    entries = page.locator(".bw-map-entry")
    assert entries.all_inner_texts() == ["black\n200", "grizzly\n200", "<b>teddy</b>\n200"]
    before = pixels(page)
    entries.nth(1).hover()
    assert pixels(page) != before, "the others turn pale"
    entries.nth(1).click()
    assert selected(page) == set(range(1, 600, 3))
    page.select_option("[aria-label='Color by']", "loss")
    page.wait_for_selector(".bw-map-scale")
    assert entries.all_inner_texts() == ["not known\n1"]
    assert [page.locator(".bw-map-legend > span").nth(each).inner_text() for each in (0, 2)] == [
        "0.00",
        "4.00",
    ]
    page.select_option("[aria-label='Color by']", "decision")
    page.wait_for_function("document.querySelectorAll('.bw-map-entry').length === 2")
    assert page.locator(".bw-map table caption").inner_text() == "Images by Decision"
    assert page.locator(".bw-map tbody tr").first.inner_text().split() == ["undecided", "580"]


def test_many_classes_are_searched(open_page: Open) -> None:
    page = ready(open_page, "few&classes=40&n=400")
    entries = page.locator(".bw-map-entry")
    assert entries.count() == 11
    assert entries.last.inner_text() == "30 others\n300"
    find = page.get_by_label("Find a class")
    before = pixels(page)
    find.fill("class 37")
    assert pixels(page) != before
    find.press("Enter")
    assert selected(page) == set(range(37, 400, 40))
    find.fill("bear")
    assert "bw-none" in (find.get_attribute("class") or "")
    entries.last.click()
    assert len(selected(page)) == 300


def test_the_page_hears_of_what_changes(open_page: Open) -> None:
    page = ready(open_page, "few")
    page.evaluate("kernel.selected = [[3, 9]]; kernel.push({event: 'link', by: 'other'})")
    page.wait_for_function("document.querySelector('.bw-map-words').textContent.includes('6 selected')")
    assert asked(page, "map_select") == [], "Python knows"
    colors = len(asked(page, "map_color"))
    page.evaluate(
        "kernel.checked = true; for (let i = 0; i < 5; i++) kernel.push({event: 'map', what: 'colors'})"
    )
    page.wait_for_function("document.querySelectorAll('.bw-map-bar option').length === 5")
    assert len(asked(page, "map_color")) == colors + 1, "one question for several changes"
    assert page.locator("[aria-label='Color by']").input_value() == "label"
    page.evaluate("kernel.revision = 2; kernel.push({event: 'map', what: 'points'})")
    page.wait_for_function("kernel.log.filter(m => m.op === 'map').length === 2")
    page.wait_for_function("kernel.log.filter(m => m.op === 'map_color').at(-1).revision === 2")


def test_sentences_where_there_is_something_to_say(open_page: Open) -> None:
    page = ready(open_page, "few&n=9")
    assert "a layout needs 16 images" in page.locator(".bw-map-progress").inner_text()
    page = ready(open_page, "few&n=20&lost")
    assert (
        page.locator(".bw-map .bw-message").inner_text()
        == "2 images cannot be placed: no features are known."
    )
    page = ready(open_page, "few&n=0")
    assert page.locator(".bw-map .bw-message").inner_text() == "There are no images."
    page.locator(".bw-map-stage").focus()
    for key in ("ArrowRight", "Enter", " ", "3", "f", "+"):
        page.keyboard.press(key)
    page = ready(open_page, CROSS)
    page.evaluate("kernel.fail.map_open = 'The images changed meanwhile.'")
    page.mouse.click(*at(page))
    page.wait_for_selector("text=The images changed meanwhile.")


def test_the_grid_below_shows_and_decides(open_page: Open) -> None:
    page = ready(open_page, f"{CROSS}&grid", height=1200)
    page.wait_for_selector(".bw-cleaner[data-ready] .bw-cell img")
    page.mouse.click(*at(page))
    page.wait_for_selector(".bw-cleaner[data-revision='2']")
    page.locator(".bw-cell").first.click()
    page.keyboard.press("k")
    page.wait_for_function("kernel.log.some(m => m.op === 'mark' && m.action === 'keep')")
    page.evaluate("cleanup()")
    assert page.locator(".bw-root").count() == 0
    assert ready(open_page, CROSS).locator(".bw-cleaner").count() == 0, "a map that drives a grid elsewhere"


def test_the_fake_kernel_and_the_front_end_keep_to_the_contract(open_page: Open) -> None:
    page = ready(open_page, CROSS)
    page.evaluate("window.heard = []; kernel.on('msg:custom', (content) => heard.push(content))")
    page.evaluate("kernel.push({event: 'link', by: 'other'})")
    page.mouse.click(*at(page))
    page.keyboard.press(" ")
    page.select_option("[aria-label='Color by']", "loss")
    page.wait_for_selector(".bw-map-scale")
    for op in ("map", "map_pairs"):
        page.evaluate("op => kernel.send({ kind: 'request', id: -1, op })", op)
    page.wait_for_function("heard.filter(each => each.id === -1).length === 2")
    sent = {each["id"]: each for each in page.evaluate("kernel.log.filter(each => each.kind === 'request')")}
    assert {each["op"] for each in sent.values()} == set(MAP_REQUESTS)
    for message in sent.values():
        fields = {name: value for name, value in message.items() if name not in ("kind", "id", "op")}
        parse(REQUESTS[message["op"]][0], fields)
    replies = page.evaluate("heard.filter(each => each.kind === 'reply')")
    for reply in replies:
        op = (
            sent[reply["id"]]["op"]
            if reply["id"] > 0
            else ("map_pairs" if "near" in reply["result"] else "map")
        )
        assert reply["ok"], (op, reply)
        assert as_json(parse(REQUESTS[op][1], reply["result"])) == reply["result"], (op, reply)
    assert len(replies) >= 5
    parse(MapEvent, {"event": "map", "what": "points"})


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 900, 420])
def test_it_can_be_read_in_both_themes(open_page: Open, theme: str, width: int) -> None:
    page = ready(open_page, f"{CROSS}&theme={theme}", width=width)
    page.mouse.move(*at(page))
    page.wait_for_selector(".bw-map-tip canvas")
    assert page.evaluate("import('./contrast.js').then(module => module.poorTexts())") == []
    ground = page.evaluate(
        "[...document.querySelector('.bw-map-stage > canvas').getContext('2d').getImageData(2, 2, 1, 1).data]"
    )
    assert (sum(ground[:3]) < 200) == (theme == "dark")
    stage, root = (page.locator(each).bounding_box() for each in (".bw-map-stage", ".bw-root"))
    assert stage
    assert root
    assert root["height"] == 520
    assert stage["height"] > 0.7 * root["height"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_every_control_has_a_name(open_page: Open) -> None:
    page = ready(open_page, "few&classes=40&n=400")
    controls = page.locator(".bw-root button, .bw-root select, .bw-root input, .bw-root [role=application]")
    nameless = controls.evaluate_all(
        "all => all.filter(e => !(e.getAttribute('aria-label') || e.textContent.trim() || e.labels?.length)).length"
    )
    assert controls.count() > 15
    assert nameless == 0


def test_a_hundred_thousand_points_are_drawn_and_lassoed(open_page: Open) -> None:
    page = ready(open_page, "few&n=100000")
    page.locator(".bw-map-stage").focus()
    page.keyboard.press("b")
    drag(page, at(page, -1, 0.94), at(page, 0, -0.94))
    assert 20_000 < len(selected(page)) < 80_000
