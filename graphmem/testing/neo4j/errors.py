"""Why there is no server."""


class CannotRun(Exception):
    """This machine lacks something that a server needs; the message says what, and what to do."""


class StartFailed(Exception):
    """All was there, and the server did not come up; the message ends with what it logged."""
