"""The lock is handed on in the order in which it was asked for."""

import threading
import time

import pytest

from store.fifo import FifoLock


def waiting(lock: FifoLock, number: int) -> None:
    """Until so many threads stand in line."""
    deadline = time.monotonic() + 5
    while len(lock._waiting) < number:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_threads_enter_in_the_order_in_which_they_asked():
    lock, entered = FifoLock(), []

    def enter(number: int) -> None:
        with lock:
            entered.append(number)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(20)]
    with lock:
        for number, thread in enumerate(threads):
            thread.start()
            waiting(lock, number + 1)
    for thread in threads:
        thread.join(5)
    assert entered == list(range(20))


def test_only_one_thread_is_inside_at_a_time():
    lock, inside, most = FifoLock(), [], []

    def work() -> None:
        for _ in range(200):
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(most) == 8 * 200
    assert max(most) == 1


def test_asking_again_inside_is_a_defect_and_not_a_deadlock():
    lock = FifoLock()
    with lock, pytest.raises(RuntimeError, match="inside a write transaction"), lock:
        pass
    with lock:
        pass


def test_an_error_inside_hands_the_lock_on():
    lock = FifoLock()
    with pytest.raises(ValueError, match="broken"), lock:
        raise ValueError("broken")
    with lock:
        pass
