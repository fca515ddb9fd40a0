"""What the outcome of a request says about a battery, and when it is asked again."""

from __future__ import annotations

from dataclasses import dataclass, replace

from watchman.sonnen.answers import Reading
from watchman.sonnen.details import Configurations
from watchman.sonnen.plan import Ask, EndpointState, State, endpoints_of, interval_s, is_offline
from watchman.sonnen.system import Target, candidates
from watchman.sonnen.tally import Tally
from watchman.sonnen.values import Failure

FIRST_RETRY_S = 5.0
MAX_RETRY_S = 60.0
FIRST_REFUSED_S = 60.0
MAX_REFUSED_S = 600.0  # a wrong token is not tried often: batteries lock out who insists
GONE_RETRY_S = 3600.0
LOOK_AGAIN_AFTER = 3  # failed polls of a known address
PATIENT_ROUNDS = 2  # of looking, in which an overloaded port is not asked for its older API
PAUSE_S = 1.0  # between two status requests, however slow the battery is
JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Took:
    """When a request started and ended, on the monotonic clock, and the wall time at its end."""

    started_s: float
    finished_s: float
    unix: float


def learn(state: State, ask: Ask, outcome: Reading | Failure, took: Took, chance: float) -> State:
    """The state after a request. `chance` in [0, 1) spreads the retries of several batteries and exporters."""
    counted = _counted(state, ask, outcome, took)
    if isinstance(outcome, Failure):
        return _failed(counted, ask, outcome, took, 1.0 - JITTER * chance)
    found = counted if counted.target else _found(counted, ask.target, took)
    return _answered(found, ask, outcome, took)


def with_token(state: State, token: str, now_s: float) -> State:
    """The state with another token, which is tried at once; the same state if it is the token that was refused."""
    if not token or token == state.system.token:
        return state
    system = replace(state.system, token=token)
    held = {name: replace(known, due_s=now_s) for name, known in state.endpoints.items() if name != "status"}
    return replace(state, system=system, endpoints={**state.endpoints, **held}, token_ok=None, token_refusals=0)


def moved(state: State, url: str, now_s: float) -> State:
    """The state of a battery that was found at another address, where it is asked at once."""
    system = replace(state.system, url=url)
    status = replace(state.status, due_s=now_s)
    endpoints = {**state.endpoints, "status": status}
    return replace(
        state, system=system, endpoints=endpoints, target=None, cursor=0, candidates=candidates(system), trouble=()
    )


def _counted(state: State, ask: Ask, outcome: Reading | Failure, took: Took) -> State:
    reason = outcome.reason if isinstance(outcome, Failure) else ""
    tally = state.tallies[ask.endpoint].add(took.finished_s - took.started_s, reason)
    return replace(state, tallies={**state.tallies, ask.endpoint: tally})


def _answered(state: State, ask: Ask, reading: Reading, took: Took) -> State:
    every_s = interval_s(state, ask.endpoint)
    due_s = max(took.started_s + every_s, took.finished_s + min(PAUSE_S, every_s))
    answered = EndpointState(due_s, reading, took.finished_s, took.unix)
    endpoints = {**state.endpoints, ask.endpoint: answered}
    before_update = {name: count for name, count in state.missing_before_update.items() if name != ask.endpoint}
    if isinstance(reading, Configurations) and _other_firmware(state, reading):
        readings = {name: known.reading for name, known in state.endpoints.items() if name != ask.endpoint}
        before_update = {name: known.missing for name, known in readings.items() if known is not None}
        endpoints = {name: _again(known, took) if known.reason else known for name, known in endpoints.items()}
    if ask.endpoint == "status":
        state = replace(state, trouble=(), offline_since_s=None)
    if ask.with_token:
        # What the refused token held back shares one due time, so the rest follows this answer at once.
        state = replace(state, token_ok=True, token_refusals=0)
    return replace(state, endpoints=endpoints, missing_before_update=before_update)


def _found(state: State, target: Target, took: Took) -> State:
    """The API answered at `target`. Another target than before is another firmware: nothing it said still counts."""
    names = endpoints_of(state.system, target)
    fresh = {name: EndpointState(took.finished_s) for name in names}
    if target == state.known:
        kept = {name: _again(known, took) if known.reason else known for name, known in state.endpoints.items()}
        fresh = fresh | kept
    tallies = {name: state.tallies.get(name, Tally()) for name in (*state.tallies, *names)}
    return replace(state, target=target, known=target, cursor=0, endpoints=fresh, tallies=tallies)


def _failed(state: State, ask: Ask, failure: Failure, took: Took, factor: float) -> State:
    if ask.endpoint != "status":
        return _part_failed(state, ask, failure, took, factor)
    if _token_may_help(state, ask, failure):
        return replace(state, status_with_token=True)
    if ask.with_token and failure.reason == "unauthorized":
        state = replace(state, token_ok=False)
    if state.target is None:
        return _not_here(state, failure, took, factor)
    missed = _missed(replace(state, trouble=(failure.message,)), failure, took, factor)
    return _look_again(missed) if missed.status.failures >= LOOK_AGAIN_AFTER else missed


def _not_here(state: State, failure: Failure, took: Took, factor: float) -> State:
    """No answer from this candidate: on to the next one at once, or to the first again after a pause."""
    so_far = state.trouble if state.cursor else ()
    looking = replace(state, trouble=(*so_far, failure.message))
    cursor = _next_cursor(state, failure)
    if cursor is not None:
        return replace(looking, cursor=cursor)
    return _missed(replace(looking, cursor=0), failure, took, factor)


def _next_cursor(state: State, failure: Failure) -> int | None:
    """The next candidate worth a request. A port that takes no connection has no other API either; one that is
    overloaded is first given time, or an old API would be taken for the only one."""
    here = state.candidates[state.cursor].base
    busy = failure.reason in ("timeout", "http_5xx", "not_ready") and state.status.failures < PATIENT_ROUNDS
    skip = failure.reason == "connect" or busy
    for cursor in range(state.cursor + 1, len(state.candidates)):
        candidate = state.candidates[cursor]
        same = candidate.base == here or (busy and candidate.api.startswith("eco"))
        if not (skip and same) and failure.reason != "dns":
            return cursor
    return None


def _missed(state: State, failure: Failure, took: Took, factor: float) -> State:
    """One more poll of status without an answer."""
    before = state.status
    failures = before.failures + 1
    due_s = took.finished_s + factor * _retry_s(state, failures, failure.reason)
    status = replace(before, due_s=due_s, failures=failures, reason=failure.reason)
    missed = replace(state, endpoints={**state.endpoints, "status": status})
    if is_offline(missed) and state.offline_since_s is None:
        return replace(missed, offline_since_s=took.finished_s)
    return missed


def _look_again(state: State) -> State:
    """The address that answered before is asked first, then all others."""
    ordered = candidates(state.system)
    known = tuple(target for target in ordered if target == state.known)
    others = tuple(target for target in ordered if target != state.known)
    return replace(state, target=None, cursor=0, candidates=known + others, trouble=())


def _part_failed(state: State, ask: Ask, failure: Failure, took: Took, factor: float) -> State:
    """An endpoint beside status failed; the others go on, unless the token they share was refused."""
    before = state.endpoints[ask.endpoint]
    failures = before.failures + 1 if before.reason == failure.reason else 1
    if failure.reason == "unauthorized" and ask.with_token:
        return _refused(state, ask.endpoint, took, factor)
    wait_s = factor * _part_retry_s(state, ask.endpoint, failures, failure.reason)
    part = replace(before, due_s=took.finished_s + wait_s, failures=failures, reason=failure.reason)
    return replace(state, endpoints={**state.endpoints, ask.endpoint: part})


def _refused(state: State, endpoint: str, took: Took, factor: float) -> State:
    """The token was refused: everything that needs it waits, and the next try is a single request."""
    refusals = state.token_refusals + 1
    due_s = took.finished_s + factor * _refused_s(refusals)
    held = {name: replace(known, due_s=due_s) for name, known in state.endpoints.items() if name != "status"}
    before = state.endpoints[endpoint]
    failures = before.failures + 1 if before.reason == "unauthorized" else 1
    held[endpoint] = replace(before, due_s=due_s, failures=failures, reason="unauthorized")
    return replace(state, endpoints={**state.endpoints, **held}, token_ok=False, token_refusals=refusals)


def _token_may_help(state: State, ask: Ask, failure: Failure) -> bool:
    """Status needs no token in v2; a device that wants one all the same is given it."""
    refused = failure.reason in ("unauthorized", "forbidden")
    return refused and bool(state.system.token) and ask.target.api == "v2" and not ask.with_token


def _retry_s(state: State, failures: int, reason: str) -> float:
    if reason == "unauthorized":
        return _refused_s(failures)
    return min(MAX_RETRY_S, min(FIRST_RETRY_S, state.system.poll_s) * 2.0 ** min(failures - 1, 10))


def _part_retry_s(state: State, endpoint: str, failures: int, reason: str) -> float:
    if reason == "not_found":
        return GONE_RETRY_S if failures >= LOOK_AGAIN_AFTER else interval_s(state, endpoint)
    return MAX_REFUSED_S if reason in ("forbidden", "unauthorized") else _retry_s(state, failures, reason)


def _refused_s(refusals: int) -> float:
    return min(MAX_REFUSED_S, FIRST_REFUSED_S * 2.0 ** min(refusals - 1, 10))


def _again(known: EndpointState, took: Took) -> EndpointState:
    return replace(known, due_s=took.finished_s, failures=0, reason="")


def _other_firmware(state: State, reading: Configurations) -> bool:
    before = state.endpoints["configurations"].reading
    return isinstance(before, Configurations) and before.firmware != reading.firmware
