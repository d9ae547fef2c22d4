"""Which accounts are looked after: of units within units or of a list, without what is left out, with the own one."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from lightkeeper.accounts import Account, find_accounts
from lightkeeper.faults import CallError, Fault
from lightkeeper.organization import Organization

HUB, SHOP, CLINIC, SCHOOL = "111111111111", "222222222222", "333333333333", "444444444444"
ROOT, SALES, EUROPE, CARE = "r-ab12", "ou-ab12-sales000", "ou-ab12-europe00", "ou-ab12-care0000"


@dataclass
class Tree:
    """An organization: accounts and units by the unit that they are in; some lists are refused."""

    members: Mapping[str, Sequence[Account]] = field(default_factory=dict)
    within: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    """Units whose accounts are, and `<unit>/` where it is the units in them."""
    asked: list[str] = field(default_factory=list)

    def accounts(self, unit: str) -> Iterator[Account]:
        self._ask(unit)
        yield from self.members.get(unit, ())

    def units(self, unit: str) -> Iterator[str]:
        self._ask(f"{unit}/")
        yield from self.within.get(unit, ())

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.refused:
            raise CallError(Fault.ACCESS_DENIED, "no")


MEMBERS = {
    SALES: [Account(SHOP, "Shop")],
    EUROPE: [Account(CLINIC, "Clinic")],
    CARE: [Account(SCHOOL, "School"), Account(HUB, "Hub")],
}
WITHIN = {ROOT: [SALES, CARE], SALES: [EUROPE]}


def tree(*refused: str) -> Tree:
    return Tree(MEMBERS, WITHIN, frozenset(refused))


def of_units(*units: str, excluded: Sequence[str] = ()) -> Organization:
    return Organization(units=units, excluded=tuple(excluded))


def test_a_unit_stands_for_all_that_is_below_it_and_the_own_account_is_looked_after_too() -> None:
    accounts = find_accounts(of_units(SALES), HUB, tree())

    assert accounts.found == (Account(HUB, None), Account(SHOP, "Shop"), Account(CLINIC, "Clinic"))
    assert accounts.unlisted == ()


def test_an_account_that_is_found_twice_is_looked_after_once_and_no_unit_is_asked_twice() -> None:
    asked = tree()

    accounts = find_accounts(of_units(EUROPE, ROOT, SALES), HUB, asked)

    assert [account.id for account in accounts.found] == [HUB, SHOP, CLINIC, SCHOOL]
    assert accounts.found[0].name == "Hub", "the organization knows its name"
    assert len(asked.asked) == len(set(asked.asked)) == 8


def test_what_is_left_out_is_left_out_the_own_account_too() -> None:
    found = find_accounts(of_units(ROOT, excluded=[CLINIC, HUB]), HUB, tree()).found

    assert [account.id for account in found] == [SHOP, SCHOOL]


def test_a_list_needs_nobody_to_ask_and_knows_no_names() -> None:
    asked = tree()

    accounts = find_accounts(Organization(accounts=(SCHOOL, SHOP)), HUB, asked)

    assert accounts.found == (Account(HUB, None), Account(SHOP, None), Account(SCHOOL, None))
    assert asked.asked == []


@pytest.mark.parametrize(
    ("refused", "left", "named"),
    [
        (CARE, [HUB, SHOP, CLINIC], CARE),
        (f"{SALES}/", [HUB, SHOP, SCHOOL], SALES),
        (f"{ROOT}/", [HUB], ROOT),
    ],
)
def test_one_unit_that_cannot_be_listed_is_said_and_the_others_are_looked_after(
    refused: str, left: list[str], named: str
) -> None:
    accounts = find_accounts(of_units(ROOT), HUB, tree(refused))

    assert [account.id for account in accounts.found] == left
    assert accounts.unlisted == (f"{named}: no",)


def test_where_no_unit_at_all_can_be_listed_there_is_no_run() -> None:
    with pytest.raises(CallError, match=r"^no account of the organization could be listed: no$") as raised:
        find_accounts(of_units(SALES, CARE), HUB, tree(SALES, CARE))

    assert raised.value.fault is Fault.ACCESS_DENIED


def test_units_that_are_empty_are_no_failure() -> None:
    assert find_accounts(of_units(ROOT), HUB, Tree()).found == (Account(HUB, None),)
