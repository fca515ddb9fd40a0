"""The one door to Prometheus (or anything that answers its HTTP API): instant, range and raw queries.

`session` keeps one request within its time and size, `failure` turns whatever goes wrong into one `QueryError`,
`answer` reads the JSON, `client` is what the rest of the program calls.
"""

from watchman.prometheus.client import Prometheus
from watchman.prometheus.settings import PrometheusSettings

__all__ = ["Prometheus", "PrometheusSettings"]
