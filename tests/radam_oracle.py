"""RAdam in float64 NumPy, written from the equations, and gradients to try it on."""

import numpy as np

KAPPA, STEPS = 1.5, 40
LR = 1 / 64  # Keras keeps it in float32
SHAPES = [(4, 3), (5,), ()]


class NumpyRAdam:
    """One variable, or several that are clipped as one. Remembers what happened."""

    def __init__(self, thetas, normalize_first, kappa=KAPPA, b1=0.9, b2=0.999, eps=1e-7):
        self.thetas = [np.array(theta, "float64") for theta in thetas]
        self.ms = [np.zeros_like(theta) for theta in self.thetas]
        self.vs = [np.zeros_like(theta) for theta in self.thetas]
        self.normalize_first, self.kappa = normalize_first, kappa
        self.b1, self.b2, self.eps = b1, b2, eps
        self.t, self.clipped, self.rectified = 0, [], []

    def step(self, grads, lr=LR):
        self.t += 1
        c1, c2 = 1 - self.b1**self.t, 1 - self.b2**self.t
        if self.kappa:
            norm = np.sqrt(sum(np.sum(g * g) for g in grads))
            limit = self.kappa * np.sqrt(sum(v.sum() for v in self.vs) / c2) + 0.01
            self.clipped.append(norm > limit)
            if norm > limit:
                grads = [g * limit / norm for g in grads]
        rho_inf = 2 / (1 - self.b2) - 1
        rho = rho_inf - 2 * self.t * self.b2**self.t / c2
        self.rectified.append(rho >= 5)
        r = 1.0
        if rho >= 5:
            r = np.sqrt((rho - 4) / (rho_inf - 4) * (rho - 2) / (rho_inf - 2) * rho_inf / rho)
        for i, g in enumerate(grads):
            self.vs[i] = self.b2 * self.vs[i] + (1 - self.b2) * g * g
            deviation = np.sqrt(self.vs[i] / c2) + self.eps
            momentum_of = g / deviation if self.normalize_first else g
            self.ms[i] = self.b1 * self.ms[i] + (1 - self.b1) * momentum_of
            step = r * self.ms[i] / c1
            if rho >= 5 and not self.normalize_first:
                step = step / deviation
            self.thetas[i] = self.thetas[i] - lr * step


def gradients(seed=0, steps=STEPS, shapes=SHAPES):
    """Gradients of which every fourth is ten times as long, so that some are clipped."""
    rng = np.random.default_rng(seed)
    for t in range(steps):
        size = 0.1 if t % 4 == 0 else 0.01
        yield [size * rng.normal(size=shape) for shape in shapes]


def starts(seed=1, shapes=SHAPES):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]
