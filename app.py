"""What `cdk` runs: reads the settings, says what is wrong with them, or synthesizes the stack. No call to AWS or git.

The settings are in the file that the context names (`cdk deploy --context config=FILE`), else in cdk.json.
"""

import sys
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.config_file import ConfigFileError, read_config_file
from infra.props import Props
from infra.stack import LightkeeperStack

_CDK_JSON = Path(__file__).parent / "cdk.json"


def main() -> None:
    """Synthesize, or end with a sentence for each thing that is wrong."""
    app = App()
    try:
        props = read_config_file(app.node.try_get_context("config"), Props.from_document, cdk_json=_CDK_JSON)
    except ConfigFileError as error:
        sys.exit(str(error))
    LightkeeperStack(app, props.stack_name, props=props)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


if __name__ == "__main__":
    main()
