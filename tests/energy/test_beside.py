"""Prices from Prometheus and from files: one value per quarter of an hour, kept for ever once told."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from watchman.energy.beside import Wanted, settle_beside
from watchman.energy.pricefile import read_price_file
from watchman.errors import QueryError
from watchman.localtime import local_day
from watchman.series import Series

BERLIN = ZoneInfo("Europe/Berlin")
DAY = date(2026, 10, 25)
START, END = local_day(DAY, BERLIN)


class Book:
    """What is kept, and what was asked."""

    def __init__(self, price=lambda at: at // 900 % 7 / 10, count: int = 1) -> None:
        self.kept: dict[tuple[str, int], float] = {}
        self.asked: list[tuple[str, float, float]] = []
        self.price, self.count = price, count

    def fetch(self, query, start, end, step_s):
        self.asked.append((query, start, end))
        times = [start + step_s * n for n in range(int((end - start) // step_s) + 1)]
        return [Series({"n": str(n)}, times, [self.price(at) for at in times]) for n in range(self.count)]

    def read(self, kind, start, end):
        return {at: value for (k, at), value in self.kept.items() if k == kind and start <= at < end}

    def add(self, kind, values):
        for at, value in values.items():
            self.kept.setdefault((kind, at), value)

    def settle(self, *wanted, start=START, end=END, now=END + 86400):
        return settle_beside(
            wanted, start, end, now, BERLIN, fetch_range=self.fetch, read_values=self.read, add_values=self.add
        )


PRICE = Wanted("import_price", "spot")


def test_every_quarter_of_a_day_of_25_hours_gets_its_price() -> None:
    book = Book()

    assert book.settle(PRICE) == []
    assert book.kept == {("import_price", at): at // 900 % 7 / 10 for at in range(int(START), int(END), 900)}
    assert len(book.kept) == 100


def test_a_price_that_is_told_late_is_not_the_one_before() -> None:
    late = Book(lambda at: (at - 200) // 900 % 7 / 10)

    late.settle(PRICE)

    assert late.kept["import_price", int(START)] == START // 900 % 7 / 10


def test_smooth_values_are_means() -> None:
    book = Book(lambda at: at - START)
    book.settle(Wanted("irradiance", "sun", smooth=True))
    assert book.kept["irradiance", int(START)] == 450


def test_what_is_kept_is_not_asked_for_again_and_does_not_change() -> None:
    book = Book()
    book.settle(PRICE)
    before, book.price = dict(book.kept), lambda _at: 99.0

    asked = len(book.asked)
    book.settle(PRICE, start=START - 86400)

    assert {key: value for key, value in book.kept.items() if key in before} == before
    assert len(book.asked) == asked + 1


def test_nothing_is_asked_of_the_future() -> None:
    book = Book()
    book.settle(PRICE, now=START + 3600 + 10)
    assert max(at for _, at in book.kept) == START + 2700


def test_an_entry_is_asked_for_its_own_days_alone() -> None:
    book = Book()
    book.settle(Wanted("import_price", "old", until=DAY), Wanted("import_price", "new", since=DAY), start=START - 86400)
    assert {query: end for query, _, end in book.asked} == {"old": START - 150, "new": END - 150}


def test_several_series_are_a_fault_and_not_a_price() -> None:
    book = Book(count=2)
    assert book.settle(PRICE) == ["import_price: spot gives 2 series; one is needed, such as max(spot)"]
    assert book.kept == {}


@pytest.mark.parametrize("reason", ["bad_query", "connect"])
def test_a_refused_query_is_told_and_an_absent_prometheus_is_raised(reason) -> None:
    book = Book()

    def fail(*_):
        raise QueryError("no", reason)

    book.fetch = fail
    if reason == "connect":
        with pytest.raises(QueryError):
            book.settle(PRICE)
    else:
        assert book.settle(PRICE) == ["import_price: no"]


def test_a_row_of_a_file_holds_until_the_next() -> None:
    file = read_price_file("start,per_kwh\n2026-01-01,0.3\n2026-02-01,0.4\n2026-03-01,0.5\n", BERLIN)
    start, end = local_day(date(2026, 1, 31), BERLIN)[0], local_day(date(2026, 2, 1), BERLIN)[1]

    found = file.between(start, end)

    assert [sum(value == price for value in found.values()) for price in (0.3, 0.4, 0.5)] == [96, 96, 0]


def test_a_hole_in_a_file_is_a_hole() -> None:
    hours = [*range(5), *range(8, 12)]
    text = "start;per_kwh\n" + "".join(f"2026-05-01 {hour:02d}:00;0,{hour + 10}\n" for hour in hours)
    file = read_price_file(text, BERLIN)
    start = local_day(date(2026, 5, 1), BERLIN)[0]

    known = sorted({int(at - start) // 3600 for at in file.between(start, start + 86400)})

    assert known == hours


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("time,price\n", "line 1: the first line must name the columns start, per_kwh"),
        ("start,per_kwh\n2026-01-01,\n", "line 2: per_kwh: not a number: ''"),
        ("start,per_kwh\n2026-01-01,inf\n", "line 2: per_kwh: not a number: 'inf'"),
        ("start,per_kwh\nnow,1\n", "line 2: not a time: 'now'"),
        ("start,per_kwh\n2026-10-25 02:00,1\n2026-10-25 02:00,2\n", "line 3: 2026-10-25 02:00 is there twice"),
    ],
)
def test_a_fault_in_a_price_file_has_its_line(text, fault) -> None:
    with pytest.raises(ValueError, match="line") as error:
        read_price_file(text, BERLIN)
    assert str(error.value).startswith(fault)


def test_an_empty_price_file_gives_nothing() -> None:
    assert read_price_file("start,per_kwh\n", BERLIN).between(START, END) == {}
