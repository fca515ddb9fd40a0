"""Prometheus' own functions: every one with its exact output and its errors."""

from __future__ import annotations

import pytest
from template_helpers import EVALUATED_AT, action, error_of, expand

HUMANIZE = {
    "humanize": {
        "0": "0",
        "1": "1",
        "1234567": "1.235M",
        ".12": "120m",
        "0.00012": "120u",
        "-1500": "-1.5k",
        "999.9999": "1000",
        "1e27": "1000Y",
        "1e-27": "0.001y",
        "9223372036854775807": "9.223E",
        '"18446744073709551615"': "18.45E",
        '"1234567.0"': "1.235M",
        '"+Inf"': "+Inf",
        '"-Inf"': "-Inf",
        '"NaN"': "NaN",
    },
    "humanize1024": {
        "0": "0",
        "1": "1",
        "1048576": "1Mi",
        ".12": "0.12",
        "1000": "1000",
        "1536": "1.5ki",
        "1234567": "1.177Mi",
        "1e30": "8.272e+05Yi",
        "9223372036854775807": "8Ei",
        "-2048": "-2ki",
        '"+Inf"': "+Inf",
        '"NaN"': "NaN",
    },
    "humanizeDuration": {
        "0": "0s",
        "1": "1s",
        "60": "1m 0s",
        "3600": "1h 0m 0s",
        "86400": "1d 0h 0m 0s",
        "90000": "1d 1h 0m 0s",
        "-183845": "-2d 3h 4m 5s",
        "899.99": "14m 59s",
        "93784.5": "1d 2h 3m 4s",
        ".1": "100ms",
        ".0001": "100us",
        ".12345": "123.5ms",
        "60.1": "1m 0s",
        "60.5": "1m 0s",
        "1.2345": "1.234s",
        "12.345": "12.35s",
        "59.9999": "60s",
        "-0.5": "-500ms",
        '"NaN"': "NaN",
        '"-Inf"': "-Inf",
        "((toTime 5400).Sub (toTime 0))": "1h 30m 0s",
    },
    "humanizePercentage": {
        "-0.22222": "-22.22%",
        "0": "0%",
        "0.1234567": "12.35%",
        "1.23456": "123.5%",
        "1234567": "1.235e+08%",
        '"+Inf"': "+Inf%",
        '"NaN"': "NaN%",
        "123.45678": "1.235e+04%",
    },
    "humanizeTimestamp": {
        "0": "1970-01-01 00:00:00 +0000 UTC",
        "-1": "1969-12-31 23:59:59 +0000 UTC",
        "1234567": "1970-01-15 06:56:07 +0000 UTC",
        "1435065584.128": "2015-06-23 13:19:44.128 +0000 UTC",
        '"1435065584.128"': "2015-06-23 13:19:44.128 +0000 UTC",
        "9223372036": "2262-04-11 23:47:16 +0000 UTC",
        '"NaN"': "NaN",
        '"+Inf"': "+Inf",
    },
}


@pytest.mark.parametrize(
    ("function", "argument", "shown"),
    [
        pytest.param(name, argument, shown, id=f"{name} {argument}")
        for name, table in HUMANIZE.items()
        for argument, shown in table.items()
    ],
)
def test_numbers_are_humanized_as_prometheus_does(function: str, argument: str, shown: str) -> None:
    assert expand(action(f"{function} {argument}")) == shown


@pytest.mark.parametrize("function", sorted(HUMANIZE))
@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ('"one"', 'strconv.ParseFloat: parsing "one": invalid syntax'),
        ('" 1"', 'strconv.ParseFloat: parsing " 1": invalid syntax'),
        ('""', 'strconv.ParseFloat: parsing "": invalid syntax'),
        ('"1e999"', 'strconv.ParseFloat: parsing "1e999": value out of range'),
        ("true", "can't convert bool to float"),
        ("nil", "can't convert <nil> to float"),
        ("$labels", "can't convert map[string]string to float"),
    ],
)
def test_what_is_no_number_is_an_error(function: str, argument: str, message: str) -> None:
    assert error_of(action(f"{function} {argument}")) == f"error calling {function}: {message}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{{ query "sort(other)" | first | value }}', "1.5"),
        ('{{ query "sort(other)" | first | label "instance" }}', "a"),
        ('{{ query "sort(other)" | first | label "nope" }}', ""),
        ('{{ query "marked" | first | strvalue }}', "v"),
        ('{{ query "sort(other)" | first | strvalue }}', ""),
        ('{{ query "1.5" | first | value }}', "1.5"),
        ('{{ len (query "missing") }}', "0"),
        (
            "{{ range query `sort_desc(other)` | sortByLabel `instance` }}{{ .Labels.instance }}{{ .Value }};{{ end }}",
            "a1.5;b2;",
        ),
        ('{{ $x := query "sort(other)" | first }}{{ $x.Labels.foo }}|{{ $x.Labels.instance }}', "|a"),
        ("{{ (args 1 `2`).arg0 }} {{ (args 1 `2`).arg1 }} {{ (args 1).arg9 }}", "1 2 <no value>"),
        ('{{ title "aa bb CC" }}', "Aa Bb CC"),
        ('{{ toUpper "aa bb CCß" }}', "AA BB CCß"),
        ('{{ toLower "aA bB CC" }}', "aa bb cc"),
        ('{{ match "a+" "aa" }} {{ match "a+" "b" }}', "true false"),
        ('{{ reReplaceAll "(a)b" "x$1" "ab" }}', "xa"),
        ('{{ reReplaceAll "(?P<n>a)" "[${n}][$nx][$$]" "aé" }}', "[a][][$]é"),
        ('{{ reReplaceAll "" "-" "aé" }}', "-a-é-"),
        ('{{ graphLink "up == 0" }}', "/graph?g0.expr=up+%3D%3D+0&g0.tab=0"),
        ('{{ tableLink "up == 0" }}', "/graph?g0.expr=up+%3D%3D+0&g0.tab=1"),
        ("{{ externalURL }}", "http://testhost:9090/path/prefix"),
        ("{{ pathPrefix }}", "/path/prefix"),
        ("{{ $externalURL }} {{ .ExternalURL }}", "http://testhost:9090/path/prefix http://testhost:9090/path/prefix"),
        ("{{ $externalLabels.region }} {{ .ExternalLabels.region }}", "west west"),
        ('{{ "<b>" | safeHtml }}', "<b>"),
        ('{{ urlQueryEscape "a b&c/d" }}', "a+b%26c%2Fd"),
        ('{{ parseDuration "1h30m" }}', "5400"),
        ('{{ printf "%0.2f" (parseDuration "1h2m10ms") }}', "3720.01"),
        ('{{ printf "%0.2f" (parseDuration "-1h2m10ms") }}', "-3720.01"),
        ("{{ now }}", "1.353755652e+09"),
        ('{{ (now | toTime).Format "2006-01-02 15:04" }}', "2012-11-24 11:14"),
        ('{{ (1435065584.128 | toTime).Format "2006" }} {{ ("1435065584.128" | toTime).Format "2006" }}', "2015 2015"),
        ("{{ (1800 | toDuration).String }} {{ toDuration `0.25` }} {{ (toDuration 90).Minutes }}", "30m0s 250ms 1.5"),
    ],
)
def test_a_function_gives_what_prometheus_gives(text: str, shown: str) -> None:
    assert expand(text) == shown


@pytest.mark.parametrize(
    ("host", "without_port", "without_domain"),
    [
        ("foo.example.com", "foo.example.com", "foo"),
        ("foo.example.com:12345", "foo.example.com", "foo:12345"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:12345", "192.0.2.1", "192.0.2.1:12345"),
        ("2001:0DB8::1", "2001:0DB8::1", "2001:0DB8::1"),
        ("[2001:0DB8::1]:12345", "2001:0DB8::1", "[2001:0DB8::1]:12345"),
        ("[2001:0DB8::1]::12345", "[2001:0DB8::1]::12345", "[2001:0DB8::1]::12345"),
        ("a:b:c", "a:b:c", "a:b:c"),
        (":80", "", ":80"),
        ("a.b:", "a.b", "a"),
        ("", "", ""),
    ],
)
def test_hosts_lose_their_port_or_their_domain(host: str, without_port: str, without_domain: str) -> None:
    assert expand(action(f'stripPort "{host}"')) == without_port
    assert expand(action(f'stripDomain "{host}"')) == without_domain


_OVERFLOW = "cannot be represented as a nanoseconds timestamp since it overflows int64"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{{ query "missing" | first }}', "error calling first: first() called on vector with no elements"),
        ('{{ query "nope" }}', f"error calling query: no answer to nope at {EVALUATED_AT}"),
        ('{{ query `"text"` }}', "error calling query: query result is not a vector or scalar"),
        ('{{ match "(" "x" }}', "error calling match: error parsing regexp: missing closing ): `(`"),
        (
            '{{ match "(?=a)" "x" }}',
            "error calling match: error parsing regexp: invalid or unsupported Perl syntax: `(?=`",
        ),
        (r'{{ match "\\C" "x" }}', r"error calling match: error parsing regexp: invalid escape sequence: `\C`"),
        (
            '{{ reReplaceAll "(" "" "" }}',
            "error calling reReplaceAll: regexp: Compile(`(`): error parsing regexp: missing closing ): `(`",
        ),
        ('{{ parseDuration "1m1h" }}', 'error calling parseDuration: not a valid duration string: "1m1h"'),
        ('{{ parseDuration "" }}', "error calling parseDuration: empty duration string"),
        ('{{ toTime "NaN" }}', "error calling toTime: value is NaN or Inf"),
        (
            "{{ humanizeTimestamp 1e300 }}",
            f"error calling humanizeTimestamp: 1e+300 {_OVERFLOW}",
        ),
        (
            '{{ label "x" nil }}',
            "error calling label: runtime error: invalid memory address or nil pointer dereference",
        ),
        ("{{ value $value }}", "wrong type for value; expected *template.sample; got float64"),
        ("{{ first 3 }}", "can't handle 3 for arg of type template.queryResult"),
        ("{{ toUpper 1 }}", "expected string; found 1"),
        ("{{ toUpper }}", "wrong number of args for toUpper: want 1 got 0"),
        ("{{ printf }}", "wrong number of args for printf: want at least 1 got 0"),
        ("{{ (toTime 0).AddDate 1000000 0 0 }}", "error calling AddDate: time out of range"),
    ],
)
def test_a_function_refuses_in_the_words_of_prometheus(text: str, message: str) -> None:
    assert error_of(text) == message


@pytest.mark.parametrize(
    ("layout", "shown"),
    [
        ("2006-01-02T15:04:05Z07:00", "2015-06-23T13:19:44Z"),
        ("Mon Jan _2 15:04:05 MST 2006", "Tue Jun 23 13:19:44 UTC 2015"),
        ("Monday, 02-Jan-06 3:04PM -0700", "Tuesday, 23-Jun-15 1:19PM +0000"),
        ("January 2 002 __2", "June 23 174 174"),
        (".000 .999999 ,9", ".128 .128 ,1"),
        ("Janet Monitor", "Janet Monitor"),
        ("", ""),
    ],
)
def test_times_follow_a_layout(layout: str, shown: str) -> None:
    assert expand(action(f'(toTime 1435065584.128).Format "{layout}"')) == shown


@pytest.mark.parametrize(
    ("method", "shown"),
    [
        ("Unix", "1435065584"),
        ("UnixMilli", "1435065584128"),
        ("Year", "2015"),
        ("Month", "June"),
        ("Day", "23"),
        ("Hour", "13"),
        ("Weekday", "Tuesday"),
        ("YearDay", "174"),
        ("Nanosecond", "128000000"),
        ("String", "2015-06-23 13:19:44.128 +0000 UTC"),
        ("UTC", "2015-06-23 13:19:44.128 +0000 UTC"),
        ("Add 1500000000", "2015-06-23 13:19:45.628 +0000 UTC"),
        ("AddDate 0 1 10", "2015-08-02 13:19:44.128 +0000 UTC"),
        ("Sub (toTime 1435065000)", "9m44.128s"),
        ("After (toTime 0)", "true"),
    ],
)
def test_times_have_the_methods_of_go(method: str, shown: str) -> None:
    assert expand(action(f"(toTime 1435065584.128).{method}")) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        ("0", "0s"),
        ("1e-9", "1ns"),
        ("0.0000015", "1.5µs"),
        ("0.25", "250ms"),
        ("1.5", "1.5s"),
        ("-90", "-1m30s"),
        ("5400", "1h30m0s"),
        ("360000", "100h0m0s"),
    ],
)
def test_durations_read_as_in_go(seconds: str, shown: str) -> None:
    assert expand(action(f"toDuration {seconds}")) == shown
