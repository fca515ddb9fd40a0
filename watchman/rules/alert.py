"""One alert of a rule: its identity, its state, its clocks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class AlertState(StrEnum):
    """Prometheus' three states; `inactive` is a resolved alert that is remembered for its repeats."""

    PENDING = "pending"
    FIRING = "firing"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert after an evaluation. Times are unix seconds of evaluation slots; None where it has not happened.

    `labels` is the identity: element labels without `__name__`, rule labels over them, `alertname`.
    `keep_since` is set while only `keep_firing_for` (or `on_vanished: hold`) keeps it firing, to the first evaluation
    without its element: the true end of the condition.
    """

    labels: Mapping[str, str]
    state: AlertState
    active_at: float
    value: float
    annotations: Mapping[str, str] = field(default_factory=dict)
    fired_at: float | None = None
    resolved_at: float | None = None
    keep_since: float | None = None
    held: bool = False
    """True while the series are gone and `on_vanished: hold` says not to believe it."""
