"""kill -9 at random moments, with a phone and a mail server that fail, delay, drop and lie: nothing is lost.

Alerts are posted as Prometheus does, again and again until the daemon says 200. What it said 200 to must reach both
receivers, its end must be the last they hear of it, and a message may come twice only where a kill or a lie of the
receiver lies between both copies.
"""

import json
import random
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from house import Daemon
from moody import MoodyPhone, MoodyPost
from servers import wait_for

pytestmark = pytest.mark.integration

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def receivers():
    both = MoodyPhone(seed=11), MoodyPost(seed=12)
    yield both
    for one in both:
        one.close()


@pytest.fixture
def home(tmp_path, phone, post, receivers):
    daemon = Daemon(tmp_path, NOWHERE, phone, post)
    urls = ", ".join(f'"{receiver.url}"' for receiver in receivers)
    daemon.config.write_text(f"""\
prometheus: {{url: "{NOWHERE}"}}
site: {{name: home, timezone: Europe/Berlin}}
rule_files: []
receivers: [{{name: both, apprise: [{urls}]}}]
route: {{receiver: both, group_wait: 0s, group_interval: 1s}}
web: {{listen: "127.0.0.1:{daemon.port}"}}
""")
    yield daemon
    daemon.kill()
    print(f"--- watchman\n{daemon.log()[-5000:]}")


class Sender:
    """Prometheus as far as alerts go: tells what fires and what is over until it is taken."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.starts = {}
        self.ended = set()
        self.taken = set()

    def tell(self, name, *, over=False):
        """Post one alert once; True if the daemon took it."""
        began = self.starts.setdefault(name, datetime.now(UTC))
        alert = {"labels": {"alertname": name, "severity": "warning"}, "startsAt": began.isoformat()}
        if over:
            alert["endsAt"] = datetime.now(UTC).isoformat()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.daemon.port}/api/v2/alerts",
            json.dumps([alert]).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                assert answer.status == 200
        except (urllib.error.URLError, OSError):
            return False
        self.taken.add(name)
        self.ended |= {name} if over else set()
        return True


def live_through_kills(daemon, receivers, kills, seed):
    """Post alerts and their ends; kill the daemon while it starts, as soon as it is up, and while it tells."""
    chance = random.Random(seed)
    sender, killed_at = Sender(daemon), []
    daemon.start()
    for number in range(kills):
        name = f"Alert{number}"
        moment = chance.choice(["starting", "told", "told", "told", "over"]) if number else "told"
        if moment != "starting":
            wait_for(lambda name=name: sender.tell(name), limit_s=60, what="a daemon that takes the alert")
        heard = [one for one in sender.taken - sender.ended if all_heard(receivers, [one])]
        if moment == "over" and heard:
            sender.tell(chance.choice(sorted(heard)), over=True)
        time.sleep(chance.uniform(0, 0.4))
        daemon.kill()
        killed_at.append(time.time())
        daemon.start(wait=False)
    return sender, killed_at


def come_to_rest(daemon, receivers, sender):
    """Every alert must be heard; then end it, let the receivers come to reason, and wait until all is told."""
    wait_for(daemon.is_ready, limit_s=60, what="the last start")
    wait_for(lambda: all_heard(receivers, sender.taken), limit_s=120, what="every alert told")
    for name in sorted(sender.taken - sender.ended):
        wait_for(lambda name=name: sender.tell(name, over=True), limit_s=30, what="the end taken")
    for receiver in receivers:
        receiver.moody = False
    wait_for(lambda: all_over(receivers, sender), limit_s=120, what="every end told")
    wait_for(lambda: not daemon.outbox(), limit_s=60, what="an empty outbox")


def all_heard(receivers, names):
    """True if every receiver knows of all these alerts. One that ends before anybody heard of it is never told."""
    return all(name in titles(one) or f"Over: {name}" in titles(one) for one in receivers for name in names)


def all_over(receivers, sender):
    return all({f"Over: {name}" for name in sender.taken} <= titles(receiver) for receiver in receivers)


def titles(receiver):
    return {copy.title for copy in receiver.taken()}


def check_nothing_lost(daemon, receivers, sender, killed_at):
    rows = daemon.outbox("--all", "--limit", "100000")
    assert {"sent"} == {row["state"] for row in rows}
    doubles = lies = 0
    for receiver in receivers:
        copies = receiver.taken()
        lies += sum(copy.lied for copy in copies)
        for name in sender.taken:
            about = [copy for copy in copies if copy.title in (name, f"Over: {name}")]
            assert about[-1].title == f"Over: {name}", "the end is the last word"
        for title in titles(receiver):
            same = [copy for copy in copies if copy.title == title]
            doubles += len(same) - 1
            for first, second in pairwise(same):
                excused = first.lied or any(first.at <= at + 0.5 and at <= second.at for at in killed_at)
                assert excused, f"{title} came twice with neither a kill nor a lie between"
    attempts = sum(row["attempts"] for row in rows)
    print(
        f"{len(killed_at)} kills: {len(sender.taken)} alerts taken, {len(rows)} messages, "
        f"{sum(len(receiver.taken()) for receiver in receivers)} copies, {doubles} doubles "
        f"({lies} unheard answers), {attempts} failed attempts, 0 lost"
    )


def test_twenty_kills_lose_nothing(home, receivers):
    sender, killed_at = live_through_kills(home, receivers, kills=20, seed=1)
    come_to_rest(home, receivers, sender)
    check_nothing_lost(home, receivers, sender, killed_at)


@pytest.mark.soak
def test_two_hundred_kills_lose_nothing(home, receivers, capsys):
    sender, killed_at = live_through_kills(home, receivers, kills=200, seed=2)
    come_to_rest(home, receivers, sender)
    with capsys.disabled():
        check_nothing_lost(home, receivers, sender, killed_at)
