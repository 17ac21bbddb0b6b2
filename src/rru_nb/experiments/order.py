"""In which order to run a section, so that a part of it already shows the whole evenly."""

import numpy as np


def by_usefulness(points, axes):
    """Order the points of a section, those that add most first.

    Seed by seed; within a seed the corners of the grid first, then always the place that is
    farthest from all places before it; at each place all cells, and all values of an axis that
    has no order (a variant, a switch).
    """
    ordered = {axis: values for axis, values in axes.items() if _has_order(values)}
    places = [
        tuple(v.index(point.coordinates[axis]) / max(1, len(v) - 1) for axis, v in ordered.items())
        for point in points
    ]
    rank = {place: i for i, place in enumerate(_evenly(list(dict.fromkeys(places))))}
    keys = [(point.config.seed, rank[place]) for point, place in zip(points, places)]
    return [points[i] for i in sorted(range(len(points)), key=keys.__getitem__)]  # stable


def _has_order(values):
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def _evenly(places):
    """Order places, tuples from 0 to 1: corners, then the farthest from those before."""
    chosen = [place for place in places if set(place) <= {0, 1}]
    left = [place for place in places if place not in chosen]
    while left:
        distances = np.subtract(np.array(left)[:, None], chosen)
        farthest = np.square(distances).sum(-1).min(1).argmax()
        chosen.append(left.pop(farthest))
    return chosen
