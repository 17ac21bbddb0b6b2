"""In which order to run a section, so that a part of it already shows the whole evenly."""

import itertools


def by_usefulness(points, axes):
    """The points of a section, those that add most first.

    Seed by seed; within a seed the corners of the grid first, then always the place that is
    farthest from all places before it; at each place all cells, and all values of an axis that
    has no order (a variant, a switch).

    Args:
        points: list of `Point`s of one section.
        axes: `{axis: list of values}`, the section's grid.

    Returns:
        The same points in another order.
    """
    ordered = {axis: values for axis, values in axes.items() if _has_order(values)}
    places = list(itertools.product(*(range(len(values)) for values in ordered.values())))
    rank = {place: i for i, place in enumerate(_evenly(places))}

    def key(point):
        place = tuple(values.index(point.coordinates[a]) for a, values in ordered.items())
        return point.config.seed, rank[place]

    return sorted(points, key=key)  # stable: cells and other axes stay in their order


def _has_order(values):
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _evenly(places):
    """Grid places (tuples of indices), corners first, then farthest from those before."""
    if not places or not places[0]:
        return places
    sizes = [max(index) or 1 for index in zip(*places)]
    scaled = {p: [i / size for i, size in zip(p, sizes)] for p in places}
    chosen = [p for p in places if all(x in (0, 1) for x in scaled[p])]
    left = [p for p in places if p not in chosen]
    while left:
        farthest = max(left, key=lambda p: min(_distance(scaled[p], scaled[q]) for q in chosen))
        chosen.append(farthest)
        left.remove(farthest)
    return chosen


def _distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b))
