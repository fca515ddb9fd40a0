"""What one configuration is made into: rules, routes, destinations, clients. A reload makes a new one and swaps."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from watchman.alertmanager.client import Alertmanager, AlertmanagerSettings
from watchman.book import rule_keys
from watchman.config import Config
from watchman.config.model import PrometheusConfig, ReceiverConfig
from watchman.config.routing import (
    InhibitRuleConfig,
    to_inhibit_rule,
    to_intervals,
    to_maintenance,
    to_matchers,
    to_route,
)
from watchman.config.templates import read_templates
from watchman.durations import format_duration
from watchman.errors import ConfigError, Fault
from watchman.modes import Mode
from watchman.notify.destination import url_key
from watchman.notify.flap import Flapping
from watchman.notify.hours import QuietHours
from watchman.notify.matchers import Matcher, Op, all_match, make_matcher
from watchman.notify.orders import Topic
from watchman.notify.plan import AwayPlan, Receiver, Routing
from watchman.notify.render import Renderer, make_renderer
from watchman.notify.route import Route, build_tree
from watchman.notify.severity import CRITICAL
from watchman.notify.watchdog import Watchdog
from watchman.prometheus import Prometheus, PrometheusSettings
from watchman.prometheus.remote_write import RemoteWriter
from watchman.rulefiles import read_rule_files
from watchman.rules.batch import operands
from watchman.rules.builtin import BUILT_IN_GROUP, GIVEN_UP, STUCK
from watchman.rules.loader import Defaults, lint_rules, load_rules
from watchman.rules.records import put_in_records
from watchman.rules.rule import Group, Rule
from watchman.rules.template import Expander, check_template, make_expander

# What explains what, for the shipped rules: no data mutes the battery's other alerts, a power cut mutes what follows
# from it.
SHIPPED_INHIBITIONS = (
    InhibitRuleConfig(
        source_matchers=['alertname="BatteryDataMissing"'],
        target_matchers=['alertname=~"Battery.+|GridImportSpike|House.+"', 'alertname!="BatteryDataMissing"'],
        equal=["host", "sn"],
    ),
    InhibitRuleConfig(
        source_matchers=['alertname="GridDown"'],
        target_matchers=[
            'alertname=~"GridImportSpike|BatteryDataMissing|BatteryIdle|BatteryNotCharging|HousePowerGone|SolarOutage"'
        ],
    ),
    InhibitRuleConfig(
        source_matchers=['alertname="BatteryFaultOffGrid"'],
        target_matchers=['alertname="BatteryFault"'],
        equal=["host", "sn"],
    ),
    # What `up == 0` is called in dockprom and elsewhere: it names the exporter's job within a minute.
    InhibitRuleConfig(
        source_matchers=[
            'alertname=~"monitor_service_down|InstanceDown|TargetDown|ServiceDown|PrometheusTargetMissing"'
        ],
        target_matchers=['alertname="BatteryDataMissing"', 'reason="exporter"'],
        equal=["job"],
    ),
)


@dataclass(frozen=True, slots=True)
class GroupPlan:
    """What is known of a group before it runs, rule by rule: state keys, and operands of joined queries."""

    group: Group
    keys: tuple[str, ...]
    operands: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Wiring:
    """Everything that depends on the configuration alone. `destinations` are Apprise URLs by receiver and key.

    `plans` are by the key of the group.
    """

    config: Config
    groups: tuple[Group, ...]
    warnings: tuple[Fault, ...]
    routing: Routing
    destinations: Mapping[str, Mapping[str, str]]
    prometheus: Prometheus
    expand: Expander
    render: Renderer
    members: tuple[Alertmanager, ...]
    writer: RemoteWriter | None = None
    plans: Mapping[str, GroupPlan] = field(default_factory=dict)
    commands: Topic | None = None
    watchdog: Watchdog | None = None

    @property
    def command_topic(self) -> str:
        """Where buttons post to; empty without a topic for it."""
        return self.commands.url if self.commands else ""

    @property
    def mode(self) -> Mode:
        """Where the Alertmanager stands."""
        return self.config.mode

    @property
    def summary(self) -> str:
        """One line for the log."""
        rules = sum(len(group.rules) for group in self.groups)
        receivers = ", ".join(self.routing.receivers)
        return f"{rules} rules in {len(self.groups)} groups, receivers {receivers}"

    def plan(self, group: Group) -> GroupPlan:
        """The plan of a group, also of one that a reload has just taken away."""
        known = self.plans.get(group.key)
        return known if known is not None and known.group is group else make_plan(group, self.config)

    def close(self) -> None:
        """Give connections back."""
        self.prometheus.close()
        if self.writer is not None:
            self.writer.close()
        for member in self.members:
            member.close()


def wire(config: Config) -> Wiring:
    """Make everything a configuration asks for. Raises ConfigError with the faults of rule files and receivers."""
    groups, warnings = load_groups(config)
    check_receivers(config)
    prometheus = Prometheus(prometheus_settings(config.prometheus))
    external_url = config.web.external_url or f"http://{config.web.listen}"
    destinations = {receiver.name: _destinations(receiver) for receiver in config.receivers}
    return Wiring(
        config=config,
        groups=tuple(groups),
        warnings=tuple(warnings),
        routing=make_routing(config, destinations),
        destinations=MappingProxyType(destinations),
        prometheus=prometheus,
        expand=make_expander(prometheus.query, dict(config.external_labels), external_url),
        render=_renderer(config),
        members=tuple(make_members(config)),
        writer=_writer(config.prometheus),
        commands=_commands(config),
        plans=MappingProxyType({group.key: make_plan(group, config) for group in groups}),
        watchdog=_watchdog(config),
    )


def make_plan(group: Group, config: Config) -> GroupPlan:
    """The plan of a group."""
    if config.prometheus.max_rules_per_query == 1 or group is BUILT_IN_GROUP:
        return GroupPlan(group, rule_keys(group), (None,) * len(group.rules))
    return GroupPlan(group, rule_keys(group), operands(group, written=config.prometheus.remote_write_url is not None))


def _renderer(config: Config) -> Renderer:
    try:
        templates = {receiver.name: read_templates(receiver.templates, config.folder) for receiver in config.receivers}
        return make_renderer(config.site.timezone, templates, site=config.site.name)
    except ValueError as error:
        # Checked while loading; only a file that has just changed comes here.
        raise ConfigError([Fault(str(config.path), 0, 0, f"receivers: {error}")]) from error


def _commands(config: Config) -> Topic | None:
    if config.commands.ntfy_url is None:
        return None
    from watchman.notify.ntfy import topic_of

    try:
        return topic_of(config.commands.ntfy_url.get_secret_value())
    except Exception as error:
        # Apprise raises what it likes; only our own words surely hold no secret.
        cause = str(error) if type(error) is ValueError else "Apprise does not take it"
        raise ConfigError([config.fault(("commands", "ntfy_url"), f"commands.ntfy_url: {cause}")]) from None


def load_groups(config: Config) -> tuple[list[Group], list[Fault]]:
    """The configured rule groups with policies applied, and the warnings of their files. Raises ConfigError."""
    texts = read_rule_files(config.rule_files, config.folder, config.path)
    defaults = Defaults(
        check_template=check_template,
        evaluation_interval_s=config.evaluation_interval,
        query_offset_s=config.query_offset,
    )
    groups = [_apply_policies(group, config) for group in load_rules(texts, defaults)]
    written = config.prometheus.remote_write_url is not None
    return put_in_records(groups, written=written), lint_rules(texts, defaults)


def prometheus_settings(config: PrometheusConfig) -> PrometheusSettings:
    """The adapter's settings."""
    return PrometheusSettings(
        url=config.url,
        username=config.username or "",
        password=config.password.get_secret_value() if config.password else "",
        bearer_token=config.bearer_token.get_secret_value() if config.bearer_token else "",
        headers=config.headers,
        ca_file=config.ca_file or "",
        insecure_skip_verify=config.insecure_skip_verify,
        timeout_s=config.timeout,
    )


def make_routing(config: Config, destinations: Mapping[str, Mapping[str, str]]) -> Routing:
    """Who hears what."""
    receivers = {receiver.name: _receiver(receiver, len(destinations[receiver.name])) for receiver in config.receivers}
    named = [*config.time_intervals, *config.mute_time_intervals]
    inhibitions = SHIPPED_INHIBITIONS if config.inhibit_rules is None else config.inhibit_rules
    return Routing(
        root=build_tree(_with_detours(to_route(config.route), receivers)),
        receivers=receivers,
        zone=config.site.timezone,
        inhibit_rules=tuple(to_inhibit_rule(rule) for rule in inhibitions),
        time_intervals={interval.name: to_intervals(interval) for interval in named},
        maintenance=tuple(to_maintenance(window) for window in config.maintenance),
        flapping=Flapping(config.flapping.starts, config.flapping.within) if config.flapping.starts else None,
        away=AwayPlan(tuple(config.away.also_tell), frozenset(config.away.severities)),
    )


def _receiver(config: ReceiverConfig, destinations: int) -> Receiver:
    quiet = config.quiet_hours
    hours = QuietHours(quiet.start, quiet.end, frozenset({CRITICAL, *quiet.passes})) if quiet else None
    return Receiver(config.name, config.send_resolved, destinations, hours, config.digest_only)


def state_url(config: Config) -> str:
    """Where the state is kept: the configured URL, else a file in $WATCHMAN_DATA, else one beside the config."""
    if config.state.url:
        return config.state.url
    folder = Path(os.environ["WATCHMAN_DATA"]) if os.environ.get("WATCHMAN_DATA") else config.folder
    return f"sqlite:///{folder.resolve() / 'watchman.sqlite'}"


def check_receivers(config: Config) -> None:
    """Raises ConfigError naming every Apprise URL and command topic that cannot be used, without their secrets."""
    from watchman.notify.sender import check_url

    faults = [
        config.fault(("receivers", at, "apprise", index), f'receiver "{receiver.name}", apprise[{index}]: {problem}')
        for at, receiver in enumerate(config.receivers)
        for index, url in enumerate(receiver.apprise)
        if (problem := check_url(url.get_secret_value())) is not None
    ]
    try:
        _commands(config)
    except ConfigError as error:
        faults += error.faults
    if faults:
        raise ConfigError(faults)


def _destinations(receiver: ReceiverConfig) -> Mapping[str, str]:
    # Apprise is imported here: `watchman check` and the worker need not carry it.
    from watchman.notify.sender import split_url

    urls = [single for url in receiver.apprise for single in split_url(url.get_secret_value())]
    return MappingProxyType({url_key(url): url for url in urls})


def _writer(config: PrometheusConfig) -> RemoteWriter | None:
    if config.remote_write_url is None:
        return None
    return RemoteWriter(config.remote_write_url, prometheus_settings(config))


def _watchdog(config: Config) -> Watchdog | None:
    expected = config.watchdog
    return None if expected is None else Watchdog(to_matchers(expected.matchers, {}, {}), expected.timeout)


def make_members(config: Config) -> Iterator[Alertmanager]:
    """A client for every member of the Alertmanager cluster; none without one."""
    beside = config.alertmanager
    if beside is None:
        return
    settings = AlertmanagerSettings(
        username=beside.username or "",
        password=beside.password.get_secret_value() if beside.password else "",
        bearer_token=beside.bearer_token.get_secret_value() if beside.bearer_token else "",
        timeout_s=beside.timeout,
    )
    for url in beside.urls:
        yield Alertmanager(url, settings)


def _with_detours(root: Route, receivers: Mapping[str, Receiver]) -> Route:
    """Put before the user's routes: that a receiver is stuck is told to every other one, never to itself."""
    detours = []
    for stuck in receivers:
        others = [receiver.name for receiver in receivers.values() if receiver.destinations and receiver.name != stuck]
        about = (
            make_matcher("alertname", Op.REGEX, f"{STUCK.name}|{GIVEN_UP.name}"),
            make_matcher("receiver", Op.EQUAL, stuck),
        )
        detours += [Route(receiver=name, matchers=about, continue_=name != others[-1]) for name in others]
    return replace(root, routes=(*detours, *root.routes))


def _apply_policies(group: Group, config: Config) -> Group:
    policies = [(to_matchers(policy.matchers, {}, {}), policy) for policy in config.rule_policies]
    rules = []
    for rule in group.rules:
        for matchers, policy in policies:
            if _covers(matchers, rule):
                rule = _with_policy(rule, policy.on_error, policy.on_vanished, policy.news_after)  # noqa: PLW2901
        rules.append(rule)
    return replace(group, rules=tuple(rules))


def _covers(matchers: tuple[Matcher, ...], rule: Rule) -> bool:
    return not rule.record and all_match(matchers, {**rule.labels, "alertname": rule.name})


def _with_policy(rule: Rule, on_error: str | None, on_vanished: str | None, news_after_s: float | None) -> Rule:
    annotations = dict(rule.annotations)
    if news_after_s is not None:
        annotations["news_after"] = format_duration(news_after_s)
    return replace(
        rule,
        on_error=on_error or rule.on_error,
        on_vanished=on_vanished or rule.on_vanished,
        annotations=annotations,
    )
