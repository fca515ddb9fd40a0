"""Charts of pushes: drawn once, never for what is critical, and never in the way of a message."""

from __future__ import annotations

import base64
import threading

import pytest

from watchman.errors import QueryError, WatchmanError
from watchman.jobs.charts import Charts
from watchman.notify.message import ChartWish, Message
from watchman.series import Series

NTFY = "ntfy://127.0.0.1:9/home"
PNG = b"\x89PNG..."
WISH = ChartWish("power_watts", 0.0, 3600.0, 1800.0, "W")
MESSAGE = Message("Import", "7 kW", severity="warning", chart=WISH)


SERIES = [Series({"host": str(n)}, [0.0, 60.0], [1.0, 2.0]) for n in range(9)]


class Worker:
    """Counts what it is asked to draw."""

    def __init__(self, error=None, result=None):
        self.error, self.result, self.jobs = error, result, []

    def __call__(self, job, limit_s):
        self.jobs.append((job, limit_s))
        if self.error:
            raise self.error
        return self.result or {"png_base64": base64.b64encode(PNG).decode()}


def charts(worker, is_urgent=lambda: False, fetch=lambda *_: SERIES):
    return Charts(fetch, worker, lambda: 0.0, is_urgent)


def names(message):
    return [one.name for one in message.attachments]


def test_a_chart_is_drawn_once_for_all_addresses_and_attempts():
    worker = Worker()
    drawn = charts(worker)

    found = [drawn.illustrated(MESSAGE, url) for url in (NTFY, "mailto://h?from=a@b.cd&to=c@d.ef", NTFY)]
    assert [names(one) for one in found] == [["chart.png"]] * 3
    assert found[0].attachments[0].content == PNG
    [(job, limit_s)] = worker.jobs
    assert len(job.pop("series")) == 6
    assert (job, limit_s) == (
        {"expr": "power_watts", "start": 0.0, "end": 3600.0, "since": 1800.0, "unit": "W", "step_s": 15.0},
        10.0,
    )


def test_a_prometheus_that_does_not_answer_or_takes_all_the_time_costs_only_the_chart():
    def failing(*_):
        raise QueryError("connection refused", "unreachable")

    worker, times = Worker(), iter([0.0, 11.0])
    assert charts(worker, fetch=failing).illustrated(MESSAGE, NTFY) == MESSAGE
    assert Charts(lambda *_: SERIES, worker, lambda: next(times)).illustrated(MESSAGE, NTFY) == MESSAGE
    assert worker.jobs == []


@pytest.mark.parametrize(
    ("message", "url", "urgent"),
    [
        pytest.param(Message("Cut", "x", severity="critical", chart=WISH), NTFY, False, id="it is critical"),
        pytest.param(MESSAGE, "gotify://h/token", False, id="the service shows no pictures"),
        pytest.param(MESSAGE, "nonsense", False, id="the address is none"),
        pytest.param(MESSAGE, NTFY, True, id="a critical message is on its way"),
        pytest.param(Message("Note", "x"), NTFY, False, id="it wants none"),
    ],
)
def test_nothing_is_drawn_where(message, url, urgent):
    worker = Worker()

    assert charts(worker, lambda: urgent).illustrated(message, url) == message
    assert worker.jobs == []


@pytest.mark.parametrize(
    "worker",
    [
        pytest.param(Worker(WatchmanError("the worker was ended after 10 s")), id="too slow"),
        pytest.param(Worker(OSError("no memory for a process")), id="no process"),
        pytest.param(Worker(result={"other": 1}), id="another answer"),
        pytest.param(Worker(result={"png_base64": "x" * 5}), id="not base64"),
        pytest.param(Worker(result={"png_base64": base64.b64encode(b"x" * 300_000).decode()}), id="too large"),
    ],
)
def test_a_chart_that_fails_leaves_the_message_as_it_is_and_is_not_tried_again(worker):
    drawn = charts(worker)

    assert [drawn.illustrated(MESSAGE, NTFY) for _ in range(3)] == [MESSAGE] * 3
    assert len(worker.jobs) == 1


def test_two_senders_draw_one_chart_between_them():
    begun, go_on = threading.Event(), threading.Event()
    worker = Worker()

    def slow(job, limit_s):
        begun.set()
        assert go_on.wait(30)
        return worker(job, limit_s)

    drawn, found = charts(slow), []
    senders = [threading.Thread(target=lambda: found.append(drawn.illustrated(MESSAGE, NTFY))) for _ in range(2)]
    for sender in senders:
        sender.start()
    assert begun.wait(30)
    go_on.set()
    for sender in senders:
        sender.join(30)
    assert [names(one) for one in found] == [["chart.png"]] * 2
    assert len(worker.jobs) == 1
