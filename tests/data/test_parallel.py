"""Threads: order, a bounded number ahead, errors in their place, nothing begun after the end."""

from __future__ import annotations

import itertools
import threading

import pytest

from bearwidgets.data import parallel
from bearwidgets.data.parallel import begun_ahead, in_threads, n_threads


@pytest.mark.parametrize("batch", [1, 3, 50])
def test_results_come_in_order(batch):
    assert list(in_threads(str, range(20), batch=batch, threads=4)) == [str(each) for each in range(20)]


def test_items_are_taken_a_bounded_number_ahead():
    taken = []
    endless = (taken.append(each) or each for each in itertools.count())
    results = in_threads(abs, endless, batch=2, ahead=3)
    assert [next(results), next(results)] == [0, 1]
    assert taken == list(range(8))
    results.close()


def test_two_are_done_at_the_same_time(monkeypatch):
    monkeypatch.setattr(parallel.os, "cpu_count", lambda: 2)
    both = threading.Barrier(2, timeout=10)
    assert sorted(in_threads(lambda _: both.wait(), range(2))) == [0, 1]


@pytest.mark.parametrize(("cores", "threads"), [(None, 1), (1, 1), (6, 6), (96, 16)])
def test_a_thread_a_core_up_to_a_bound(cores, threads, monkeypatch):
    monkeypatch.setattr(parallel.os, "cpu_count", lambda: cores)
    assert n_threads() == threads
    assert n_threads(3) == min(3, threads)


def test_an_error_comes_in_its_place():
    results = in_threads(int, ["1", "x", "3"])
    assert next(results) == 1
    with pytest.raises(ValueError, match="'x'"):
        next(results)


def interrupt(results):
    with pytest.raises(KeyboardInterrupt):
        results.throw(KeyboardInterrupt)


@pytest.mark.parametrize("leave", [lambda results: results.close(), interrupt], ids=["left", "interrupted"])
def test_what_has_not_begun_is_dropped_and_the_threads_end(leave):
    before, begun, go_on = threading.active_count(), [], threading.Event()

    def work(item):
        begun.append(item)
        if item:
            go_on.wait(10)

    results = in_threads(work, range(24), threads=1, ahead=9)
    next(results)
    threading.Timer(0.2, go_on.set).start()
    leave(results)
    assert len(begun) <= 2
    assert threading.active_count() <= before + 1  # the timer


def test_a_task_may_wait_for_tasks_that_were_begun_before_it():
    def begin(pool, items):
        parts = [pool.submit(abs, each) for each in items]
        return pool.submit(lambda: sum(part.result() for part in parts))

    assert list(begun_ahead(begin, [[-1, 2], [], [-3]] * 4, threads=1)) == [3, 0, 3] * 4


def test_each_thread_is_set_up_first():
    here = threading.local()
    ready = in_threads(lambda _: here.ready, range(9), threads=2, setup=lambda: setattr(here, "ready", True))
    assert all(ready)
