"""The command line: each verb has its file.

The verbs: `plan`, `run`, `take`, `status`, `snapshots`, `rescue`, `restore`, `recipe`, `keep`, `simulate`, `config`,
`preview`, `test-notification` and `demo`.

Exit status: 0 done, 1 something failed, 2 wrong usage or settings, 130 interrupted; of `status` also 3: a source
needs a person.

A verb's file imports at its top only the core's vocabulary, and in its function what it works with: that way the
command starts at once, and a verb loads neither boto3 nor a library of an extra unless it uses it.
"""

import sys
from typing import Annotated

import typer

from lightkeeper.errors import InvalidValueError
from lightkeeper.faults import CallError
from lightkeeper.settings import SettingsError
from lightkeeper.version import VERSION
from lightkeeper_cli.config import show, validate
from lightkeeper_cli.demo import demo
from lightkeeper_cli.keep import keep
from lightkeeper_cli.notification import send_test_notification
from lightkeeper_cli.options import MissingExtraError
from lightkeeper_cli.plan import plan
from lightkeeper_cli.preview import preview
from lightkeeper_cli.recipe import recipe
from lightkeeper_cli.rescue import rescue
from lightkeeper_cli.restore import restore
from lightkeeper_cli.run import run
from lightkeeper_cli.signs import show_every_sign
from lightkeeper_cli.simulate import simulate
from lightkeeper_cli.snapshots import snapshots
from lightkeeper_cli.status import status
from lightkeeper_cli.stopping import INTERRUPTED, StoppedError, stoppable
from lightkeeper_cli.take import take

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    # Plain text can be searched and pasted.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for verb in (
    plan,
    run,
    take,
    status,
    snapshots,
    rescue,
    restore,
    recipe,
    keep,
    simulate,
    preview,
):
    app.command()(stoppable(verb))
# Called as its verb, pytest would take the function for a test.
app.command("test-notification")(stoppable(send_test_notification))
app.command()(stoppable(demo))
config = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check settings, or show those in force.")
config.command()(stoppable(validate))
config.command()(stoppable(show))
app.add_typer(config, name="config")


def _print_version(asked: bool) -> None:  # noqa: FBT001 - Typer's form
    if asked:
        typer.echo(f"lightkeeper {VERSION}")
        raise typer.Exit


@app.callback(help="Backups for Amazon Lightsail, by tag.")
def _options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", is_eager=True, callback=_print_version, help="Print the version."),
    ] = False,
) -> None:
    del version


def main() -> None:
    """Run the command line; a person's mistake is answered with a sentence, never with a traceback."""
    show_every_sign(sys.stdout)
    show_every_sign(sys.stderr)
    try:
        app()
    except (InvalidValueError, SettingsError) as error:
        _fail(error, 2)
    except (CallError, MissingExtraError, OSError) as error:
        _fail(error, 1)
    except StoppedError as error:
        _fail(error, INTERRUPTED)
    except SystemExit as ended:
        # Before a verb begins, Typer answers Ctrl-C with the exit status alone.
        if ended.__context__ and isinstance(ended.__context__.__cause__, KeyboardInterrupt):
            _fail(StoppedError("nothing was changed"), INTERRUPTED)
        raise


def _fail(error: Exception, status: int) -> None:
    print(f"lightkeeper: {error}", file=sys.stderr)  # noqa: T201 - plain, so that it can be searched and pasted
    sys.exit(status)
