"""Writing samples into a Prometheus (or what speaks its remote write 1.0), so that later rules see them at once."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import replace

from watchman.prometheus.failure import query_error
from watchman.prometheus.session import PrometheusSession
from watchman.prometheus.settings import PrometheusSettings
from watchman.series import Labels, Sample

TIMEOUT_S = 5.0
_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
# The bits of the NaN that means "this series has ended".
_STALE_BITS = struct.pack("<Q", 0x7FF0000000000002)
_LITERAL_BYTES = 65536


class RemoteWriter:
    """A client for one URL. Nothing is retried: the next evaluation has newer samples."""

    def __init__(self, url: str, settings: PrometheusSettings) -> None:
        # The receiver is let in as Prometheus is; its own address is what messages name.
        self._settings = replace(settings, url=url, timeout_s=min(settings.timeout_s, TIMEOUT_S))
        self._session = PrometheusSession(self._settings)
        self._session.mount_pool()

    def write(self, ts: float, samples: Iterable[Sample], ended: Iterable[Labels]) -> None:
        """Write samples (label `__name__` included) at `ts`, and staleness markers for series that ended.

        Raises QueryError.
        """
        body = snappy(write_request(ts, samples, ended))
        answer = self._session.post_bytes(self._settings.base_url, body, _HEADERS)
        if answer.status_code // 100 != 2:
            text = f"did not take the samples (HTTP {answer.status_code}): {answer.text[:200]}"
            raise query_error(self._settings, text, "server")

    def close(self) -> None:
        """Gives the connection back."""
        self._session.close()


def write_request(ts: float, samples: Iterable[Sample], ended: Iterable[Labels]) -> bytes:
    """The protobuf `WriteRequest`: field 1 of each time series its sorted labels, field 2 its sample."""
    series = [(sample.labels, struct.pack("<d", sample.value)) for sample in samples]
    series += [(labels, _STALE_BITS) for labels in ended]
    return b"".join(_field(1, _labels(labels) + _field(2, _sample(bits, ts))) for labels, bits in series)


def snappy(payload: bytes) -> bytes:
    """A snappy block of literals of at most 64 KiB: valid, just not smaller."""
    block = bytearray(_varint(len(payload)))
    for start in range(0, len(payload), _LITERAL_BYTES):
        piece = payload[start : start + _LITERAL_BYTES]
        block += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece
    return bytes(block)


def _labels(labels: Labels) -> bytes:
    pairs = (_field(1, name.encode()) + _field(2, text.encode(errors="replace")) for name, text in _in_order(labels))
    return b"".join(_field(1, pair) for pair in pairs)


def _in_order(labels: Labels) -> list[tuple[str, str]]:
    return [(name, text) for name, text in sorted(labels.items()) if text]


def _sample(bits: bytes, ts: float) -> bytes:
    return b"\x09" + bits + b"\x10" + _varint(round(ts * 1000))


def _field(number: int, payload: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
