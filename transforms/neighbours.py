"""Places that vouch for each other: towns of one area named in one text are more likely meant than their namesakes."""

import math
from collections.abc import Sequence

import numpy as np

from transforms.gazetteer import CAPITAL, CITY, COUNTY, Place

MAX_COMPARED = 160  # of many places the most populous are compared: the work is bounded
NEIGHBOUR_KM = 40.0
EARTH_RADIUS_KM = 6371.0


def find_neighbours(places: Sequence[tuple[Place, str]]) -> set[int]:
    """Indices of the cities and counties among `places` that have one of another name, but in the same country, within
    NEIGHBOUR_KM. Of many places the most populous MAX_COMPARED are compared."""
    near = [(place, name) for place, name in places if place.kind in (CITY, CAPITAL, COUNTY)]
    if len({name for _, name in near}) < 2:
        return set()
    near = sorted(near, key=lambda each: -each[0].population)[:MAX_COMPARED]
    latitude = np.radians([place.latitude for place, _ in near])
    longitude = np.radians([place.longitude for place, _ in near])
    up = np.cos(latitude)
    points = np.stack((up * np.cos(longitude), up * np.sin(longitude), np.sin(latitude)))
    close = points.T @ points > math.cos(NEIGHBOUR_KM / EARTH_RADIUS_KM)
    found = set()
    for one, other in zip(*np.nonzero(close), strict=True):
        (place, name), (place2, name2) = near[one], near[other]
        if name != name2 and name not in name2 and name2 not in name and place.country == place2.country:
            found.add(place.index)
    return found
