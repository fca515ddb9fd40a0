"""The config files of the demo's programs, as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time

import yaml

from watchman.demo.history import Labels
from watchman.sonnen.simulator import Settings

TOKEN = "demo-token"  # noqa: S105 - of the simulated battery
SCRAPE_S = 2


@dataclass(frozen=True, slots=True)
class Ports:
    """The loopback ports of the demo."""

    device: int
    exporter: int
    prometheus: int
    alertmanager: int
    watchman: int
    smtp: int
    phone: int

    def url(self, name: str) -> str:
        """Where one of them is reached."""
        return f"http://127.0.0.1:{getattr(self, name)}"


def labels(ports: Ports) -> Labels:
    """What identifies the demo's battery in Prometheus, in the history as in live scrapes."""
    return Labels(host="sonnen-demo", sn="demo-1", job="sonnen", instance=f"127.0.0.1:{ports.exporter}")


def exporter_toml(ports: Ports) -> str:
    """The exporter's config: one battery, asked often so that the demo is quick."""
    battery = labels(ports)
    return (
        f'[[systems]]\nhost = "{battery.host}"\nsn = "{battery.sn}"\nurl = "{ports.url("device")}"\n'
        f'token = "{TOKEN}"\npoll_seconds = {SCRAPE_S}\n'
    )


def prometheus_yaml(ports: Ports) -> str:
    """Scrapes the exporter and the daemon."""
    jobs = {"sonnen": ports.exporter, "watchman": ports.watchman}
    return _yaml(
        {
            "global": {"scrape_interval": f"{SCRAPE_S}s", "scrape_timeout": f"{SCRAPE_S}s"},
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]} for job, port in jobs.items()
            ],
        }
    )


def alertmanager_yaml() -> str:
    """Shows alerts and tells nobody: the phones are the daemon's."""
    return _yaml({"route": {"receiver": "nowhere"}, "receivers": [{"name": "nowhere"}]})


def watchman_yaml(ports: Ports, home: Settings, digest_at: time, state_file: str) -> str:
    """The daemon's config: the shipped rules, a phone for alerts, a mail address for the digest."""
    return _yaml(
        {
            "prometheus": {"url": ports.url("prometheus")},
            "site": {
                "name": "Demo home",
                "timezone": home.timezone,
                "latitude": home.latitude,
                "longitude": home.longitude,
                "battery": {"capacity_wh": home.capacity_wh, "reserve_percent": home.reserve_percent},
            },
            "tariff": {"currency": "USD", "import_per_kwh": 0.32, "export_per_kwh": 0.08},
            "receivers": [
                {"name": "phone", "apprise": [f"ntfy://127.0.0.1:{ports.phone}/home"]},
                {"name": "mail", "apprise": [_mail_url(ports.smtp)]},
            ],
            "route": {"receiver": "phone"},
            "alertmanager": {"urls": [ports.url("alertmanager")], "mode": "beside"},
            "reports": [{"name": "daily", "period": "day", "at": f"{digest_at:%H:%M}", "receivers": ["mail"]}],
            "web": {"listen": f"127.0.0.1:{ports.watchman}", "external_url": ports.url("watchman")},
            "state": {"url": f"sqlite:///{state_file}"},
        }
    )


def digest_time(now: time) -> time:
    """The usual 07:05, or midnight where that is still to come: the digest must be due at once."""
    usual = time(7, 5)
    return usual if now >= usual else time(0, 0)


def prometheus_arguments(ports: Ports, config_file: str, data: str) -> Sequence[str]:
    """Prometheus on loopback, keeping what the history holds."""
    return (
        f"--config.file={config_file}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=400d",
        f"--web.listen-address=127.0.0.1:{ports.prometheus}",
    )


def alertmanager_arguments(ports: Ports, config_file: str, data: str) -> Sequence[str]:
    """Alertmanager on loopback, alone."""
    return (
        f"--config.file={config_file}",
        f"--storage.path={data}",
        f"--web.listen-address=127.0.0.1:{ports.alertmanager}",
        "--cluster.listen-address=",
    )


def _mail_url(port: int) -> str:
    return f"mailto://127.0.0.1:{port}/?from=watchman@home.example&to=me@home.example&mode=insecure"


def _yaml(content: object) -> str:
    text: str = yaml.safe_dump(content, sort_keys=False)
    return text
