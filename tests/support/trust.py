"""Whom a role lets in: its trust policy, judged as AWS judges it for a call from another account."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lightsail_sandbox.policy import Policy, Request

_ASSUME = "sts:AssumeRole"


@dataclass(frozen=True)
class Caller:
    """Who asks for a role, and may by what their own account says.

    Parameters
    ----------
    arn
        Of the role whose session asks, or of the user: what AWS compares with `aws:PrincipalArn`.
    organization
        The organization that their account belongs to.
    """

    arn: str
    organization: str | None = None

    @property
    def account(self) -> str:
        """The account."""
        return self.arn.split(":")[4]


def lets_in(trust: Mapping[str, Any], caller: Caller, external_id: str | None) -> bool:
    """Return whether a resolved trust policy lets somebody in who gives this external id.

    Who is named as the root of an account stands for everybody in it whom that account allows to ask.
    """
    context = {
        "aws:PrincipalArn": (caller.arn,),
        **({"aws:PrincipalOrgID": (caller.organization,)} if caller.organization else {}),
        **({"sts:ExternalId": (external_id,)} if external_id is not None else {}),
    }
    partition = caller.arn.split(":")[1]
    named = {"*", caller.arn, caller.account, f"arn:{partition}:iam::{caller.account}:root"}
    statements = [
        {key: value for key, value in statement.items() if key != "Principal"} | {"Resource": "*"}
        for statement in trust["Statement"]
        if named & _principals(statement["Principal"])
    ]
    return Policy.from_json({"Statement": statements}).allows(Request(action=_ASSUME, context=context))


def _principals(given: Any) -> set[str]:  # noqa: ANN401 - a part of a policy
    match given:
        case "*":
            return {"*"}
        case {"AWS": str(one)}:
            return {one}
        case {"AWS": [*several]}:
            return {*several}
        case _:
            raise ValueError(f"{given!r} names no account; expected one under AWS")
