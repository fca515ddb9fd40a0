"""What every job works with: the wiring made from the config, the state, the clock, the daemon's memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from watchman.alertmanager.cluster import ClusterView
from watchman.book import Book
from watchman.clock import Clock
from watchman.metrics import Metrics
from watchman.notify.mute import Silence
from watchman.rules.alert import Alert
from watchman.rules.batch import Memory
from watchman.rules.builtin import GivenUp, Stuck
from watchman.rules.handover import Told
from watchman.series import LabelKey, Labels
from watchman.store import Store
from watchman.store.silences import Mark
from watchman.wiring import Wiring


@dataclass(frozen=True, slots=True)
class HomeNow:
    """The last look at the home: values by role (None: not known), and when that was."""

    values: Mapping[str, float | None] = field(default_factory=dict)
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Missed:
    """A time in which nobody watched, too long ago for the alerts to be made up for: only the history is.

    `alerts` are those of each rule when it began. Unix seconds.
    """

    start: float
    end: float
    alerts: Mapping[str, Mapping[LabelKey, Alert]]


@dataclass(slots=True)
class Context:
    """Handed to every job. `wiring` is replaced whole on a reload; the rest lives as long as the process.

    `alive_before` is when the previous process was last known to be alive (unix seconds), None at the first start;
    `missed` are times the history lacks, oldest first; `stopping` tells long work to end. Times that are due
    are unix seconds; infinity means never.
    `told` is what the Alertmanagers were told last, None until it is read from the store;
    `not_before` is a moment that has surely passed: a clock behind it is not set;
    `silences` are those of the Alertmanager; own ones are in the store, `silence_mark` tells when they changed;
    `order_key` signs what can be done from a message;
    `urgent_until` (monotonic seconds): until then a critical message is on its way and nothing may hold it up;
    `cluster` is the last look at the Alertmanagers; of alerts, by fingerprint: a webhook has `brought` them, mode
    before they are `taken_over` from an Alertmanager that does not tell them (`silent_reason`), every member has
    `refused` them, or no member knows them any more since (`gone_since`);
    `batches` is what each group's joined queries taught, `group_took_s` how long its last evaluation was;
    `silent_because` is why the heartbeat does not beat; `wired_at` is when the configuration was last loaded;
    `written` holds the series of each rule that were last written to `remote_write_url`.
    """

    clock: Clock
    store: Store
    wiring: Wiring
    book: Book
    metrics: Metrics
    alive_before: float | None
    wake: Callable[[], None]
    stopping: Callable[[], bool]
    restored: set[str] = field(default_factory=set)
    missed: tuple[Missed, ...] = ()
    prometheus_error: str = ""
    forward_error: str = ""
    failed_in_a_row: int = 0
    batches: dict[str, Memory] = field(default_factory=dict)
    group_took_s: dict[str, float] = field(default_factory=dict)
    scrape_problem: str = ""
    started_at: float = 0.0
    silences: tuple[Silence, ...] = ()
    silence_mark: Mark | None = None
    stuck: tuple[Stuck, ...] = ()
    given_up: tuple[GivenUp, ...] = ()
    silent_because: str = ""
    watchdog_seen_at: float | None = None
    wired_at: float = 0.0
    home: HomeNow = HomeNow()
    page_asked_at: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    facts_again_at: float = 0.0
    ledger_progress: str = ""
    ledger_at: float = 0.0
    ledger_told_at: float = float("-inf")
    dispatch_wanted: threading.Event = field(default_factory=threading.Event)
    next_dispatch_at: float = 0.0
    delivery_wanted: threading.Event = field(default_factory=threading.Event)
    next_delivery_at: float = 0.0
    order_key: bytes = field(default=b"", repr=False)
    urgent_until: float = float("-inf")
    forward_wanted: threading.Event = field(default_factory=threading.Event)
    told: Mapping[LabelKey, Told] | None = None
    written: dict[str, dict[LabelKey, Labels]] = field(default_factory=dict)
    cluster: ClusterView = field(default_factory=ClusterView)
    brought: set[str] = field(default_factory=set)
    taken_over: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    silent_reason: str = ""
    gone_since: dict[str, float] = field(default_factory=dict)
    write_error: str = ""
    write_again_at: float = 0.0
    not_before: float = 0.0
    is_away: bool = False
    sign_of_life_at: float = 0.0

    def want_dispatch(self) -> None:
        """Have dispatch look at the alerts as soon as it can."""
        self.dispatch_wanted.set()
        self.wake()

    def want_forward(self) -> None:
        """Have the Alertmanagers told as soon as they can be."""
        self.forward_wanted.set()
        self.wake()

    def want_delivery(self) -> None:
        """Have the sender look into the outbox as soon as it can."""
        self.delivery_wanted.set()
        self.wake()
