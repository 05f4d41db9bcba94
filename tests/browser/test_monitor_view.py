"""The monitor of trainings in headless Chromium, its kernel played by the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from bearwidgets.widgets.parse import parse
from bearwidgets.widgets.protocol import MONITOR_REQUESTS, MonitorState

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Open = Callable[..., "Page"]
POOR = "import('./contrast.js').then(module => module.poorTexts())"
PLOT = ".bw-plot >> nth={}"


def ready(open_page: Open, query: str = "") -> Page:
    page = open_page(f"view.html?view=monitor&{query}")
    page.wait_for_selector("[data-ready]")
    page.wait_for_function(
        "[...document.querySelectorAll('.bw-plot svg')].every((each) => each.childElementCount > 5)"
    )
    return page


def asked(page: Page, op: str) -> list:
    return page.evaluate("op => kernel.log.filter((each) => each.op === op)", op)


def read(page: Page, number: int) -> str:
    return page.locator(".bw-plot-read").nth(number).inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_curves_have_axes_legend_and_readable_texts(open_page: Open, theme: str) -> None:
    page = ready(open_page, f"theme={theme}")
    assert page.locator(".bw-plot strong").all_inner_texts() == [
        "Loss",
        "On the evaluation split",
        "Learning rate",
    ]
    first = page.locator(".bw-plot").first
    texts = first.locator("svg text").all_text_contents()
    assert {"0", "1", "2", "3", "4", "0.4", "epoch", "frozen", "unfrozen"} <= set(texts)
    assert "validation loss 0.25" in first.locator("figcaption").inner_text()
    assert "f1 <b> 0.94" in page.locator(".bw-plot").nth(1).inner_text(), "a name is text"
    points = first.locator("polyline").first.get_attribute("points") or ""
    assert len(points.split()) == 120
    assert page.evaluate(POOR) == []
    box, svg = first.bounding_box(), first.locator("svg").bounding_box()
    assert box
    assert svg
    assert svg["width"] <= box["width"]
    parse(MonitorState, page.evaluate("kernel.state"))


def test_pointer_and_keys_read_the_curves(open_page: Open) -> None:
    page = ready(open_page)
    box = page.locator(".bw-plot-box").first
    size = box.bounding_box()
    assert size
    box.hover(position={"x": 48 + (size["width"] - 58) / 2, "y": 60})
    assert read(page, 0).startswith("epoch 2 · training loss 0.")
    assert read(page, 0).endswith("validation loss 0.488")
    page.locator(".bw-plot-box").nth(1).focus()
    page.keyboard.press("Home")
    assert read(page, 1) == "epoch 1 · error rate 0.21 · f1 <b> 0.8"
    page.keyboard.press("ArrowRight")
    slider = page.locator(".bw-plot-box").nth(1)
    assert slider.get_attribute("aria-valuetext") == "epoch 2 · error rate 0.12 · f1 <b> 0.85"
    assert (slider.get_attribute("aria-valuenow"), slider.get_attribute("aria-valuemax")) == ("1", "3")


def test_a_click_or_enter_in_the_search_sets_the_rate(open_page: Open) -> None:
    page = ready(open_page)
    page.click("text=Find a rate")
    page.wait_for_selector(".bw-plot-choice svg polyline")
    box = page.locator(".bw-plot-choice .bw-plot-box")
    size = box.bounding_box()
    assert size
    box.click(position={"x": 48 + (size["width"] - 58) * 0.6, "y": 60})
    page.wait_for_selector(".bw-chosen", state="attached")
    (rate,) = [each["rate"] for each in asked(page, "rate")]
    assert 1e-4 < rate < 1e-2
    assert float(page.input_value(".bw-rate")) == pytest.approx(rate, rel=0.01)
    box.focus()
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_function("kernel.log.filter((each) => each.op === 'rate').length === 2")
    assert asked(page, "rate")[-1]["rate"] == pytest.approx(1e-7 * 1.2**88)
    page.click("text=valley 0.0021")
    page.wait_for_selector("[aria-pressed='true']:has-text('valley')")
    page.fill(".bw-rate", "fast")
    page.keyboard.press("Enter")
    assert "allowed is a number above 0" in page.locator("[role=alert]:visible").inner_text()
    page.fill(".bw-rate", "3e-4")
    page.keyboard.press("Enter")
    page.wait_for_function("kernel.log.at(-1).rate === 3e-4")
    for message in page.evaluate("kernel.log.filter((each) => each.kind === 'request')"):
        fields = {name: value for name, value in message.items() if name not in ("kind", "id", "op")}
        parse(MONITOR_REQUESTS[message["op"]][0], fields)
    assert page.evaluate(POOR) == []


def test_a_training_is_followed_and_stopped(open_page: Open) -> None:
    page = ready(open_page, "empty")
    assert "This learner has no history yet." in page.locator(".bw-root").inner_text()
    assert page.locator(".bw-plot").count() == 0
    running = {"state": "running", "message": "", "stage": "one cycle", "step": 30, "total": 120}
    page.evaluate("changes => kernel.change(changes)", {**running, "seconds_left": 12})
    page.wait_for_selector("text=one cycle 30 of 120 · 12 s left")
    assert page.locator("[role=progressbar]").get_attribute("aria-valuenow") == "25"
    assert page.locator("text=Find a rate").is_disabled()
    page.click("text=Stop")
    page.wait_for_selector("text=Stopping at the next batch")
    assert len(asked(page, "stop")) == 1
    page.evaluate("kernel.change({state: 'failed', message: 'The loss became NaN at step 3 of 9.'})")
    page.wait_for_selector(".bw-failed:has-text('The loss became NaN')")
    assert page.locator(".bw-button:has-text('Stop')").is_hidden()


def test_an_error_of_the_kernel_is_said_and_one_point_is_a_dot(open_page: Open) -> None:
    page = ready(open_page, "quick&theme=dark")
    assert page.locator(".bw-plot").first.locator("circle").count() == 2
    page.evaluate(
        "kernel.fail = {find_rate: 'This learner is being trained; wait for that or stop it first.'}"
    )
    page.click("text=Find a rate")
    page.wait_for_selector("[role=alert]:has-text('is being trained')")
    page.evaluate("cleanup()")
    assert page.locator(".bw-root").count() == 0
    assert page.evaluate("kernel.listenerCount()") == 0
