"""What is known of a battery, what to ask it next, and what of it may still be shown.

All of it is a pure function of a state and the time. The poller carries out `next_ask`, `learn` turns the outcome into
the next state, and scrapes read the state. Times are seconds of a monotonic clock; only `received_unix` is wall time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchman.sonnen.answers import ENDPOINTS, Reading
from watchman.sonnen.system import System, Target, candidates
from watchman.sonnen.tally import Tally

STALE_INTERVALS = 3
MIN_STALE_S = 15.0
MISSED_POLLS = 2  # a battery that missed so many is offline
GONE_AFTER = 3  # answers "not found" in a row: this endpoint is not on this device


@dataclass(frozen=True, slots=True)
class EndpointState:
    """The last answer of an endpoint and how its requests fare since."""

    due_s: float
    reading: Reading | None = None
    received_s: float | None = None
    received_unix: float | None = None
    failures: int = 0  # in a row
    reason: str = ""  # of the last failure, empty after an answer

    @property
    def gone(self) -> bool:
        """The device said several times that it does not have this endpoint."""
        return self.reason == "not_found" and self.failures >= GONE_AFTER


@dataclass(frozen=True, slots=True)
class State:
    """All that is known of one battery. `target` is None while its API is being looked for."""

    system: System
    endpoints: Mapping[str, EndpointState]
    candidates: tuple[Target, ...]
    target: Target | None = None
    known: Target | None = None  # the last target found
    cursor: int = 0  # into candidates, while looking
    trouble: tuple[str, ...] = ()  # what went wrong at each candidate of this round
    status_with_token: bool = False
    token_ok: bool | None = None
    token_refusals: int = 0  # in a row
    offline_since_s: float | None = None
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    # Fields missing in each answer when the firmware changed, until that answer has come again.
    missing_before_update: Mapping[str, int] = field(default_factory=dict)

    @property
    def status(self) -> EndpointState:
        return self.endpoints["status"]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: what, where, from when on."""

    endpoint: str
    target: Target
    with_token: bool
    at_s: float

    @property
    def url(self) -> str:
        return self.target.base + ENDPOINTS[self.target.api][self.endpoint].path

    @property
    def parts(self) -> tuple[str, ...]:
        """What is asked for below the URL, one by one; mostly nothing."""
        return ENDPOINTS[self.target.api][self.endpoint].parts


def first_state(system: System, now_s: float) -> State:
    """A battery of which nothing is known yet."""
    return State(
        system=system,
        endpoints={"status": EndpointState(now_s)},
        candidates=candidates(system),
        tallies={"status": Tally()},
    )


def next_ask(state: State, now_s: float) -> Ask:
    """The request to make next; before its `at_s` nothing is to be asked. A battery is never asked two things at once.

    Status goes first. While the battery does not answer it, nothing else is asked.
    """
    if state.target is None:
        return Ask("status", state.candidates[state.cursor], state.status_with_token, state.status.due_s)
    name = _next_endpoint(state, now_s)
    needs_token = state.target.api == "v2" and (name != "status" or state.status_with_token)
    return Ask(name, state.target, needs_token, state.endpoints[name].due_s)


def interval_s(state: State, endpoint: str) -> float:
    """How often an endpoint is asked while all is well."""
    api = state.target or state.known
    fixed = ENDPOINTS[api.api if api else "v2"][endpoint].interval_s
    return state.system.poll_s if fixed is None else max(fixed, state.system.poll_s)


def endpoints_of(system: System, target: Target) -> tuple[str, ...]:
    """What a battery is asked for: in v2 without a token only its status."""
    if target.api == "v2" and not system.token:
        return ("status",)
    return tuple(ENDPOINTS[target.api])


def is_offline(state: State) -> bool:
    """It missed several polls, or has never answered."""
    never = state.status.received_s is None
    return state.status.failures >= (1 if never else MISSED_POLLS)


def is_fresh(state: State, endpoint: str, now_s: float) -> bool:
    """Its last answer is at most STALE_INTERVALS intervals old."""
    received_s = state.endpoints[endpoint].received_s
    limit_s = max(MIN_STALE_S, STALE_INTERVALS * interval_s(state, endpoint))
    return received_s is not None and now_s - received_s <= limit_s


def is_online(state: State, now_s: float) -> bool:
    """The battery answers. In v1 that includes inverter and power meter, where the device has them, as the Rust
    exporter counted it; in v2 status alone decides."""
    if is_offline(state) or not is_fresh(state, "status", now_s):
        return False
    if state.known is None or state.known.api != "v1":
        return True
    return all(_v1_part_ok(state, endpoint, now_s) for endpoint in ("inverter", "powermeter"))


def current(state: State, endpoint: str, now_s: float) -> Reading | None:
    """The reading that may be shown now. What is older than its limit, or from a battery that is gone, is not shown
    unless the system is configured with `keep_stale`."""
    known = state.endpoints.get(endpoint)
    if known is None or known.reading is None or state.system.keep_stale:
        return known.reading if known else None
    alive = not is_offline(state) and is_fresh(state, "status", now_s)
    return known.reading if alive and is_fresh(state, endpoint, now_s) else None


def _next_endpoint(state: State, now_s: float) -> str:
    if state.status.failures or state.status.due_s <= now_s:
        return "status"
    return min(state.endpoints, key=lambda name: state.endpoints[name].due_s)


def _v1_part_ok(state: State, endpoint: str, now_s: float) -> bool:
    known = state.endpoints.get(endpoint)
    return known is not None and (known.reason == "not_found" or is_fresh(state, endpoint, now_s))
