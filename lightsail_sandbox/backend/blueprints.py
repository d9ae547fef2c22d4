"""Blueprints of instances: what is on the system volume at first, and which ports it opens.

The list is a small part of AWS's own.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from lightsail_sandbox.backend.bundles import Platform


@dataclass(frozen=True, slots=True)
class Blueprint:
    """An image to start with.

    Parameters
    ----------
    id, name, version
        Such as ``debian_12``, ``Debian`` and ``12``.
    type
        An operating system, or an application on one.
    username
        Who logs in.
    platform
        What bundles it needs.
    is_active
        Whether Lightsail still offers it.
    """

    id: str
    name: str
    version: str
    type: Literal["os", "app"]
    username: str
    platform: Platform = "LINUX_UNIX"
    is_active: bool = True

    @property
    def ports(self) -> tuple[int, ...]:
        """The TCP ports that it opens to the whole world."""
        match self.platform, self.type:
            case "WINDOWS", _:
                return 80, 22, 3389
            case _, "app":
                return 80, 22, 443
            case _:
                return 80, 22

    def render(self) -> dict[str, Any]:
        """Give the blueprint as answers show it."""
        return {
            "blueprintId": self.id,
            "name": self.name,
            "group": self.id,
            "type": self.type,
            "description": f"{self.name} {self.version}",
            "isActive": self.is_active,
            "minPower": 0,
            "version": self.version,
            "versionCode": "1",
            "productUrl": "",
            "licenseUrl": "",
            "platform": self.platform,
        }


_ALL: Final = (
    Blueprint("amazon_linux_2023", "Amazon Linux 2023", "2023.5", "os", "ec2-user"),
    Blueprint("amazon_linux_2", "Amazon Linux 2", "2.0", "os", "ec2-user"),
    Blueprint("ubuntu_24_04", "Ubuntu", "24.04 LTS", "os", "ubuntu"),
    Blueprint("ubuntu_22_04", "Ubuntu", "22.04 LTS", "os", "ubuntu"),
    Blueprint("debian_12", "Debian", "12.7", "os", "admin"),
    Blueprint("debian_10", "Debian", "10.8", "os", "admin", is_active=False),
    Blueprint("wordpress", "WordPress", "6.5.3", "app", "bitnami"),
    Blueprint("lamp_8_bitnami", "LAMP (PHP 8)", "8.2.20", "app", "bitnami"),
    Blueprint("nodejs", "Node.js", "18.20.4", "app", "bitnami"),
    Blueprint("mean", "MEAN", "7.0.12", "app", "bitnami"),
    Blueprint("windows_server_2022", "Windows Server 2022", "2024.06.13", "os", "Administrator", "WINDOWS"),
    Blueprint("windows_server_2019", "Windows Server 2019", "2024.06.13", "os", "Administrator", "WINDOWS"),
)

BLUEPRINTS: Final = {blueprint.id: blueprint for blueprint in _ALL}
"""Every blueprint there is, by its id."""


def blueprint_or_alike(blueprint_id: str) -> Blueprint:
    """Give a blueprint; one that is unknown is taken for a plain operating system, of the platform in its name."""
    known = BLUEPRINTS.get(blueprint_id)
    if known is not None:
        return known
    if blueprint_id.startswith("windows"):
        return Blueprint(blueprint_id, blueprint_id, "1", "os", "Administrator", "WINDOWS")
    return Blueprint(blueprint_id, blueprint_id, "1", "os", "ec2-user")
