"""Prometheus remote write in plain Python, so that a test can put any sample at any time into a live server.

The request is a protobuf `WriteRequest` in a snappy frame of literals only (valid, just not smaller).
"""

from __future__ import annotations

import struct
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchman.series import Series

STALE = float("nan")
"""Put this very object into `Series.values` where Prometheus should see a staleness marker."""

_STALE_BITS = struct.pack("<Q", 0x7FF0000000000002)
_LITERAL_BYTES = 65536


def remote_write(url: str, series: Iterable[Series], timeout_s: float = 10.0) -> None:
    """Writes all samples of `series` (label `__name__` included, times in unix seconds) to the server at `url`.

    Samples of one series must ascend. Never write into the future: the server would refuse its own scrapes afterwards.
    """
    request = urllib.request.Request(
        f"{url.rstrip('/')}/api/v1/write",
        data=snappy(write_request(series)),
        headers={
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        },
    )
    with urllib.request.urlopen(request, timeout=timeout_s):
        pass


def write_request(series: Iterable[Series]) -> bytes:
    """The protobuf `WriteRequest`: field 1 of each time series its sorted labels, field 2 its samples."""
    return b"".join(_field(1, _time_series(one)) for one in series)


def snappy(payload: bytes) -> bytes:
    """A snappy block that holds `payload` as literals of at most 64 KiB."""
    frame = bytearray(_varint(len(payload)))
    for start in range(0, len(payload), _LITERAL_BYTES):
        piece = payload[start : start + _LITERAL_BYTES]
        frame += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece
    return bytes(frame)


def _time_series(series: Series) -> bytes:
    labels = (_field(1, _field(1, n.encode()) + _field(2, v.encode())) for n, v in sorted(series.labels.items()))
    samples = (_field(2, _sample(t, v)) for t, v in zip(series.times, series.values, strict=True))
    return b"".join(labels) + b"".join(samples)


def _sample(time_s: float, value: float) -> bytes:
    bits = _STALE_BITS if value is STALE else struct.pack("<d", value)
    return b"\x09" + bits + b"\x10" + _varint(round(time_s * 1000))


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
