"""`watchman check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchman.cli.common import common_options
from watchman.errors import ConfigError, Fault, QueryError, UsageError, WatchmanError
from watchman.rules.records import RecordUse, record_uses
from watchman.rules.rule import Group

if TYPE_CHECKING:
    from watchman.prometheus import Prometheus

Checked = tuple[list[Group], list[Fault], list[RecordUse]]


@click.command(epilog="Examples: watchman check --query; watchman check rules/*.yaml")
@common_options
@click.argument("rule_files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--query",
    is_flag=True,
    help="Also ask Prometheus: is each expression accepted, does it match anything, do the powers add up?",
)
def check(config: Path, rule_files: tuple[Path, ...], query: bool) -> None:
    """Check config and rule files; every fault with file, line and column. Exit 0 if all is fine, else 1.

    With RULE_FILES only those are checked.
    """
    if rule_files:
        groups, warnings, uses = _check_files(rule_files)
    else:
        groups, warnings, uses = _check_config(config)
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    if query:
        _check_queries(config, groups)
    _tell_of_records(uses)
    rules = sum(len(group.rules) for group in groups)
    click.echo(f"fine: {rules} rules in {len(groups)} groups, {len(warnings)} warnings")


def _tell_of_records(uses: list[RecordUse]) -> None:
    """What a rule that reads a record sees of it."""
    for use in uses:
        where = f'{use.group.file}:{use.rule.line}: group "{use.group.name}", "{use.rule.name}"'
        seen = (
            f"sees what Prometheus holds of it ({use.problem}): scrape watchman or set prometheus.remote_write_url"
            if use.problem
            else "is asked with that record's expression put in"
        )
        click.echo(f"{where}: reads {use.record} and {seen}", err=True)


def _check_config(config: Path) -> Checked:
    """Config, receivers and rule files; all their faults in one error."""
    from watchman.config import load_config
    from watchman.wiring import check_receivers, load_groups

    loaded = load_config(config)
    faults: list[Fault] = []
    groups: list[Group] = []
    warnings: list[Fault] = []
    try:
        groups, warnings = load_groups(loaded)
    except ConfigError as error:
        faults += error.faults
    try:
        check_receivers(loaded)
    except ConfigError as error:
        faults += error.faults
    if faults:
        raise ConfigError(faults)
    return groups, warnings, record_uses(groups, written=loaded.prometheus.remote_write_url is not None)


def _check_files(files: tuple[Path, ...]) -> Checked:
    """The named rule files alone."""
    from watchman.rules.loader import Defaults, lint_rules, load_rules
    from watchman.rules.template import check_template

    texts = {str(file): _read(file) for file in files}
    defaults = Defaults(check_template=check_template)
    groups = load_rules(texts, defaults)
    return groups, lint_rules(texts, defaults), record_uses(groups)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UsageError(f"cannot read {file}: {reason}") from error


def _check_queries(config: Path, groups: list[Group]) -> None:
    from watchman.checks import check_counters, check_prices, check_retention, check_roles, check_rules
    from watchman.clock import Clock
    from watchman.config import load_config
    from watchman.prices import wanted
    from watchman.prometheus import Prometheus
    from watchman.wiring import prometheus_settings
    from watchman.worker_process import make_counters

    loaded, now = load_config(config), Clock().now()
    prometheus = Prometheus(prometheus_settings(loaded.prometheus))
    found = [
        *check_roles(loaded.metrics.roles(), prometheus.query, prometheus.range, now),
        *check_counters(make_counters(loaded), loaded.metrics.roles(), prometheus.raw_arrays, now),
        *check_prices(wanted(loaded), prometheus.query, now),
        *check_rules(groups, prometheus.query, now),
        *check_retention(_flags(prometheus), [report.period for report in loaded.reports]),
    ]
    for finding in found:
        click.echo(f"{'error' if finding.serious else 'warning'}: {finding.text}", err=True)
    serious = sum(finding.serious for finding in found)
    if serious:
        raise WatchmanError(f"{serious} expressions cannot be evaluated")


def _flags(prometheus: Prometheus) -> dict[str, str]:
    """The server's flags; none where it is not a Prometheus and has no such thing."""
    try:
        return prometheus.flags()
    except QueryError:
        return {}
