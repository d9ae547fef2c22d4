"""How long a call to Lightsail may take, with all its attempts: what a run must leave itself before its deadline."""

from typing import Final

from lightkeeper.kinds import LISTINGS

ATTEMPTS: Final = 5
CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 20
# botocore's adaptive mode never lets fewer than one call in two seconds through, for all that wait together.
_SLOWEST_TURN_SECONDS: Final = 2
_SPARE_SECONDS: Final = 10
READ_MARGIN_SECONDS: Final = 60
"""Before the time from which nothing is written any more, no further page is read: a plan needs time to be done."""


def slowest_call_seconds(max_concurrency: int) -> int:
    """Return how long a call takes that uses up its attempts, each to its time-out, beside so many others.

    Between attempts botocore waits up to 1, 2, 4, ... seconds; before each, its adaptive mode may let all others go
    first.
    """
    turns = _SLOWEST_TURN_SECONDS * max(max_concurrency, len(LISTINGS))
    return ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS + turns) + (1 << (ATTEMPTS - 1)) - 1


def margin_seconds(max_concurrency: int) -> int:
    """Return the time left with which no call starts any more: the slowest one beside so many others ends in it."""
    return slowest_call_seconds(max_concurrency) + _SPARE_SECONDS
