"""What the cells share: their size, and dropout, of the gated ones on the candidate alone."""

import keras
from keras import ops

from ..errors import UserError, check_count, check_number


class RecurrentCell(keras.layers.Layer):
    """Base of all cells: n units, of state and output unless a subclass says otherwise; dropout."""

    def __init__(self, units, dropout=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = self.output_size = check_count("units", units)
        self.dropout = check_number("dropout", dropout, at_least=0, below=1)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def _weight(self, name, initializer, *shape, **more):
        return self.add_weight(name=name, shape=shape, initializer=initializer, **more)

    def _n_inputs(self, input_shape):
        """Return m, the number of input features, if it is known."""
        if input_shape[-1] is None:
            raise UserError(
                f"{type(self).__name__} got inputs of shape {tuple(input_shape)}: the last "
                "dimension, the number of features, must be known. Give it in "
                "keras.Input(shape=(None, features))."
            )
        return int(input_shape[-1])

    def get_config(self):
        config = {"units": self.units, "dropout": self.dropout, "seed": self.seed}
        return {**super().get_config(), **config}


class GatedCell(RecurrentCell):
    """Base of the paper's baselines: n units and recurrent dropout on the candidate.

    Dropout on the candidate alone, with a fresh mask at every time step, leaves what the state
    already holds untouched: Semeniuta et al. (2016), "Recurrent Dropout without Memory Loss".

    Args:
        units: int, features n of the state and of the output.
        dropout: float in [0, 1), the part of the candidate's features that are dropped in
            training; the others are scaled by 1 / (1 - dropout).
        seed: int or None, the seed of the dropout masks.

    Call arguments:
        inputs: x, [batch, m]; with a mask of dropout as a `Step`.
        states: list of the states, [batch, n] each.
        training: bool, whether to drop out.

    Returns:
        The output, [batch, n], and the list of the new states.

    Raises:
        UserError: if an argument is out of its range.
    """

    @property
    def dropped_features(self):
        """How many features a dropout mask covers: the candidate's n."""
        return self.units

    def get_initial_state(self, batch_size=None):
        """Return zeros of shape [batch_size, n], one for each state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [ops.zeros((batch_size, n), dtype=self.compute_dtype) for n in sizes]
