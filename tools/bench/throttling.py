"""A first run of many disks under a rate limit: how much of the rate is used, and whether anything fails.

Method: a local Lightsail in a process of its own, over HTTP, throttles as AWS documents it for its interfaces: a bucket
that holds one second's calls, starts full, and is refilled with RATE a second of real time. One real run
(`lightkeeper.run.run_regions`) takes the first snapshot of DISKS disks, with the connection, retries and time limit of
the Lambda function. The rate is that of the snapshots taken, from the first outcome to the last.
"""

import os
import time
from collections import Counter

from lightkeeper.lightsail import connect
from lightkeeper.run import run_regions
from lightkeeper.settings import Settings
from lightsail_sandbox.client import FaultRule, Sandbox, Seed, Throttle, running_sandbox

DISKS = 500
RATE = 10
REGION = "eu-central-1"
RUN_SECONDS = 900


def main() -> None:
    """Print the numbers."""
    with running_sandbox() as sandbox:
        os.environ |= sandbox.environment(REGION)
        sandbox.seed([Seed(kind="Disk", name=f"disk-{number}", tags={"backup": "daily"}) for number in range(DISKS)])
        sandbox.add_faults(FaultRule(effect=Throttle(per_second=RATE, burst=RATE)))
        measure(sandbox)


def measure(sandbox: Sandbox) -> None:
    """Run once, and print what came of it."""
    settings = Settings()
    regions = connect([REGION], max_concurrency=settings.max_concurrency)
    begin = time.monotonic()
    done_at: list[float] = []
    run = run_regions(
        regions,
        settings,
        sandbox.now(),
        seconds_left=lambda: RUN_SECONDS - (time.monotonic() - begin),
        on_outcome=lambda _: done_at.append(time.monotonic()),
    )
    for region in regions.values():
        region.close()
    results = Counter(outcome.result.value for outcome in run.outcomes)
    calls = sandbox.calls()
    taken = [call for call in calls if call.operation == "CreateDiskSnapshot" and call.took_effect]
    seconds = done_at[-1] - done_at[0]
    print(f"{DISKS} disks, at most {RATE} calls a second; one run of at most {RUN_SECONDS} s")
    print(f"  outcomes          {', '.join(f'{number} {result}' for result, number in sorted(results.items()))}")
    print(f"  snapshots taken   {len(taken)}, of {len({call.parameters['diskName'] for call in taken})} disks")
    print(f"  calls refused     {sum(call.error == 'ThrottlingException' for call in calls)}")
    rate = len(taken) / seconds
    print(f"  first to last     {seconds:.1f} s: {rate:.2f} a second, {rate / RATE:.0%} of what is allowed")


if __name__ == "__main__":
    main()
