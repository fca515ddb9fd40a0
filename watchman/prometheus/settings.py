"""Where Prometheus is and how to get in."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

_LOCAL_SUFFIXES = (".localhost", ".local", ".lan", ".home.arpa", ".internal", ".fritz.box")


@dataclass(frozen=True, slots=True)
class PrometheusSettings:
    """`url` may have a path prefix. What is or may hold a secret is not in the repr.

    `timeout_s` bounds a query on the server and here; `max_response_bytes` bounds one answer, unpacked.
    """

    url: str = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ca_file: str = ""
    insecure_skip_verify: bool = False
    timeout_s: float = 10.0
    max_response_bytes: int = 32 * 1024 * 1024

    @property
    def base_url(self) -> str:
        """The URL without credentials, query and trailing slash: fit to be shown and to be extended."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))

    @property
    def basic_auth(self) -> tuple[str, str] | None:
        """User name and password, from their own keys or else from the URL."""
        if self.username or self.password:
            return self.username, self.password
        parts = urlsplit(self.url)
        return (parts.username or "", parts.password or "") if parts.username or parts.password else None

    @property
    def secrets(self) -> list[str]:
        """Every text that must not appear in a message, longest first."""
        found = {self.password, self.bearer_token, urlsplit(self.url).password or "", *self.headers.values()}
        return sorted((text for text in found if text), key=len, reverse=True)

    @property
    def is_near(self) -> bool:
        """True for a server on this machine or network, where packing answers costs more than it saves."""
        host = (urlsplit(self.url).hostname or "").rstrip(".")
        try:
            return ipaddress.ip_address(host).is_private
        except ValueError:
            return "." not in host or host.endswith(_LOCAL_SUFFIXES)
