"""A run with something of everything to do."""

from collections.abc import Iterator

from tests.support.keeper import DAY, HOUR, NOON, OTHER_REGION, REGION, Keeper
from tests.support.witness import EXPIRES
from tests.support.world import World

State = dict[tuple[str, str], tuple[object, ...]]


def busy(world: World) -> None:
    """Come to a run with something of everything to do, in each account, and remember it."""
    world.reset(NOON - 12 * DAY)
    worlds = (world, *world.neighbours)
    for each in worlds:
        _move_in(each.keeper)
    for _ in range(9):
        world.advance(DAY)
        world.run()
    regretted = [next(_of(each.keeper, "db", marked=True)) for each in worlds]
    for each in worlds:
        each.keeper.tag("shop", "backup:keep", "3")
    world.advance(2 * HOUR)
    world.run()
    for each, name in zip(worlds, regretted, strict=True):
        each.end(REGION, next(_of(each.keeper, "web", marked=False)), "error")
        each.keeper.tag(name, "backup:hold")
    world.advance(DAY)
    world.keeper.sandbox.set_options(page_size=5)
    for each in worlds:
        each.keeper.witness.checkpoint()


def _move_in(keeper: Keeper) -> None:
    keeper.disk("shop", {"backup": "daily", "backup:keep": "30"})
    keeper.disk("clinic", {"backup": "daily", "backup:keep": "2"}, OTHER_REGION)
    keeper.instance("web", {"backup": "daily", "backup:keep": "2"})
    keeper.instance("db", {"backup": "daily", "backup:keep": "2", "backup:mode": "system-disk"})
    keeper.database("till", {"backup": "daily", "backup:keep": "2"})
    keeper.disk("notes", {"backup": "hourly", "backup:keep": "2"})


def _of(keeper: Keeper, source: str, *, marked: bool) -> Iterator[str]:
    return (name for name, tags in keeper.snapshots(source).items() if (EXPIRES in tags) is marked)


def state(world: World) -> State:
    """Return all there is, but for the identifiers of snapshots: they come in the order of the calls."""
    return {
        (entry.region, entry.name): (entry.kind, entry.state, entry.created_at, entry.source_arn, dict(entry.tags))
        for entry in world.entries()
    }
