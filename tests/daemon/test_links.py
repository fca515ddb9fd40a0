"""Links and buttons of messages, from the alert to what they do: signed, once, only by POST, for nobody else."""

from __future__ import annotations

import pytest
from world import CONFIG, RULES, World

from watchman import actions, jobs, views
from watchman.notify.orders import LABELS, sign
from watchman.notify.outbox import message_from_json
from watchman.store import silences
from watchman.store.acks import load_acks
from watchman.store.schema import outbox
from watchman.web.app import Ports, create_app

OUTSIDE = CONFIG + "web: {external_url: https://home.example.org/}\n"
EVIL = '<img src=x onerror=alert(1)>"{{ nothing.at.all }}'
HOST = "https://home.example.org"


class Home(World):
    """A world whose alert fires, with its pages as a browser gets them."""

    def __init__(self, folder, config=OUTSIDE, rules=RULES, host="h"):
        super().__init__(folder, config, rules)
        self.prometheus.labels = {"host": host}
        self.prometheus.values = {"heat > 0": {self.minute(m): 1.0 for m in range(3000)}}
        for minute in range(4):
            self.tick(minute)

    def browser(self):
        context = self.context
        nothing = dict.fromkeys(Ports.__dataclass_fields__, lambda *_: None)
        ports = nothing | {
            "access": lambda: views.access(context.wiring.config),
            "offer": lambda token: actions.offer(context, token),
            "perform": lambda token: actions.perform(context, token, "link"),
        }
        return create_app(Ports(**ports)).test_client()

    def message(self):
        with self.context.store.read() as connection:
            rows = connection.execute(outbox.select().order_by(outbox.c.id)).all()
        return message_from_json(rows[-1].message)

    def links(self):
        choices = self.message().choices
        return {action.name: action.link.removeprefix(HOST) for action in choices.actions} | {
            "menu": choices.menu.removeprefix(HOST)
        }

    def acks(self):
        with self.context.store.read() as connection:
            return [(ack.by, ack.at) for ack in load_acks(connection)]

    def silences(self):
        with self.context.store.read() as connection:
            return silences.load(connection)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


def get(home, path, **headers):
    return home.browser().get(path, base_url=HOST, headers=headers)


def post(home, path, **headers):
    return home.browser().post(path, base_url=HOST, headers=headers)


def test_a_link_asks_first_and_its_button_acknowledges(home):
    link = home.links()["acknowledge"]
    page = get(home, link)

    assert (page.status_code, home.acks()) == (200, [])
    assert "Acknowledge?" in page.text
    assert "It is hot: 1" in page.text
    done = post(home, link, Origin=HOST)
    assert (done.status_code, home.acks()) == (200, [("phone", home.clock.at)])
    assert "not repeated until it is over" in done.text


def test_what_is_acknowledged_is_not_repeated_and_its_end_is_told(home):
    assert post(home, home.links()["acknowledge"]).status_code == 200
    told = [home.tick(minute) for minute in range(5, 60)]
    assert told == [[]] * 55

    home.prometheus.values = {}
    assert home.tick(61) == [("phone", "Over: It is hot: 1")]


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("name", [*LABELS, "menu"])
def test_looking_at_a_link_never_acts(home, method, name):
    for _ in range(3):
        assert getattr(home.browser(), method)(home.links()[name], base_url=HOST).status_code == 200

    assert (home.acks(), home.silences()) == ([], [])


@pytest.mark.parametrize(("name", "hours"), [("silence-1h", 1), ("silence-8h", 8), ("silence-tomorrow", None)])
def test_a_silence_is_made_once_however_often_the_button_is_pressed(home, name, hours):
    link = home.links()[name]
    first, pressed_at = post(home, link), home.clock.at
    home.clock.at += 1800
    again = post(home, link)

    [silence] = home.silences()
    assert (first.status_code, again.status_code) == (200, 200)
    assert "done already" in again.text
    assert "done already" in get(home, link).text
    # The clock stands a few minutes before 6 in the morning of the 12th.
    assert silence.ends_at - pressed_at == (hours * 3600 if hours else pytest.approx(25.2 * 3600, abs=1200))
    assert {(one.name, one.value) for one in silence.matchers} == {
        ("alertname", "Hot"), ("host", "h"), ("severity", "critical"),
    }  # fmt: skip
    assert silence.created_by == "phone"


def test_what_is_silenced_is_told_again_afterwards(home):
    post(home, home.links()["silence-1h"])

    assert [home.tick(minute) for minute in range(5, 60)] == [[]] * 55
    assert [title for minute in range(60, 70) for _, title in home.tick(minute)] == ["Still: It is hot: 1"]


def test_the_menu_offers_all_and_does_nothing_itself(home):
    page = get(home, home.links()["menu"])

    assert [label for label in LABELS.values() if label not in page.text] == []
    assert post(home, home.links()["menu"]).status_code == 403
    options = actions.offer(home.context, home.links()["menu"].removeprefix("/act/")).options
    assert [post(home, f"/act/{token}").status_code for token, _ in options] == [200] * 4


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda link: link[:-1] + ("A" if link[-1] != "A" else "B"), id="signature"),
        pytest.param(lambda link: link.replace("acknowledge", "silence-8h"), id="action"),
        pytest.param(lambda link: link + ".x", id="something added"),
        pytest.param(lambda _: "/act/" + "x" * 5000, id="nonsense"),
    ],
)
def test_a_changed_link_does_nothing(home, change):
    link = change(home.links()["acknowledge"])

    assert (get(home, link).status_code, post(home, link).status_code) == (403, 403)
    assert (home.acks(), home.silences()) == ([], [])


def test_an_old_link_does_nothing_and_says_why(home):
    link = home.links()["acknowledge"]
    home.clock.at += 7 * 86400

    for answer in (get(home, link), post(home, link)):
        assert (answer.status_code, "too old" in answer.text) == (410, True)
    assert home.acks() == []


def test_a_link_whose_message_is_forgotten_says_so(home):
    link = home.links()["acknowledge"].removeprefix("/act/")
    unknown = sign(home.context.order_key, "acknowledge", "0" * 24, home.clock.at + 60)
    assert link != unknown

    assert post(home, f"/act/{unknown}").status_code == 410


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://home.example.org.evil.example"])
def test_a_page_of_another_origin_cannot_use_a_link(home, origin):
    assert post(home, home.links()["acknowledge"], Origin=origin).status_code == 403
    assert home.acks() == []


def test_a_form_and_a_bare_post_of_an_app_are_taken(home):
    browser, link = home.browser(), home.links()["acknowledge"]

    assert browser.post(link, base_url=HOST, data={"x": "1"}, headers={"Origin": HOST}).status_code == 200
    assert browser.post(link, base_url=HOST, data="", content_type="text/plain").status_code == 200


def test_the_signature_stands_for_the_password_and_only_there(tmp_path):
    home = Home(tmp_path, OUTSIDE.replace("example.org/}", "example.org/, auth: {password: s3cret}}"))

    assert get(home, home.links()["acknowledge"]).status_code == 200
    assert get(home, "/act/nonsense").status_code == 403
    assert [get(home, path).status_code for path in ("/", "/api/v1/rules", "/act", "/static/page.js")] == [401] * 4
    assert get(home, "/static/page.css").status_code == 200


def test_labels_and_texts_of_alerts_cannot_become_markup(tmp_path):
    home = Home(tmp_path, rules=RULES.replace("It is hot: {{ $value }}", "{{ $labels.host }}"), host=EVIL)

    page = get(home, home.links()["menu"]).text
    assert "&lt;img src=x onerror" in page
    assert "<img" not in page
    answer = post(home, home.links()["silence-1h"])
    assert (answer.status_code, len(home.silences())) == (200, 1)


def test_the_pages_carry_the_safe_headers_and_let_a_browser_say_its_origin(home):
    headers = get(home, home.links()["menu"]).headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "form-action 'self'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


def test_links_hold_over_a_restart_and_for_nobody_elses_watchman(home, tmp_path):
    link = home.links()["acknowledge"]
    other = tmp_path / "other"
    other.mkdir()
    assert post(Home(other), link).status_code == 403

    home.restart()
    assert post(home, link).status_code == 200


def test_without_an_address_there_are_no_links(tmp_path):
    assert Home(tmp_path, CONFIG).message().choices is None


def test_an_end_has_no_links(home):
    home.prometheus.values = {}
    for minute in range(5, 11):
        home.tick(minute)

    assert (home.message().title, home.message().choices) == ("Over: It is hot: 1", None)


def test_the_key_lies_in_the_state_that_only_its_owner_reads(home):
    assert home.context.store.path.stat().st_mode & 0o077 == 0
    assert len(home.context.order_key) == 32


def test_uses_are_counted(home):
    link = home.links()["acknowledge"]
    for path in (link, link, "/act/nonsense"):
        post(home, path)

    text = home.context.metrics.render().decode()
    for outcome in ("done", "again", "refused"):
        assert f'watchman_orders_total{{outcome="{outcome}",way="link"}} 1.0' in text


def test_old_cases_are_forgotten(home):
    link = home.links()["acknowledge"]
    home.clock.at += 9 * 86400
    jobs.housekeeping(home.context)
    home.clock.at -= 9 * 86400

    assert get(home, link).status_code == 410


@pytest.mark.parametrize(
    ("origin", "status"),
    [(HOST, 200), ("https://evil.example.org", 403), ("null", 403), ("https://home.example.org.evil.org", 403)],
)
def test_behind_a_proxy_that_asks_by_an_address_our_own_page_is_known_by_its_outside_name(home, origin, status):
    link = home.links()["acknowledge"]
    answer = home.browser().post(link, base_url="http://127.0.0.1:9424", headers={"Origin": origin})

    assert (answer.status_code, len(home.acks())) == (status, int(status == 200))
