"""Alerting and energy reports for homes with solar panels and a battery."""

__version__ = "0.1.0"
