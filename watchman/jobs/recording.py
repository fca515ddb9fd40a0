"""What an evaluation leaves behind as series: on /metrics, and in the TSDB where `remote_write_url` is set."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from watchman.context import Context
from watchman.errors import QueryError
from watchman.rules.alert import AlertState
from watchman.rules.engine import Evaluation
from watchman.rules.rule import Group, Rule
from watchman.series import Labels, Sample, label_key

log = logging.getLogger(__name__)

# While the receiver is away every rule would wait for it.
RETRY_S = 30.0
_OF_ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


def record(context: Context, group: Group, rule: Rule, key: str, evaluation: Evaluation, slot: float) -> None:
    """Keep what a recording rule gave; write it, or ALERTS, for the next rule; a failed evaluation gives nothing."""
    worked = evaluation.health == "ok"
    if rule.record:
        context.book.put_recorded(key, evaluation.samples if worked else [])
    if worked and context.wiring.writer is not None and context.clock.now() >= context.write_again_at:
        samples = evaluation.samples if rule.record else alert_samples(evaluation)
        _write(context, key, samples, slot - group.query_offset_s)


def alert_samples(evaluation: Evaluation) -> list[Sample]:
    """ALERTS and ALERTS_FOR_STATE of the alerts that are pending or firing."""
    samples = []
    for alert in evaluation.alerts.values():
        if alert.state is not AlertState.INACTIVE:
            samples.append(Sample({**alert.labels, "__name__": "ALERTS", "alertstate": alert.state.value}, 1.0))
            samples.append(Sample({**alert.labels, "__name__": "ALERTS_FOR_STATE"}, alert.active_at))
    return samples


def end_removed(context: Context, names: Mapping[str, str]) -> None:
    """After a reload: what rules that are gone had written ends. `names` are those of the rules there are, by key.

    Where a rule of the same name is there (its group or its labels changed), its next evaluation ends what it does not
    give: a series must not have a hole because its rule moved.
    """
    ended: list[Labels] = []
    for key in [key for key in list(context.written) if key not in names]:
        for identity, labels in context.written.pop(key, {}).items():
            name = labels.get("alertname") if labels["__name__"] in _OF_ALERTS else labels["__name__"]
            heir = next((other for other, its_name in names.items() if its_name == name), None)
            if heir is None:
                ended.append(labels)
            else:
                context.written[heir] = {**context.written.get(heir, {}), identity: labels}
    if ended and context.wiring.writer is not None and context.clock.now() >= context.write_again_at:
        _post(context, context.clock.now(), [], ended)


def _write(context: Context, key: str, samples: list[Sample], ts: float) -> None:
    written = {label_key(sample.labels): sample.labels for sample in samples}
    before = context.written.get(key, {})
    ended = [labels for identity, labels in before.items() if identity not in written]
    if (samples or ended) and _post(context, ts, samples, ended):
        context.written[key] = written


def _post(context: Context, ts: float, samples: list[Sample], ended: list[Labels]) -> bool:
    assert context.wiring.writer is not None
    try:
        context.wiring.writer.write(ts, samples, ended)
    except QueryError as error:
        context.write_again_at = context.clock.now() + RETRY_S
        if not context.write_error:
            log.warning("recorded series cannot be written: %s", error)
        context.write_error = str(error)
        return False
    if context.write_error:
        log.info("recorded series can be written again")
        context.write_error = ""
    return True
