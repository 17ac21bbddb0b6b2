"""What a task is: its data, its batches, its head with loss and metrics. See `tasks.base`."""

from importlib import import_module


def task_for(config):
    """Return the task of a run, with its data loaded."""
    return task_class(config.kind)(config)


def task_class(kind):
    """Import the class of a kind of task: of "music", `MusicTask` of the module `tasks.music`."""
    return getattr(import_module(f"{__name__}.{kind}"), f"{kind.capitalize()}Task")
