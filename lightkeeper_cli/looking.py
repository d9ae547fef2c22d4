"""What the verbs that change nothing begin with: which settings, which Regions, and the plan that follows.

Import this only in such a verb: it loads what talks to AWS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lightkeeper.inventory import plan_regions
from lightkeeper.model import Plan
from lightkeeper.settings import Settings
from lightkeeper_cli.account import Where, ask_account
from lightkeeper_cli.aws import connect_regions
from lightkeeper_cli.options import now
from lightkeeper_cli.settings import choose


@dataclass(frozen=True, slots=True)
class Looked:
    """What was read, and what a run would do."""

    settings: Settings
    plan: Plan
    where: Where


def look(  # noqa: PLR0913 - one for each option
    *,
    config: Path | None,
    stack: str | None,
    regions: Sequence[str] | None,
    endpoint_url: str | None,
    at: str | None,
    quietly: bool = False,
) -> Looked:
    """Read and plan, by the options of the same names; say whose settings these are, unless it is to be quiet.

    Raises
    ------
    InvalidValueError, SettingsError
        If an option, or a setting, cannot be used.
    CallError
        If AWS cannot be asked. A list that fails is one of the plan's failures instead.
    """
    chosen = choose(config, stack, quietly=quietly)
    moment = now(at, chosen.settings)
    connected = connect_regions(regions, chosen.settings, chosen.region, endpoint_url)
    # AWS is asked while the lists are read.
    whose = ask_account(endpoint_url)
    planned = plan_regions(connected, chosen.settings, moment)
    return Looked(chosen.settings, planned, Where(whose(source.arn for source in planned.sources), planned.regions))
