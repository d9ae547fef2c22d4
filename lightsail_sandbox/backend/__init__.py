"""Amazon Lightsail as a backend for moto, which has none of its own.

It has disks, instances, relational databases and their snapshots, as far as backups and restores go, and what a restore
needs besides: static IPs, key pairs, firewalls, bundles. `kinds` lists what has a name, `answers` and `responses` what
can be asked, and where AWS says too little, the modules say what is inferred.

The layout is moto's (`urls`, `responses`, `models`, `exceptions`); `register` puts it where moto looks for its own.
"""

import re
import sys

from moto import backend_index

from lightsail_sandbox.backend.models import lightsail_backends

__all__ = ["lightsail_backends", "register"]

_URL_PATTERN = ("lightsail", re.compile(r"https?://lightsail\.(.+)\.amazonaws\.com"))


def register() -> None:
    """Make moto know this backend. Call it before a server or `mock_aws` starts; calling it again changes nothing."""
    sys.modules.setdefault("moto.lightsail", sys.modules[__name__])
    if _URL_PATTERN not in backend_index.backend_url_patterns:
        # The list is shared by reference: rebinding it would leave moto with the old one.
        backend_index.backend_url_patterns.append(_URL_PATTERN)
