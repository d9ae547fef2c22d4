"""Key pairs. The sandbox makes no keys: where AWS gives them, it gives words that say so."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lightsail_sandbox.backend.exceptions import InvalidInputError, NotFoundError
from lightsail_sandbox.backend.instances import DEFAULT_KEY_PAIR
from lightsail_sandbox.backend.names import check_snapshot_name, read_tags
from lightsail_sandbox.backend.resources import Resource
from lightsail_sandbox.backend.writing import write_operation, write_page

if TYPE_CHECKING:
    from lightsail_sandbox.backend.models import LightsailBackend

_NO_KEY: Final = base64.b64encode(b"The local Lightsail makes no keys.").decode()


@dataclass(kw_only=True)
class KeyPair(Resource):
    """A key pair, by its name."""

    kind: ClassVar[str] = "KeyPair"
    support_prefix: ClassVar[str] = "key"

    @property
    def fingerprint(self) -> str:
        """A fingerprint that no other pair has."""
        digest = hashlib.sha256(self.arn.encode()).hexdigest()[:40]
        return ":".join(digest[start : start + 2] for start in range(0, len(digest), 2))

    def _common(self) -> dict[str, Any]:
        account = self.support_code.partition("/")[0]
        return super()._common() | {"supportCode": f"{account}/{self.name}"}

    def _members(self, _now: datetime) -> dict[str, Any]:
        return {"fingerprint": self.fingerprint}


def check_key_pair(backend: "LightsailBackend", name: str) -> None:
    """Refuse a key pair that the Region does not have; it always has the default one."""
    if name != DEFAULT_KEY_PAIR:
        backend.find(KeyPair, name)


def create(backend: "LightsailBackend", params: Mapping[str, Any]) -> dict[str, Any]:
    """Handle CreateKeyPair."""
    name = params["keyPairName"]
    check_snapshot_name(name)
    read = read_tags(params.get("tags", []))
    if name == DEFAULT_KEY_PAIR:
        raise InvalidInputError(f"Some names are already in use: {name}")
    backend.check_free(name)
    pair = backend.new_anywhere(KeyPair, name, read)
    operations = backend.carry_out("CreateKeyPair", [(pair, None)], lambda: backend.add(pair))
    return write_operation(backend, operations) | {
        "keyPair": pair.render(backend.now),
        "publicKeyBase64": _NO_KEY,
        "privateKeyBase64": _NO_KEY,
    }


def get(backend: "LightsailBackend", params: Mapping[str, Any]) -> dict[str, Any]:
    """Handle GetKeyPair."""
    name = params["keyPairName"]
    pair = _default(backend) if name == DEFAULT_KEY_PAIR else backend.find(KeyPair, name)
    return {"keyPair": pair.render(backend.now)}


def get_all(backend: "LightsailBackend", params: Mapping[str, Any]) -> dict[str, Any]:
    """Handle GetKeyPairs."""
    pairs = [*backend.all_of(KeyPair)]
    if params.get("includeDefaultKeyPair", False):
        pairs = [_default(backend), *pairs]
    page, token = backend.cut(pairs, params.get("pageToken"), KeyPair.kind)
    return write_page("keyPairs", [pair.render(backend.now) for pair in page], token)


def delete(backend: "LightsailBackend", params: Mapping[str, Any]) -> dict[str, Any]:
    """Handle DeleteKeyPair; instances that use it stay as they are."""
    pair = backend.find(KeyPair, params["keyPairName"])
    expected = params.get("expectedFingerprint")
    if expected not in (None, pair.fingerprint):
        raise NotFoundError(f"The KeyPair {pair.name} has another fingerprint than {expected}.")
    return write_operation(backend, backend.carry_out("DeleteKeyPair", [(pair, None)], lambda: backend.remove(pair)))


def _default(backend: "LightsailBackend") -> KeyPair:
    """Give the default pair, which is in nobody's list of names."""
    return KeyPair(
        name=DEFAULT_KEY_PAIR,
        arn=f"arn:{backend.partition}:lightsail:{backend.region_name}:{backend.account_id}:KeyPair/default",
        support_code=f"{backend.account_id}/{DEFAULT_KEY_PAIR}",
        created_at=datetime.fromisoformat("2016-11-28T00:00:00+00:00"),
        region=backend.region_name,
        zone="all",
        tags={},
        position=0,
    )
