"""A fleet that comes back: how much longer that takes than its slowest server alone, and what it asks of Lightsail.

Method: a local Lightsail in a process of its own, over HTTP, with LATENCY seconds for each answer and a rate limit as
AWS documents it for its interfaces: a bucket that holds one second's calls, starts full, and is refilled with RATE a
second of real time. SERVERS servers, each with a disk that has a backup of its own, are backed up by a real run and
left alone. A restored server boots and is checked, and a disk is made, for as long as the sandbox says, in real time.
One server comes back alone with its disk; then all at once (`lightkeeper.restore`), over the same connections.
"""

import os
import time
from collections import Counter
from collections.abc import Sequence

from lightkeeper.lightsail import Lightsail, connect
from lightkeeper.restore import read_places, restore
from lightkeeper.restore_fleet import plan_fleet
from lightkeeper.restore_steps import Restored, RestorePlan, StepResult
from lightkeeper.run import run_regions
from lightkeeper.settings import Settings
from lightsail_sandbox.client import FaultRule, Sandbox, Seed, Throttle, running_sandbox

SERVERS = 50
RATE = 10
LATENCY = 0.05
REGION = "eu-central-1"
SETTINGS = Settings()


def main() -> None:
    """Print the numbers."""
    with running_sandbox() as sandbox:
        os.environ |= sandbox.environment(REGION)
        regions = connect([REGION], max_concurrency=64)
        back_up_a_fleet(sandbox, regions)
        sandbox.set_time(None)
        sandbox.set_options(latency_seconds=LATENCY)
        sandbox.add_faults(FaultRule(effect=Throttle(per_second=RATE, burst=RATE)))
        options = sandbox.options()
        print(f"{SERVERS} servers, a disk for each; at most {RATE} calls a second, {LATENCY} s for each answer")
        print(f"boot {options.boot_seconds:g} s, checks {options.health_seconds:g} s, disks {options.disk_seconds:g} s")
        alone = measure("one server alone", sandbox, regions, "-alone", 1)
        together = measure("all of them", sandbox, regions, "-again", SERVERS)
        print(f"  all of them take {together / alone:.2f} times as long as one alone")
        for region in regions.values():
            region.close()


def back_up_a_fleet(sandbox: Sandbox, regions: dict[str, Lightsail]) -> None:
    """Back up a fleet, servers first, so that no disk is in the snapshot of its server."""
    daily = {"backup": "daily"}
    sandbox.seed([Seed(kind="Instance", name=f"web-{number}", tags=daily) for number in range(SERVERS)])
    run_regions(regions, SETTINGS, sandbox.now(), seconds_left=lambda: 900.0, on_outcome=lambda _: None)
    sandbox.seed(
        [Seed(kind="Disk", name=f"data-{number}", tags=daily, attached_to=f"web-{number}") for number in range(SERVERS)]
    )
    run_regions(regions, SETTINGS, sandbox.now(), seconds_left=lambda: 900.0, on_outcome=lambda _: None)
    for entry in sandbox.entries():
        if entry.state is not None:
            sandbox.set_snapshot_state(entry.region, entry.name, "available")


def measure(what: str, sandbox: Sandbox, regions: dict[str, Lightsail], suffix: str, servers: int) -> float:
    """Bring so many servers back with their disks, print what came of it, and return the seconds."""
    sandbox.clear_calls()
    begin = time.monotonic()
    plans = plan_fleet(read_places(regions), SETTINGS, sandbox.now(), suffix=suffix)
    ended = do([plan for plan in plans if int(plan.source.rpartition("-")[2]) < servers], sandbox, regions)
    seconds = time.monotonic() - begin
    calls = sandbox.calls()
    steps = Counter(outcome.result for each in ended for outcome in each.outcomes)
    by_operation = Counter(call.operation for call in calls)
    print(what)
    print(f"  seconds           {seconds:.1f}; the slowest {max(each.seconds for each in ended):.1f}")
    print(f"  failed            {sum(each.has_failed for each in ended)} of {len(ended)}")
    for error in sorted({outcome.error or "" for each in ended for outcome in each.outcomes} - {""}):
        print(f"    {error}")
    print(f"  steps             {steps[StepResult.DONE]} done, {sum(steps.values()) - steps[StepResult.DONE]} not")
    refused = sum(call.error == "ThrottlingException" for call in calls)
    lists = sum(count for operation, count in by_operation.items() if operation.startswith("Get"))
    print(f"  calls             {len(calls)}, {lists} of them lists; {refused} refused")
    return seconds


def do(plans: Sequence[RestorePlan], sandbox: Sandbox, regions: dict[str, Lightsail]) -> tuple[Restored, ...]:
    """Do what the plans say, in real time."""
    return restore(plans, regions, now=sandbox.now, clock=time.monotonic, on_step=lambda *_: None)


if __name__ == "__main__":
    main()
