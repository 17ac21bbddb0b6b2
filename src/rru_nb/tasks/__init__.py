"""What a task is: its data, its batches, its head with loss and metrics. See `tasks.base`."""

from importlib import import_module

_TASKS = {  # kind of task: module and class; imported when one is asked for
    "music": ("music", "MusicTask"),
    "word": ("word", "WordTask"),
    "char": ("char", "CharTask"),
    "sentiment": ("sentiment", "SentimentTask"),
    "digits": ("digits", "DigitsTask"),
}


def task_for(config):
    """Return the task of a run, with its data loaded."""
    module, name = _TASKS[config.kind]
    return getattr(import_module(f"{__name__}.{module}"), name)(config)
