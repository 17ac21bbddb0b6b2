"""What the recurrent layers share: dropout masks, time masks, direction, states, config.

A layer runs its cell's equations as one loop over time where its backend has a fused loop, in
`layers/tensorflow/` or `layers/jax/`: a module of the cell's name with

    loop(cell, x, states, keep, mask) -> outputs, states

    x         inputs, [T, B, m], in the order in which they are run
    states    list of the initial states, [B, n] each
    keep      dropout masks, bool [T, B, features], or None for no dropout
    mask      bool [T, B], False where the states stand still, or None
    outputs   of all steps, [T, B, p]; what they are at masked steps does not matter
    states    list of the final states, [B, n] each

All in the cell's compute dtype, and differentiable. A module with `FEATURES_FIRST = True` has x,
keep and outputs as [T, features, B]. The backend's own `draw_mask` draws the masks.

On other backends, and where the fused loop can't serve, a plain loop runs the cell: on TensorFlow
that of Keras, elsewhere `ops.scan`.
"""

import importlib
import inspect
from operator import attrgetter

import keras
from keras import ops

from ..cells._dropout import Step, draw_mask
from ..errors import UserError
from ._masking import checked, hold, last
from .products import product_dtype


class RecurrentLayer(keras.layers.RNN):
    """A `keras.layers.RNN` that runs its cell's equations as one fused loop where it can.

    Keras runs a cell step by step and differentiates every operation of every step. A fused
    loop computes the same numbers from the same weights: whatever does not feed back leaves the
    loop over time, the backward loop carries the state's gradient alone, and each weight
    gradient is one product over many steps.

    The dropout masks of all steps are drawn before the loop, fused or not, so both take the
    same masks from a seed, where they lay them out alike.

    Args:
        cell: the cell, whose arguments are attributes of the layer too. A subclass names the module
            of its loop, if any, in `loop_name`.
        fused: True, False (run the cell), or None: fused where it can serve. The attribute
            `fused` says which it is.
        **kwargs: of `keras.layers.RNN`.

    Raises:
        UserError: if `fused=True` can't be honoured; the message says why.
    """

    loop_name: str | None

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "loop_name" in vars(cls):  # a layer for one cell; a user's subclass may add names
            for name in set(inspect.signature(cls).parameters) - {"cell", "fused", "kwargs"}:
                setattr(cls, name, property(attrgetter(f"cell.{name}")))

    def __init__(self, cell, fused=None, **kwargs):
        super().__init__(cell, **kwargs)
        if not (fused is None or isinstance(fused, bool)):
            raise UserError(f"fused = {fused!r} is not valid. Give True, False or None.")
        obstacle = "unroll=True asks for a graph of single steps" if self.unroll else None
        if self.loop_name is None or _of_backend(self.loop_name) is None:
            obstacle = f"there is no fused {type(self).__name__} for {keras.backend.backend()}"
        if fused and obstacle:
            raise UserError(f"fused=True can't be honoured: {obstacle}. Leave `fused` out.")
        self._fused_wanted = fused
        self._fused = fused is not False and obstacle is None
        self.input_spec = keras.layers.InputSpec(ndim=3)
        # XLA alone can't have TensorFlow's loop where it does not know the number of time steps.
        self.supports_jit = not self._fused or keras.backend.backend() != "tensorflow"

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape, initial_state_shape)
        self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: sequences_shape[-1]})

    @property
    def fused(self):
        """Whether the fused loop is used; if not, the cell runs step by step."""
        return self._fused

    def reset_state(self):
        """Restore the initial state of a stateful layer; the RRU's is not all zeros."""
        if self.states is not None:
            start = self.cell.get_initial_state(self.states[0].shape[0])
            for variable, value in zip(self.states, start):
                variable.assign(value)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        if initial_state is not None:
            self._check_states(initial_state, sequences)
        return super().call(sequences, initial_state, mask, training)

    def inner_loop(self, sequences, initial_state, mask, training=False):
        mask = checked(mask, sequences)
        sequences = _with_features(sequences, self.input_spec.axes[-1])
        initial_state = list(map(_with_features, initial_state, self.state_size))
        if product_dtype() and not self.fused:
            raise UserError(
                f"precision={product_dtype()!r} is one of fused loops, and this "
                f"{type(self).__name__} runs its cell step by step. Take precision='float32'."
            )
        if not self.fused and keras.backend.backend() == "tensorflow":
            keep = self._draw_masks(sequences, training)
            sequences = sequences if keep is None else Step(sequences, keep)
            return super().inner_loop(sequences, initial_state, mask, training)
        fused = _of_backend(self.loop_name) if self.fused else None
        features_first = getattr(fused, "FEATURES_FIRST", False)
        x = ops.cast(sequences, self.cell.compute_dtype)
        x = ops.transpose(x, [1, 2, 0] if features_first else [1, 0, 2])
        mask = None if mask is None else ops.transpose(mask)
        if self.go_backwards:
            x, mask = ops.flip(x, 0), None if mask is None else ops.flip(mask, 0)
        keep = self._draw_masks(x, training, axis=1 if features_first else 2)
        if fused:
            outputs, states = fused.loop(self.cell, x, initial_state, keep, mask)
        else:
            outputs, states = self._run_cell(x, initial_state, keep, mask, training)
        if features_first:
            outputs = ops.transpose(outputs, [0, 2, 1])
        if not self.return_sequences:  # then nobody asks for the others
            output = last(outputs, mask, self.zero_output_for_mask)
            return output, output[:, None], states
        outputs = hold(outputs, mask, self.zero_output_for_mask)
        return outputs[-1], ops.transpose(outputs, [1, 0, 2]), states

    def _run_cell(self, x, states, keep, mask, training):
        """Run all steps as a fused loop does, in one graph of single steps if `unroll`.

        With a mask, Keras' loop on JAX takes the state for the output of the step before, and that
        on PyTorch outputs of the state's size alone (Keras 3.15); the RRU's output is one of its
        own. On TensorFlow it is `keras.ops.scan` that wants this.
        """

        def step(states, at_step):
            x, *given = at_step
            counts = None if mask is None else given.pop()[:, None]
            output, new = self.cell(Step(x, *given) if given else x, states, training=training)
            if counts is not None:
                new = [ops.where(counts, n, old) for n, old in zip(new, states)]
            return list(new), output

        sequences = [x, *(a for a in (keep, mask) if a is not None)]
        states, outputs = ops.scan(step, list(states), sequences, unroll=self.unroll)
        return outputs, states

    def _check_states(self, states, sequences):
        states = states if isinstance(states, list | tuple) else [states]
        given, wanted = len(states), len(self.state_size)
        if given != wanted:
            raise UserError(
                f"initial_state holds {given} states, and {type(self).__name__} has {wanted}. "
                "Give a list of its states, as return_state=True returns them after the output."
            )
        for state, size in zip(states, self.state_size):
            given, wanted = tuple(state.shape), (sequences.shape[0], size)
            if len(given) != 2 or any(None not in (a, b) and a != b for a, b in zip(given, wanted)):
                raise UserError(
                    f"initial_state has the shape {list(given)} and the sequences "
                    f"{list(sequences.shape)}: a state of this {type(self).__name__} is "
                    f"{list(wanted)}, [batch, features]."
                )

    def _draw_masks(self, x, training, axis=2):
        """Draw the dropout masks of all steps, laid out as x, with the features on an axis."""
        if not training or not self.cell.dropout:
            return None
        shape = list(ops.shape(x))
        shape[axis] = self.cell.dropped_features
        return self._draw(shape)

    def _draw(self, shape):
        of_backend = _of_backend("dropout")
        draw = of_backend.draw_mask if of_backend else draw_mask
        return draw(shape, self.cell.dropout, self.cell.seed_generator)

    def get_config(self):
        config = super().get_config()
        del config["cell"]  # its arguments are the layer's too
        return {**self.cell.get_config(), **config, "fused": self._fused_wanted}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        return cls(**config)


def _of_backend(module):
    """Return the module of that name for Keras' backend, or None where there is none."""
    folder = f"{__package__}.{keras.backend.backend()}"
    try:
        return importlib.import_module(f"{folder}.{module}")
    except ModuleNotFoundError as error:
        if error.name not in (folder, f"{folder}.{module}"):
            raise
        return None


def _with_features(a, n):
    """Return `a` with its last dimension known, which TensorFlow may not tell of a data set."""
    return a if a.shape[-1] is not None else ops.reshape(a, [*ops.shape(a)[:-1], n])


def cell_options(kwargs):
    """Pick from a layer's keyword arguments those that its cell must share."""
    return {name: kwargs[name] for name in ("dtype", "trainable") if name in kwargs}
