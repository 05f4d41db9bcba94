"""The Cleaner as a place to work in: room for images, one Tab stop, answers that fit the queue, closer looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    Open = Callable[..., Page]

pytestmark = pytest.mark.browser


@pytest.fixture
def open_cleaner(open_page: Open) -> Open:
    """A function that opens the page as in `open_page`, with the focus on its third tile."""

    def open_(query: str = "queues", *, width: int = 1280, **options: object) -> Page:
        page = open_page(f"cleaner.html?{query}", width=width, **options)
        page.wait_for_selector(".bw-cell img")
        page.wait_for_function("!document.querySelector('.bw-waiting')")
        page.locator('.bw-cell[data-index="2"]').click()
        return page

    return open_


def press(page: Page, *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        page.keyboard.press(key)


def height(page: Page, selector: str) -> float:
    """Height of an element, px."""
    return page.locator(selector).bounding_box()["height"]


@pytest.mark.parametrize(("width", "least"), [(1296, 0.8), (916, 0.7), (656, 0.7)])
@pytest.mark.parametrize("state", ["", "job", "message", "selected"])
def test_most_of_the_height_is_images(open_cleaner: Open, width: int, least: float, state: str) -> None:
    page = open_cleaner("queues&height=600&px=176", width=width)
    before = page.locator(".bw-grid").bounding_box()
    if state == "job":
        page.evaluate("kernel.setJob({state: 'running', step: 3, total: 60, seconds_left: 12})")
        page.wait_for_selector(".bw-job")
    elif state:
        press(page, "Shift+ArrowRight")
        page.wait_for_selector(".bw-bulk")
        if state == "message":
            press(page, "Delete")
            page.wait_for_selector(".bw-toast button")
    now = page.locator(".bw-grid").bounding_box()
    assert now["height"] >= least * height(page, ".bw-root")
    if width > 700:
        assert now == before, "nothing moves under the hand"
        assert height(page, ".bw-toolbar") <= 40


def test_whole_rows_are_shown(open_cleaner: Open) -> None:
    page = open_cleaner("queues&height=600&px=176")
    grid = page.locator(".bw-grid").bounding_box()
    bottoms = page.locator(".bw-cell").evaluate_all(
        "all => all.map(each => each.getBoundingClientRect().bottom)"
    )
    assert min(abs(bottom - grid["y"] - grid["height"]) for bottom in bottoms) <= 4


def test_dense_shows_forty_tiles_and_back(open_cleaner: Open) -> None:
    page = open_cleaner("queues&height=640&px=176")
    press(page, "0")
    page.wait_for_selector(".bw-dense")
    grid = page.locator(".bw-grid").bounding_box()
    inside = (
        """(all, bottom) => all.filter(each => each.getBoundingClientRect().bottom <= bottom + 1).length"""
    )
    assert page.locator(".bw-cell").evaluate_all(inside, grid["y"] + grid["height"]) >= 40
    press(page, "0")
    page.wait_for_selector(".bw-grid:not(.bw-dense)")


@pytest.mark.parametrize("ratio", [1, 2])
@pytest.mark.parametrize("px", [96, 176, 320])
def test_no_thumbnail_is_enlarged(open_page: Open, chromium: object, site: str, ratio: int, px: int) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 760}, device_scale_factor=ratio)
    page = context.new_page()
    page.goto(f"{site}/cleaner.html?px={px}")
    page.wait_for_selector(".bw-cell img")
    page.wait_for_function("!document.querySelector('.bw-waiting')")
    drawn = """all => all.map(image => {
        const box = Math.min(image.clientWidth / image.naturalWidth, image.clientHeight / image.naturalHeight);
        return [getComputedStyle(image).objectFit, box];
    })"""
    fits = page.locator(".bw-cell img").evaluate_all(drawn)
    assert {fit for fit, _ in fits} == {"scale-down"}
    # `naturalWidth` is in px of the page already, as the image says how many px of the screen it has.
    natural = page.locator(".bw-cell img").evaluate_all(
        "all => Math.max(...all.map(image => image.naturalWidth))"
    )
    assert natural == 160 / ratio
    asked = page.evaluate("kernel.log.filter(message => message.op === 'page').at(-1).px")
    assert asked == {(96, 1): 160, (96, 2): 320, (176, 1): 320, (176, 2): 640}.get((px, ratio), asked)
    assert asked <= 640
    context.close()


def test_one_tab_stop_for_the_toolbar_and_one_for_the_grid(open_cleaner: Open) -> None:
    page = open_cleaner()
    page.locator("#before").focus()
    where = "document.activeElement.closest('.bw-toolbar, .bw-grid, .bw-footer')?.className"
    press(page, "Tab")
    assert "bw-toolbar" in page.evaluate(where)
    press(page, "Tab")
    assert "bw-grid" in page.evaluate(where)
    press(page, "Shift+Tab", "ArrowRight", "ArrowRight")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.type("ab")
    press(page, "ArrowLeft")
    assert page.evaluate("document.activeElement.type") == "search", "the caret has a way left"
    press(page, "End", "ArrowRight")
    assert page.evaluate("document.activeElement.textContent").startswith("Filters")
    press(page, "End")
    assert page.evaluate("document.activeElement.ariaLabel") == "More"


def test_enter_does_what_the_queue_proposes_and_the_footer_says_so(open_cleaner: Open) -> None:
    page = open_cleaner()
    suggested = page.evaluate("[3, 4, 5, 6, 7].find(i => kernel.item(i).proposal?.action === 'relabel')")
    page.locator(f'.bw-cell[data-index="{suggested}"]').click()
    label = page.evaluate(f"kernel.item({suggested}).proposal.label")
    assert f"Enter relabel to {label}" in page.inner_text(".bw-keys")
    press(page, "q", *"identical", "Enter")
    page.wait_for_selector('.bw-cell[data-group="first"]')
    says = "{accept: 'keep one of the copies', keep: 'not duplicates', asks: 'duplicate'}"
    page.evaluate(f"kernel.state = (old => () => ({{...old.call(kernel), ...{says}}}))(kernel.state); null")
    page.evaluate("kernel.push({event: 'state', state: kernel.state()}); null")
    page.wait_for_selector(".bw-keys >> text=keep one")
    page.wait_for_selector(".bw-keys >> text=not duplicates")
    press(page, "Enter")
    page.wait_for_function("kernel.state().marked === 2")
    assert page.evaluate("kernel.log.filter(message => message.op === 'resolve_group').length") == 1
    page.evaluate("kernel.holding = ['mark']; null")
    press(page, "k")
    page.wait_for_selector(".bw-badge >> text=✓ keep")


def test_the_caption_is_the_decision(open_cleaner: Open) -> None:
    page = open_cleaner()
    tile = page.locator('.bw-cell[data-index="2"]')
    label = tile.locator(".bw-label").inner_text()
    press(page, "2")
    page.wait_for_selector('.bw-cell[data-index="2"][data-decision="relabel"]')
    words = tile.inner_text()
    assert "→ grizzly" in words
    assert f"was {label}" in words
    assert "model: " in words
    box, image = (tile.locator(each).bounding_box() for each in (".bw-badge", ".bw-image"))
    assert box["y"] > image["y"] + image["height"] / 2, "at the lower edge"
    page.wait_for_function(
        "document.querySelector('.bw-spoken').textContent.startsWith('relabel to grizzly: ')"
    )


def test_next_undecided_and_the_row_above_stays_in_sight(open_cleaner: Open) -> None:
    page = open_cleaner("queues&n=4000")
    press(page, "k", "k", "k", "ArrowLeft", "ArrowLeft", "n")
    page.wait_for_function("document.activeElement.dataset.index === '5'")
    press(page, "Shift+N")
    page.wait_for_function("document.activeElement.dataset.index === '1'")
    for _ in range(4):
        press(page, "ArrowDown")
    above = """() => {
        const columns = Number(document.querySelector('.bw-grid').ariaColCount);
        const box = index => document.querySelector(`[data-index="${index}"]`).getBoundingClientRect();
        const active = Number(document.activeElement.dataset.index);
        return box(active - columns).top >= document.querySelector('.bw-grid').getBoundingClientRect().top - 1;
    }"""
    assert page.evaluate(above)


def test_similar_images_and_back(open_cleaner: Open) -> None:
    page = open_cleaner()
    press(page, "q", *"blurred", "Enter")
    page.wait_for_selector(".bw-queue >> text=Blurred")
    press(page, "ArrowRight", "s")
    page.wait_for_selector(".bw-queue >> text=Similar images")
    press(page, "ArrowRight", "Delete", "Escape")
    page.wait_for_selector(".bw-queue >> text=Blurred")
    page.wait_for_function("document.activeElement.dataset.index === '1'")
    press(page, "s")
    page.click("text=← Back")
    page.wait_for_selector(".bw-queue >> text=Blurred")
    page.wait_for_function("kernel.state().marked === 1")


def shown_anew(page: Page, change: dict[str, object]) -> None:
    """The kernel shows other images, as after another notebook or a saved view asked for them."""
    page.evaluate(
        """change => {
            const view = kernel.state().view;
            kernel.view({...view, filter: {...view.filter, ...change}});
            kernel.push({event: 'state', state: kernel.state()});
        }""",
        change,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"ranges": [{"name": "confidence", "low": 5, "high": None}]},
        {"tag": "gone"},
        {"label": "gone"},
        {"text": "no such name"},
    ],
)
def test_a_filter_without_result_keeps_the_keys_and_has_a_way_out(
    open_cleaner: Open, change: dict[str, object]
) -> None:
    page = open_cleaner()
    shown_anew(page, change)
    page.wait_for_selector(".bw-empty >> text=No items match these filters.")
    assert page.input_value("[aria-label=Class]") == change.get("label", "")
    page.wait_for_function("document.activeElement.closest('.bw-root') !== null")
    press(page, "?")
    page.wait_for_selector(".bw-dialog")
    press(page, "Escape")
    page.wait_for_selector(".bw-dialog", state="detached")
    page.click(".bw-empty >> text=Clear filters")
    page.wait_for_selector(".bw-cell img")
    page.wait_for_function("document.activeElement.dataset.index === '0'")


def test_filters_changed_while_the_kernel_is_busy_all_count(open_cleaner: Open) -> None:
    page = open_cleaner()
    page.click("text=/^Filters/")
    page.wait_for_selector(".bw-histogram")
    page.evaluate("kernel.holding = ['view']; null")
    page.select_option("[aria-label=Split]", "train")
    page.select_option("[aria-label=Decision]", "undecided")
    for end, value in (("Least", "0.6"), ("Most", "0.9")):
        page.fill(f"[aria-label='{end} Confidence']", value)
        press(page, "Tab")
    page.wait_for_function("kernel.held.length === 4")
    page.evaluate("kernel.release()")
    page.wait_for_selector("text=Filters (3)")
    shown = page.evaluate("kernel.state().view.filter")
    assert (shown["split"], shown["decision"]) == ("train", "undecided")
    assert shown["ranges"] == [{"name": "confidence", "low": 0.6, "high": 0.9}]


def test_tags_and_notes(open_cleaner: Open) -> None:
    page = open_cleaner()
    press(page, "Shift+ArrowRight", "t", *"dark", "Enter")
    page.wait_for_selector('.bw-cell[data-index="3"] >> text=#dark')
    press(page, "t")
    page.click(".bw-option >> text=Take away “dark”")
    page.wait_for_function("!document.body.textContent.includes('#dark')")
    press(page, "Escape", "Space")
    page.fill("[aria-label='Note on this image']", "ask Ada")
    press(page, "Shift+Enter")
    page.keyboard.type("or Bob")
    press(page, "Enter")
    page.wait_for_function("kernel.log.some(({op, text}) => op === 'note' && text === 'ask Ada\\nor Bob')")
    press(page, "u")
    page.wait_for_function("kernel.state().marked === 1", timeout=5_000)


@pytest.mark.parametrize("tag", ["constructor", "<b onclick=alert(1)>bold", "x" * 200])
def test_a_tag_of_any_letters_leaves_the_label_its_room(open_cleaner: Open, tag: str) -> None:
    page = open_cleaner()
    label = page.locator('.bw-cell[data-index="2"] .bw-label')
    before = label.bounding_box()["width"]
    press(page, "t")
    page.keyboard.type(tag)
    press(page, "Enter")
    page.wait_for_function("tag => tag in kernel.state().tags && kernel.state().tags[tag] === 1", arg=tag)
    page.wait_for_function("document.querySelector('[data-index=\"2\"] .bw-tags').textContent.length > 5")
    assert label.bounding_box()["width"] >= before - 1
    press(page, "Space")
    page.wait_for_selector(".bw-zoom >> text=Tags:")
    for each in (".bw-zoom-side", ".bw-zoom"):
        assert page.locator(each).evaluate("each => each.scrollWidth <= each.clientWidth")


def test_many_suggestions_at_once_with_a_preview_and_one_undo(open_cleaner: Open) -> None:
    page = open_cleaner()
    page.click("[aria-label=More]")
    page.click(".bw-option >> text=Accept suggestions")
    page.wait_for_selector(".bw-sample img")
    page.select_option("[aria-label='Least confidence']", "0.9")
    go = page.locator(".bw-dialog .bw-main-button")
    page.wait_for_function(
        "document.querySelector('.bw-dialog .bw-main-button').textContent.startsWith('Accept ')"
    )
    page.wait_for_function(
        "kernel.log.filter(message => message.op === 'suggestions').at(-1).at_least === 0.9"
    )
    page.wait_for_timeout(100)
    count = int(go.inner_text().split()[1])
    assert 0 < count < 480
    assert page.evaluate("kernel.state().marked") == 0, "nothing before the button"
    go.click()
    page.wait_for_function(f"kernel.state().marked === {count}")
    page.click(".bw-toast >> text=Undo")
    page.wait_for_function("kernel.state().marked === 0")


def test_ranges_and_saved_views(open_cleaner: Open) -> None:
    page = open_cleaner()
    page.click("text=/^Filters/")
    page.wait_for_selector(".bw-histogram")
    page.fill("[aria-label='Least Confidence']", "0.8")
    press(page, "Tab")
    page.wait_for_function("kernel.state().view.filter.ranges.length === 1")
    assert page.evaluate("kernel.state().view.filter.ranges[0].low") == 0.8
    page.wait_for_selector("text=Filters (1)")
    page.fill("[aria-label='Name to save this view under']", "sure ones")
    page.click(".bw-panel >> role=button[name='Save']")
    page.click(".bw-panel >> text=Clear filters")
    page.wait_for_function("kernel.state().view.filter.ranges.length === 0")
    page.wait_for_function("document.querySelector('[aria-label=\"Least Confidence\"]').value === ''")
    page.select_option("[aria-label='Saved views']", "sure ones")
    page.wait_for_function("kernel.state().view.filter.ranges.length === 1")
    page.wait_for_function("document.querySelector('[aria-label=\"Least Confidence\"]').value === '0.8'")


@pytest.mark.parametrize("fails", [False, True])
def test_a_saved_view_is_forgotten_also_where_it_cannot_be_shown(open_cleaner: Open, *, fails: bool) -> None:
    page = open_cleaner()
    page.click("text=/^Filters/")
    page.wait_for_selector(".bw-histogram")
    page.select_option("[aria-label=Split]", "train")
    page.fill("[aria-label='Name to save this view under']", "mine")
    page.click(".bw-panel >> role=button[name='Save']")
    page.click(".bw-panel >> text=Clear filters")
    page.wait_for_function("kernel.state().view.filter.split === null")
    if fails:
        page.evaluate("kernel.fail.view = 'There is no class panda.'; null")
    page.select_option("[aria-label='Saved views']", "mine")
    if fails:
        page.wait_for_selector(".bw-toast >> text=There is no class panda.")
    else:
        page.wait_for_function("kernel.state().view.filter.split === 'train'")
    page.click("[aria-label='Forget this saved view']")
    page.wait_for_function("kernel.state().saved.length === 0")
    page.wait_for_function("document.activeElement.closest('.bw-panel') !== null")
    press(page, "Escape")
    page.wait_for_function("document.activeElement.dataset.index !== undefined")


def test_the_zoom_fits_shows_every_pixel_and_compares(open_cleaner: Open) -> None:
    page = open_cleaner()
    press(page, "Space")
    page.wait_for_selector('.bw-zoom[data-full="true"]')
    scale = "document.querySelector('.bw-pane img').clientWidth / document.querySelector('.bw-pane img').naturalWidth"
    page.wait_for_selector(".bw-zoom >> text=Looks like: sloth bear (93 %)")
    fitted = page.evaluate(scale)
    assert fitted > 1
    page.click("text=/^100 %$/")
    assert page.evaluate(scale) == pytest.approx(1, abs=0.02)
    page.click("text=Fit")
    assert page.evaluate(scale) == pytest.approx(fitted)
    box = page.locator(".bw-pane").bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.wheel(0, -300)
    page.wait_for_function(f"{scale} > {fitted} * 1.2")
    moved = "document.querySelector('.bw-pane img').style.transform"
    before = page.evaluate(moved)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 140, steps=3)
    page.mouse.up()
    assert page.evaluate(moved) != before
    press(page, "x")
    page.wait_for_function("document.querySelectorAll('.bw-pane img').length === 2")
    page.wait_for_function("[...document.querySelectorAll('.bw-pane img')].every(each => each.naturalWidth)")
    sides = page.locator(".bw-pane").evaluate_all("all => all.map(each => each.clientWidth)")
    assert abs(sides[0] - sides[1]) <= 1
    press(page, "Delete")
    page.wait_for_function("kernel.state().marked === 1")


def test_an_image_beside_an_unreadable_one_is_fitted(open_cleaner: Open) -> None:
    page = open_cleaner()
    page.locator('.bw-cell[data-index="11"]').click()
    press(page, "x")
    page.wait_for_selector(".bw-pane[data-error] + .bw-pane:not([data-error])")
    wide = "[...document.querySelectorAll('.bw-pane')].at(-1)"
    page.wait_for_function(f"Math.abs({wide}.clientWidth - {wide}.firstElementChild.clientWidth) <= 1")


def test_the_model_in_short_and_behind_it_how_it_was_made(open_cleaner: Open) -> None:
    page = open_cleaner()
    assert page.inner_text(".bw-scores .bw-cut") == "Quick model · 5.0 % error"
    assert height(page, ".bw-toolbar") <= 40
    page.click(".bw-scores")
    page.wait_for_selector(".bw-about >> text=cached features, efficientnet_lite0, 224 px")
    press(page, "Escape")
    page.wait_for_selector(".bw-about", state="detached")
    press(page, "Delete")
    page.wait_for_function("kernel.state().marked === 1")
    page.evaluate("kernel.push({event: 'state', state: {...kernel.state(), model: ''}}); null")
    page.wait_for_selector(".bw-scores", state="hidden")
    narrow = open_cleaner(width=656)
    assert not narrow.locator(".bw-scores").is_visible()


@pytest.mark.parametrize("asked", ["() => Promise.reject(new Error('not allowed here'))", "undefined"])
def test_full_window_and_back(open_cleaner: Open, asked: str) -> None:
    page = open_cleaner()
    page.evaluate(f"Element.prototype.requestFullscreen = {asked}; null")
    press(page, "f")
    page.wait_for_selector(".bw-window")
    assert page.locator(".bw-root").bounding_box() == {"x": 0, "y": 0, "width": 1280, "height": 760}
    press(page, "k", "f")
    page.wait_for_selector(".bw-root:not(.bw-window)")


@pytest.mark.parametrize(
    ("opens", "inside"), [("q", ".bw-menu"), ("?", "dialog[open]"), ("Space", "dialog[open]"), ("", "")]
)
def test_escape_leaves_the_full_window_once_all_in_it_is_closed(
    open_cleaner: Open, opens: str, inside: str
) -> None:
    page = open_cleaner()
    page.evaluate("Element.prototype.requestFullscreen = undefined; null")
    press(page, "f")
    if opens:
        press(page, opens)
        page.wait_for_selector(inside)
        press(page, "Escape")
        page.wait_for_selector(inside, state="detached")
    assert page.locator(".bw-window").count() == 1
    press(page, "Escape")
    page.wait_for_selector(".bw-root:not(.bw-window)")


def test_what_is_held_out_can_be_left_as_it_is(open_cleaner: Open) -> None:
    page = open_cleaner()
    press(page, "Delete", "Delete", "Delete")
    page.click(".bw-toolbar >> text=Apply")
    page.wait_for_selector(".bw-dialog >> text=Also 1 held-out image")
    page.click(".bw-dialog input[type=checkbox]")
    page.click(".bw-dialog >> role=button[name='Move 2 to trash']")
    page.wait_for_function("kernel.log.some(message => message.op === 'apply' && message.held_out === false)")


def test_what_was_found_meanwhile_is_offered(open_cleaner: Open) -> None:
    page = open_cleaner()
    ready = "{ready: '48 suspects found.'}"
    page.evaluate(f"kernel.state = (old => () => ({{...old.call(kernel), ...{ready}}}))(kernel.state); null")
    page.evaluate("kernel.push({event: 'state', state: kernel.state()}); null")
    page.click("text=48 suspects found: show")
    page.wait_for_function("kernel.state().view.queue === 'contradictions'")


def test_queues_of_before_are_called_so(open_cleaner: Open) -> None:
    page = open_cleaner()
    page.evaluate("kernel.push({event: 'state', state: {...kernel.state(), outdated: true}}); null")
    press(page, "q")
    page.wait_for_selector(
        ".bw-option.bw-note >> text=Found before files or labels changed. cleaner.find_issues()"
    )
    press(page, "Escape")
    finding = "{...kernel.state().job, kind: 'find', state: 'running'}"
    page.evaluate(
        f"kernel.push({{event: 'state', state: {{...kernel.state(), outdated: true, job: {finding}}}}}); null"
    )
    page.wait_for_selector(".bw-job >> text=Finding the queues anew")
    assert page.locator(".bw-toolbar >> text=Training…").count() == 0
    press(page, "q")
    page.wait_for_selector(".bw-option.bw-note >> text=They are being found anew.")
    press(page, "ArrowUp", "ArrowUp", "Enter")
    page.wait_for_function("kernel.log.some(message => message.op === 'view')")


def test_a_path_beside_spells_out_what_cannot_be_seen(open_cleaner: Open) -> None:
    page = open_cleaner()
    named = "kernel.item = (item => k => ({...item.call(kernel, k), path: `a/\\u202e${k}.jpg`}))(kernel.item); null"
    page.evaluate(named)
    page.evaluate("kernel.push({event: 'items', ids: null}); null")
    press(page, "Space", "x")
    page.wait_for_function(r"document.querySelector('[data-beside]')?.dataset.beside.includes('\\u202e')")


def test_names_of_any_length_and_script(open_cleaner: Open) -> None:
    page = open_cleaner("queues&classes=1000")
    assert page.locator(".bw-chip").count() == 9
    page.evaluate("kernel.classes = ['x'.repeat(80), 'دب أسود', 'grizzly']")
    page.evaluate(
        "kernel.push({event: 'state', state: kernel.state()}); kernel.push({event: 'items', ids: null})"
    )
    page.wait_for_selector(".bw-legend >> text=دب أسود")
    wide = (
        "document.querySelector('.bw-footer').scrollWidth <= document.querySelector('.bw-footer').clientWidth"
    )
    assert page.evaluate(wide)
    press(page, "r", *"class 99", "Escape")
    page.wait_for_selector(".bw-model >> text=دب")
    said = """all => all.filter(each => each.textContent.includes('دب')).map(each => {
        const [name, share] = [each.querySelector('bdi'), each.lastElementChild];
        return share.getBoundingClientRect().left >= name.getBoundingClientRect().right - 1;
    })"""
    shares = page.locator(".bw-model").evaluate_all(said)
    assert shares
    assert all(shares), "a share stands after its name, also where that is read from right to left"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_panel_can_be_read(open_cleaner: Open, theme: str) -> None:
    page = open_cleaner(f"queues&theme={theme}")
    poor = "import('./contrast.js').then(module => module.poorTexts())"
    for opener in ("[aria-label=More]", "text=/^Filters/", ".bw-queue"):
        page.click(opener)
        page.wait_for_selector(".bw-menu, .bw-panel")
        page.wait_for_timeout(100)
        assert page.evaluate(poor) == []
        press(page, "Escape")
    press(page, "Space", "x")
    page.wait_for_timeout(200)
    assert page.evaluate(poor) == []
