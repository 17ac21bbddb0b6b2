"""The Mogrifier LSTM as one fused loop over time, with a gradient written by hand."""

import functools
import itertools

import tensorflow as tf

from ._gated import (
    hold_state,
    run,
    side_by_side,
    split_gradients,
    through_sigmoid,
    through_tanh,
    transposed,
    weight_gradients,
)
from .over_time import over_time
from .products import matmul, rounded


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
    recurrence = functools.partial(_recurrence, cell.rounds)
    return run(recurrence, cell, x, states, weights, keep, mask)


def _one_product_is_cheaper(m, n, rank):
    """Return whether A_k B_k beforehand saves time: a product less a round, of a larger matrix."""
    return m * n <= 2 * rank * (m + n)


# The rounds alternate, so x and h form one chain: v_0 = x, v_1 = h and, for round k,
# v_{k+2} = v_k ⊙ 2σ(v_{k+1} A_k B_k + d_k). Even members are x, odd ones h. A round is a list
# of its matrices, A_k and B_k or their product, and its bias d_k.


def _recurrence(n_rounds, drop, mask):
    @tf.custom_gradient
    def scan(inputs, start_h, start_c, kernel, bias, *flat):
        size = len(flat) // max(n_rounds, 1)
        rounds = [flat[size * k : size * (k + 1)] for k in range(n_rounds)]
        factors = [[*map(rounded, matrices), bias_k] for *matrices, bias_k in rounds]
        start = start_h, start_c
        c, residuals = _forward(inputs, start, rounded(kernel), bias, factors, drop, mask)
        hs = residuals.pop("out")

        def backward(d_hs, d_c):
            kernel_t = transposed(kernel)
            rounds_t = [[transposed(w) for w in reversed(matrices)] for *matrices, _ in rounds]
            d_start_h, d_start_c, d = _backward(
                inputs, d_hs, d_c, residuals, kernel_t, rounds_t, drop, mask
            )
            d_weights = [*weight_gradients(residuals["xh"], d["d_z"])]
            for x, xs, ds in zip(residuals["chain"][1:], residuals["inner"], d["d_products"]):
                of_round = [weight_gradients(x, d_x) for x, d_x in zip([x, *xs], ds)]
                d_weights += [d_kernel for d_kernel, _ in of_round] + [of_round[-1][1]]
            return d["d_x"], d_start_h, d_start_c, *d_weights

        return (hs, c), backward

    return scan


def _forward(inputs, start, kernel, bias, rounds, drop, mask):
    """Return the final c, the residuals of every step, and h after it ("out")."""
    n = start[0].shape[-1]

    def step(states, x, drop, mask):
        h, c = states
        xh, residuals = _mogrify(x, h, rounds)
        ofi, j = tf.split(matmul(xh, kernel) + bias, [3 * n, n], axis=-1)
        ofi, j = tf.sigmoid(ofi), tf.tanh(j)
        o, f, i = tf.split(ofi, 3, axis=-1)
        dropped = j if drop is None else j * drop
        new_c = f * c + tf.minimum(1 - f, i) * dropped
        tanh_c = tf.tanh(new_c)
        new = hold_state(mask, (o * tanh_c, new_c), (h, c))
        return new, {"out": new[0], "c": c, "ofi": ofi, "j": j, "tanh_c": tanh_c, **residuals}

    each = {"x": inputs, "drop": drop, "mask": mask}
    (_, c_end), residuals = over_time(inputs, step, start, each)
    return c_end, residuals


def _mogrify(x, h, rounds):
    """Return [x, h] after all rounds, and their residuals."""
    chain, sigmoids, inner = [x, h], [], []
    for k, (*matrices, bias) in enumerate(rounds):
        _, *between, product = itertools.accumulate([chain[k + 1], *matrices], matmul)
        inner.append(between)
        sigmoids.append(tf.sigmoid(product + bias))
        chain.append(chain[k] * (2 * sigmoids[k]))
    xh = side_by_side(*_x_first(chain[-2:], len(rounds)))
    return xh, {"xh": xh, "chain": chain[:-1], "sigmoids": sigmoids, "inner": inner}


def _x_first(pair, n_rounds):
    """Return the chain's two last members as x and h; or x and h as these members."""
    return pair if n_rounds % 2 == 0 else pair[::-1]


def _backward(clock, d_hs, d_c_end, residuals, kernel_t, rounds_t, drop, mask):
    """Return gradients of h_0 and c_0, and of x and of all products at every step."""
    n = d_c_end.shape[-1]
    sizes = [kernel_t.shape[-1] - n, n]

    def step(carried, d_out, drop, mask, **k):
        carried_h, carried_c = carried
        (d_h, d_c), past = split_gradients(mask, d_out + carried_h, carried_c)
        past_h, past_c = past
        d_z, d_c = _lstm_backward(d_h, d_c, k, drop)
        d_xh = tf.split(matmul(d_z, kernel_t), sizes, axis=-1)
        d_x, d_h, d_products = _mogrify_backward(d_xh, k["chain"], k["sigmoids"], rounds_t)
        return (d_h + past_h, d_c + past_c), {"d_x": d_x, "d_z": d_z, "d_products": d_products}

    carried = (tf.zeros_like(d_c_end), d_c_end)
    each = {"d_out": d_hs, "drop": drop, "mask": mask, **residuals}
    (d_start_h, d_start_c), d = over_time(clock, step, carried, each, backwards=True)
    return d_start_h, d_start_c, d


def _lstm_backward(d_h, d_c, residuals, drop):
    """Return gradients of the pre-activations o, f, i, j, and of c before the step."""
    ofi, j, tanh_c = residuals["ofi"], residuals["j"], residuals["tanh_c"]
    o, f, i = tf.split(ofi, 3, axis=-1)
    d_c += through_tanh(d_h * o, tanh_c)
    d_dropped = d_c if drop is None else d_c * drop
    d_input_gate = d_dropped * j
    capped = 1 - f <= i  # then the input gate is 1 − f, and i has no say
    nothing = tf.zeros_like(d_c)
    d_f = d_c * residuals["c"] - tf.where(capped, d_input_gate, nothing)
    d_i = tf.where(capped, nothing, d_input_gate)
    d_ofi = through_sigmoid(side_by_side(d_h * tanh_c, d_f, d_i), ofi)
    d_j = through_tanh(d_dropped * tf.minimum(1 - f, i), j)
    return side_by_side(d_ofi, d_j), d_c * f


def _mogrify_backward(d_xh, chain, sigmoids, rounds_t):
    """Return gradients of x and h before the rounds, and of what each matrix of a round gives."""
    d_chain, d_products = _x_first(d_xh, len(rounds_t)), []
    for k in reversed(range(len(rounds_t))):
        d_before, d_after = d_chain
        twice = 2 * d_after
        d_sum = through_sigmoid(twice * chain[k], sigmoids[k])
        *d_round, d_other = itertools.accumulate([d_sum, *rounds_t[k]], matmul)
        d_products.insert(0, d_round[::-1])
        d_chain = [twice * sigmoids[k], d_before + d_other]
    return *d_chain, d_products
