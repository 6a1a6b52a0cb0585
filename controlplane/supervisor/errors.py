"""What keeps `pointsman up` from coming up.

    StartFailed          our own children or home: the message says which, and where to look
    lock.HomeTaken       another supervisor has this home
    free_ports.PortTaken another program has a port
    temporal_server.TemporalNotFound

All are the operator's to solve, none is retried, each message is one that can be acted upon.
"""


class StartFailed(Exception):  # noqa: N818 - told to a person as a sentence
    """The product could not be brought up."""
