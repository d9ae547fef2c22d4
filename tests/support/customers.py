"""An organization in a local AWS: customers' accounts in a unit, some in a unit within it, and one that is closed."""

import json
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.support.local_aws import LocalAws, wait_until

_INNER_EVERY = 10
_DEPLOYED_SECONDS = 60


@dataclass(frozen=True)
class Customers:
    """The organization of the account that runs Lightkeeper."""

    aws: LocalAws
    organization: str
    unit: str
    """In which the accounts are, or in a unit within it."""
    accounts: tuple[str, ...]
    closed: str

    def deploy(self, account: str, stack: str, template: Mapping[str, Any], **parameters: str) -> None:
        """Begin a stack in an account, as its own people would who paste a template."""
        with closing(self.aws.client("cloudformation", account)) as formation:
            formation.create_stack(
                StackName=stack,
                TemplateBody=json.dumps(template),
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                Capabilities=["CAPABILITY_NAMED_IAM"],
            )

    def delete(self, account: str, stack: str) -> None:
        """Delete the stack of an account, and wait until it is gone."""
        with closing(self.aws.client("cloudformation", account)) as formation:
            formation.delete_stack(StackName=stack)
            wait_until(partial(_is_gone, formation, stack), f"the end of {stack} in {account}", _DEPLOYED_SECONDS)

    def wait_for(self, accounts: Iterable[str], stack: str) -> None:
        """Wait until the stack of each of these accounts stands."""
        for account in accounts:
            with closing(self.aws.client("cloudformation", account)) as formation:
                ended = partial(_has_ended, formation, stack)
                wait_until(ended, f"the end of {stack} in {account}", _DEPLOYED_SECONDS)
                assert _state(formation, stack) == "CREATE_COMPLETE", formation.describe_stack_events(StackName=stack)


def found_organization(aws: LocalAws, count: int) -> Customers:
    """Make an organization with so many accounts, managed by the account that runs Lightkeeper."""
    with closing(aws.client("organizations")) as organizations:
        organization = organizations.describe_organization()["Organization"]["Id"]
        root = organizations.list_roots()["Roots"][0]["Id"]

        def unit(name: str, parent: str) -> str:
            made = organizations.create_organizational_unit(ParentId=parent, Name=name)
            return str(made["OrganizationalUnit"]["Id"])

        def account(name: str, parent: str) -> str:
            made = organizations.create_account(Email=f"{name}@example.com", AccountName=name)
            new = str(made["CreateAccountStatus"]["AccountId"])
            organizations.move_account(AccountId=new, SourceParentId=root, DestinationParentId=parent)
            return new

        outer = unit("Customers", root)
        inner = unit("Large", outer)
        accounts = tuple(
            account(f"customer-{number:02}", inner if number % _INNER_EVERY == 0 else outer)
            for number in range(1, count + 1)
        )
        closed = account("closed", outer)
        organizations.close_account(AccountId=closed)
    return Customers(aws, organization, outer, accounts, closed)


def _state(formation: Any, stack: str) -> str:  # noqa: ANN401 - a client
    return str(formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])


def _has_ended(formation: Any, stack: str) -> bool:  # noqa: ANN401 - a client
    return not _state(formation, stack).endswith("_IN_PROGRESS")


def _is_gone(formation: Any, stack: str) -> bool:  # noqa: ANN401 - a client
    listed = formation.list_stacks()["StackSummaries"]
    return all(each["StackStatus"] == "DELETE_COMPLETE" for each in listed if each["StackName"] == stack)
