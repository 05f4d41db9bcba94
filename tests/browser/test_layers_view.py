"""What layers respond to, in headless Chromium, the kernel played by the page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from bearwidgets.safe_text import as_json
from bearwidgets.widgets.parse import parse
from bearwidgets.widgets.protocol import LAYERS_REQUESTS

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Open = Callable[..., "Page"]
POOR = "import('./contrast.js').then(module => module.poorTexts())"


def ready(open_page: Open, query: str = "") -> Page:
    page = open_page(f"view.html?view=layers&{query}")
    page.evaluate("window.heard = []; kernel.on('msg:custom', (content) => heard.push(content))")
    page.wait_for_selector("[data-ready]")
    return page


def showing(page: Page, what: str) -> None:
    page.wait_for_selector(f'[data-shown="{what}"]')


def asked(page: Page, op: str) -> list:
    return page.evaluate("op => kernel.log.filter((each) => each.op === op)", op)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_channels_are_tiles_and_one_opens_in_full(open_page: Open, theme: str) -> None:
    page = ready(open_page, f"theme={theme}")
    showing(page, "conv_stem 0 patches")
    assert page.locator(".bw-channel").count() == 32
    assert page.locator(".bw-layer option").all_inner_texts()[1] == (
        "blocks.2.<b>.conv_dw · 100 channels · sees 51 × 51 px"
    )
    assert page.evaluate(
        "[...document.querySelectorAll('.bw-channel img')].every((each) => each.naturalWidth > 0)"
    )
    page.locator(".bw-channel").nth(5).click()
    page.wait_for_selector(".bw-patches")
    assert asked(page, "channel")[-1]["channel"] == 5
    items = page.locator(".bw-patches li")
    assert items.count() == 9
    assert "teddy/<img src=x onerror=alert(1)>.jpg" in items.nth(1).inner_text()
    assert page.locator("img[onerror]").count() == 0
    assert "x 20–71, y 10–61" in items.nth(1).inner_text()
    whole, frame = (
        items.nth(1).locator(".bw-whole").bounding_box(),
        items.nth(1).locator(".bw-frame").bounding_box(),
    )
    assert whole
    assert frame
    assert frame["x"] - whole["x"] == pytest.approx(whole["width"] * 20 / 224, abs=1)
    assert frame["width"] == pytest.approx(whole["width"] * 51 / 224, abs=1)
    dot = items.nth(1).locator(".bw-dot").bounding_box()
    assert dot
    assert dot["x"] + dot["width"] / 2 - whole["x"] == pytest.approx(whole["width"] * 45 / 224, abs=1)
    assert page.evaluate(POOR) == []
    page.click("[aria-label='Close the channel']")
    assert page.locator(".bw-patches").count() == 0 or page.locator(".bw-channel-full").is_hidden()
    assert page.locator(".bw-channel:focus").get_attribute("data-channel") == "5", (
        "the keys go on where they were"
    )


def test_keys_walk_over_channels_and_pages(open_page: Open) -> None:
    page = ready(open_page)
    showing(page, "conv_stem 0 patches")
    page.select_option(".bw-layer", "blocks.2.<b>.conv_dw")
    showing(page, "blocks.2.<b>.conv_dw 0 patches")
    assert page.locator(".bw-page-of").inner_text() == "0–47 of 100"
    page.locator(".bw-channel").first.focus()
    columns = page.evaluate(
        "(() => { const all = [...document.querySelectorAll('.bw-channel')];"
        " return all.filter((each) => each.offsetTop === all[0].offsetTop).length; })()"
    )
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector(f"h2:has-text('channel {columns + 1}')")
    assert page.locator(".bw-channel[aria-selected='true']").get_attribute("data-channel") == str(columns + 1)
    page.keyboard.press("PageDown")
    showing(page, "blocks.2.<b>.conv_dw 48 patches")
    assert page.locator(".bw-channel:focus").count() == 1
    page.keyboard.press("PageDown")
    showing(page, "blocks.2.<b>.conv_dw 96 patches")
    assert page.locator(".bw-channel").count() == 4
    assert page.locator("[aria-label='Next channels']").is_disabled()
    page.keyboard.press("PageUp")
    showing(page, "blocks.2.<b>.conv_dw 48 patches")
    assert page.locator(".bw-channel[tabindex='0']").count() == 1, "one Tab stop"


def test_kernels_of_the_first_layer_and_maps_of_an_image(open_page: Open) -> None:
    page = ready(open_page)
    showing(page, "conv_stem 0 patches")
    page.select_option("[aria-label='Show']", "kernels")
    showing(page, "conv_stem 0 kernels")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.bw-channel img')).imageRendering")
        == "pixelated"
    )
    page.locator(".bw-channel").nth(2).click()
    page.click("[aria-label='Maps of grizzly/002.jpg']")
    showing(page, "conv_stem 0 maps")
    assert asked(page, "channels")[-1]["image"] == "id2"
    assert page.locator("[aria-label='Show'] option:checked").inner_text() == "Maps of grizzly/002.jpg"
    page.select_option(".bw-layer", "conv_head")
    showing(page, "conv_head 0 maps")
    assert page.locator("[aria-label='Show'] option").all_inner_texts() == [
        "Patches",
        "Maps of grizzly/002.jpg",
    ]
    for message in page.evaluate("kernel.log.filter((each) => each.kind === 'request')"):
        fields = {name: value for name, value in message.items() if name not in ("kind", "id", "op")}
        parse(LAYERS_REQUESTS[message["op"]][0], fields)
        (reply,) = [each for each in page.evaluate("heard") if each.get("id") == message["id"]] or [None]
        if reply:
            result = reply["result"]
            assert as_json(parse(LAYERS_REQUESTS[message["op"]][1], result)) == result


def test_it_goes_on_while_images_are_looked_at_and_stops(open_page: Open) -> None:
    page = ready(open_page, "running")
    assert "receptive fields 112 of 448 · 8 s left" in page.locator(".bw-root").inner_text()
    assert "Finding out what each layer sees" in page.locator(".bw-root").inner_text()
    running = """({...idle, state: 'running', phases: [{...idle.phases[0]},
                  {name: 'layers', done: 8, total: 480, state: 'running'}]})"""
    page.evaluate(f"kernel.known = {{...kernel.known, layers: all, job: {running}}}; null")
    page.evaluate(f"kernel.push({{event: 'job', job: {running}}})")
    showing(page, "conv_stem 0 patches")
    page.click("text=Stop")
    assert page.locator(".bw-button:has-text('Stop')").is_disabled()
    page.evaluate("kernel.known.job = {...idle, state: 'stopped'}; null")
    page.evaluate("kernel.known.note = 'Stopped after 8 of 480.'; null")
    page.evaluate("kernel.push({event: 'job', job: kernel.known.job})")
    page.wait_for_selector("text=Stopped after 8 of 480.")
    page.click("text=Look again")
    page.wait_for_selector("text=receptive fields 16 of 448")
    page.evaluate("kernel.known.job = {...idle, state: 'failed', error: 'The disk is full.'}; null")
    page.evaluate("kernel.push({event: 'job', job: kernel.known.job})")
    page.wait_for_selector("[role=alert]:has-text('The disk is full.')")
    page.evaluate("cleanup()")
    assert page.evaluate("kernel.listenerCount()") == 1
