"""From the configuration to the series beside the energies: what Prometheus is asked for, what files give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import zip_longest

from watchman.config import Config
from watchman.config.tariff import PriceConfig, price_files
from watchman.energy.account import CO2, EXPORT_PRICE, IMPORT_PRICE, IRRADIANCE
from watchman.energy.beside import Wanted
from watchman.energy.pricefile import PriceFile
from watchman.errors import ConfigError, Fault
from watchman.localtime import local_day


def wanted(config: Config) -> tuple[Wanted, ...]:
    """Every expression, with the days it is for."""
    found = [
        Wanted(kind, entry.query, entry.since, until, smooth=kind == CO2)
        for kind, entries in _entries(config).items()
        for entry, until in _until(entries)
        if entry.query is not None
    ]
    if config.solar.irradiance is not None:
        found.append(Wanted(IRRADIANCE, config.solar.irradiance, smooth=True))
    return tuple(found)


def file_values(config: Config) -> Callable[[str, float, float], dict[int, float]]:
    """`read(kind, start, end)`: what the CSVs give, by slot start. Reads them now; raises ConfigError."""
    zone = config.site.timezone
    files: dict[str, list[tuple[float, float, PriceFile]]] = {}
    for kind, entries in _entries(config).items():
        try:
            for (entry, until), file in zip(_until(entries), price_files(entries, config.folder, zone), strict=True):
                if file is None:
                    continue
                first = local_day(entry.since, zone)[0] if entry.since else float("-inf")
                last = local_day(until, zone)[0] if until else float("inf")
                files.setdefault(kind, []).append((first, last, file))
        except ValueError as error:
            raise ConfigError([Fault(str(config.path), 0, 0, f"{kind}: {error}")]) from error

    def read(kind: str, start: float, end: float) -> dict[int, float]:
        values: dict[int, float] = {}
        for first, last, file in files.get(kind, ()):
            values |= file.between(max(first, start), min(last, end)) if max(first, start) < min(last, end) else {}
        return values

    return read


def _entries(config: Config) -> Mapping[str, Sequence[PriceConfig]]:
    return {IMPORT_PRICE: config.tariff.import_, EXPORT_PRICE: config.tariff.export, CO2: config.co2.grid}


def _until(entries: Sequence[PriceConfig]) -> Iterator[tuple[PriceConfig, date | None]]:
    """Each entry with the day on which the next one begins."""
    following = (entry.since for entry in entries[1:])
    return zip_longest(entries, following)
