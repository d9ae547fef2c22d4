"""`lightkeeper run`."""

from dataclasses import dataclass, replace

import typer

from lightkeeper.actions import Outcome, Result
from lightkeeper.errors import counted
from lightkeeper.model import Plan
from lightkeeper_cli.options import (
    AsJson,
    At,
    Config,
    Endpoint,
    InAccount,
    Profile,
    Regions,
    Stack,
    now_to_write,
    patience,
    print_document,
    use_profile,
)


def run(  # noqa: PLR0913 - one for each option
    *,
    config: Config = None,
    stack: Stack = None,
    account: InAccount = None,
    profile: Profile = None,
    region: Regions = None,
    endpoint_url: Endpoint = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Take and copy what is due, and prune what the rules drop."""
    from lightkeeper.report import run_document
    from lightkeeper.run import run_regions
    from lightkeeper_cli.account import Where, ask_account
    from lightkeeper_cli.aws import connect_regions, connect_targets
    from lightkeeper_cli.documents import located
    from lightkeeper_cli.pasting import commands_in, plan_for, say_whose_profile
    from lightkeeper_cli.settings import choose_to_write, say_without_pruning
    from lightkeeper_cli.stopping import StoppedError
    from lightkeeper_cli.tables.console import make_console
    from lightkeeper_cli.tables.plan import show_run
    from lightkeeper_cli.tables.progress import showing_run

    use_profile(profile)
    chosen = choose_to_write(config, stack, account)
    moment = now_to_write(at, chosen.settings, endpoint_url)
    regions = connect_regions(region, chosen, endpoint_url)
    targets = connect_targets(chosen, endpoint_url)
    whose = ask_account(endpoint_url, chosen.member)
    tally = _Tally()
    try:
        with showing_run(regions) as (show_planned, show_outcome):

            def on_plan(plan: Plan) -> None:
                tally.planned += len(plan.actions)
                show_planned(plan)

            def on_outcome(outcome: Outcome) -> None:
                tally.done += outcome.result is Result.DONE
                show_outcome(outcome)

            ended = run_regions(
                regions,
                chosen.settings,
                moment,
                seconds_left=patience(),
                on_outcome=on_outcome,
                on_plan=on_plan,
                targets=targets,
            )
        ended = replace(ended, plan=plan_for(chosen.member, ended.plan))
        where = Where(whose(source.arn for source in ended.plan.sources), ended.plan.regions)
        if as_json:
            print_document(located(run_document(ended), where))
        else:
            show_run(ended, where, make_console())
            say_without_pruning(ended.plan, chosen.settings)
            say_whose_profile(chosen.member, commands_in(ended.plan.problems))
    except KeyboardInterrupt:
        raise StoppedError(str(tally)) from None
    if ended.failures:
        raise typer.Exit(1)


@dataclass(slots=True)
class _Tally:
    """How far a run is, in all its Regions."""

    planned: int = 0
    done: int = 0

    def __str__(self) -> str:
        if not self.done:
            return "nothing was done"
        rest = "" if self.done == self.planned else "; the next run does the rest"
        return f"{self.done:,} of {counted(self.planned, 'action')} done{rest}"
