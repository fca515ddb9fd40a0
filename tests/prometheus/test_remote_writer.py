"""Samples written by remote write are there for the next query; ends are ends at once; faults are one line."""

from __future__ import annotations

import time

import pytest

from watchman.errors import QueryError
from watchman.prometheus import Prometheus, PrometheusSettings
from watchman.prometheus.remote_write import RemoteWriter, snappy, write_request
from watchman.series import Sample


def test_the_request_is_the_protobuf_of_the_remote_write_protocol() -> None:
    request = write_request(1.5, [Sample({"__name__": "m", "b": "", "a": "x"}, 2.0)], [])

    def field(tag: bytes, content: bytes) -> bytes:
        return tag + bytes([len(content)]) + content

    def label(name: bytes, text: bytes) -> bytes:
        return field(b"\x0a", field(b"\x0a", name) + field(b"\x12", text))

    sample = b"\x12\x0c\x09" + b"\x00\x00\x00\x00\x00\x00\x00\x40" + b"\x10\xdc\x0b"
    series = label(b"__name__", b"m") + label(b"a", b"x") + sample
    assert request == field(b"\x0a", series)


def test_a_long_payload_is_cut_into_literals() -> None:
    block = snappy(b"x" * 70_000)

    assert block[:3] == b"\xf0\xa2\x04"
    assert len(block) == 3 + 70_000 + 2 * 3


@pytest.mark.integration
def test_what_is_written_is_there_at_once_and_gone_with_its_marker(prometheus) -> None:
    settings = PrometheusSettings(prometheus.url)
    writer, reader = RemoteWriter(f"{prometheus.url}/api/v1/write", settings), Prometheus(settings)
    now = round(time.time() - 60, 3)
    labels = {"__name__": "r:written", "text": 'a "quoted\\ ünicode\n'}

    writer.write(now, [Sample(labels, 0.1), *(Sample({"__name__": "r:many", "n": str(n)}, n) for n in range(3000))], [])
    assert reader.query("r:written", now).samples == [Sample(labels, 0.1)]
    assert reader.query("count(r:many)", now).samples == [Sample({}, 3000.0)]

    writer.write(now + 1, [], [labels])
    assert reader.query("r:written", now + 1).samples == []
    with pytest.raises(QueryError, match=r"did not take the samples \(HTTP 400\): out of order sample"):
        writer.write(now - 1, [Sample(labels, 1.0)], [])
    writer.close()
    reader.close()


def test_a_receiver_that_is_away_is_one_line_without_secrets() -> None:
    settings = PrometheusSettings("http://x", username="me", password="hush")
    writer = RemoteWriter("http://me:hush@127.0.0.1:9/api/v1/write", settings)

    with pytest.raises(QueryError) as caught:
        writer.write(1.0, [Sample({"__name__": "m"}, 1.0)], [])
    assert "cannot be reached" in str(caught.value)
    assert "hush" not in str(caught.value)
