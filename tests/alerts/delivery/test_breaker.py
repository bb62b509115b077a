"""The breaker alone, with a clock of its own."""

from alerts.breaker import Breaker


def test_a_host_rests_after_the_limit_and_longer_each_time() -> None:
    now = [0.0]
    breaker = Breaker(limit=2, clock=lambda: now[0])
    breaker.failed("a", rest=30, longest=100)
    assert not breaker.is_open("a")
    breaker.failed("a", rest=30, longest=100)
    assert breaker.is_open("a")
    assert not breaker.is_open("b")
    now[0] = 31
    assert not breaker.is_open("a"), "one try is let by"
    breaker.failed("a", rest=30, longest=100)
    now[0] = 31 + 59
    assert breaker.is_open("a")
    for _ in range(60):
        breaker.failed("a", rest=30, longest=100)
    now[0] += 101
    assert not breaker.is_open("a")


def test_an_answer_closes_the_circuit() -> None:
    breaker = Breaker(limit=2, clock=lambda: 0.0)
    breaker.failed("a", rest=30, longest=100)
    breaker.succeeded("a")
    breaker.failed("a", rest=30, longest=100)
    assert not breaker.is_open("a")


def test_a_pause_asked_for_is_kept() -> None:
    now = [0.0]
    breaker = Breaker(clock=lambda: now[0])
    breaker.pause("a", seconds=60)
    breaker.pause("a", seconds=5)
    now[0] = 59
    assert breaker.is_open("a")
    now[0] = 60
    assert not breaker.is_open("a")
