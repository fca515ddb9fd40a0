"""`watchman energy meter`: readings of real meters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from watchman.cli.common import common_options
from watchman.errors import UsageError, WatchmanError
from watchman.localtime import iso_local

if TYPE_CHECKING:
    from watchman.energy.meters import Reading
    from watchman.store import Store


@click.group(
    epilog="Examples: watchman energy meter add grid_import 12345.6 --at '2026-11-21 07:30';"
    " watchman energy meter import readings.csv"
)
def meter() -> None:
    """Readings of real meters; the ledger is compared with them and never changed by them."""


@meter.command(name="add")
@common_options
@click.argument("counter")
@click.argument("kwh", type=float)
@click.option("--at", metavar="T", help="When it was read, such as '2026-11-21 07:30' (local); left out: now.")
@click.option("--new-meter", is_flag=True, help="The meter was replaced before this reading.")
def add_reading(config: Path, counter: str, kwh: float, at: str | None, new_meter: bool) -> None:
    """Note that COUNTER shows KWH. A reading of the same time is replaced."""
    from watchman.energy.meters import make_reading, read_moment

    store, site, zone, now = _open(config)
    try:
        reading = make_reading(counter, kwh, read_moment(at, zone) if at else round(now), new_meter=new_meter)
    except ValueError as error:
        raise UsageError(str(error)) from error
    _keep(store, site, zone, now, [reading])
    click.echo(f"{reading.counter.value}: {reading.kwh:g} kWh at {iso_local(reading.at, zone)}")


@meter.command(name="import")
@common_options
@click.argument("file", type=click.Path(path_type=Path))
def import_readings(config: Path, file: Path) -> None:
    """Take readings from a CSV with the columns counter, at, kwh and, if a meter was replaced, new_meter."""
    from watchman.energy.meters import read_csv

    store, site, zone, now = _open(config)
    try:
        readings = read_csv(file.read_text(encoding="utf-8-sig"), zone)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}") from error
    except ValueError as error:
        reason = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)
        raise UsageError(f"{file}: {reason}") from error
    _keep(store, site, zone, now, readings)
    click.echo(f"{len(readings)} readings taken")


@meter.command(name="list")
@common_options
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def list_readings(config: Path, as_json: bool) -> None:
    """List all readings."""
    from watchman.store.meters import read_readings

    store, site, zone, _ = _open(config)
    with store.begin() as connection:
        readings = read_readings(connection, site)
    if as_json:
        click.echo(json.dumps([_to_json(one, zone) for one in readings], indent=2))
        return
    for one in readings:
        click.echo(f"{one.counter:18} {iso_local(one.at, zone)} {one.kwh:12.3f} kWh{'  new meter' * one.new_meter}")
    if not readings:
        click.echo("no readings; add one with: watchman energy meter add grid_import 12345.6")


@meter.command(name="remove")
@common_options
@click.argument("counter")
@click.option("--at", required=True, metavar="T", help="The time of the reading, as `list` shows it.")
def remove_reading(config: Path, counter: str, at: str) -> None:
    """Forget a reading of COUNTER that was wrong."""
    from watchman.energy.meters import read_moment
    from watchman.store.meters import drop_reading

    store, site, zone, _ = _open(config)
    try:
        moment = read_moment(at, zone)
    except ValueError as error:
        raise UsageError(str(error)) from error
    with store.begin() as connection:
        gone = drop_reading(connection, site, counter, moment)
    if not gone:
        raise UsageError(f"no reading of {counter} at {iso_local(moment, zone)}; see watchman energy meter list")
    click.echo("removed")


def _keep(store: Store, site: str, zone: ZoneInfo, now: float, readings: list[Reading]) -> None:
    from watchman.energy.meters import merged
    from watchman.store.meters import read_readings, write_readings

    with store.begin() as connection:
        try:
            merged(read_readings(connection, site), readings, now, zone)
        except ValueError as error:
            raise WatchmanError(str(error)) from error
        write_readings(connection, site, readings)


def _to_json(reading: Reading, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "counter": reading.counter.value,
        "at": iso_local(reading.at, zone),
        "kwh": reading.kwh,
        "new_meter": reading.new_meter,
    }


def _open(config: Path) -> tuple[Store, str, ZoneInfo, float]:
    """The store, the site's name and zone, and now."""
    from watchman.clock import Clock, use_utc
    from watchman.config import load_config
    from watchman.store import open_store
    from watchman.wiring import state_url

    use_utc()
    loaded = load_config(config)
    return open_store(state_url(loaded)), loaded.site.name, loaded.site.timezone, Clock().now()
