"""The demo from its first line to its last: sets the stage, cuts the power, watches who is told, cleans up."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from watchman.demo import story
from watchman.demo.config import Ports
from watchman.demo.mail import Mailbox
from watchman.demo.processes import Family, fetch
from watchman.demo.push import Phone
from watchman.demo.smtp import SmtpServer
from watchman.demo.stage import (
    Say,
    Stage,
    choose_home,
    choose_ports,
    cut_grid,
    find_programs,
    restore_grid,
    set_up,
    start_watchman,
)
from watchman.demo.story import Story
from watchman.demo.web import Site
from watchman.durations import parse_duration
from watchman.errors import WatchmanError
from watchman.sonnen.simulator import Energy

_CUT_AFTER_S = 1.0
_RESTORE_AFTER_S = 8.0
_LOOK_S = 0.3

T = TypeVar("T")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo. 0: it showed what it promises, or was ended by the person who watched; 1: something is missing."""
    options = _parser().parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        return _run(options)
    except (WatchmanError, OSError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("demo: ended; everything is stopped\n")
        return 0 if options.limit_s is None else 1


def _run(options: argparse.Namespace) -> int:
    programs = find_programs()
    say = _teller()
    with ExitStack() as stack:
        now = time.time()
        home = choose_home(now)
        clock = story.clock_in(ZoneInfo(home.timezone))
        phone, mailbox = Phone(time.time, clock), Mailbox(time.time, clock)
        pushes, mails, smtp = Site(phone.respond), Site(mailbox.respond), SmtpServer(mailbox.keep)
        for server in (pushes, mails, smtp):
            server.start()
            stack.callback(server.close)
        family = stack.enter_context(Family(keep=options.keep))
        say(f"everything is in {family.folder}{'' if options.keep else ', removed at the end'}")
        ports = choose_ports(smtp.port, pushes.port)
        stage = Stage(family, programs, ports, home, say)
        yesterday = set_up(stage, now)
        # Scripted while the daemon starts: nobody waits for it, and the story is the same.
        cut_at = cut_grid(ports, time.time() + _CUT_AFTER_S)
        say(f"the power will be cut at {clock(cut_at)}")
        start_watchman(stage)
        if not options.headless:
            _show_addresses(ports, pushes, mails)
        play = _Play(family, ports, phone, mailbox, yesterday, clock, say)
        return _verdict(play, _watch(play, cut_at, options.limit_s, patient=not options.headless))


@dataclass(frozen=True, slots=True)
class _Play:
    """What is watched, and who is told of it."""

    family: Family
    ports: Ports
    phone: Phone
    mailbox: Mailbox
    yesterday: Energy
    clock: Callable[[float], str]
    say: Say


def _watch(play: _Play, cut_at: float, limit_s: float | None, *, patient: bool) -> Story:
    """Look who is told of the power cut, give the power back; until the time is up, or for ever.

    Where nobody watches (not `patient`) it ends as soon as everything has been seen.
    """
    told, begun = Story(), time.monotonic()
    back_at = None
    while (limit_s is None or time.monotonic() < begun + limit_s) and (patient or not told.complete()):
        play.family.check()
        for step in _look(play, cut_at, back_at):
            if told.note(step, cut_at if step == "cut" else time.time()):
                play.say(_WORDS[step])
        if back_at is None and told.told():
            back_at = restore_grid(play.ports, time.time() + _RESTORE_AFTER_S)
        time.sleep(_LOOK_S)
    return told


_WORDS = {
    "cut": "the power is cut, the house runs from its battery",
    "pending": f"{story.ALERT} is pending",
    "firing": f"{story.ALERT} fires",
    "push": "the phone has the push",
    "alertmanager": "the Alertmanager has the alert",
    "back": "the power is back",
    "digest": "yesterday's digest is in the mailbox, with its chart",
}


def _look(play: _Play, cut_at: float, back_at: float | None) -> list[str]:
    """Which steps of the story are to be seen now."""
    now = time.time()
    states = story.alert_states(_ask(f"{play.ports.url('watchman')}/api/v1/alerts", {}))
    seen = {
        "cut": now >= cut_at,
        "pending": bool(states & {"pending", "firing"}),
        "firing": "firing" in states,
        "push": any(story.is_about_the_cut(push) for push in play.phone.pushes),
        "alertmanager": story.in_alertmanager(_ask(f"{play.ports.url('alertmanager')}/api/v2/alerts", [])),
        "back": back_at is not None and now >= back_at,
        "digest": story.find_digest(play.mailbox.mails) is not None,
    }
    return [step for step, true in seen.items() if true]


def _ask(url: str, otherwise: T) -> T:
    """A JSON answer; what could not be had now is looked for again in a moment."""
    with suppress(OSError, ValueError):
        answer: T = json.loads(fetch(url))
        return answer
    return otherwise


def _verdict(play: _Play, told: Story) -> int:
    play.say(told.line(play.clock))
    digest = story.find_digest(play.mailbox.mails)
    if digest is not None:
        play.say(f"yesterday by mail: {', '.join(map(str, story.figures(digest, play.yesterday)))}")
    wrong = story.faults(told, digest, play.yesterday)
    if not wrong:
        play.say("all of it worked")
        return 0
    for words in wrong:
        sys.stderr.write(f"demo: {words}\n")
    for child in play.family.children:
        if child.name in ("exporter", "watchman"):
            sys.stderr.write(f"the last lines of {child.log.name}:\n{child.tail()}\n")
    return 1


def _show_addresses(ports: Ports, pushes: Site, mails: Site) -> None:
    places = {
        "watchman": ports.url("watchman"),
        "pushes on the phone": pushes.url,
        "mails": mails.url,
        "Prometheus": ports.url("prometheus"),
        "Alertmanager": ports.url("alertmanager"),
        "exporter": f"{ports.url('exporter')}/metrics",
        "battery": f"{ports.url('device')}/api/v2/status",
    }
    lines = [f"    {name:<20} {url}\n" for name, url in places.items()]
    sys.stdout.write(f"\n{''.join(lines)}\n    Ctrl-C ends everything.\n\n")
    sys.stdout.flush()


def _teller() -> Say:
    begun = time.monotonic()

    def say(text: str) -> None:
        sys.stdout.write(f"{time.monotonic() - begun:6.1f} s  {text}\n")
        sys.stdout.flush()

    return say


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="watchman demo", description="A whole home on this machine.")
    parser.add_argument(
        "--for",
        dest="limit_s",
        type=_limit,
        metavar="90s",
        help="end after so long, counted from when all is up, and say whether all of it worked",
    )
    parser.add_argument(
        "--headless", action="store_true", help="nobody watches: no addresses, and end as soon as all is seen"
    )
    parser.add_argument("--keep", action="store_true", help="leave the folder with logs, configs and data behind")
    return parser


def _limit(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}; write it like 90s or 2m") from error
