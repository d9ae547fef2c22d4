"""Reading while a person waits: in time, each account by itself, and never with credentials that have ended."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from recovery_calendar.live import Kept, LateError, in_time
from tests.support.inventories import NOW

HOUR = timedelta(hours=1)
LASTS = timedelta(minutes=45)
MOST = 8


@dataclass
class Connection:
    """A connection that knows whether it was closed."""

    account: str
    is_closed: bool = False

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Accounts:
    """Makes connections, and remembers them."""

    made: list[Connection] = field(default_factory=list)

    def to(self, account: str) -> Callable[[], Mapping[str, Connection]]:
        def connect() -> Mapping[str, Connection]:
            self.made.append(Connection(account))
            return {"eu-central-1": self.made[-1]}

        return connect


@pytest.fixture
def there() -> Accounts:
    return Accounts()


def test_what_ends_in_time_is_what_it_comes_to_and_raises_what_it_raises() -> None:
    def fails() -> str:
        raise KeyError("shop")

    assert in_time(lambda: "shop", 60) == "shop"
    with pytest.raises(KeyError, match="shop"):
        in_time(fails, 60)


@pytest.mark.parametrize("seconds", [0.05, 0, -3])
def test_what_hangs_is_not_waited_for(seconds: float) -> None:
    going_on = threading.Event()

    with pytest.raises(LateError, match="no answer within 0 seconds"):
        in_time(going_on.wait, seconds)

    going_on.set()


def test_connections_are_kept_while_their_credentials_are_valid_and_then_closed(there: Accounts) -> None:
    kept = Kept[Connection]()

    looks = [kept.connections("1", NOW + after, there.to("1")) for after in (0 * HOUR, LASTS / 2, LASTS, LASTS * 1.9)]

    assert [list(each.values()) for each in looks] == [[there.made[0]]] * 2 + [[there.made[1]]] * 2
    assert [each.is_closed for each in there.made] == [True, False]


def test_a_clock_that_was_put_back_asks_for_others(there: Accounts) -> None:
    kept = Kept[Connection]()
    kept.connections("1", NOW, there.to("1"))

    kept.connections("1", NOW - HOUR, there.to("1"))

    assert len(there.made) == 2


def test_each_account_has_its_own_and_the_one_looked_at_longest_ago_goes_first(there: Accounts) -> None:
    kept = Kept[Connection]()
    for number in range(MOST):
        kept.connections(str(number), NOW, there.to(str(number)))
    kept.connections("0", NOW, there.to("0"))

    kept.connections("new", NOW, there.to("new"))

    assert [each.account for each in there.made if each.is_closed] == ["1"]
    for account in ("0", *(str(number) for number in range(2, MOST)), "new"):
        (connection,) = kept.connections(account, NOW, there.to("somebody else")).values()
        assert connection.account == account


def test_where_no_connection_can_be_made_nothing_is_kept(there: Accounts) -> None:
    kept = Kept[Connection]()

    def refused() -> Mapping[str, Connection]:
        raise PermissionError

    with pytest.raises(PermissionError):
        kept.connections("1", NOW, refused)

    kept.connections("1", NOW, there.to("1"))
    kept.forget("1")
    assert [each.is_closed for each in there.made] == [True]
