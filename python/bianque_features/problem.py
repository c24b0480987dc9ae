"""What can go wrong: a message that says what, where, and what to do."""


class Problem(Exception):
    """A file or a wish that cannot be served; the text is for the person who made it."""
