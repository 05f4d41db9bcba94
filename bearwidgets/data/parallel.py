"""Work in threads, in order and a bounded number of items ahead: the one place where pools of workers are made.

Threads and not processes, because Pillow, NumPy, torch and the disk let go of the interpreter while they work.
"""

from __future__ import annotations

import collections
import contextlib
import functools
import itertools
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from concurrent.futures import Future

Item = TypeVar("Item")
Result = TypeVar("Result")

_MOST = 16  # threads; on machines with more cores the interpreter's lock leaves no gain


def n_threads(most: int = _MOST) -> int:
    """How many threads keep this machine busy: one a core, `most` at most."""
    return max(1, min(most, os.cpu_count() or 1))


def in_threads(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    threads: int | None = None,
    batch: int = 1,
    ahead: int | None = None,
    setup: Callable[[], object] | None = None,
) -> Generator[Result]:
    """Yield `work(item)` for each item, in the order of the items.

    Items are taken as they are needed, so they may be a generator and need not end. The first error of `work` or
    of the items is raised in its place in the order. Once the iteration ends, is closed or is interrupted, what
    has not begun is dropped.

    Args:
        work: What is done in a thread.
        items: What it is done with.
        threads: How many; one a core, 16 at most, if not given.
        batch: Items that a thread takes at once; more than 1 where the work on one is short.
        ahead: Batches of items that are begun before they are asked for; four a thread if not given.
        setup: Called first in each thread.
    """
    each = iter(items)
    batches = iter(lambda: list(itertools.islice(each, batch)), [])
    work_on = functools.partial(_each_of, work)
    for results in begun_ahead(
        lambda pool, some: pool.submit(work_on, some), batches, threads=threads, ahead=ahead, setup=setup
    ):
        yield from results


def begun_ahead(
    begin: Callable[[ThreadPoolExecutor, Item], Future[Result]],
    items: Iterable[Item],
    *,
    threads: int | None = None,
    ahead: int | None = None,
    setup: Callable[[], object] | None = None,
) -> Generator[Result]:
    """As `in_threads`, where an item may be several tasks: `begin` submits them and gives the one that is last.

    A task may wait for tasks that were submitted before it, for the threads keep to that order.
    """
    threads = n_threads() if threads is None else threads
    ahead = 4 * threads if ahead is None else ahead
    pool = ThreadPoolExecutor(threads, "bearwidgets", setup)
    waiting: collections.deque[Future[Result]] = collections.deque()
    try:
        for item in items:
            waiting.append(begin(pool, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _each_of(work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [work(item) for item in items]


@contextlib.contextmanager
def one_thread() -> Generator[None]:
    """One thread for linear algebra: NumPy's and SciPy's threads, in turn, else wait for each other's.

    The limit is one for the whole process: the first of several that work sets it, the last one lifts it.
    """
    with _lock:
        _limits.append(_controller().limit(limits=1, user_api="blas") if not _limits else None)
    try:
        yield
    finally:
        with _lock:
            limit = _limits.pop()
            if limit is not None:
                limit.restore_original_limits()


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


_lock = threading.Lock()
_limits: list[Any] = []  # of those that work now; the first is the one to lift
