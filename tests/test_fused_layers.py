"""What all fused layers share: shapes that fit, lengths that stay known, no XLA for the loop."""

import keras
import numpy as np
import pytest

from rru_nb import RRU
from rru_nb.layers.gru import GRU
from rru_nb.layers.lstm import LSTM
from rru_nb.layers.mogrifier import MogrifierLSTM


@pytest.mark.parametrize("layer", [RRU, GRU, LSTM, MogrifierLSTM])
def test_keras_does_not_compile_the_loop_where_it_cannot(layer):
    """As `jit_compile="auto"` would on a GPU: an embedding's mask and a batch of another size."""
    tokens = keras.Input((9,), dtype="int32")
    h = keras.layers.Embedding(5, 4, mask_zero=True)(tokens)
    model = keras.Model(tokens, layer(3)(layer(3, return_sequences=True)(h)))
    with pytest.warns(UserWarning, match="doesn.t support `jit_compile=True`"):
        model.compile("sgd", "mse", jit_compile=True)
    x = np.arange(27, dtype="int32").reshape(3, 9) % 5
    model.fit(x, np.zeros((3, 3)), batch_size=2, verbose=0)
    assert layer(3, fused=False).supports_jit


@pytest.mark.parametrize("layer", [RRU, GRU, LSTM, MogrifierLSTM])
def test_the_number_of_time_steps_stays_known(layer):
    x = keras.Input((9, 4))
    assert layer(5, return_sequences=True)(x).shape == (None, 9, 5)
    model = keras.Sequential(
        [
            x,
            layer(5, return_sequences=True),
            keras.layers.RNN(keras.layers.SimpleRNNCell(3), unroll=True),
        ]
    )
    assert model.predict(np.zeros((2, 9, 4)), verbose=0).shape == (2, 3)
