"""Where the sun stands, good to about a tenth of a degree: enough to know whether a roof should make power."""

from __future__ import annotations

from math import asin, atan2, cos, degrees, radians, sin

_J2000_UNIX_S = 946728000.0  # 2000-01-01 12:00 UTC


def elevation_degrees(ts: float, latitude: float, longitude: float) -> float:
    """Height of the sun's centre above the horizon in degrees, negative at night; refraction is left out.

    `ts` in unix seconds, latitude north and longitude east positive. Low-precision formulas of the Astronomical
    Almanac (section C, "Low precision formulas for the Sun").
    """
    days = (ts - _J2000_UNIX_S) / 86400
    anomaly = radians((357.528 + 0.9856003 * days) % 360)
    mean_longitude = (280.460 + 0.9856474 * days) % 360
    ecliptic_longitude = radians(mean_longitude + 1.915 * sin(anomaly) + 0.020 * sin(2 * anomaly))
    obliquity = radians(23.439 - 0.0000004 * days)
    declination = asin(sin(obliquity) * sin(ecliptic_longitude))
    right_ascension = atan2(cos(obliquity) * sin(ecliptic_longitude), cos(ecliptic_longitude))
    sidereal_degrees = (280.46061837 + 360.98564736629 * days) % 360
    hour_angle = radians(sidereal_degrees + longitude) - right_ascension
    place = radians(latitude)
    return degrees(asin(sin(place) * sin(declination) + cos(place) * cos(declination) * cos(hour_angle)))
