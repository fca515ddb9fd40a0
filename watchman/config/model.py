"""config.yaml as types: every key, its default, and what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from watchman.config.routing import InhibitRuleConfig, MaintenanceConfig, MatcherText, RouteConfig, TimeIntervalConfig
from watchman.config.tariff import Co2Config, TariffConfig
from watchman.config.types import (
    Duration,
    PositiveDuration,
    SecretSection,
    Section,
    TimeOfDay,
    Zone,
    read_secret,
)
from watchman.energy.units import is_plain_selector, unit_of
from watchman.errors import Fault
from watchman.modes import Mode

URL_PATTERN = r"^https?://"
ADDRESS_PATTERN = r"^\S+:\d{1,5}$"


class PrometheusConfig(SecretSection):
    """Where the series are."""

    url: str = Field(pattern=URL_PATTERN, description="such as http://prometheus:9090")
    username: str | None = None
    password: SecretStr | None = None
    bearer_token: SecretStr | None = None
    headers: dict[str, str] = {}
    ca_file: str | None = None
    insecure_skip_verify: bool = False
    timeout: PositiveDuration = Field(10.0, description="for one query")
    max_rules_per_query: int = Field(100, ge=1, le=500, description="rules of a group that share a query; 1: none do")
    remote_write_url: str | None = Field(
        None,
        pattern=r"^https?://",
        description="such as http://prometheus:9090/api/v1/write; recorded series and ALERTS are written there",
    )


class Battery(Section):
    """The battery's size and the share that is kept for a power cut."""

    capacity_wh: float | None = Field(None, gt=0)
    reserve_percent: float = Field(10.0, ge=0, le=100)


class SiteConfig(Section):
    """The home."""

    name: str = Field(min_length=1, max_length=60)
    timezone: Zone
    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    battery: Battery = Battery()
    import_limit_watts: float | None = Field(None, gt=0, description="fuse or capacity tariff")
    away: bool = False

    @model_validator(mode="after")
    def _both_coordinates(self) -> SiteConfig:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("give latitude and longitude, or neither")
        return self


CountedFlow = Literal["production", "consumption", "grid_import", "grid_export", "battery_charge", "battery_discharge"]


class CounterConfig(Section):
    """A counter of energy and its unit; a text alone is a selector whose name ends in the unit."""

    selector: str = Field(min_length=1)
    unit: Literal["J", "Wh", "kWh", "MWh"]

    @model_validator(mode="before")
    @classmethod
    def _unit_from_the_name(cls, value: Any) -> Any:
        given = {"selector": value} if isinstance(value, str) else value
        if isinstance(given, dict) and isinstance(given.get("selector"), str):
            selector = given["selector"]
            if not is_plain_selector(selector):
                raise ValueError('must name a series, such as meter_energy_kwh_total{phase="all"}, not an expression')
            unit = given.get("unit", unit_of(selector))
            if unit is None:
                raise ValueError(
                    "the name does not end in its unit: write {selector: ..., unit: kWh} (J, Wh, kWh or MWh)"
                )
            return {**given, "unit": unit}
        return given


class MetricsConfig(Section):
    """Roles and the PromQL that gives them; if the section is given it replaces the default whole."""

    production: str | None = None
    consumption: str | None = None
    grid_feed_in: str | None = Field(None, description="+ export, - import")
    battery_discharge: str | None = Field(None, description="+ discharge, - charge")
    state_of_charge: str | None = None
    backup_buffer: str | None = Field(None, description="reserve in percent, on the scale of state_of_charge")
    counters: dict[CountedFlow, CounterConfig] = Field({}, description="energy that meters count by themselves")

    def roles(self) -> dict[str, str]:
        """The roles that are configured, with their expressions."""
        found = self.model_dump(exclude={"counters"})
        return {role: expr for role, expr in found.items() if expr is not None}


SONNEN_METRICS = MetricsConfig(
    production="sonnen_production_watts",
    consumption="sonnen_consumption_watts",
    grid_feed_in="sonnen_grid_feed_in_watts",
    battery_discharge="sonnen_discharge_watts",
    state_of_charge="sonnen_state_of_charge_percent",
    # The buffer is told on the scale of the user's charge; the charge shown is the raw one, a few percent more.
    backup_buffer=(
        "sonnen_backup_buffer_percent + on (host, sn)"
        " (sonnen_state_of_charge_percent - on (host, sn) sonnen_user_state_of_charge_percent)"
        " or on (host, sn) sonnen_backup_buffer_percent"
    ),
)


class RulePolicy(Section):
    """What watchman adds to rules one cannot annotate: those whose labels match all matchers."""

    matchers: list[MatcherText] = Field(min_length=1)
    on_error: Literal["hold", "fire"] | None = None
    on_vanished: Literal["resolve", "hold", "fire"] | None = None
    news_after: Duration | None = None


class TemplatesConfig(Section):
    """A receiver's own words in Jinja2, here or in a file; what is left out is said in watchman's."""

    title: str | None = None
    text: str | None = None
    html: str | None = None
    title_file: str | None = Field(None, description="relative to this file")
    text_file: str | None = Field(None, description="relative to this file")
    html_file: str | None = Field(None, description="relative to this file")

    @model_validator(mode="after")
    def _one_of_both(self) -> TemplatesConfig:
        for part in ("title", "text", "html"):
            if getattr(self, part) is not None and getattr(self, f"{part}_file") is not None:
                raise ValueError(f"give {part} or {part}_file, not both")
        return self


class QuietHoursConfig(Section):
    """Local times, over midnight where the start is the later one; what is kept is told in one message at the end."""

    start: TimeOfDay
    end: TimeOfDay
    passes: list[str] = Field(["critical"], description="severities that are told at once")

    @model_validator(mode="after")
    def _last(self) -> QuietHoursConfig:
        if self.start == self.end:
            raise ValueError("start and end are the same time; for a receiver that is never rung set digest_only: true")
        return self


class ReceiverConfig(Section):
    """A name for one or more Apprise URLs; an empty list delivers nowhere."""

    name: str = Field(min_length=1)
    apprise: list[SecretStr] = []
    send_resolved: bool = True
    fallback: str | None = Field(None, description="receiver that is told what this one cannot be told")
    fallback_after: PositiveDuration = Field(
        900.0, description="how long a message may wait before the fallback is told"
    )
    templates: TemplatesConfig = TemplatesConfig()
    quiet_hours: QuietHoursConfig | None = None
    digest_only: bool = False

    @field_validator("apprise", mode="before")
    @classmethod
    def _urls_or_file(cls, value: Any) -> Any:
        if isinstance(value, dict):
            if set(value) != {"url_file"}:
                raise ValueError("give a list of Apprise URLs, or {url_file: /path} with one URL per line")
            lines = read_secret(value["url_file"]).splitlines()
            return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        return [value] if isinstance(value, str) else value


class FlappingConfig(Section):
    """When an alert is told as flapping instead of each time; 0 starts: never."""

    starts: int = Field(4, ge=0, le=1000)
    within: PositiveDuration = 3600.0

    @model_validator(mode="after")
    def _more_than_one(self) -> FlappingConfig:
        if self.starts == 1:
            raise ValueError("starts: 1 would call every alert flapping; give 2 or more, or 0 to switch it off")
        return self


class AwayConfig(Section):
    """What is different while nobody is at home."""

    also_tell: list[str] = Field([], description="receivers who hear of the worst alerts too")
    severities: list[str] = Field(["critical"], min_length=1)
    sign_of_life: list[TimeOfDay] = Field(default=["09:00", "21:00"], validate_default=True)
    receivers: list[str] = Field([], description="who gets the sign of life; default: the root route's receiver")


class ReportConfig(Section):
    """A digest: what period, at what local time, to whom."""

    name: str = Field(min_length=1, max_length=100)
    period: Literal["day"] = "day"
    at: TimeOfDay = Field(default="07:05", validate_default=True)
    receivers: list[str] = Field(min_length=1)


class AlertmanagerConfig(SecretSection):
    """The Alertmanager beside or before watchman. Without this section watchman needs none: mode instead."""

    urls: list[str] = []
    mode: Literal["beside", "before", "instead"] = "beside"
    username: str | None = None
    password: SecretStr | None = None
    bearer_token: SecretStr | None = None
    timeout: PositiveDuration = 10.0
    webhook_within: PositiveDuration = Field(600.0, description="mode before: after that watchman tells by itself")
    webhook_expires: PositiveDuration = Field(86400.0, description="an alert nobody speaks of any more is closed")

    @model_validator(mode="after")
    def _urls_as_the_mode_wants(self) -> AlertmanagerConfig:
        if self.mode == "instead" and self.urls:
            raise ValueError("mode instead has no Alertmanager: take urls out, or set mode: beside or mode: before")
        if self.mode != "instead" and not self.urls:
            raise ValueError(f"mode {self.mode} needs urls, every member of the cluster; without one set mode: instead")
        return self


class SolarArray(Section):
    """One plane of the roof. Azimuth 0 north, 90 east, 180 south."""

    name: str
    peak_w: float = Field(gt=0)
    tilt_deg: float = Field(ge=0, le=90)
    azimuth_deg: float = Field(ge=0, lt=360)
    inverter_limit_w: float | None = Field(None, gt=0)


class SolarConfig(Section):
    """The roof."""

    arrays: list[SolarArray] = []
    irradiance: str | None = Field(None, description="PromQL that gives W/m2 in the plane of the panels")


class HeartbeatConfig(SecretSection):
    """A URL that is asked while rules evaluate and messages get through, for a dead man's switch elsewhere."""

    url: SecretStr | None = None
    interval: PositiveDuration = 60.0

    @model_validator(mode="after")
    def _has_url(self) -> HeartbeatConfig:
        if self.url is None:
            raise ValueError("give url or url_file")
        return self


class WatchdogConfig(Section):
    """The alert that Prometheus always fires; watchman tells when it stops arriving."""

    matchers: list[MatcherText] = Field(['alertname="Watchdog"'], min_length=1)
    timeout: PositiveDuration = Field(600.0, description="for how long it may be missing")


class DrillConfig(Section):
    """A silent test of every receiver on the first of each month."""

    enabled: bool = True
    at: TimeOfDay = Field(default="12:00", validate_default=True)


class WebAuth(SecretSection):
    """Who may use page and API: basic auth, a bearer token, or both."""

    username: str = "watchman"
    password: SecretStr | None = None
    bearer_token: SecretStr | None = None

    @model_validator(mode="after")
    def _something(self) -> WebAuth:
        if self.password is None and self.bearer_token is None:
            raise ValueError("give password, bearer_token, or one of them as *_file")
        return self


class WebConfig(Section):
    """The page and the API."""

    listen: str = Field("127.0.0.1:9424", pattern=ADDRESS_PATTERN, description="HOST:PORT")
    external_url: str | None = Field(None, pattern=URL_PATTERN)
    allowed_hosts: list[str] = Field([], description="further host names the page may be asked for")
    allowed_origins: list[str] = Field([], description="pages of others that may use the API, such as karma's")
    auth: WebAuth | None = None
    allow_unauthenticated: bool = False


class CommandsConfig(SecretSection):
    """What can be done from a message, and the ntfy topic that buttons post to where this page cannot be reached."""

    ntfy_url: SecretStr | None = Field(None, description="such as ntfys://token@ntfy.example.org/home-commands")
    buttons: list[Literal["acknowledge", "1h", "8h", "tomorrow"]] = ["acknowledge", "1h", "8h"]

    def actions(self) -> list[str]:
        """The buttons as the orders they give."""
        return [name if name == "acknowledge" else f"silence-{name}" for name in self.buttons]


class StateConfig(Section):
    """Where the state is kept."""

    url: str | None = Field(None, description="default: watchman.sqlite in $WATCHMAN_DATA, else beside the config file")


class ExporterConfig(Section):
    """The sidecar, when it is started with this file: `watchman exporter --config config.yaml`."""

    config_file: str = Field(description="the exporter's own config.toml, relative to this file")


class Config(Section):
    """The whole of config.yaml."""

    prometheus: PrometheusConfig
    site: SiteConfig
    metrics: MetricsConfig = SONNEN_METRICS
    tariff: TariffConfig = TariffConfig()
    co2: Co2Config = Co2Config()
    rule_files: list[str] | None = Field(None, description="relative to this file; left out: the shipped rules")
    evaluation_interval: PositiveDuration = 60.0
    resend_delay: PositiveDuration = 60.0
    resolve_timeout: PositiveDuration = Field(300.0, description="for posted alerts that name no end")
    query_offset: Duration = 0.0
    max_elements_per_rule: int = Field(
        10_000, ge=1, description="a rule whose expression gives more fails, so that the daemon stays responsive"
    )
    rule_policies: list[RulePolicy] = []
    external_labels: dict[str, str] = {}
    receivers: list[ReceiverConfig] = Field(min_length=1)
    route: RouteConfig
    inhibit_rules: list[InhibitRuleConfig] | None = Field(None, description="left out: those the shipped rules want")
    time_intervals: list[TimeIntervalConfig] = []
    mute_time_intervals: list[TimeIntervalConfig] = Field([], description="old name of time_intervals")
    maintenance: list[MaintenanceConfig] = []
    flapping: FlappingConfig = FlappingConfig()
    away: AwayConfig = AwayConfig()
    reports: list[ReportConfig] = []
    alertmanager: AlertmanagerConfig | None = None
    solar: SolarConfig = SolarConfig()
    heartbeat: HeartbeatConfig | None = None
    watchdog: WatchdogConfig | None = None
    drill: DrillConfig = DrillConfig()
    web: WebConfig = WebConfig()
    commands: CommandsConfig = CommandsConfig()
    state: StateConfig = StateConfig()
    exporter: ExporterConfig | None = None

    _file: Path = Path("config.yaml")
    _places: dict[tuple[str | int, ...], tuple[int, int]] = {}

    @property
    def mode(self) -> Mode:
        """Where the Alertmanager stands."""
        return Mode.INSTEAD if self.alertmanager is None else Mode(self.alertmanager.mode)

    @property
    def path(self) -> Path:
        """The file this was read from."""
        return self._file

    @property
    def folder(self) -> Path:
        """The folder relative paths start from."""
        return self._file.parent

    def fault(self, path: tuple[str | int, ...], message: str) -> Fault:
        """A fault at a key that only who uses its value can see; the place is that of the nearest key in the file."""
        known = next((path[:end] for end in range(len(path), 0, -1) if path[:end] in self._places), ())
        line, column = self._places.get(known, (0, 0))
        return Fault(str(self._file), line, column, message)
