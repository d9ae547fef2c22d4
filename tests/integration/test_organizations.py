"""The function that lists the accounts, asking an AWS Organizations over HTTP."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError
from lightkeeper.fleet_handler import AccountsAnswer, list_accounts
from lightkeeper.organization import ORGANIZATION_VARIABLE, Organization
from lightkeeper.settings import Settings
from lightkeeper.times import parse_instant, parse_zone
from tests.support.functions import NOON, Context, lines, log_to_stdout
from tests.support.hub import HUB, Hub
from tests.support.keeper import OTHER_REGION, REGION
from tests.support.world import no_waiting

SHOP = "111122223333"


@dataclass
class Lister:
    """The function, and the organization whose management account it is in."""

    hub: Hub
    patch: pytest.MonkeyPatch
    root: str = field(init=False)

    def __post_init__(self) -> None:
        self.root = self.hub.open_organization()

    def list(
        self, event: dict[str, object], settings: Settings | None = None, **organization: object
    ) -> AccountsAnswer:
        """Let the function list them; the organization is given as the setting."""
        for name, value in (settings or Settings()).to_env().items():
            self.patch.setenv(name, value)
        self.patch.setenv(ORGANIZATION_VARIABLE, Organization.from_mapping(organization).to_json())
        log_to_stdout()
        return list_accounts(event, Context())

    def ids(self, **organization: object) -> set[str]:
        return {each["account"] for each in self.list({"time": NOON}, None, **organization)["accounts"]}


@pytest.fixture
def lister(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Lister:
    no_waiting(monkeypatch)
    return Lister(hub, monkeypatch)


def test_the_accounts_of_a_unit_and_of_those_below_are_listed_with_their_names(
    lister: Lister, capsys: pytest.CaptureFixture[str]
) -> None:
    sales = lister.hub.unit(lister.root, "sales")
    europe = lister.hub.unit(sales, "europe")
    shop, clinic = lister.hub.account(sales, "Shop"), lister.hub.account(europe, "Clinic")
    lister.hub.account(lister.root, "Elsewhere")

    answer = lister.list({"time": NOON}, Settings(regions=(REGION, OTHER_REGION)), units=[sales])

    names = {shop: "Shop", clinic: "Clinic", HUB: None}
    assert answer == {
        "time": NOON,
        "regions": [REGION, OTHER_REGION],
        "accounts": [{"account": account, "name": names[account]} for account in sorted(names)],
        "unlisted": [],
    }
    assert [line["detail"] for line in lines(capsys)] == [{"accounts": 3, "unlisted": 0}]


def test_all_pages_are_read(lister: Lister) -> None:
    accounts = {lister.hub.account(lister.root, f"customer-{number}") for number in range(45)}
    units = [lister.hub.unit(lister.root, f"unit-{number}") for number in range(25)]
    accounts.add(lister.hub.account(units[-1], "the-last-one"))

    assert lister.ids(units=[lister.root]) == accounts | {HUB}


def test_an_account_that_is_closed_is_not_looked_after(lister: Lister) -> None:
    shop, closed = lister.hub.account(lister.root, "Shop"), lister.hub.account(lister.root, "Closed")
    lister.hub.organizations.close_account(AccountId=closed)

    assert lister.ids(units=[lister.root]) == {HUB, shop}


@pytest.mark.parametrize(
    ("said", "is_listed"),
    [
        ({"State": "ACTIVE", "Status": "ACTIVE"}, True),
        ({"State": "ACTIVE"}, True),
        ({"Status": "ACTIVE"}, True),
        ({"State": "PENDING_CLOSURE", "Status": "ACTIVE"}, False),
        ({"State": "ACTIVE", "Status": "SUSPENDED"}, False),
        ({"State": "CLOSED"}, False),
        ({"Status": "SUSPENDED"}, False),
        ({"State": "PENDING_ACTIVATION"}, False),
    ],
)
def test_state_and_status_both_have_to_say_that_an_account_is_active(
    lister: Lister, said: dict[str, str], *, is_listed: bool
) -> None:
    account = {"Id": SHOP, "Name": "Shop", **said}
    lister.hub.services.answers["ListAccountsForParent"] = json.dumps({"Accounts": [account]})

    assert (SHOP in lister.ids(units=[lister.root])) is is_listed


def test_a_list_of_accounts_asks_nobody(lister: Lister) -> None:
    lister.hub.services.refused |= {"ListAccountsForParent", "ListOrganizationalUnitsForParent"}

    assert lister.ids(accounts=[SHOP], **{"except": [HUB]}) == {SHOP}


def test_a_unit_that_is_refused_is_said_and_the_others_are_listed(
    lister: Lister, capsys: pytest.CaptureFixture[str]
) -> None:
    sales, care = lister.hub.unit(lister.root, "sales"), lister.hub.unit(lister.root, "care")
    shop = lister.hub.account(sales, "Shop")
    lister.hub.account(care, "Clinic")
    lister.hub.services.refused.add(care)

    answer = lister.list({"time": NOON}, units=[lister.root])

    assert {each["account"] for each in answer["accounts"]} == {HUB, shop}
    (sentence,) = answer["unlisted"]
    assert sentence.startswith(f"{care}: organizations:ListAccountsForParent: AccessDeniedException: ")
    assert sentence.endswith(
        "; expected permission for organizations:ListAccountsForParent, and this account to be the organization's "
        "management account or a delegated administrator"
    )
    logged = [line["detail"] for line in lines(capsys) if line["level"] == "ERROR"]
    assert logged == [{"message": sentence}]


def test_where_nothing_can_be_listed_the_function_fails_with_what_was_expected(lister: Lister) -> None:
    lister.hub.services.refused.add("ListAccountsForParent")

    with pytest.raises(
        CallError, match=r"no account .* could be listed: .*AccessDeniedException.* delegated administr"
    ):
        lister.list({"time": NOON}, units=[lister.root])


def test_a_unit_that_does_not_exist_is_named(lister: Lister) -> None:
    sales = lister.hub.unit(lister.root, "sales")

    answer = lister.list({"time": NOON}, units=[sales, "ou-ab12-cd34ef56"])

    (sentence,) = answer["unlisted"]
    assert sentence.startswith("ou-ab12-cd34ef56: organizations:ListAccountsForParent: ")


def test_without_a_time_all_runs_are_for_now(lister: Lister) -> None:
    answer = lister.list({}, accounts=[SHOP])

    assert abs(parse_instant(answer["time"], parse_zone("UTC")) - datetime.now(UTC)) < timedelta(minutes=5)  # noqa: TID251 - that is the story


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"time": "soon"}, 'event.time: "soon" is not a time'),
        ({"time": NOON, "dryRun": True}, 'event.dryRun: unknown key; expected one of "time"'),
    ],
)
def test_an_event_that_asks_for_anything_else_is_refused(
    lister: Lister, event: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InvalidValueError, match=sentence):
        lister.list(event, accounts=[SHOP])
