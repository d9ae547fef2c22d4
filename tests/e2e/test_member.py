"""`make deploy-member` in a local AWS that enforces its IAM, by somebody who may do what docs/security.md says."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import pytest

from tests.support.local_aws import CDK, MINISTACK, REGION, ROOT, LocalAws, running_local_aws

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("member"),
    pytest.mark.skipif(
        not MINISTACK.exists() or not CDK.exists(),
        reason="there is no Node, or no `make test-all` yet: it brings a local AWS and the CDK's command line",
    ),
]
HUB, ACCOUNT, STRANGER = "111111111111", "222222222222", "333333333333"
_SECURITY: Final = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Account:
    """An account, and somebody there who deploys."""

    aws: LocalAws
    settings: Path
    credentials: dict[str, str]

    def make(self, *variables: str) -> subprocess.CompletedProcess[str]:
        """Run `make deploy-member`."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTEST_", "COV_"))}
        quiet = {"HOME": str(self.aws.folder), "CDK_DISABLE_CLI_TELEMETRY": "true"}
        ready = ["--assume-old=.venv/ready", "--assume-old=node_modules/ready"]
        return subprocess.run(  # noqa: S603 - our own arguments
            ["make", *ready, "deploy-member", f"CONFIG={self.settings}", "YES=1", *variables],  # noqa: S607 - whichever there is
            cwd=ROOT,
            env=kept | self.aws.credentials | quiet | self.credentials,
            check=False,
            capture_output=True,
            text=True,
        )

    def trust(self, role: str) -> dict[str, Any]:
        """Return the one statement of a role's trust policy."""
        with closing(_client(self.aws, "iam")) as iam:
            (statement,) = iam.get_role(RoleName=role)["Role"]["AssumeRolePolicyDocument"]["Statement"]
        found: dict[str, Any] = statement
        return found

    def assume(self, role: str, *, by: str = HUB, external_id: str = "Lightkeeper") -> bool:
        """Return whether the root user of an account gets the role."""
        with closing(_client(self.aws, "sts", by)) as sts:
            try:
                arn = f"arn:aws:iam::{ACCOUNT}:role/{role}"
                sts.assume_role(RoleArn=arn, RoleSessionName="story", ExternalId=external_id)
            except sts.exceptions.ClientError as error:
                if error.response["Error"]["Code"] != "AccessDenied":
                    raise
                return False
        return True


def _client(aws: LocalAws, service: str, account: str = ACCOUNT) -> Any:  # noqa: ANN401 - a client of any service
    keys = {"aws_access_key_id": account, "aws_secret_access_key": "none"}
    return boto3.client(service, endpoint_url=aws.url, region_name=REGION, **keys)  # type: ignore[call-overload] # any service


def _policy(*statements: str) -> str:
    """Return the statements of docs/security.md with these names, as a policy."""
    blocks = map(json.loads, re.findall(r"```json\n(.*?)```", _SECURITY, re.DOTALL))
    found = [each for block in blocks for each in block.get("Statement", ()) if each["Sid"] in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": found})


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("member")
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"organization": {"accounts": [ACCOUNT]}}), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTH", "true")
        with running_local_aws(folder) as aws, closing(_client(aws, "iam")) as iam:
            iam.create_user(UserName="deployer")
            policy = _policy("DeployTheRoles", "MakeThem")
            iam.put_user_policy(UserName="deployer", PolicyName="deploys", PolicyDocument=policy)
            key = iam.create_access_key(UserName="deployer")["AccessKey"]
            keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
            yield Account(aws, settings, keys)


def test_the_roles_of_an_account_are_deployed_without_a_bootstrap_and_changed(account: Account) -> None:
    missing = account.make()
    assert missing.returncode != 0
    assert f"HUB: the account of these credentials is {ACCOUNT}" in missing.stderr

    deployed = account.make(f"HUB={HUB}")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr

    assert account.assume("Lightkeeper-member-operator")
    assert not account.assume("Lightkeeper-member-operator", external_id="Night-Shift")
    assert not account.assume("Lightkeeper-member-operator", by=STRANGER)
    for role in ("Lightkeeper-member", "Lightkeeper-member-viewer"):
        assert not account.assume(role), "it lets in the role of a function, and nobody else of the hub"
    assert account.trust("Lightkeeper-member")["Condition"] == {
        "StringEquals": {"sts:ExternalId": "Lightkeeper"},
        "ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{HUB}:role/Lightkeeper-hub"},
    }

    changed = account.make(f"HUB={HUB}", "ORGANIZATION=o-a1b2c3d4e5")
    assert changed.returncode == 0, changed.stdout + changed.stderr
    assert account.trust("Lightkeeper-member")["Condition"]["StringEquals"] == {
        "sts:ExternalId": "Lightkeeper",
        "aws:PrincipalOrgID": "o-a1b2c3d4e5",
    }
    assert not account.assume("Lightkeeper-member-operator"), "the hub belongs to no organization here"
