"""What the tasks over words and over characters share: windows of a stream, head and loss."""

import keras
import numpy as np
from keras import ops

from ..errors import UserError
from ..layers.sizes import dense_parameters
from .base import Task, padded_rows
from .network import embedding, output_features, recurrent_layer, recurrent_parameters


class TextTask(Task):
    """Prediction of the next token of a stream; losses are in nats per token.

    A batch holds `tokens`, [B, T + 1]: the inputs are all columns but the last, the targets all
    but the first.

    Attributes:
        vocabulary_size: how many different tokens there are.
    """

    def _lay_out(self, steps, at_least):
        """Cut the streams of the splits to their limits; list where windows start, by steps."""
        config, self._streams, starts = self.config, {}, {}
        for split, step in steps.items():
            stream, limit = getattr(self.splits, split), self.limits[split]
            if limit is not None:  # the beginning that holds so many windows
                stream = stream[: (limit - 1) * step + config.window + 1]
            starts[split] = window_starts(len(stream), config.window, step)
            self._streams[split] = stream
            if len(starts[split]) < at_least:
                name = "train_limit" if split == "train" else "eval_limit"
                more = f", or {name} larger" if limit else ""
                raise UserError(
                    f"the {split} text of {config.dataset!r} gives {len(starts[split])} windows of "
                    f"{config.window}, and a batch needs {at_least}. Make window or batch_size "
                    f"smaller{more}."
                )
        return starts

    def _windows(self, split, starts):
        return cut(self._streams[split], starts, self.config.window)

    def embedded(self, tokens):
        """Return the vectors of tokens, [B, T, m]."""
        return embedding(self.config, self.vocabulary_size)(tokens)

    def head(self, x):
        """Return the logits of the next token, [B, T, vocabulary]."""
        return keras.layers.Dense(self.vocabulary_size, name="head")(x)

    def recurrent_layers(self, units):
        """Return the layers of the stack, which give all outputs and the last state."""
        return [
            recurrent_layer(self.config, units, return_sequences=True, return_state=True)
            for _ in range(self.config.layers)
        ]

    def parameters(self, units):
        config = self.config
        vectors = self.vocabulary_size * config.embedding_size
        head = dense_parameters(output_features(config, units), self.vocabulary_size)
        return vectors + recurrent_parameters(config, units, config.embedding_size) + head

    def scoring(self, model):
        """Return a function to score with.

        It is called with tokens [B, T + 1], an int `begin`, and the states before if the model
        takes them, and returns the losses from step `begin` on, [B, T - begin] in nats, and the
        states after. The logits of the steps before it are not computed.
        """
        head, states = model.get_layer("head"), model.outputs[1:]
        body = keras.Model(model.inputs, [head.input, *states])

        def score(tokens, begin, *before):
            tokens = ops.cast(tokens, "int32")
            x, *after = keras.tree.flatten(body([tokens[:, :-1], *before], training=False))
            return [next_token_nll(head(x[:, begin:]), tokens[:, 1 + begin :]), *after]

        of_states = [keras.InputSpec("float32", shape=s.shape) for s in model.inputs[1:]]
        return score, [self.batch_spec["tokens"], int, *of_states]

    def _losses(self, model, split, starts, n_rows, begin=0):
        """Return the losses of windows from step `begin` on, in nats: float64 [W, T - begin].

        Each window starts from zeros, or from the first state; `n_rows` are computed at once.
        """
        score, losses = self.scorer(model), [np.zeros([0, self.config.window - begin])]
        for start in range(0, len(starts), n_rows):
            picked = starts[start : start + n_rows]
            tokens = padded_rows({"tokens": self._windows(split, picked)}, n_rows)["tokens"]
            nats, *_ = score(tokens, begin, *zeros(model, len(tokens)))
            losses.append(np.float64(nats[: len(picked)]))
        return np.concatenate(losses)


def zeros(model, n_rows):
    """Return a zero state for each one that the model takes, [n_rows, n]."""
    return [np.zeros([n_rows, state.shape[-1]], np.float32) for state in model.inputs[1:]]


def next_token_nll(logits, targets):
    """Return the negative log-likelihood of each target in nats: [B, T], float32."""
    return ops.sparse_categorical_crossentropy(
        targets, ops.cast(logits, "float32"), from_logits=True
    )


def window_starts(n_tokens, window, step):
    """Return where the windows of a stream start: every `step`, while inputs and targets are there.

    As in the authors' code, what is left at the end, less than `step`, is in no window.
    """
    return np.arange(0, n_tokens - window, step)


def cut(stream, starts, window):
    """Cut windows of a stream with their targets: [len(starts), window + 1]."""
    return np.lib.stride_tricks.sliding_window_view(stream, window + 1)[starts]


def half_window_mean(losses):
    """Return the authors' mean loss of a split, from the mean loss of each of its batches.

    Windows overlap by half, and the second half of each is scored; of the first batch all of
    it, counted twice, "because we went through two halves". So the beginning of the stream is
    scored too, and the rest of the first batch partly twice.
    """
    return (losses[0] + sum(losses)) / (len(losses) + 1)
