"""The AWS CLI that stands beside this Python: it asks with the credentials that the CDK uses."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

NO_STACK: Final = "does not exist"
"""What CloudFormation says of a stack that is not there."""
_AWS: Final = Path(sys.executable).parent / "aws"


class AwsCliError(Exception):
    """What AWS says instead of an answer."""


def ask(*arguments: str) -> str:
    """Return what the AWS CLI answers.

    Raises
    ------
    AwsCliError
        With what it says instead.
    """
    # The CDK looks for the Region here first, and this must be the same stack.
    region = os.environ.get("AWS_REGION")
    environment = os.environ | ({"AWS_DEFAULT_REGION": region} if region else {})
    done = subprocess.run(  # noqa: S603 - our own arguments
        [str(_AWS), *arguments], env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise AwsCliError(done.stderr.strip())
    return done.stdout
