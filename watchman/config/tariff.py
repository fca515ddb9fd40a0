"""`tariff` and `co2`: prices that are valid from a date, by time of use, by season, or from a series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, FiniteFloat, model_validator

from watchman.config.types import Section
from watchman.energy.pricefile import PriceFile, read_price_file
from watchman.energy.tariff import MONTHS, QUARTER_MIN, WEEKDAYS, Prices, Rate, Standing, Tariff, flat, holes, overlap
from watchman.notify.mute import parse_time_interval

Problem = tuple[tuple[str | int, ...], str]


def _day(value: Any) -> date:
    try:
        return value if type(value) is date else date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"not a day: {value!r}; write it like 2026-01-01") from None


Day = Annotated[date, BeforeValidator(_day, json_schema_input_type=str)]


class RateConfig(Section):
    """A price at some times; months, weekdays and times in the grammar of time_intervals."""

    per_kwh: FiniteFloat
    months: list[str] = Field([], description="such as june:september; left out: all")
    weekdays: list[str] = Field([], description="such as monday:friday; left out: all")
    times: list[dict[str, Any]] = Field([], description="{start_time, end_time}; left out: all day")

    @model_validator(mode="before")
    @classmethod
    def _months_may_be_numbers(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("months"), list):
            return data | {"months": [str(part) for part in data["months"]]}
        return data

    @model_validator(mode="after")
    def _parses(self) -> RateConfig:
        to_rate(self)
        return self


class PriceConfig(Section):
    """What holds from a day on: one price, rates by time, or a series of prices."""

    since: Day | None = Field(None, alias="from")
    per_kwh: FiniteFloat | None = None
    rates: list[RateConfig] = []
    query: str | None = Field(None, description="PromQL that gives one series")
    csv: str | None = Field(None, description="a file with the columns start, per_kwh")
    factor: FiniteFloat = 1.0
    add: FiniteFloat = 0.0

    @model_validator(mode="after")
    def _one_source(self) -> PriceConfig:
        given = [self.per_kwh is not None or bool(self.rates), self.query is not None, self.csv is not None]
        if sum(given) != 1:
            raise ValueError("give one of per_kwh, rates (with per_kwh for all other times), query, csv")
        if given[0] and (self.factor, self.add) != (1.0, 0.0):
            raise ValueError("factor and add belong to query or csv")
        return self


class StandingConfig(Section):
    """What is due whatever is used, from a day on."""

    since: Day | None = Field(None, alias="from")
    per_day: FiniteFloat | None = None
    per_month: FiniteFloat | None = None
    per_year: FiniteFloat | None = None

    @model_validator(mode="after")
    def _one_length(self) -> StandingConfig:
        if sum(part is not None for part in (self.per_day, self.per_month, self.per_year)) != 1:
            raise ValueError("give one of per_day, per_month, per_year")
        return self


class TariffConfig(Section):
    """Money per kWh."""

    currency: str = Field("EUR", min_length=1, max_length=5)
    import_per_kwh: FiniteFloat | None = Field(None, ge=0)
    export_per_kwh: FiniteFloat = 0.0
    import_: list[PriceConfig] = Field([], alias="import")
    export: list[PriceConfig] = []
    standing: list[StandingConfig] = []
    holidays: list[Day] = []


class Co2Config(Section):
    """Grams of CO2 per kWh from the grid."""

    per_kwh: FiniteFloat | None = Field(None, ge=0)
    grid: list[PriceConfig] = []


def to_rate(config: RateConfig) -> Rate:
    """A rate; raises ValueError for a time there is not."""
    parts = {"months": config.months, "weekdays": config.weekdays, "times": config.times}
    interval = parse_time_interval({name: value for name, value in parts.items() if value})
    for minute in (minute for span in interval.times for minute in span):
        if minute % QUARTER_MIN:
            raise ValueError(f"{minute // 60:02d}:{minute % 60:02d}: prices change on quarters of an hour")
    months = frozenset(month for first, last in interval.months for month in range(first, last + 1))
    # Alertmanager's weeks begin with Sunday, Python's with Monday.
    weekdays = frozenset((day - 1) % 7 for first, last in interval.weekdays for day in range(first, last + 1))
    return Rate(config.per_kwh, months or MONTHS, weekdays or WEEKDAYS, interval.times or ((0, 1440),))


def to_prices(entries: Sequence[PriceConfig]) -> tuple[Prices, ...]:
    """Entries as the energy side has them."""
    return tuple(
        Prices(
            since=entry.since,
            per_kwh=entry.per_kwh,
            rates=tuple(to_rate(rate) for rate in entry.rates),
            series=entry.query is not None or entry.csv is not None,
            factor=entry.factor,
            add=entry.add,
        )
        for entry in entries
    )


def to_tariff(config: TariffConfig) -> Tariff | None:
    """The tariff; None where no price is configured."""
    simple = flat(config.import_per_kwh or 0.0, config.export_per_kwh, config.currency)
    bought = simple.bought if config.import_per_kwh is not None else to_prices(config.import_)
    if not bought and not config.export and not config.standing:
        return None
    return Tariff(
        currency=config.currency,
        bought=bought,
        sold=to_prices(config.export) or simple.sold,
        standing=tuple(_standing(one) for one in config.standing),
        holidays=frozenset(config.holidays),
    )


def to_co2(config: Co2Config) -> tuple[Prices, ...]:
    """The grid's intensity; empty where none is configured."""
    return (Prices(per_kwh=config.per_kwh),) if config.per_kwh is not None else to_prices(config.grid)


def check_tariff(tariff: TariffConfig, co2: Co2Config, folder: Path, zone: ZoneInfo) -> Iterator[Problem]:
    """What is wrong beyond the single values: holes, overlaps, dates out of order, files that cannot be read."""
    if tariff.import_per_kwh is not None and tariff.import_:
        yield ("tariff", "import_per_kwh"), "give import_per_kwh or import, not both"
    if "export_per_kwh" in tariff.model_fields_set and tariff.export:
        yield ("tariff", "export_per_kwh"), "give export_per_kwh or export, not both"
    if co2.per_kwh is not None and co2.grid:
        yield ("co2", "per_kwh"), "give per_kwh or grid, not both"
    lists = ((("tariff", "import"), tariff.import_), (("tariff", "export"), tariff.export), (("co2", "grid"), co2.grid))
    for path, entries in lists:
        yield from _check_order(path, entries)
        for index, entry in enumerate(entries):
            yield from _check_entry((*path, index), entry, folder, zone)
    yield from _check_order(("tariff", "standing"), tariff.standing)


def price_files(entries: Sequence[PriceConfig], folder: Path, zone: ZoneInfo) -> list[PriceFile | None]:
    """Each entry's file, None for one without; raises ValueError with the cause."""
    return [None if entry.csv is None else _read(folder / entry.csv, zone) for entry in entries]


def _check_order(path: tuple[str | int, ...], entries: Sequence[PriceConfig | StandingConfig]) -> Iterator[Problem]:
    before: date | None = None
    for index, entry in enumerate(entries):
        if index and entry.since is None:
            yield (*path, index), "needs from: only the first entry may hold ever since"
        elif entry.since is not None and before is not None and entry.since <= before:
            yield (
                (*path, index, "from"),
                f"{entry.since} is not after {before}; write the entries in order of their dates",
            )
        before = entry.since or before


def _check_entry(path: tuple[str | int, ...], entry: PriceConfig, folder: Path, zone: ZoneInfo) -> Iterator[Problem]:
    rates = [to_rate(rate) for rate in entry.rates]
    for (first, one), (second, other) in combinations(enumerate(rates), 2):
        if when := overlap(one, other):
            yield (*path, "rates", second), f"overlaps rates[{first}]: both hold on {when}"
    if rates and entry.per_kwh is None and (when := holes(rates)):
        yield (*path, "rates"), f"no rate holds on {when}; add one, or per_kwh for all other times"
    if entry.csv is not None:
        try:
            _read(folder / entry.csv, zone)
        except ValueError as error:
            yield (*path, "csv"), str(error)


def _read(file: Path, zone: ZoneInfo) -> PriceFile:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ValueError(f"cannot read {file}: {reason}") from error
    try:
        return read_price_file(text, zone)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _standing(config: StandingConfig) -> Standing:
    if config.per_day is not None:
        return Standing(config.per_day, "day", config.since)
    if config.per_month is not None:
        return Standing(config.per_month, "month", config.since)
    return Standing(config.per_year or 0.0, "year", config.since)
