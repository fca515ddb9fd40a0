"""Reads the JSON of Prometheus' query API; what the API does not document raises one of SHAPE_ERRORS."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from watchman.series import Answer, LabelKey, Labels, Matrix, Sample, Series, label_key

# What a walk through JSON of an unknown shape can run into.
SHAPE_ERRORS = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError)


def read_answer(document: Any) -> Answer:
    """An instant query's answer. Elements that are native histograms are left out, with a warning."""
    data = _data(document)
    kind, result = data["resultType"], data["result"]
    warnings = [str(text) for key in ("warnings", "infos") for text in document.get(key) or ()]
    if kind == "scalar":
        return Answer(kind, [Sample({}, _value(result))], tuple(warnings))
    if kind == "vector":
        if not isinstance(result, list):
            raise TypeError("the vector is no list")
        samples = [Sample(read_labels(item), _value(item["value"])) for item in result if "value" in item]
        if len(samples) < len(result):
            warnings.append(f"{len(result) - len(samples)} native histograms are left out")
        return Answer(kind, samples, tuple(warnings))
    if kind in ("matrix", "string"):
        return Answer(kind, [], tuple(warnings))
    raise ValueError(f"unknown resultType {kind!r}")


def read_text_map(document: Any) -> dict[str, str]:
    """The `data` of an answer that maps text to text, such as the server's flags."""
    return {str(name): str(value) for name, value in _data(document).items()}


def add_matrix(found: dict[LabelKey, Series], result: Iterable[Any], start: float, end: float) -> None:
    """Appends the samples of a matrix to `found`: those in [start, end] and later than what is there already.

    So overlapping pieces asked for in ascending order make one series without doubles.
    """
    for item in result:
        labels = read_labels(item)
        series = found.setdefault(label_key(labels), Series(labels))
        last = series.times[-1] if series.times else float("-inf")
        for stamp, text in item.get("values") or ():
            at = float(stamp)
            if start <= at <= end and at > last:
                series.times.append(at)
                series.values.append(read_number(text))
                last = at


def read_matrix(result: Iterable[Any]) -> Matrix:
    """The series of a matrix with their `[unix seconds, value as text]` pairs, untouched; histograms are left out."""
    return [(read_labels(item), item["values"]) for item in result if item.get("values")]


def in_order(found: dict[LabelKey, Series]) -> list[Series]:
    """The series that have samples, by their labels."""
    return [series for _, series in sorted(found.items()) if series.times]


def _data(document: Any) -> Any:
    if not isinstance(document, dict) or document.get("status") != "success":
        raise ValueError("no status success")
    return document["data"]


def read_labels(item: Any) -> Labels:
    """The labels of an element."""
    labels = {str(name): str(value) for name, value in item["metric"].items()}
    for text in labels.values():
        if not text.isascii():
            text.encode()  # half a surrogate pair can neither be stored nor sent: a UnicodeError is a ValueError
    return labels


def _value(pair: Any) -> float:
    _, text = pair
    return read_number(text)


def read_number(text: Any) -> float:
    """A sample value. The API writes numbers as text, so that NaN and infinities have a form."""
    if not isinstance(text, str):
        raise TypeError(f"value {text!r} is not text")
    return float(text)
