"""The Regions of Lightsail, as GetRegions describes them."""

from typing import Any

_PLACES = {
    "ap-east-1": "Hong Kong",
    "ap-northeast-1": "Tokyo",
    "ap-northeast-2": "Seoul",
    "ap-south-1": "Mumbai",
    "ap-southeast-1": "Singapore",
    "ap-southeast-2": "Sydney",
    "ap-southeast-3": "Jakarta",
    "ap-southeast-5": "Malaysia",
    "ca-central-1": "Montreal",
    "eu-central-1": "Frankfurt",
    "eu-south-2": "Spain",
    "eu-north-1": "Stockholm",
    "eu-west-1": "Ireland",
    "eu-west-2": "London",
    "eu-west-3": "Paris",
    "sa-east-1": "Sao Paulo",
    "us-east-1": "Virginia",
    "us-east-2": "Ohio",
    "us-west-2": "Oregon",
}
_CONTINENTS = {"ap": "AS", "ca": "NA", "eu": "EU", "sa": "SA", "us": "NA"}
_ZONES = "abc"


def render_region(name: str, *, with_zones: bool, with_database_zones: bool) -> dict[str, Any]:
    """Give a Region as answers show it."""
    place = _PLACES.get(name, name)
    zones = [{"zoneName": f"{name}{letter}", "state": "available"} for letter in _ZONES]
    return {
        "continentCode": _CONTINENTS.get(name.partition("-")[0], "NA"),
        "description": f"This region is recommended to serve users near {place}",
        "displayName": place,
        "name": name,
        "availabilityZones": zones if with_zones else [],
        "relationalDatabaseAvailabilityZones": zones if with_database_zones else [],
    }
