"""A joined query gives each expression what it gives alone, labels and values, on a real Prometheus."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from remote_write import remote_write

from watchman.prometheus import Prometheus, PrometheusSettings
from watchman.rules.batch import Question, cut, joined, operand, parted
from watchman.series import Answer, Series, label_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers import Server

pytestmark = pytest.mark.integration

RULES = Path(__file__).parents[2] / "rules"
NOW = 1_700_000_000.0
WRITTEN = """
m
m == bool 3
{__name__=~"m|n"}
m or n
m unless on (x) (n > 2)
m * on (x) group_left n
sum by (x) (m)
sum without (x) (m)
topk(2, m)
bottomk by (x) (1, m)
count_values("v", m)
sort_desc(m)
rate(c[5m])
increase(c[5m:1m]) > 0
avg_over_time(m[10m])
max_over_time((m > 2)[10m:1m])
m @ end() - m offset 5m
m @ start()
absent(nothing)
absent(nothing{a="b"}) # says what is missing
m / 0
-m / 0
m - m
m * NaN
-m
time()
1 > bool 0
scalar(m{x="1"})
pi()
vector(1)
label_replace(m, "w", "new $1", "y", "(.*)")
label_join(m, "z", "-", "x", "y")
histogram_quantile(0.9, b)
quantile(0.5, m)
quantile_over_time(0.5, m[10m])
changes(m[10m]) > 0
predict_linear(m[10m], 600)
clamp_max(m, 2)
timestamp(m)
day_of_week()
hour() >= 0
m{x=~"1|2"} and on (x) n
(m > 1) or (m < -1000)
stddev(m)
group(m)
m{y="a \\"quoted\\" \\\\ word"}
ALERTS
""".strip().split("\n")


def _series() -> Iterator[Series]:
    dice = random.Random(7)
    times = [NOW - 900 + 15 * n for n in range(61)]
    for name in ("m", "n"):
        for x in "123":
            for y in ("a", 'a "quoted" \\ word', "ümlaut"):
                values = [float(dice.randint(-1, 5)) for _ in times]
                yield Series({"__name__": name, "x": x, "y": y if name == "m" else "only"}, times, values)
    yield Series({"__name__": "c", "x": "1"}, times, [float(n % 40) for n in range(61)])
    for le, share in (("1", 1), ("5", 3), ("+Inf", 4)):
        yield Series({"__name__": "b", "le": le, "x": "1"}, times, [float(n * share) for n in range(61)])


@pytest.fixture(scope="module")
def client(prometheus: Server) -> Iterator[Prometheus]:
    known = {label_key(one.labels): one for one in _series()}
    remote_write(prometheus.url, known.values())
    one = Prometheus(PrometheusSettings(prometheus.url))
    yield one
    one.close()


def _elements(answer: Answer) -> list[tuple[object, str]]:
    return sorted((label_key(sample.labels), repr(sample.value)) for sample in answer.samples)


def _shipped() -> list[str]:
    files = sorted(RULES.glob("*.yaml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule["expr"] for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("size", [2, 7, 25, 100])
@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("texts", [lambda: WRITTEN, _shipped], ids=["written expressions", "shipped rules"])
def test_joined_and_alone_are_the_same(
    client: Prometheus, texts: Callable[[], list[str]], size: int, order: int
) -> None:
    queries = list(texts())
    random.Random(order).shuffle(queries)
    operands = {number: text for number, query in enumerate(queries) if (text := operand(query)) is not None}
    assert len(operands) == len(queries)

    found: dict[int, Answer] = {}
    for batch in cut((Question(number, text) for number, text in operands.items()), size):
        found |= parted(batch, client.query(joined(batch), NOW))

    alone = {number: _elements(client.query(query, NOW)) for number, query in enumerate(queries)}
    assert {number: _elements(answer) for number, answer in found.items()} == alone
    assert any(alone.values())


def test_what_is_asked_here_gives_data(client: Prometheus) -> None:
    empty = [query for query in WRITTEN if not client.query(query, NOW).samples]
    assert empty == ["ALERTS"]
