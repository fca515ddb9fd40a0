from datetime import UTC, datetime

import pytest

from watchman.solar.sun import elevation_degrees


@pytest.mark.parametrize(
    ("moment", "latitude", "longitude", "expected"),
    [
        # At the solstice noon the sun stands at 90 - latitude + 23.44 degrees.
        pytest.param(datetime(2026, 6, 21, 12, 2, tzinfo=UTC), 52.0, 0.0, 61.44, id="Greenwich, June noon"),
        pytest.param(datetime(2026, 12, 21, 11, 58, tzinfo=UTC), 52.0, 0.0, 14.56, id="Greenwich, December noon"),
        pytest.param(datetime(2026, 3, 20, 12, 7, tzinfo=UTC), 0.0, 0.0, 90.0, id="equator, equinox noon"),
        pytest.param(datetime(2026, 6, 21, 20, 13, tzinfo=UTC), 38.0, -122.7, 75.44, id="California, June noon"),
        pytest.param(datetime(2026, 12, 21, 2, 0, tzinfo=UTC), -33.9, 151.2, 79.5, id="Sydney, near December noon"),
        pytest.param(datetime(2026, 6, 21, 0, 2, tzinfo=UTC), 52.0, 0.0, -14.56, id="Greenwich, June midnight"),
    ],
)
def test_sun_stands_where_geometry_says(moment, latitude, longitude, expected):
    assert elevation_degrees(moment.timestamp(), latitude, longitude) == pytest.approx(expected, abs=0.5)
