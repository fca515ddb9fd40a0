"""config.toml of the Rust exporter, the environment and flags; every fault names its key and the mend."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from watchman.errors import ConfigError, UsageError
from watchman.sonnen.settings import Listen, Options, Settings, load_settings, parse_listen
from watchman.sonnen.system import System, normal_url

RUST = """
listen_port = 9999

[[systems]]
host = "sonnen-a"
sn = "Psb12345"
url = "http://sonnen-a:8080"

[[systems]]
host = "sonnen-b"
url = "http://sonnen-b:8080/"
"""


def load(toml: str = "", environ: Mapping[str, str] | None = None, **flags: str) -> Settings:
    files = {"/run/secrets/token": "from-file\n", "empty": "\n", "two": "a b"}

    def read_file(path: str) -> str:
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[path]

    return load_settings(Options("config.toml", toml, **flags), environ or {}, read_file)


def test_the_rust_exporters_file_is_read_as_it_is() -> None:
    settings = load(RUST)

    assert settings.listen == Listen(None, 9999)
    assert settings.systems == (
        System("sonnen-a", "Psb12345", "http://sonnen-a:8080"),
        System("sonnen-b", "", "http://sonnen-b:8080"),
    )
    assert settings.warnings == ()


def test_all_optional_keys() -> None:
    settings = load(
        '[[systems]]\nurl = "192.168.1.50"\ntoken_file = "/run/secrets/token"\napi = "v2"\npoll_seconds = 2.5\n'
        'keep_stale = true\ntimezone = "Europe/Berlin"\n'
    )
    (system,) = settings.systems

    assert settings.listen == Listen(None, 9422)
    assert (system.host, system.url, system.token) == ("192.168.1.50", "http://192.168.1.50", "from-file")
    assert (system.api, system.poll_s, system.keep_stale) == ("v2", 2.5, True)
    assert str(system.timezone) == "Europe/Berlin"


def test_unknown_keys_are_warned_about_and_not_refused() -> None:
    settings = load('color = "red"\n[[systems]]\nurl = "http://b"\nmodel = "eco"\n')

    assert settings.warnings == (
        "config.toml: systems[0].model: unknown key, ignored",
        "config.toml: color: unknown key, ignored",
    )


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("systems = 5", "config.toml: systems: must be a list of tables"),
        ("[systems]\nurl = 'x'", "config.toml: systems: must be a list of tables"),
        ("[[systems]]\nhost = 'a'", "config.toml: systems[0].url: is missing; write it as http://192.168.1.50:8080"),
        ("[[systems]]\nurl = 5", "systems[0].url: must be text in quotes, not int"),
        ("[[systems]]\nurl = 'ftp://b'", "systems[0].url: has the scheme 'ftp'; write http:// or https://"),
        ("[[systems]]\nurl = 'http://'", "systems[0].url: names no host"),
        ("[[systems]]\nurl = 'http://b:99999'", "systems[0].url: is not a URL; write it as http://192.168.1.50:8080"),
        ("[[systems]]\nurl = 'http://b:0'", "systems[0].url: has port 0"),
        ("[[systems]]\nurl = 'http://me:pw@b'", "systems[0].url: holds a user name or password"),
        ("[[systems]]\nurl = 'b'\napi = 'v3'", "systems[0].api: must be one of auto, v1, v2, eco, not 'v3'"),
        ("[[systems]]\nurl = 'b'\npoll_seconds = 1", "systems[0].poll_seconds: must be a number from 2 to 3600, not 1"),
        ("[[systems]]\nurl = 'b'\npoll_seconds = true", "systems[0].poll_seconds: must be a number"),
        ("[[systems]]\nurl = 'b'\npoll_seconds = nan", "systems[0].poll_seconds: must be a number"),
        ("[[systems]]\nurl = 'b'\nkeep_stale = 1", "systems[0].keep_stale: must be true or false, not 1"),
        ("[[systems]]\nurl = 'b'\ntimezone = 'Berlin'", "systems[0].timezone: 'Berlin' is not a known time zone"),
        ("[[systems]]\nurl = 'b'\ntimezone = '../x'", "systems[0].timezone: '../x' is not a known time zone"),
        (
            "[[systems]]\nurl = 'b'\ntoken = 'a'\ntoken_file = 'b'",
            "systems[0].token: give token or token_file, not both",
        ),
        ("[[systems]]\nurl = 'b'\ntoken_file = 'gone'", "systems[0].token_file: cannot read 'gone': No such file"),
        ("[[systems]]\nurl = 'b'\ntoken_file = 'empty'", "systems[0].token_file: 'empty' is empty"),
        ("[[systems]]\nurl = 'b'\ntoken_file = 'two'", "systems[0].token: must be one line without spaces"),
        ("[[systems]]\nurl = 'b'\n[[systems]]\nurl = 'http://b:80'", "systems: two have host 'b' and sn ''"),
        ("listen_port = 70000\n[[systems]]\nurl = 'b'", "listen_port: must be a number from 0 to 65535, not 70000"),
        ("listen_port = '9422'\n[[systems]]\nurl = 'b'", "listen_port: must be a number"),
        ("listen_port = \n", "config.toml:1:15: not TOML: Invalid value"),
        ("[[systems", "config.toml: not TOML:"),
    ],
)
def test_faults_name_the_key_and_the_mend(toml: str, expected: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(toml, {"SONNEN_SN": ""})

    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        load("listen_port = -1\n[[systems]]\napi = 'x'\n[[systems]]\nurl = 'b'\nsn = 7\n")

    assert [fault.message.split(":")[0] for fault in caught.value.faults] == [
        "listen_port",
        "systems[0].url",
        "systems[0].api",
        "systems[1].sn",
    ]


def test_the_environment_describes_a_battery_without_a_file() -> None:
    environ = {
        "SONNEN_URL": "http://10.0.0.7",
        "SONNEN_TOKEN_FILE": "/run/secrets/token",
        "SONNEN_HOST": "cellar",
        "SONNEN_SN": "1",
        "LISTEN": "127.0.0.1:9000",
        "GIT_REVISION": "abc",
    }
    settings = load("", environ)

    assert settings.systems == (System("cellar", "1", "http://10.0.0.7", "from-file"),)
    assert settings.listen == Listen("127.0.0.1", 9000)
    assert settings.revision == "abc"


def test_a_flag_counts_more_than_the_environment_and_that_more_than_the_file() -> None:
    toml = "[[systems]]\nurl = 'http://file'\nhost = 'kept'\ntoken = 'file'\n"
    environ = {"SONNEN_URL": "http://env", "SONNEN_TOKEN_FILE": "/run/secrets/token", "LISTEN": ":1", "SONNEN_SN": ""}
    by_environ = load(toml, environ)
    by_flag = load(toml, environ, url="http://flag", token="flag", listen="[::1]:2")

    assert by_environ.systems == (System("kept", "", "http://env", "from-file"),)
    assert by_environ.listen == Listen(None, 1)
    assert by_flag.systems == (System("kept", "", "http://flag", "flag"),)
    assert by_flag.listen == Listen("::1", 2)


def test_no_battery_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="give --url"):
        load("listen_port = 1")


def test_an_override_is_for_one_battery_only() -> None:
    with pytest.raises(UsageError, match=r"SONNEN_TOKEN \(or its flag\) is for one battery, the config file has 2"):
        load(RUST, token="t")


@pytest.mark.parametrize("given", ["here", "1.2.3.4:", "1.2.3.4:x", ":70000", ":-1"])
def test_a_wrong_listen_address_says_how_to_write_it(given: str) -> None:
    with pytest.raises(UsageError, match="is not HOST:PORT"):
        parse_listen(given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sonnen-a", "http://sonnen-a"),
        ("http://sonnen-a:8080/", "http://sonnen-a:8080"),
        ("http://b/api/v2/status", "http://b"),
        ("http://b/proxy/api", "http://b/proxy"),
        ("HTTPS://B:443", "https://b:443"),
        ("http://[fe80::1]:80", "http://[fe80::1]:80"),
    ],
)
def test_urls_are_brought_to_one_form(given: str, expected: str) -> None:
    assert normal_url(given) == expected


def test_no_secret_is_in_the_representation() -> None:
    settings = load("[[systems]]\nurl = 'b'\ntoken = 's3cret'\n")

    assert "s3cret" not in repr(settings)
