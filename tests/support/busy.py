"""A run with something of everything to do."""

from tests.support.keeper import DAY, HOUR, NOON, OTHER_REGION, REGION
from tests.support.witness import EXPIRES
from tests.support.world import World

State = dict[tuple[str, str], tuple[object, ...]]


def busy(world: World) -> None:
    """Come to a run with something of everything to do, and remember it."""
    world.reset(NOON - 12 * DAY)
    keeper = world.keeper
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.disk("clinic", {"backup": "daily", "backup:keep": "2"}, OTHER_REGION)
    keeper.instance("web", {"backup": "daily", "backup:keep": "2"})
    keeper.instance("db", {"backup": "daily", "backup:keep": "2", "backup:mode": "system-disk"})
    keeper.database("till", {"backup": "daily", "backup:keep": "2"})
    keeper.disk("notes", {"backup": "hourly", "backup:keep": "2"})
    for _ in range(9):
        world.advance(DAY)
        keeper.run()
    regretted = next(name for name, tags in keeper.snapshots("db").items() if EXPIRES in tags)
    keeper.tag("shop", "backup:keep", "3")
    world.advance(2 * HOUR)
    keeper.run()
    failed = next(name for name, tags in keeper.snapshots("web").items() if EXPIRES not in tags)
    keeper.sandbox.set_snapshot_state(REGION, failed, "error")
    keeper.tag(regretted, "backup:hold")
    world.advance(DAY)
    keeper.sandbox.set_options(page_size=5)
    keeper.witness.checkpoint()


def state(world: World) -> State:
    """Return all there is, but for the identifiers of snapshots: they come in the order of the calls."""
    return {
        (entry.region, entry.name): (entry.kind, entry.state, entry.created_at, entry.source_arn, dict(entry.tags))
        for entry in world.keeper.sandbox.entries()
    }
