"""The test servers themselves: what is written is what the real Prometheus gives back."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from remote_write import STALE, remote_write, snappy
from servers import Server, binary

from watchman.series import Series

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.integration


def _query(server: Server, expr: str, ts: float) -> list[dict[str, Any]]:
    query = urllib.parse.urlencode({"query": expr, "time": ts})
    with urllib.request.urlopen(f"{server.url}/api/v1/query?{query}", timeout=10) as answer:
        return list(json.load(answer)["data"]["result"])


def test_history_is_there_before_the_server_starts(run_prometheus: Callable[..., Server]) -> None:
    now = time.time() // 60 * 60
    times = [now - 40 * 86400 + 3600 * n for n in range(24)]
    labels = {"__name__": "history_watts", "sn": 'a"b\\c'}
    server = run_prometheus(history=[Series(labels, times, [1.5 * n for n in range(24)])])

    found = _query(server, "history_watts[24h]", times[-1])

    assert [{"metric": labels, "values": [[t, f"{1.5 * n:g}"] for n, t in enumerate(times)]}] == found


def test_remote_write_puts_samples_and_staleness_into_a_live_server(prometheus: Server) -> None:
    now = time.time() // 1 - 100
    live = Series({"__name__": "written_live"}, [now, now + 5, now + 10], [1.0, 2.0, STALE])

    remote_write(prometheus.url, [live])

    assert _query(prometheus, "written_live", now + 7)[0]["value"][1] == "2"
    assert _query(prometheus, "written_live", now + 11) == []


def test_many_samples_need_more_than_one_literal(prometheus: Server) -> None:
    now = time.time() // 1 - 3600
    times = [now + n for n in range(3600)]

    remote_write(prometheus.url, [Series({"__name__": "written_many", "part": str(p)}, times, times) for p in range(3)])

    counts = _query(prometheus, "count_over_time(written_many[1h])", times[-1])
    assert [float(one["value"][1]) for one in counts] == [3600.0] * 3


def test_a_snappy_block_starts_with_its_plain_length() -> None:
    assert snappy(b"x" * 200) == b"\xc8\x01\xf4\xc7\x00" + b"x" * 200


def test_a_missing_program_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(AssertionError, match=r"promtool is not on PATH: run `sudo apt-get install .* prometheus`"):
        binary("promtool")
