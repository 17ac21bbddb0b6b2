"""From a budget of parameters to the state size n."""

from bisect import bisect_right

from ..errors import UserError


def units_within(parameters, budget):
    """Return the largest n whose model has at most `budget` trainable parameters.

    The paper gives the number of parameters, not n (Tables 4 and 5); the authors' code solves for
    n over the whole model, embedding and output layer included. `parameters` is
    a growing function of n; a `UserError` says if even n = 1 exceeds the budget.
    """
    units = bisect_right(range(1, budget + 1), budget, key=parameters)
    if not units:
        raise UserError(
            f"n_params = {budget:,} is too small for this model: a state of one feature already "
            f"takes {parameters(1):,} parameters. Give at least as many."
        )
    return units
