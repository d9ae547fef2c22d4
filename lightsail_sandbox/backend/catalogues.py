"""Lists that are the same in every account: bundles, blueprints, Regions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from lightsail_sandbox.backend.blueprints import BLUEPRINTS
from lightsail_sandbox.backend.bundles import BUNDLES
from lightsail_sandbox.backend.database_bundles import (
    DATABASE_BLUEPRINTS,
    DATABASE_BUNDLES,
    render_database_blueprint,
)
from lightsail_sandbox.backend.writing import Answer, write_page

if TYPE_CHECKING:
    from lightsail_sandbox.backend.models import LightsailBackend


@dataclass(frozen=True, slots=True)
class _Offer:
    """Something that Lightsail offers, and its place in the list."""

    position: int
    members: dict[str, Any]


def _offers(members: Iterable[dict[str, Any]]) -> tuple[_Offer, ...]:
    return tuple(_Offer(position, each) for position, each in enumerate(members, 1))


_BUNDLES: Final = _offers(bundle.render() for bundle in BUNDLES.values())
_BLUEPRINTS: Final = _offers(blueprint.render() for blueprint in BLUEPRINTS.values())
_DATABASE_BUNDLES: Final = _offers(bundle.render() for bundle in DATABASE_BUNDLES.values())
_DATABASE_BLUEPRINTS: Final = _offers(map(render_database_blueprint, DATABASE_BLUEPRINTS))


def get_bundles(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle GetBundles."""
    return _page(backend, params, "bundles", _BUNDLES)


def get_blueprints(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle GetBlueprints."""
    return _page(backend, params, "blueprints", _BLUEPRINTS)


def get_database_bundles(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle GetRelationalDatabaseBundles."""
    return _page(backend, params, "bundles", _DATABASE_BUNDLES)


def get_database_blueprints(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle GetRelationalDatabaseBlueprints."""
    return _page(backend, params, "blueprints", _DATABASE_BLUEPRINTS)


def get_active_names(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle GetActiveNames."""
    page, token = backend.page_of_names(params.get("pageToken"))
    return write_page("activeNames", [resource.name for resource in page], token)


def _page(backend: "LightsailBackend", params: Mapping[str, Any], member: str, offers: tuple[_Offer, ...]) -> Answer:
    wants_all = params.get("includeInactive", False)
    shown = [offer for offer in offers if wants_all or offer.members.get("isActive", True)]
    page, token = backend.cut(shown, params.get("pageToken"), f"{member} {len(offers)}")
    return write_page(member, [offer.members for offer in page], token)
