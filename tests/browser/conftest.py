"""Headless Chromium on pages whose kernel is played by JavaScript (fake.js)."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright import sync_api as playwright_api

ROOT = Path(__file__).parents[2]


class _QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Keeps the test output readable."""


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """Address of a server of the repository's files."""
    handler = functools.partial(_QuietHandler, directory=str(ROOT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/tests/browser"
        server.shutdown()


@pytest.fixture
def open_page(chromium: playwright_api.Browser, site: str) -> Iterator[Callable[..., playwright_api.Page]]:
    """A function that opens a page of this folder; any console error or exception in it fails the test."""
    errors: list[str] = []
    contexts: list[playwright_api.BrowserContext] = []

    def open_(
        path: str, *, width: int = 1000, height: int = 760, scheme: str = "light", touch: bool = False
    ) -> playwright_api.Page:
        size = {"width": width, "height": height}
        context = chromium.new_context(viewport=size, color_scheme=scheme, has_touch=touch)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{site}/{path}")
        page.wait_for_function("typeof window.cleanup === 'function'")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(open_page: Callable[..., playwright_api.Page]) -> playwright_api.Page:
    """A Cleaner with queues, the focus on its third tile."""
    page = open_page("cleaner.html?queues")
    page.wait_for_selector(".bw-cell img")
    page.locator('.bw-cell[data-index="2"]').click()
    return page
