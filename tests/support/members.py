"""The roles that an account has for a deployment of another one, synthesized and resolved for tests."""

import json
from functools import cache
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID

from infra.member_stack import member_template
from infra.props import Props
from tests.support.formation import Formation

HUB = "111111111111"
MEMBER = DEFAULT_ACCOUNT_ID
"""The account of the sandbox's own keys: who makes the calls there has, by their keys, no other."""
ORGANIZATION = "o-a1b2c3d4e5"
UNITS = {"units": ["ou-ab12-cd34ef56"]}
ACCOUNTS = {"accounts": [MEMBER]}


def template(organization: object = UNITS, **keys: object) -> dict[str, Any]:
    """Return the template for the accounts of a deployment with these settings."""
    of: dict[str, Any] = json.loads(_synthesized(json.dumps({**keys, "organization": organization})))
    return of


@cache
def _synthesized(keys: str) -> str:
    props = Props.from_document({"lightkeeper": json.loads(keys)})
    assert props.own.organization is not None
    return json.dumps(member_template(props, props.own.organization))


def roles(of: dict[str, Any], *, organization_id: str = ORGANIZATION) -> dict[str, Any]:
    """Return the properties of the roles, by name, as they are in the account once they are deployed."""
    known = {
        "HubAccount": HUB,
        "OrganizationId": organization_id,
        "AWS::Partition": "aws",
        "AWS::AccountId": MEMBER,
    }
    made = Formation(of, known, "", {}).resources().values()
    return {each["Properties"]["RoleName"]: each["Properties"] for each in made}


def policy(role: dict[str, Any]) -> dict[str, Any]:
    """Return all that a role may do, as one policy: as AWS takes it together."""
    statements = [each for part in role["Policies"] for each in part["PolicyDocument"]["Statement"]]
    return {"Version": "2012-10-17", "Statement": statements}
