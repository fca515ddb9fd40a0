"""Where the sun stands and what a roof plane makes of a clear sky."""

from __future__ import annotations

from collections.abc import Sequence
from math import asin, atan2, cos, degrees, radians, sin, tan

from watchman.sonnen.simulator.reading import Plane

_J2000 = 946728000.0  # unix seconds of 2000-01-01 12:00 UTC
_PERFORMANCE = 0.85  # wiring, inverter, warm cells


def sun_position(ts: float, latitude: float, longitude: float) -> tuple[float, float]:
    """Elevation above the horizon and azimuth from north over east, in degrees, without refraction.

    The low-precision formulae of the Astronomical Almanac: good to 0.01 degrees between 1950 and 2050.
    """
    days = (ts - _J2000) / 86400
    anomaly = radians(357.528 + 0.9856003 * days)
    ecliptic = radians(280.460 + 0.9856474 * days + 1.915 * sin(anomaly) + 0.020 * sin(2 * anomaly))
    obliquity = radians(23.439 - 0.0000004 * days)
    right_ascension = atan2(cos(obliquity) * sin(ecliptic), cos(ecliptic))
    declination = asin(sin(obliquity) * sin(ecliptic))
    sidereal_deg = 15 * ((18.697374558 + 24.06570982441908 * days) % 24)
    hour_angle = radians(sidereal_deg + longitude) - right_ascension
    north = radians(latitude)
    height = asin(sin(north) * sin(declination) + cos(north) * cos(declination) * cos(hour_angle))
    azimuth = atan2(sin(hour_angle), cos(hour_angle) * sin(north) - tan(declination) * cos(north))
    return degrees(height), (degrees(azimuth) + 180) % 360


def clear_irradiance(elevation_deg: float) -> tuple[float, float]:
    """Beam on a surface that faces the sun and diffuse light on the flat, W/m2, under a clear sky.

    Meinel's beam formula over the air mass of Kasten and Young; the diffuse part is a fixed share of the beam.
    """
    if elevation_deg <= 0:
        return 0.0, 0.0
    air_mass = 1 / (sin(radians(elevation_deg)) + 0.50572 * (elevation_deg + 6.07995) ** -1.6364)
    beam: float = 1353 * 0.7 ** (air_mass**0.678)
    return beam, 0.12 * beam


def roof_power_w(elevation_deg: float, azimuth_deg: float, planes: Sequence[Plane], clearness: float) -> float:
    """AC power of the roof before the inverter's limit. `clearness`: the share of the beam that passes the clouds."""
    beam, diffuse = clear_irradiance(elevation_deg)
    if not beam:
        return 0.0
    # Broken clouds scatter, so the sky is brighter than a clear one; an overcast is darker.
    diffuse *= max(0.4 + 3.6 * clearness - 3.0 * clearness**2, 0.4)
    beam *= clearness
    height = radians(elevation_deg)
    total = 0.0
    for plane in planes:
        tilt = radians(plane.tilt_deg)
        across = cos(height) * sin(tilt) * cos(radians(azimuth_deg - plane.azimuth_deg))
        incidence = max(sin(height) * cos(tilt) + across, 0.0)
        total += plane.peak_w / 1000 * (beam * incidence + diffuse * (1 + cos(tilt)) / 2)
    return total * _PERFORMANCE
