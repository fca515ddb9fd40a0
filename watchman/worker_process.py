"""The worker as a process: `python -m watchman.worker_process CONFIG`, one JSON job on stdin, its result on stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from watchman.clock import Clock, use_utc
from watchman.config import Config, load_config
from watchman.config.tariff import to_co2, to_tariff
from watchman.energy.meters import Reading
from watchman.energy.settle import CounterSource, Memory
from watchman.energy.slots import Asked, Flow, Role, Slot, all_roles
from watchman.energy.units import WH_PER_UNIT
from watchman.notify.noisy import who_alerts_most
from watchman.notify.plan import HoldReason
from watchman.pasts import as_firings, noisy_line
from watchman.ports import Ports
from watchman.prices import file_values, wanted
from watchman.prometheus import Prometheus
from watchman.report.site import Incident, Site, Told
from watchman.rules.selectors import stored_series
from watchman.store import Store, open_store, outbox_views
from watchman.store.alerts import incidents_between
from watchman.store.history import history
from watchman.store.ledger import read_asked, read_slots, write_asked, write_slots
from watchman.store.meters import read_readings
from watchman.store.notices import held_between, told_between
from watchman.store.slot_series import add_values, read_values
from watchman.wiring import prometheus_settings, state_url
from watchman.worker import serve

NICENESS = 10
TOLD_LATE_S = 2 * 86400.0
HELD_IN_WORDS = {
    HoldReason.DIGEST_ONLY.value: "only for this digest",
    HoldReason.NEWS_AFTER.value: "no news, it fired shortly before",
    HoldReason.INHIBITED.value: "explained by another alert",
    HoldReason.MUTED.value: "in a muted time",
    HoldReason.INACTIVE.value: "outside its active times",
    HoldReason.NO_DESTINATION.value: "the receiver has no address",
    HoldReason.SILENCED.value: "silenced",
    HoldReason.MAINTENANCE.value: "in a maintenance window",
    HoldReason.FLAPPING.value: "it came and went",
    HoldReason.QUIET_HOURS.value: "in quiet hours",
}


def make_ports(
    config: Config, store: Store, prometheus: Prometheus, now: Callable[[], float], progress: Callable[[str], None]
) -> Ports:
    """Everything a job may touch, made from the configuration."""
    return Ports(
        site=make_site(config),
        roles={Role(role): expr for role, expr in config.metrics.roles().items()},
        fetch_raw=prometheus.raw_arrays,
        fetch_range=prometheus.range,
        read_slots=partial(_read_slots, store, config.site.name),
        write_slots=partial(_write_slots, store),
        memory=Memory(partial(_read_asked, store, config.site.name), partial(_write_asked, store, config.site.name)),
        incidents=partial(_incidents, store),
        told=partial(_told, store),
        now=now,
        noisy=partial(_noisy, store, config),
        progress=progress,
        counters=make_counters(config),
        has_before=partial(_has_before, prometheus),
        wanted=wanted(config),
        read_values=partial(_read_values, store, config.site.name, file_values(config)),
        add_values=partial(_add_values, store, config.site.name),
        readings=partial(_readings, store, config.site.name),
    )


def make_counters(config: Config) -> dict[Flow, CounterSource]:
    """The configured counters of energy by flow."""
    given = config.metrics.counters.items()
    return {Flow(flow): CounterSource(one.selector, WH_PER_UNIT[one.unit]) for flow, one in given}


def make_site(config: Config) -> Site:
    """What a report must know of the home."""
    site = config.site
    return Site(
        name=site.name,
        timezone=site.timezone.key,
        roles=all_roles(config.metrics.roles(), config.metrics.counters),
        capacity_wh=site.battery.capacity_wh,
        reserve_percent=site.battery.reserve_percent,
        tariff=to_tariff(config.tariff),
        peak_w=sum(array.peak_w for array in config.solar.arrays) or None,
        co2=to_co2(config.co2),
        external_url=config.web.external_url or "",
    )


def main(config_file: Path) -> int:
    """Do one job in this process; returns the exit code."""
    use_utc()
    os.nice(NICENESS)

    def ports(progress: Callable[[str], None]) -> Ports:
        config = load_config(config_file)
        prometheus = Prometheus(prometheus_settings(config.prometheus))
        return make_ports(config, open_store(state_url(config)), prometheus, Clock().now, progress)

    return serve(ports, sys.stdin, sys.stdout, sys.stderr)


def _read_slots(store: Store, site: str, start: float, end: float, flows: Collection[str] = ()) -> list[Slot]:
    with store.begin() as connection:
        return read_slots(connection, site, start, end, flows)


def _write_slots(store: Store, slots: list[Slot]) -> None:
    with store.begin() as connection:
        write_slots(connection, slots)


def _read_asked(store: Store, site: str, start: float, end: float) -> dict[int, Asked]:
    with store.begin() as connection:
        return read_asked(connection, site, start, end)


def _write_asked(store: Store, site: str, asked: Asked) -> None:
    with store.begin() as connection:
        write_asked(connection, site, asked)


def _has_before(prometheus: Prometheus, exprs: Sequence[str], ts: float) -> bool:
    return prometheus.has_before([one for expr in exprs for one in stored_series(expr)], ts)


def _read_values(
    store: Store,
    site: str,
    of_files: Callable[[str, float, float], dict[int, float]],
    kind: str,
    start: float,
    end: float,
) -> dict[int, float]:
    """What is kept; a file that tells the same quarter counts more, as it is the owner's own word."""
    with store.begin() as connection:
        kept = read_values(connection, site, kind, start, end)
    return kept | of_files(kind, start, end)


def _add_values(store: Store, site: str, kind: str, values: Mapping[int, float]) -> None:
    with store.begin() as connection:
        add_values(connection, site, kind, values)


def _readings(store: Store, site: str) -> list[Reading]:
    with store.begin() as connection:
        return read_readings(connection, site)


def _incidents(store: Store, start: float, end: float) -> list[Incident]:
    with store.begin() as connection:
        held = {(row.fingerprint, row.fired): row.reason for row in held_between(connection, start, end)}
        # What waited for the morning and was told then was not kept from anybody.
        for row in told_between(connection, start, end + TOLD_LATE_S):
            held.pop((row.fingerprint, row.fired), None)
        found = incidents_between(connection, start, end)
    return [
        Incident(
            alertname=one.labels.get("alertname", ""),
            labels=one.labels,
            started=one.started,
            ended=one.ended,
            annotations=one.annotations,
            held=HELD_IN_WORDS.get(reason := held.get((one.fingerprint, one.fired), ""), reason),
        )
        for one in found
    ]


def _told(store: Store, start: float, end: float) -> list[Told]:
    with store.begin() as connection:
        rows = outbox_views.alerts_between(connection, start, end)
    return [Told(at=row.created_at, title=row.title) for row in rows]


def _noisy(store: Store, config: Config, start: float, end: float) -> list[str]:
    from watchman.quieter import replayed  # only once a month

    with store.read() as connection:
        pasts = history(connection, start, end)
    return [noisy_line(rule) for rule in replayed(who_alerts_most(as_firings(pasts, start), end), config, start, end)]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
