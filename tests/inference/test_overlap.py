import threading
import time

import pytest

from dancepose.inference.overlap import Behind, ahead


def running():
    return [thread for thread in threading.enumerate() if thread.name.startswith("dancepose-")]


def test_items_come_in_order_and_not_too_many_ahead():
    taken = []

    def items():
        for number in range(20):
            taken.append(number)
            yield number

    for number, item in enumerate(ahead(items(), 3)):
        assert item == number
        time.sleep(0.001)
        assert len(taken) <= number + 1 + 3 + 1
    assert not running()


def test_the_next_is_made_while_one_is_looked_at():
    made = threading.Event()

    def items():
        yield 0
        made.set()
        yield 1

    stream = ahead(items(), 1)
    assert next(stream) == 0
    assert made.wait(10)
    stream.close()
    assert not running()


def test_an_error_comes_where_its_item_would_have():
    def items():
        yield 0
        raise OSError("gone")

    stream = ahead(items(), 4)
    assert next(stream) == 0
    with pytest.raises(OSError, match="gone"):
        next(stream)
    assert not running()


def test_calls_are_made_in_order_elsewhere_and_all_before_the_end():
    done = []
    with Behind(2) as aside:
        for number in range(10):
            aside(lambda n: done.append((n, threading.current_thread().name)), number)
            assert number - len(done) <= 3
    assert [n for n, _ in done] == list(range(10))
    assert all(name.startswith("dancepose-behind") for _, name in done)
    assert not running()


def fails():
    raise OSError("the disk is full")


def test_a_call_that_fails_is_told_at_the_next_or_at_the_end():
    with pytest.raises(OSError, match="full"), Behind(2) as aside:
        aside(fails)
    with pytest.raises(OSError, match="full"), Behind(1) as aside:
        for _ in range(3):
            aside(fails)
    assert not running()


def test_after_a_call_that_failed_none_is_made():
    done, begun = [], threading.Event()

    def waits_and_fails():
        begun.wait(10)
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"), Behind(4) as aside:
        aside(done.append, "before")
        aside(waits_and_fails)
        for number in range(3):  # they wait already when it fails
            aside(done.append, number)
        begun.set()
    assert done == ["before"] and not running()


def test_calls_that_wait_are_made_when_an_error_ends_it_and_not_after_ctrl_c():
    for error, wanted in ((ValueError, ["slow", "waiting"]), (KeyboardInterrupt, ["slow"])):
        done, begun, go_on = [], threading.Event(), threading.Event()

        def slow(begun=begun, go_on=go_on, done=done):
            begun.set()
            go_on.wait(10)
            done.append("slow")

        with pytest.raises(error), Behind(4) as aside:
            aside(slow)
            aside(done.append, "waiting")
            begun.wait(10)
            threading.Timer(0.05, go_on.set).start()
            raise error
        assert done == wanted and not running()


def test_an_error_beside_it_ends_the_thread():
    with pytest.raises(KeyboardInterrupt), Behind(1) as aside:
        aside(time.sleep, 0)
        raise KeyboardInterrupt
    assert not running()
