"""What the verbs that change nothing begin with: the Regions, and the plan that follows.

Import this only in such a verb: it loads what talks to AWS.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lightkeeper.inventory import plan_regions
from lightkeeper.model import Plan
from lightkeeper_cli.account import Where, ask_account
from lightkeeper_cli.aws import connect_regions, connect_targets
from lightkeeper_cli.options import now
from lightkeeper_cli.pasting import plan_for
from lightkeeper_cli.settings import Chosen


@dataclass(frozen=True, slots=True)
class Looked:
    """What was read, and what a run would do."""

    plan: Plan
    where: Where


def look(chosen: Chosen, *, regions: Sequence[str] | None, endpoint_url: str | None, at: str | None) -> Looked:
    """Read and plan with the settings and in the account that were chosen, by the options of the same names.

    Raises
    ------
    InvalidValueError
        If an option, or a setting, cannot be used.
    CallError
        If AWS cannot be asked. A list that fails is one of the plan's failures instead.
    """
    moment = now(at, chosen.settings)
    connected = connect_regions(regions, chosen, endpoint_url)
    targets = connect_targets(chosen, endpoint_url)
    # AWS is asked while the lists are read.
    whose = ask_account(endpoint_url, chosen.member)
    planned = plan_for(chosen.member, plan_regions(connected, chosen.settings, moment, targets))
    return Looked(planned, Where(whose(source.arn for source in planned.sources), planned.regions))
