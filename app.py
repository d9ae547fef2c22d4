"""What `cdk` runs: reads cdk.json, says what is wrong with it, or synthesizes the stack. No AWS call, no git call."""

import json
import sys
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.props import Props
from infra.stack import LightkeeperStack
from lightkeeper.settings import SettingsError

_CDK_JSON = Path(__file__).parent / "cdk.json"


def main() -> None:
    """Synthesize, or end with a sentence for each thing that is wrong."""
    try:
        props = Props.from_document(json.loads(_CDK_JSON.read_text(encoding="utf-8")))
    except SettingsError as error:
        sys.exit("\n".join(f"cdk.json: lightkeeper: {sentence}" for sentence in error.errors))
    except (ValueError, RecursionError) as error:
        sys.exit(f"cdk.json: not JSON ({error}); expected a JSON object with the settings in it")
    app = App()
    LightkeeperStack(app, props.stack_name, props=props)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


if __name__ == "__main__":
    main()
