import signal
import threading

import pytest

from dancepose.tasks.breaking_off import breaking_off


@pytest.fixture(autouse=True)
def ctrl_c():
    """What a terminal's Ctrl-C does: a process that was started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_first_ctrl_c_asks_and_the_second_breaks(capfd):
    before = signal.getsignal(signal.SIGINT)
    with breaking_off() as asked:
        assert not asked()
        signal.raise_signal(signal.SIGINT)
        assert asked()
        assert "ending in order" in capfd.readouterr().err, "who waits must know that it was heard"
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_sigterm_asks_too_and_ends_with_its_status():
    before = signal.getsignal(signal.SIGTERM)
    with breaking_off() as asked:
        signal.raise_signal(signal.SIGTERM)
        assert asked() and asked.by == signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) is before, "the second one kills"
    with pytest.raises(SystemExit) as ended:
        asked.end()
    assert ended.value.code == 143
    with breaking_off() as again:
        assert not again()
    assert signal.getsignal(signal.SIGTERM) is before


def test_beside_the_main_thread_nothing_is_changed():
    found = []

    def work():
        with breaking_off() as asked:
            found.append((asked(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(False, signal.getsignal(signal.SIGINT))]
