"""What the numbers inside a trained cell say."""

import numpy as np


def rezero(steps):
    """How far Z has come in the updates watched."""
    last = steps.iloc[-1]
    return (
        f"After {int(last.step)} updates the median |Z| is {last['median']:.3f} and the largest "
        f"{last.largest:.3f}; the loss fell from {steps.loss.dropna().iloc[0]:.1f} to "
        f"{last.loss:.1f}. Until Z has left zero the state carries nothing, and the cell learns "
        "from the input alone."
    )


def memory(lives):
    """Half-lives before and after training, in a sentence each."""
    told = [
        f"{when.capitalize()} training half of the features forget half of what they hold within "
        f"{np.median(values):.1f} time steps; a tenth of them keeps it for "
        f"{np.percentile(values, 90):.0f} or more."
        for when, values in lives.items()
    ]
    longer = 100 * np.mean(lives["after"] > lives["before"])
    return " ".join([*told, f"Training made {longer:.0f} % of the features forget more slowly."])
