"""What all the connections of a run have in common to recognize Lightsail by: one TLS context.

For each new connection urllib3 loads the certificates of the authorities that are trusted into the context of its
client, also where they are in there already. That takes longer than all else that a quiet run does: lists are read side
by side, and those of 16 Regions make 112 connections, see ``tools/bench/tls.py``. Here all clients of a run get the
context of the first one, which loads each file once. Which file that is, and that certificates are checked at all,
stays with botocore.

botocore has no public way to give a client a context. Where a release of it is built in another way, each client keeps
its own: slower, and just as safe. A test notices.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from ssl import SSLContext
from threading import Lock
from typing import Final, ParamSpec

_P = ParamSpec("_P")
# Of urllib3's PoolManager, from which each new connection takes its context.
_POOL_OPTIONS: Final = attrgetter("_endpoint.http_session._manager.connection_pool_kw")
_CONTEXT: Final = "ssl_context"


def share_context(clients: Iterable[object]) -> None:
    """Give boto3 clients that have made no call yet the context of the first one.

    All have to be of one session: they trust the same authorities. What goes through a proxy keeps its own context.
    """
    shared: SSLContext | None = None
    for client in clients:
        options = _pool_options(client)
        own = options.get(_CONTEXT)
        if not isinstance(own, SSLContext):
            continue
        if shared is None:
            shared = _loading_once(own)
        options[_CONTEXT] = shared


def _pool_options(client: object) -> dict[str, object]:
    try:
        options = _POOL_OPTIONS(client)
    except AttributeError:
        return {}
    return options if isinstance(options, dict) else {}


def _loading_once(context: SSLContext) -> SSLContext:
    """Make a context do once what urllib3 does to it before each connection: nothing changes while others use it."""
    context.load_verify_locations = _once(context.load_verify_locations)  # type: ignore[method-assign]
    context.set_alpn_protocols = _once(context.set_alpn_protocols)  # type: ignore[method-assign]
    return context


def _once(do: Callable[_P, None]) -> Callable[_P, None]:
    """Return a function that does nothing where it has done the same before; who asks meanwhile waits for it."""
    done: set[str] = set()
    lock = Lock()

    def do_once(*args: _P.args, **kwargs: _P.kwargs) -> None:
        call = repr((args, kwargs))
        with lock:
            if call not in done:
                do(*args, **kwargs)
                done.add(call)

    return do_once
