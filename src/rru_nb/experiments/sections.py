"""Sections as `params/sections/` declares them, and the runs of their grids."""

import itertools
from dataclasses import dataclass

from ..data import canonical_name
from ..errors import UserError, check_choice
from ..storage import files, paths
from ..training.config import CELLS, KINDS, RunConfig, canonical_cell, paper_config

SECTIONS = ("main_results", "robustness", "dropout", "ablation", "normalization")


@dataclass(frozen=True)
class Point:
    """One run of a section."""

    coordinates: dict  # its place in the grid, `{axis: value}`, e.g. `{"dropout": 0.3}`
    config: RunConfig


@dataclass(frozen=True)
class Section:
    """A part of the paper with the runs behind it."""

    name: str  # as in `notebooks/<name>.ipynb` and `params/sections/<name>.yml`
    title: str
    paper: str  # the section, tables and figures of the paper
    datasets: tuple  # those that the paper shows
    cells: tuple  # those that it compares
    axes: tuple  # names of the grid's axes: settings of `RunConfig`, or "variant"
    variants: dict  # `{name: {"title": str, "changes": {setting: value}}}`, of the axis "variant"
    declared: dict  # what the file says

    def grid(self, dataset, scale):
        """Return the values of each axis for a dataset at a scale, `{axis: list}`."""
        variants = {"variant": list(self.variants)} if self.variants else {}
        grid = self.declared.get("grid", {}) | variants
        grid |= self._sizes(dataset, scale).get("grid", {})
        return {axis: grid[axis] for axis in self.axes}

    def seeds(self, dataset, scale):
        """Return the seeds that the section declares, `[0]` unless it says otherwise."""
        return self._sizes(dataset, scale).get("seeds", [0])

    def points(self, dataset, cells=None, scale="laptop", seeds=None, **grid):
        """Return the runs for one dataset at one scale, in the order of the grid.

        Args:
            dataset: one of `DATASETS`.
            cells: names of cells; None for those of the section.
            scale: `"paper"`, `"laptop"` or `"smoke"`.
            seeds: list of ints; None for those of the section.
            **grid: a list of values for an axis, instead of the section's; None for these.

        Returns:
            A list of `Point`s: all seeds of a cell, all cells of a grid point, all grid points;
            what is named twice is there once.
        """
        dataset = canonical_name(dataset)
        cells = list(dict.fromkeys(canonical_cell(cell) for cell in cells or self.cells))
        for cell in cells:
            check_choice("cell", cell, self.cells, f"is none of section {self.name}")
        axes = self._axes(dataset, scale, grid)
        seeds = dict.fromkeys(self.seeds(dataset, scale) if seeds is None else seeds)
        places = [dict(zip(axes, values)) for values in itertools.product(*axes.values())]
        return [
            Point(place, self._config(dataset, cell, scale, seed, place))
            for place in places
            for cell in cells
            for seed in seeds
        ]

    def runs(self, *arguments, **options):
        """Return the configs of `points`."""
        return [point.config for point in self.points(*arguments, **options)]

    def _axes(self, dataset, scale, given):
        axes = self.grid(dataset, scale)
        for axis, values in given.items():
            if values is None:
                continue
            check_choice(f"axis of {self.name}", axis, self.axes)
            if not isinstance(values, list | tuple) or not values:
                raise UserError(f"{axis} = {values!r} must be a list of values, e.g. [0.1, 0.5].")
            axes[axis] = list(dict.fromkeys(values))
        for variant in axes.get("variant", ()):
            check_choice("variant", variant, self.variants)
        return axes

    def _config(self, dataset, cell, scale, seed, place):
        sizes = self._sizes(dataset, scale)
        changes = {}
        for setting in (self.declared.get("setting", {}), sizes.get("setting", {})):
            changes |= setting.get("all", {}) | setting.get(cell, {})
        for axis, value in place.items():
            changes |= self.variants[value]["changes"] if axis == "variant" else {axis: value}
        return paper_config(dataset, cell, scale, seed, **changes)

    def _sizes(self, dataset, scale):
        """Return what the section declares for a dataset at a scale: grid, setting, seeds."""
        dataset = canonical_name(dataset)
        check_choice("scale", scale, self.declared["scales"])
        declared = self.declared["scales"][scale]
        for name in (dataset, KINDS[dataset], "all"):
            if name in declared:
                return declared[name]
        raise UserError(
            f"section {self.name!r} has no grid for dataset {dataset!r} at scale {scale!r}; "
            f"the paper shows {', '.join(self.datasets)}."
        )


def section(name):
    """Return the section of that name, or raise a `UserError`."""
    declared = _file(check_choice("section", name, SECTIONS))
    if "like" in declared:
        declared = _file(declared["like"]) | declared
    return Section(
        name=name,
        title=declared["title"],
        paper=declared["paper"],
        datasets=tuple(declared["datasets"]),
        cells=tuple(declared.get("cells", CELLS)),
        axes=tuple(declared["axes"]),
        variants=declared.get("variants", {}),
        declared=declared,
    )


def _file(name):
    return files.read_yaml(paths.params_dir() / "sections" / f"{name}.yml")
