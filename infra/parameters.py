"""What the parts for other accounts are deployed with: found out, or a sentence that says what to do first.

As a command, which prints the options of `cdk deploy`: ``python -m infra.parameters members`` with the credentials of
the deployment's account, or of the organization's management account; ``python -m infra.parameters member --hub ID``
with those of the account that gets the roles.
"""

import re
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.config_file import ConfigFileError, read_config_file
from infra.member_stack import ACCOUNT_ID, AN_ORGANIZATION, HUB_ACCOUNT, ORGANIZATION_ID
from infra.members_stack import AS_DELEGATE, AS_ITSELF, CALL_AS
from infra.parts import Part, organization_of
from infra.props import Props
from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError
from lightkeeper.organization import Organization
from lightkeeper_cli.aws import aws_errors, own_region

_CONFIG: Final = Config(retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=5, read_timeout=20)
_NO_ORGANIZATION: Final = "AWSOrganizationsNotInUseException"
_STACK_SETS: Final = "member.org.stacksets.cloudformation.amazonaws.com"
_NOT_REGISTERED: Final = ("ValidationError", "InvalidOperationException")
_MAY: Final = "ENABLED"
_ANY_REGION: Final = "us-east-1"


@dataclass(frozen=True, slots=True)
class _Belongs:
    """Which organization an account belongs to."""

    organization: str
    management: str
    """The id of its management account."""


def parameters_of(
    part: Part, organization: Organization, *, hub: str | None, organization_id: str | None
) -> Mapping[str, str]:
    """Return the values of a part's parameters, by name.

    Parameters
    ----------
    part
        What is to be deployed, with the credentials that boto3 finds.
    organization
        The setting.
    hub
        The deployment's account; None: that of the credentials.
    organization_id
        The organization that the deployment's account belongs to. None: where the settings have units, that of the
        credentials, else whichever.

    Raises
    ------
    InvalidValueError
        With a sentence, if a value is wrong, or something has to be done first.
    CallError
        If AWS refuses to tell, or cannot be asked.
    """
    if hub is not None and not re.fullmatch(ACCOUNT_ID, hub):
        raise InvalidValueError(f'HUB: "{hub}" is not the id of an account; expected its 12 digits')
    if organization_id is not None and not re.fullmatch(AN_ORGANIZATION, organization_id):
        raise InvalidValueError(
            f'ORGANIZATION: "{organization_id}" is not the id of an organization; expected one such as o-a1b2c3d4e5'
        )
    own = _own_account()
    if part is Part.MEMBERS:
        belongs = _belongs(own)
        call_as = AS_ITSELF if belongs.management == own else AS_DELEGATE
        _check_access(own, belongs, call_as)
        return {HUB_ACCOUNT: hub or own, ORGANIZATION_ID: belongs.organization, CALL_AS: call_as}
    if hub is None or hub == own:
        raise InvalidValueError(
            f"HUB: the account of these credentials is {own}, and gets the roles; expected HUB= with the account of "
            "the deployment, which needs none"
        )
    # Accounts that are named one by one may belong to another organization than the hub.
    if organization_id is None and organization.units:
        organization_id = _belongs(own).organization
    return {HUB_ACCOUNT: hub, ORGANIZATION_ID: organization_id or ""}


def _own_account() -> str:
    with aws_errors("GetCallerIdentity"), closing(_client("sts")) as client:
        return str(client.get_caller_identity()["Account"])


def _belongs(own: str) -> _Belongs:
    """Return which organization an account belongs to: any of its accounts may ask."""
    with (
        aws_errors("DescribeOrganization", "organizations:DescribeOrganization"),
        closing(_client("organizations")) as client,
    ):
        try:
            found = client.describe_organization()["Organization"]
        except ClientError as error:
            if _code(error) != _NO_ORGANIZATION:
                raise
            raise InvalidValueError(
                f'account {own} belongs to no organization, and "organization" has "units"; expected the credentials '
                'of an account that does, or "accounts" in their place'
            ) from None
    return _Belongs(str(found["Id"]), str(found["MasterAccountId"]))


def _check_access(own: str, belongs: _Belongs, call_as: str) -> None:
    """Raise `InvalidValueError` where an account cannot deploy a StackSet into the others, before it has begun to."""
    with (
        aws_errors("DescribeOrganizationsAccess", "cloudformation:DescribeOrganizationsAccess"),
        closing(_client("cloudformation")) as client,
    ):
        try:
            status = client.describe_organizations_access(CallAs=call_as)["Status"]
        except ClientError as error:
            if call_as == AS_ITSELF or _code(error) not in _NOT_REGISTERED:
                raise
            raise InvalidValueError(
                f"account {own} may not deploy into the others of {belongs.organization} "
                f"({error.response['Error'].get('Message')}); expected permission for "
                "organizations:ListDelegatedAdministrators, and in the management account "
                f"{belongs.management}: aws organizations register-delegated-administrator --account-id {own} "
                f"--service-principal {_STACK_SETS}"
            ) from None
    if status != _MAY:
        raise InvalidValueError(
            f"StackSets have no access to the accounts of {belongs.organization} ({status}); expected in its "
            f"management account {belongs.management}: aws cloudformation activate-organizations-access"
        )


def _code(error: ClientError) -> str:
    return str(error.response["Error"].get("Code"))


def _client(service: Literal["cloudformation", "organizations", "sts"]) -> Any:  # noqa: ANN401 - one of three
    # Organizations has one address for all Regions, and the others are in each.
    return boto3.Session().client(service, region_name=own_region() or _ANY_REGION, config=_CONFIG)


def main(*arguments: str) -> None:
    """Print the options, or end with what is wrong."""
    parser = ArgumentParser(prog="python -m infra.parameters", description="Finds the parameters of a part.")
    parser.add_argument("part", choices=[*Part])
    parser.add_argument("--config", default="", metavar="FILE", help="the settings; default: cdk.json")
    parser.add_argument("--hub", metavar="ID", help="the deployment's account")
    parser.add_argument("--organization", metavar="ID", help="the organization of that account")
    asked = parser.parse_args(arguments)
    part = Part(asked.part)
    try:
        props = read_config_file(asked.config, Props.from_document)
        organization = organization_of(part, props.own.organization)
        found = parameters_of(part, organization, hub=asked.hub, organization_id=asked.organization)
    except (ConfigFileError, InvalidValueError, CallError) as error:
        sys.exit(str(error))
    options = (word for name, value in found.items() for word in ("--parameters", f"{name}={value}"))
    sys.stdout.write(f"{' '.join(options)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
