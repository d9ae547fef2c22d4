"""The sandbox as one WSGI application: AWS's interface, scripted and recorded, with the control interface beside it."""

import json
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final, Literal

from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.exceptions import InternalServerError
from werkzeug.test import run_wsgi_app
from werkzeug.wrappers import Request, Response

from lightsail_sandbox import backend
from lightsail_sandbox.accounts import Accounts, UnknownKeyError
from lightsail_sandbox.backend.exceptions import error_body, error_status
from lightsail_sandbox.backend.settings import CallScript, call_script, settings
from lightsail_sandbox.calls import Call, HeldCall
from lightsail_sandbox.control import Control
from lightsail_sandbox.faults import (
    Effect,
    EndInstances,
    EndSnapshots,
    ErrorAnswer,
    FailOperation,
    Hang,
    HoldAnswer,
    HoldCall,
    LoseAnswer,
    Meanwhile,
    ShortList,
    Throttle,
)
from lightsail_sandbox.options import Options

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_TARGET: Final = "Lightsail_20161128."
_CREDENTIAL: Final = re.compile(r"Credential=([^/]+)/[^/]+/([^/]+)/")
_DEFAULT_REGION: Final = "us-east-1"
_REJECTED: Final = 400


@dataclass(frozen=True, slots=True)
class _Asked:
    operation: str
    region: str
    access_key_id: str
    account: str
    parameters: Mapping[str, Any]

    def names(self) -> frozenset[str]:
        """Give every name the request mentions."""
        names: set[str] = set()
        for value in self.parameters.values():
            names.update(_strings(value))
        return frozenset(names)

    def held(self) -> HeldCall:
        """Give the call as one that waits."""
        return HeldCall(
            operation=self.operation,
            region=self.region,
            access_key_id=self.access_key_id,
            account=self.account,
            parameters=self.parameters,
        )


@dataclass(frozen=True, slots=True)
class _Answered:
    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Done:
    """A call that has taken effect or was refused, and how long its answer takes."""

    answered: _Answered
    call: Call
    latency_seconds: float
    released: threading.Event


class SandboxApp:
    """The WSGI application.

    Calls take effect one after the other, under a lock; whatever waits, waits outside of it.

    Parameters
    ----------
    defaults
        The options at the start and after each reset.
    """

    def __init__(self, defaults: Options) -> None:
        backend.register()
        self._lock = threading.Lock()
        self._control = Control(defaults)
        self._accounts = Accounts()
        self._lightsail = create_backend_app("lightsail")  # type: ignore[arg-type] # moto lists its own services there
        self._lightsail.config["PROPAGATE_EXCEPTIONS"] = False
        self._lightsail.register_error_handler(InternalServerError, _bug)
        self._moto_api = create_backend_app("moto_api")

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request."""
        path = environ["PATH_INFO"]
        if path.startswith("/sandbox/"):
            return self._answer_control(Request(environ))(environ, start_response)
        if path.startswith("/moto-api/"):
            return self._answer_moto(environ, start_response)
        if not environ.get("HTTP_X_AMZ_TARGET", "").startswith(_TARGET):
            return _not_lightsail()(environ, start_response)
        return self._answer_aws(environ, start_response)

    def _answer_control(self, request: Request) -> Response:
        path = request.path.removeprefix("/sandbox")
        number = request.args.get("wait_for", 0, type=int)
        timeout_seconds = request.args.get("timeout", 0.0, type=float)
        if path == "/held":
            if not self._control.faults.waiting.wait_for(number, timeout_seconds):
                return _json(408, {"error": f"There were fewer than {number} held calls in the time given."})
        elif not self._control.journal.wait_for(number, timeout_seconds):
            return _json(408, {"error": f"There has been no call number {number} in the time given."})
        with self._lock:
            return _json(*self._control.answer(request.method, path, request.args, request.get_data()))

    def _answer_moto(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        with self._lock:
            if environ["PATH_INFO"] == "/moto-api/reset":
                self._control.reset()
            return self._moto_api(environ, start_response)

    def _answer_aws(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        started = time.perf_counter()
        try:
            asked = self._read(environ)
        except UnknownKeyError as error:
            return Response(error_body("UnrecognizedClientException", str(error)), 400)(environ, start_response)
        with self._lock:
            faults = self._control.faults
            effects = faults.effects(asked.operation, asked.region, asked.account, asked.names(), started)
            waits = next((effect for effect in effects if isinstance(effect, HoldCall | Hang)), None)
            begun: _Done | Call | HeldCall | None = self._begin(environ, asked, effects, waits)
            released, world = faults.released, faults.world
        if waits is not None:
            released.wait(waits.seconds)
        if isinstance(begun, Call):
            self._close(begun, "lost", started)
            raise ConnectionAbortedError("This call hung, as scripted.")
        if isinstance(begun, HeldCall):
            faults.waiting.remove(begun)
            with self._lock:
                begun = self._carry_out(environ, asked, effects) if world == faults.world else None
        if begun is None:
            raise ConnectionAbortedError("This call was held, and the sandbox was reset.")
        return self._send(begun, effects, started, start_response)

    def _read(self, environ: "WSGIEnvironment") -> _Asked:
        credential = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
        body = Request(environ).get_data()
        environ["wsgi.input"] = BytesIO(body)  # moto reads it again
        access_key_id = credential[1] if credential else ""
        account = self._accounts.of(access_key_id, settings.options.sts_url)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account  # moto itself knows no keys of 12 digits
        return _Asked(
            operation=environ["HTTP_X_AMZ_TARGET"].removeprefix(_TARGET),
            region=credential[2] if credential else _DEFAULT_REGION,
            access_key_id=access_key_id,
            account=account,
            parameters=_parameters(body),
        )

    def _begin(
        self, environ: "WSGIEnvironment", asked: _Asked, effects: Sequence[Effect], waits: HoldCall | Hang | None
    ) -> _Done | Call | HeldCall:
        match waits:
            case Hang():
                hanging = _call(asked, answered=None, script=CallScript(), took_effect=False)
                return self._control.journal.add(hanging)
            case HoldCall():
                return self._control.faults.waiting.add(asked.held())
            case None:
                return self._carry_out(environ, asked, effects)

    def _send(
        self, done: _Done, effects: Sequence[Effect], started: float, start_response: "StartResponse"
    ) -> Iterable[bytes]:
        if done.latency_seconds:
            time.sleep(done.latency_seconds)
        if HoldAnswer() in effects:
            done.released.wait()
        lost = LoseAnswer() in effects
        self._close(done.call, "lost" if lost else "sent", started)
        if lost:
            raise ConnectionAbortedError("This answer is lost, as scripted.")
        start_response(str(done.answered.status), [*done.answered.headers])
        return [done.answered.body]

    def _close(self, call: Call, answer: Literal["sent", "lost"], started: float) -> None:
        self._control.journal.close(call, answer, 1000 * (time.perf_counter() - started))

    def _carry_out(self, environ: "WSGIEnvironment", asked: _Asked, effects: Sequence[Effect]) -> _Done:
        for effect in effects:
            if isinstance(effect, Meanwhile):
                self._have_somebody_else_call(environ, asked, effect)
        script = CallScript()
        answered = self._refusal(effects) or self._role_refusal(asked)
        was_refused = answered is not None
        if answered is None:
            _write_script(script, effects)
            answered = self._ask_moto(environ, script)
        call = _call(asked, answered, script, took_effect=not (was_refused or script.failed))
        added = self._control.journal.add(call)
        return _Done(answered, added, settings.options.latency_seconds, self._control.faults.released)

    def _have_somebody_else_call(self, environ: "WSGIEnvironment", asked: _Asked, effect: Meanwhile) -> None:
        other = _Asked(effect.operation, asked.region, effect.access_key_id, asked.account, effect.parameters)
        body = json.dumps(effect.parameters).encode()
        target = {"HTTP_X_AMZ_TARGET": f"{_TARGET}{effect.operation}"}
        of_its_own = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        script = CallScript()
        answered = self._ask_moto({**environ, **target, **of_its_own}, script)
        call = self._control.journal.add(_call(other, answered, script, took_effect=True))
        self._control.journal.close(call, "sent", 0.0)

    def _refusal(self, effects: Sequence[Effect]) -> _Answered | None:
        for effect in effects:
            match effect:
                case ErrorAnswer(code=code, message=message):
                    return _error(code, message)
                case Throttle(per_second=per_second):
                    return _error("ThrottlingException", f"Rate exceeded: more than {per_second} calls per second.")
                case _:
                    continue
        return None

    def _role_refusal(self, asked: _Asked) -> _Answered | None:
        role = self._control.role(asked.account)
        if role is None:
            return None
        why = role.refusal(asked.operation, asked.region, asked.parameters, asked.access_key_id, asked.account)
        return _error("AccessDeniedException", why) if why else None

    def _ask_moto(self, environ: "WSGIEnvironment", script: CallScript) -> _Answered:
        token = call_script.set(script)
        try:
            chunks, status, headers = run_wsgi_app(self._lightsail, environ, buffered=True)
        finally:
            call_script.reset(token)
        return _Answered(int(status.split()[0]), list(headers), b"".join(chunks))


def _call(asked: _Asked, answered: _Answered | None, script: CallScript, *, took_effect: bool) -> Call:
    status = answered.status if answered else 0
    rejected = answered is not None and status >= _REJECTED
    return Call(
        number=0,
        operation=asked.operation,
        region=asked.region,
        access_key_id=asked.access_key_id,
        account=asked.account,
        parameters=asked.parameters,
        at=settings.clock.now(),
        took_effect=took_effect and not rejected,
        status=status,
        error=json.loads(answered.body)["__type"] if answered and rejected else None,
        answer="on its way",
        items=script.items,
        more=script.more,
        duration_ms=0.0,
    )


def _write_script(script: CallScript, effects: Sequence[Effect]) -> None:
    for effect in effects:
        match effect:
            case FailOperation(code=code, details=details):
                script.failure = (code, details)
            case EndSnapshots(state=state):
                script.snapshot_end = state
            case EndInstances(state=end):
                script.instance_end = end
            case ShortList(entries=entries):
                script.shown = entries
            case _:
                continue


def _parameters(body: bytes) -> dict[str, Any]:
    try:
        parameters = json.loads(body or b"{}")
    except ValueError:
        return {}  # the backend refuses it in its own words
    return parameters if isinstance(parameters, dict) else {}


def _strings(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            yield from (each for each in value if isinstance(each, str))
            yield from (each["newDiskName"] for each in value if isinstance(each, dict) and "newDiskName" in each)
        case dict():  # such as which new disks an instance gets
            yield from (name for each in value.values() if isinstance(each, list) for name in _strings(each))
        case _:
            pass


def _error(code: str, message: str) -> _Answered:
    headers = [("Content-Type", "application/x-amz-json-1.1")]
    return _Answered(error_status(code), headers, error_body(code, message).encode())


def _bug(error: InternalServerError) -> tuple[str, int]:
    return error_body("SandboxAnswerError", f"This is a bug of the sandbox: {error.original_exception!r}"), 500


def _not_lightsail() -> Response:
    message = (
        "This is a local Lightsail. It answers Lightsail's JSON protocol, and its own control interface at /sandbox/."
    )
    return Response(error_body("UnknownOperationException", message), status=404, mimetype="application/json")


def _json(status: int, answer: object) -> Response:
    return Response(json.dumps(answer), status=status, mimetype="application/json")
