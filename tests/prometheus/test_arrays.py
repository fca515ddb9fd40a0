"""Raw samples as arrays are what reading them as JSON gives."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from watchman.prometheus.answer import SHAPE_ERRORS
from watchman.prometheus.arrays import Samples, join, read_matrix

STAMPS = st.integers(1, 4_000_000_000_000).map(lambda ms: ms / 1000)
VALUES = st.one_of(
    st.floats(allow_nan=False).map(str),
    st.integers(-100_000, 100_000).map(lambda n: f"{n / 10:g}"),
    st.sampled_from(["+Inf", "-Inf", "0", "-0", "1e-07", "0.30000000000000004", "1e+21", "5", "-3", "00012.5"]),
)
LABELS = st.dictionaries(st.sampled_from("abc"), st.text(st.characters(codec="utf-8"), max_size=8), max_size=3)
PAIRS = st.lists(st.tuples(STAMPS, VALUES).map(list), min_size=1, max_size=20)


def body(*series: tuple[dict[str, str], list[list[object]]], compact: bool = True) -> bytes:
    result = [{"metric": labels, "values": pairs} for labels, pairs in series]
    document = {"status": "success", "data": {"resultType": "matrix", "result": result}}
    return json.dumps(document, separators=(",", ":") if compact else None, ensure_ascii=False).encode()


@given(st.lists(st.tuples(LABELS, PAIRS), max_size=4), st.booleans())
@example([({"a": '"values":[[1,"2"]]'}, [[1.5, "-12.25"]])], True)
def test_every_number_is_the_one_json_gives(series, compact) -> None:
    found = read_matrix(body(*series, compact=compact))

    assert [one.labels for one in found] == [labels for labels, _ in series]
    assert [one.times.tolist() for one in found] == [[ts for ts, _ in pairs] for _, pairs in series]
    for one, (_, pairs) in zip(found, series, strict=True):
        assert one.values.tolist() == pytest.approx([float(text) for _, text in pairs], rel=1e-15, abs=0)


def test_what_is_no_number_is_nan() -> None:
    [one] = read_matrix(body(({}, [[1, "NaN"], [2, "3"]])))

    assert np.isnan(one.values[0])
    assert one.values[1] == 3


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{}",
        b"[]",
        b'{"status":"error"}',
        b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2"]}]}}',
        b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2"],[3]]}]}}',
        b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"x"]]}]}}',
        b'{"status":"success","data":{"result":[{"metric":{},"values":[[]]}]}}',
        b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2-3"]]}]}}',
        b'{"status":"success","data":{"result":[{"metric":{},"values":[[1,"2.3.4"]]}]}}',
        b'{"status":"success","data":{"result":[{"values":[[1,"2"]]}]}}',
    ],
)
def test_what_the_api_does_not_say_is_one_of_the_known_errors(wrong) -> None:
    with pytest.raises(SHAPE_ERRORS):
        read_matrix(wrong)


def test_an_answer_without_samples_has_none() -> None:
    assert read_matrix(body()) == []


def test_pieces_that_overlap_are_joined_and_cut_to_the_window() -> None:
    def part(*times: float) -> list[Samples]:
        return [Samples({"a": "1"}, np.array(times), np.array(times) * 10)]

    [one] = join([part(1, 2, 3), part(3, 4), part(4, 5, 6)], 2, 5)

    assert one.times.tolist() == [2, 3, 4, 5]
    assert one.values.tolist() == [20, 30, 40, 50]
