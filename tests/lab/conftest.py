"""A real JupyterLab in headless Chromium: one server for the ring, a fresh notebook and page for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labserver import Lab, Server, start_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of the ring."""
    with start_lab(tmp_path_factory.mktemp("lab")) as server:
        yield server


@pytest.fixture
def lab(lab_server: Server, chromium: Browser) -> Iterator[Lab]:
    """A page on the server; any complaint in its console fails the test."""
    page = chromium.new_page(viewport={"width": 1400, "height": 1500})
    opened = Lab(page, lab_server)
    yield opened
    opened.close()
    assert not opened.complaints, opened.complaints
