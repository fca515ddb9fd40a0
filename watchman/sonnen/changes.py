"""What a person should read in the log: one line per change of a battery's state, none per poll."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watchman.sonnen.details import Configurations
from watchman.sonnen.plan import State, is_offline


@dataclass(frozen=True, slots=True)
class Change:
    """One line for the log; `bad` ones are warnings."""

    message: str
    bad: bool = False


def changes(before: State, after: State, now_s: float) -> list[Change]:
    """What differs between two states of the same battery."""
    return [
        *_address(before, after),
        *_presence(before, after, now_s),
        *_token(before, after),
        *_endpoints(before, after),
        *_firmware(before, after),
        *_lost(before, after),
    ]


def _address(before: State, after: State) -> Iterator[Change]:
    if after.known is None or after.known == before.known:
        return
    moved = "" if after.known.base == after.system.url else f" instead of the configured {after.system.url}"
    bare = after.known.api == "v2" and not after.system.token
    hint = "; without a token only the status is read" if bare else ""
    yield Change(f"found the {after.known.api} API at {after.known.base}{moved}{hint}")


def _presence(before: State, after: State, now_s: float) -> Iterator[Change]:
    if is_offline(after) and not is_offline(before):
        yield Change(f"offline: {'; '.join(dict.fromkeys(after.trouble))}", bad=True)
    elif is_offline(before) and not is_offline(after):
        gone_s = now_s - (now_s if before.offline_since_s is None else before.offline_since_s)
        yield Change(f"online again after {gone_s:.0f} s")


def _token(before: State, after: State) -> Iterator[Change]:
    if after.token_ok is False and before.token_ok is not False:
        # The battery answers the same 401 to both; what was before tells which is likely.
        if before.token_ok:
            cause = (
                "the token was accepted before and now is refused (HTTP 401): the Read API is switched off or the "
                "token was renewed; look under Software-Integration, JSON API on the battery's own page"
            )
        else:
            cause = (
                "the token was refused (HTTP 401): switch on 'Read API' under Software-Integration, JSON API on the "
                "battery's own page, and configure the token shown there"
            )
        yield Change(cause, bad=True)
    elif after.token_ok and before.token_ok is False:
        yield Change("the token is accepted again")


def _endpoints(before: State, after: State) -> Iterator[Change]:
    for name, known in after.endpoints.items():
        earlier = before.endpoints.get(name)
        if known.reason == "forbidden" and not (earlier and earlier.reason == "forbidden"):
            yield Change(
                f"the token is accepted, but not for {name} (HTTP 403): the Read API is switched off", bad=True
            )
        if name != "status" and known.gone and not (earlier and earlier.gone):
            yield Change(f"this device has no {name}: its series are left out, asked again every hour")


def _firmware(before: State, after: State) -> Iterator[Change]:
    was, now = _version(before), _version(after)
    if was and now and was != now:
        yield Change(f"firmware changed from {was} to {now}")


def _lost(before: State, after: State) -> Iterator[Change]:
    """What the first answers after a firmware update have no more."""
    for name in set(before.missing_before_update) - set(after.missing_before_update):
        known = after.endpoints.get(name)
        lost = known.reading.missing - before.missing_before_update[name] if known and known.reading else 0
        if lost > 0:
            yield Change(f"since the firmware update {name} lacks {lost} more of the fields expected", bad=True)


def _version(state: State) -> str | None:
    known = state.endpoints.get("configurations")
    reading = known.reading if known else None
    return reading.firmware if isinstance(reading, Configurations) else None
