"""The paper's equations, and what a cell of your own can build on."""

from ._base import GatedCell
from ._dropout import drop, split
