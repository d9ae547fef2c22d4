"""Policy documents: those that docs/security.md gives a person, and what is in one."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.support.local_aws import ROOT

PERSON = "PERSON"
"""The access key of that person; the keeper's runs and the user's console are not under the policy."""


def policy_under(heading: str) -> dict[str, Any]:
    """Return the policy in the section of docs/security.md with that heading."""
    document = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    section = document.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    policy: dict[str, Any] = json.loads(block)
    return policy


def sids(policy: Mapping[str, Any]) -> list[str]:
    """Return the names of the statements of a policy."""
    return [statement["Sid"] for statement in policy["Statement"]]


def actions(policy: Mapping[str, Any]) -> set[str]:
    """Return the actions that the statements of a policy are about."""
    found: set[str] = set()
    for statement in policy["Statement"]:
        given = statement["Action"]
        found |= {given} if isinstance(given, str) else {*given}
    return found


def without(policy: Mapping[str, Any], sid: str) -> dict[str, Any]:
    """Return the same policy without a statement."""
    return {**policy, "Statement": [statement for statement in policy["Statement"] if statement["Sid"] != sid]}
