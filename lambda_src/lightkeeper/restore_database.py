"""How a database comes back. Pure."""

from lightkeeper.kinds import SourceKind
from lightkeeper.recipe import DatabaseRecipe
from lightkeeper.restore_draft import Draft, bundle_of, zone_of
from lightkeeper.restore_steps import CreateDatabase, RestorePlan, SetOptions, Until, Wait


def plan_database(draft: Draft, recipe: DatabaseRecipe) -> RestorePlan:
    """Return how a database comes back."""
    found, place, request = draft.found, draft.place, draft.request
    if request.attach or request.move_address:
        option = "--attach" if request.attach else "--move-address"
        draft.problems.append(f"{option} is not for a database; expected none")
    wanted = request.bundle or recipe.bundle or found.snapshot.bundle
    bundle = bundle_of(draft, wanted, found.snapshot.bundle, place.database_bundles)
    zone, zone_reason = zone_of(draft, recipe.zone)
    draft.steps.append(
        CreateDatabase(
            draft.name,
            found.snapshot.name,
            bundle.id if bundle else wanted,
            draft.tags,
            f"{draft.why}; {zone_reason}",
            zone=zone or None,
            is_public=recipe.is_public,
        )
    )
    draft.steps.append(Wait(draft.name, SourceKind.DATABASE, Until.RUNS, "nothing connects before"))
    if recipe.backup_window or recipe.maintenance_window:
        draft.steps.append(
            SetOptions(
                draft.name,
                "the source had them, and they cannot be said before",
                backup_window=recipe.backup_window,
                maintenance_window=recipe.maintenance_window,
            )
        )
    draft.not_restored.append(
        f"its endpoint: it gets a new one; write it into your applications: {draft.aws('get-relational-database')} "
        f"--relational-database-name {draft.name} --query relationalDatabase.masterEndpoint"
    )
    draft.not_restored.append(
        f"its password: Lightsail makes a new one: {draft.aws('get-relational-database-master-user-password')} "
        f"--relational-database-name {draft.name}"
    )
    draft.not_restored.append("its parameters and its alarms: set again what you had changed")
    return draft.done(bundle.usd_per_month if bundle else None)
