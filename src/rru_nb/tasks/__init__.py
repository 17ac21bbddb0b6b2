"""What a task is: its data, its batches, its head with loss and metrics. See `tasks.base`."""

from ..errors import UserError


def task_for(config):
    """The task of a run, with its data loaded.

    Args:
        config: a `RunConfig`.

    Raises:
        UserError: if the data is not at hand, or this version cannot train the dataset.
    """
    if config.kind == "music":
        from .music import MusicTask

        return MusicTask(config)
    raise UserError(
        f"dataset {config.dataset!r} has its settings and its published number in this version, "
        "but no training yet. Trainable: 'jsb', 'nottingham', 'musedata', 'piano-midi', "
        "'chorales'."
    )
