"""The Mogrifier LSTM as one fused loop over time, with a gradient written by hand."""

import functools
import itertools

import tensorflow as tf

from ._gated import run, side_by_side, through_sigmoid, through_tanh, weight_gradients
from .products import matmul


def loop(cell, x, states, keep, mask):
    """Run all steps; see `layers._recurrent`."""
    j, o, f, i = tf.split(tf.cast(cell.kernel, x.dtype), 4, axis=-1)
    gates = [cell.output_gate_bias, cell.forget_gate_bias, cell.input_gate_bias]
    # One σ serves three gates at once, where they stand side by side.
    kernel, bias = side_by_side(o, f, i, j), side_by_side(*gates, cell.candidate_bias)
    rounds = zip(cell.round_factors_a, cell.round_factors_b, cell.round_biases)
    if _one_product_is_cheaper(x.shape[-1], cell.units, cell.rank):
        rounds = ((tf.matmul(a, b), d) for a, b, d in rounds)
    weights = [kernel, bias, *(w for of_round in rounds for w in of_round)]
    make_equations = functools.partial(Equations, cell.rounds)
    return run(make_equations, cell, x, states, weights, keep, mask)


def _one_product_is_cheaper(m, n, rank):
    """Return whether A_k B_k beforehand saves time: a product less a round, of a larger matrix."""
    return m * n <= 2 * rank * (m + n)


class Equations:
    """One step and its gradient; see `_gated`.

    The rounds alternate, so x and h form one chain: v_0 = x, v_1 = h and, for round k,
    v_{k+2} = v_k ⊙ 2σ(v_{k+1} A_k B_k + d_k). Even members are x, odd ones h. A round has a list
    of its matrices, A_k and B_k or their product, and its bias d_k.
    """

    def __init__(self, n_rounds, inputs, kernel, bias, *flat):
        size = len(flat) // max(n_rounds, 1)
        rounds = [flat[size * k : size * (k + 1)] for k in range(n_rounds)]
        self.each, self.bias, self.n = inputs, bias, bias.shape[0] // 4
        self.round_biases = [bias_k for *_, bias_k in rounds]
        self.kernels = [kernel, [matrices for *matrices, _ in rounds]]

    def step(self, kernels, states, x, drop):
        (kernel, rounds), (h, c) = kernels, states
        xh, residuals = self._mogrify(x, h, rounds)
        ofi, j = tf.split(matmul(xh, kernel) + self.bias, [3 * self.n, self.n], axis=-1)
        ofi, j = tf.sigmoid(ofi), tf.tanh(j)
        o, f, i = tf.split(ofi, 3, axis=-1)
        dropped = j if drop is None else j * drop
        new_c = f * c + tf.minimum(1 - f, i) * dropped
        tanh_c = tf.tanh(new_c)
        residuals |= {"c": c, "ofi": ofi, "j": j, "tanh_c": tanh_c}
        return (o * tanh_c, new_c), residuals

    def _mogrify(self, x, h, rounds):
        """Return [x, h] after all rounds, and their residuals."""
        chain, sigmoids, inner = [x, h], [], []
        for k, (matrices, bias) in enumerate(zip(rounds, self.round_biases)):
            _, *between, product = itertools.accumulate([chain[k + 1], *matrices], matmul)
            inner.append(between)
            sigmoids.append(tf.sigmoid(product + bias))
            chain.append(chain[k] * (2 * sigmoids[k]))
        xh = side_by_side(*_x_first(chain[-2:], len(rounds)))
        return xh, {"xh": xh, "chain": chain[:-1], "sigmoids": sigmoids, "inner": inner}

    def step_back(self, kernels, d_states, drop, c, ofi, j, tanh_c, chain, sigmoids, **_):
        (kernel, rounds), (d_h, d_c) = kernels, d_states
        o, f, i = tf.split(ofi, 3, axis=-1)
        d_c += through_tanh(d_h * o, tanh_c)
        d_dropped = d_c if drop is None else d_c * drop
        d_input_gate = d_dropped * j
        capped = 1 - f <= i  # then the input gate is 1 − f, and i has no say
        nothing = tf.zeros_like(d_c)
        d_f = d_c * c - tf.where(capped, d_input_gate, nothing)
        d_i = tf.where(capped, nothing, d_input_gate)
        d_ofi = through_sigmoid(side_by_side(d_h * tanh_c, d_f, d_i), ofi)
        d_z = side_by_side(d_ofi, through_tanh(d_dropped * tf.minimum(1 - f, i), j))
        sizes = [kernel.shape[-1] - self.n, self.n]
        d_xh = tf.split(matmul(d_z, kernel), sizes, axis=-1)
        d_x, d_h, d_products = _mogrify_back(d_xh, chain, sigmoids, rounds)
        return (d_h, d_c * f), {"d_x": d_x, "d_z": d_z, "d_products": d_products}

    def gradients(self, before, residuals, others):
        d_weights = [*weight_gradients(residuals["xh"], others["d_z"])]
        rounds = zip(residuals["chain"][1:], residuals["inner"], others["d_products"])
        for x, xs, ds in rounds:
            of_round = [weight_gradients(x, d_x) for x, d_x in zip([x, *xs], ds)]
            d_weights += [d_kernel for d_kernel, _ in of_round] + [of_round[-1][1]]
        return others["d_x"], *d_weights


def _mogrify_back(d_xh, chain, sigmoids, rounds):
    """Return gradients of x and h before the rounds, and of what each matrix of a round gives."""
    d_chain, d_products = _x_first(d_xh, len(rounds)), []
    for k in reversed(range(len(rounds))):
        d_before, d_after = d_chain
        twice = 2 * d_after
        d_sum = through_sigmoid(twice * chain[k], sigmoids[k])
        *d_round, d_other = itertools.accumulate([d_sum, *reversed(rounds[k])], matmul)
        d_products.insert(0, d_round[::-1])
        d_chain = [twice * sigmoids[k], d_before + d_other]
    return *d_chain, d_products


def _x_first(pair, n_rounds):
    """Return the chain's two last members as x and h; or x and h as these members."""
    return pair if n_rounds % 2 == 0 else pair[::-1]
