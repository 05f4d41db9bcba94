"""What the view says of an act: toasts with their Undo, and dialogs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def press(page: Page, *keys: str) -> None:
    """Press keys, one after the other."""
    for key in keys:
        page.keyboard.press(key)


def mark_two(page: Page) -> None:
    """Mark the first two items at once, which brings a toast with an Undo."""
    page.locator('.bw-cell[data-index="0"]').click()
    press(page, "Shift+ArrowRight", "Delete")
    page.wait_for_selector(".bw-toast >> text=Marked 2 delete")
    page.wait_for_selector(".bw-toast button")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("Delete", "these images are marked so already"),
        ("Enter", "no suggestion, or it is accepted already"),
    ],
)
def test_where_nothing_changed_no_undo_is_offered(page: Page, key: str, words: str) -> None:
    mark_two(page)
    page.evaluate("kernel.item = (item => k => ({...item.call(kernel, k), proposal: null}))(kernel.item)")
    press(page, key)
    page.wait_for_selector(f".bw-toast >> text={words}")
    assert page.locator(".bw-toast button").count() == 0
    press(page, "Control+z")
    page.wait_for_function("kernel.state().marked === 0")


ACTS = {
    "a mark": "ArrowRight k",
    "an undo": "Control+z",
    "a class": "ArrowRight 2",
    "a group": "ArrowRight g",
}


@pytest.mark.parametrize("act", ACTS)
def test_the_next_act_closes_the_undo_of_the_one_before(page: Page, act: str) -> None:
    if act == "a group":
        page.keyboard.press("q")
        page.click(".bw-option >> text=Identical copies")
        page.wait_for_selector('.bw-cell[data-index="2"]')
    mark_two(page)
    page.evaluate("kernel.holding = ['mark', 'undo', 'resolve_group']")
    press(page, *ACTS[act].split())
    page.wait_for_function("kernel.held.length === 1")
    assert page.locator(".bw-toast button").count() == 0
    page.evaluate("kernel.release()")


def test_a_decision_from_elsewhere_closes_it_too(page: Page) -> None:
    mark_two(page)
    page.evaluate("kernel.push({event: 'items', ids: ['id7']}); null")
    assert page.locator(".bw-toast button").count() == 0


def test_no_undo_is_offered_once_a_later_act_was_sent(page: Page) -> None:
    page.evaluate("kernel.holding = ['mark']")
    press(page, "Shift+ArrowRight", "Delete", "ArrowRight", "k")
    page.wait_for_function("kernel.held.length === 2")
    page.evaluate("kernel.release()")
    page.wait_for_selector(".bw-toast >> text=Marked 2 delete")
    assert page.locator(".bw-toast button").count() == 0


def test_the_plan_counts_all_problems(page: Page) -> None:
    press(page, "Delete")
    page.evaluate(
        "kernel.problems = Array.from({length: 300}, (_, i) => ({path: `a/${i}.jpg`, reason: 'it changed'}))"
    )
    page.click(".bw-toolbar >> text=Apply")
    page.wait_for_selector(".bw-dialog >> text=⚠ 300 problems")
    page.wait_for_selector(".bw-dialog >> text=The first 200 of 300.")
    assert page.locator(".bw-dialog td >> text=it changed").count() == 200


@pytest.mark.parametrize("op", ["apply", "rollback"])
@pytest.mark.parametrize("fails", [True, False])
def test_an_end_that_no_dialog_can_say_is_said_in_a_toast(page: Page, op: str, *, fails: bool) -> None:
    press(page, "Delete")
    page.click(".bw-toolbar >> text=Apply")
    if op == "rollback":
        page.click(".bw-main-button")
        page.click(".bw-dialog >> text=Roll back…")
    page.evaluate("op => { kernel.holding = [op]; }", op)
    page.click(".bw-dialog >> text=Roll back round 1" if op == "rollback" else ".bw-main-button")
    page.wait_for_function("kernel.held.length === 1")
    press(page, "Escape")
    page.wait_for_selector(".bw-dialog", state="detached")
    if fails:
        page.evaluate("op => { kernel.fail[op] = 'The disk is full.'; }", op)
    page.evaluate("kernel.release()")
    done = {"apply": "Done, round 1.", "rollback": "Round 1 was rolled back."}[op]
    failed = {"apply": "Not applied: The disk is full.", "rollback": "Not rolled back: The disk is full."}[op]
    page.wait_for_selector(f".bw-toast >> text={failed if fails else done}")
    assert (page.locator(".bw-toast").get_attribute("data-bad") is not None) == fails


@pytest.mark.parametrize("op", ["plan", "rounds"])
def test_two_presses_open_one_dialog(page: Page, op: str) -> None:
    press(page, "Delete")
    page.click(".bw-toolbar >> text=Apply")
    page.click(".bw-main-button")
    page.click(".bw-dialog >> text=Close")
    press(page, "Delete")
    asked = page.evaluate("op => { kernel.holding = [op]; return kernel.log.length; }", op)
    for _ in range(2):
        if op == "plan":
            page.click(".bw-toolbar >> text=Apply")
        else:
            page.click("[aria-label=More]")
            page.click(".bw-option >> text=Roll back")
    page.wait_for_function("kernel.held.length > 0")
    sent = page.evaluate("([op, from]) => kernel.log.slice(from).filter(each => each.op === op)", [op, asked])
    assert len(sent) == 1
    page.evaluate("kernel.release()")
    page.wait_for_selector(".bw-dialog")
    assert page.locator("dialog").count() == 1


def test_help_opens_once_and_no_dialog_opens_over_it(page: Page) -> None:
    press(page, "Delete")
    page.evaluate("kernel.holding = ['plan']")
    page.click(".bw-toolbar >> text=Apply")
    page.wait_for_function("kernel.held.length === 1")
    for _ in range(2):
        page.evaluate(
            """document.querySelector('.bw-root').dispatchEvent(
                new KeyboardEvent('keydown', {key: '?', bubbles: true, composed: true}))"""
        )
    page.evaluate("window.answered = new Promise(done => kernel.on('msg:custom', done)); kernel.release()")
    page.evaluate("window.answered.then(() => new Promise(done => setTimeout(done)))")
    assert page.locator("dialog h2").all_inner_texts() == ["Keys"]


def reorder(page: Page, queue: str | None = None) -> None:
    """Another order comes from the kernel, as after a training or from another view."""
    page.evaluate(
        """queue => {
            kernel.view({...kernel.state().view, descending: false, queue});
            kernel.push({event: 'state', state: kernel.state()});
        }""",
        queue,
    )
    page.wait_for_function(
        "document.querySelector('.bw-root').dataset.revision === `${kernel.state().revision}`"
    )


@pytest.mark.parametrize("key", ["Delete", "k", "Enter", "1", "r", "t", "g", "s", "chip"])
def test_a_key_does_nothing_to_an_image_that_nobody_saw_yet(page: Page, key: str) -> None:
    page.evaluate("kernel.holding = ['page']; null")
    reorder(page)
    before = page.evaluate("kernel.log.length")
    page.click(".bw-chip >> text=teddy") if key == "chip" else press(page, key)
    page.wait_for_selector(".bw-toast >> text=The image is not loaded yet; nothing was done.")
    asked = page.evaluate(f"kernel.log.slice({before}).map(({{op}}) => op)")
    assert not {"mark", "tag", "resolve_group", "view"} & set(asked)
    page.evaluate("kernel.release()")
    page.wait_for_selector('.bw-cell[data-index="0"] img')
    press(page, "Delete")
    page.wait_for_function("kernel.state().marked === 1")


@pytest.mark.parametrize("key", ["Delete", "g"])
def test_nor_in_the_zoom(page: Page, key: str) -> None:
    page.evaluate("kernel.holding = ['page', 'full']; null")
    press(page, "Space", "End")
    page.wait_for_selector(".bw-zoom >> text=480 of 480")
    press(page, key)
    page.wait_for_selector(".bw-zoom >> text=The image is not loaded yet; nothing was done.")
    assert page.evaluate("kernel.state().marked") == 0


@pytest.mark.parametrize("key", ["r", "t"])
def test_a_choice_of_an_order_that_is_gone_does_nothing(page: Page, key: str) -> None:
    press(page, key)
    page.wait_for_selector(".bw-menu")
    page.keyboard.type("teddy")
    reorder(page)
    press(page, "Enter")
    page.wait_for_selector(".bw-toast >> text=The order changed meanwhile; nothing was done.")
    assert page.evaluate("kernel.log.filter(({op}) => op === 'mark' || op === 'tag')") == []
    press(page, key)
    page.keyboard.type("teddy")
    press(page, "Enter")
    page.wait_for_function("kernel.log.some(({op}) => op === 'mark' || op === 'tag')")


def test_suggestions_of_an_order_that_is_gone_are_looked_at_again(page: Page) -> None:
    page.click("[aria-label=More]")
    page.click(".bw-option >> text=Accept suggestions")
    page.wait_for_function("kernel.log.filter(({op}) => op === 'suggestions').length === 2")
    page.wait_for_selector(".bw-main-button:enabled")
    reorder(page)
    page.click(".bw-main-button")
    page.wait_for_selector(".bw-dialog >> text=The order changed meanwhile, and nothing was done")
    assert page.evaluate("kernel.state().marked") == 0
    page.wait_for_selector(".bw-main-button:enabled")
    page.click(".bw-main-button")
    page.wait_for_function("kernel.state().marked > 0")
    asked, marked = page.evaluate(
        "['suggestions', 'mark'].map(op => kernel.log.findLast(message => message.op === op).revision)"
    )
    assert asked == marked


def test_the_zoom_and_its_note_stay_at_their_image_in_another_order(page: Page) -> None:
    press(page, "Space")
    page.wait_for_selector('.bw-zoom[data-full="true"]')
    shown = page.inner_text(".bw-zoom h2")
    page.click(".bw-note-input")
    page.keyboard.type("two bears")
    reorder(page)
    page.wait_for_selector(".bw-zoom >> text=478 of 480")
    page.wait_for_function("path => document.querySelector('.bw-zoom h2').textContent === path", arg=shown)
    press(page, "Enter", "Delete")
    page.wait_for_function("kernel.log.some(({op}) => op === 'mark')")
    assert page.evaluate("kernel.log.find(({op}) => op === 'note').item") == "id2"
    assert page.evaluate("kernel.log.find(({op}) => op === 'mark').ranges") == [[477, 478]]
    page.wait_for_selector(".bw-zoom >> text=479 of 480")
    page.wait_for_function("document.querySelector('.bw-zoom h2').textContent.endsWith('.jpg')")
    reorder(page, "dark")
    page.wait_for_selector(".bw-zoom", state="detached")
    page.wait_for_selector(".bw-toast >> text=that image is not in this view any more")


def test_decisions_that_harm_are_undone_in_one_act(page: Page) -> None:
    page.evaluate(
        "kernel.queues.look_again = {title: 'Look again: decisions that harm', certain: true, groups: [[0], [1]]}"
    )
    mark_two(page)
    assert not page.locator("text=Undo these 2 decisions").is_visible()
    page.keyboard.press("q")
    page.click(".bw-option >> text=Look again")
    page.click(".bw-toolbar >> text=Undo these 2 decisions")
    page.wait_for_selector(".bw-toast >> text=2 decisions that harmed undone")
    page.wait_for_function("kernel.state().marked === 0")
    page.wait_for_selector("text=Undo these 2 decisions", state="hidden")
    page.click(".bw-toast button")
    page.wait_for_function("kernel.state().marked === 2")
