"""The error of a build that must not be published."""


class BookError(Exception):
    """A notebook raised, a page warned, or the contents miss a page. The message says which."""
