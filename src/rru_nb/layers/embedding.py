"""Keras' embedding, with a table that `RAdam` treats as the authors' code does."""

import keras


@keras.saving.register_keras_serializable(package="rru_nb")
class Embedding(keras.layers.Embedding):
    """Embedding whose table takes Liu et al.'s form of `RAdam` under either variant.

    The authors' code gives this form to every sparse gradient, and so to an embedding's. Here
    the table is marked, by its attribute `liu_form`, because not every backend has sparse
    gradients. Arguments, inputs and outputs are those of `keras.layers.Embedding`.

    Example:

        vectors = Embedding(10000, 64)(tokens)  # [batch, time] to [batch, time, 64]
    """

    def build(self, input_shape=None):
        super().build(input_shape)
        self.variables[0].liu_form = True  # the table; what LoRA adds comes after it
