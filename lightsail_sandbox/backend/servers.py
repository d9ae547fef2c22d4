"""What is asked of one instance: to start and stop, its ports, its health, its metadata options.

Simpler than AWS: metadata options are applied at once, a reboot takes no time, and of the metrics there are those of
the status checks only.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Final

from botocore.utils import parse_timestamp

from lightsail_sandbox.backend.exceptions import InvalidInputError, OperationFailureError
from lightsail_sandbox.backend.firewall import Rule, read_rule, read_rules, with_rule, without_rule
from lightsail_sandbox.backend.instances import Instance
from lightsail_sandbox.backend.life import Life
from lightsail_sandbox.backend.settings import settings
from lightsail_sandbox.backend.writing import Answer, write_operation, write_page

if TYPE_CHECKING:
    from lightsail_sandbox.backend.models import LightsailBackend
    from lightsail_sandbox.backend.operations import Operation

_STATUS_CHECKS: Final = ("StatusCheckFailed", "StatusCheckFailed_Instance", "StatusCheckFailed_System")
_MINUTE_SECONDS: Final = 60


def get_instance(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle GetInstance."""
    return {"instance": _render(backend, _instance(backend, params), params)}


def get_instances(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle GetInstances."""
    page, token = backend.page(Instance, params.get("pageToken"))
    return write_page("instances", [_render(backend, instance, params) for instance in page], token)


def get_state(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle GetInstanceState."""
    return {"state": _instance(backend, params).render_state(backend.now)}


def stop(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Stop an instance that runs."""
    instance = _instance(backend, params)
    backend.check_running(instance)
    stopped = instance.lived.stop(backend.now, timedelta(seconds=settings.options.stop_seconds))
    return backend.carry_out("StopInstance", [(instance, None)], lambda: instance.live(stopped), stopped)


def start(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Start an instance that is stopped. It gets another public address, unless it has a static one."""
    instance = _instance(backend, params)
    state = instance.state(backend.now)
    if state != "stopped":
        raise OperationFailureError(f"The instance {instance.name} is not stopped but {state}.")
    options = settings.options
    started = Life(
        started_at=backend.now,
        boots=timedelta(seconds=options.boot_seconds),
        checks=timedelta(seconds=options.health_seconds),
    )

    def change() -> None:
        instance.live(started)
        instance.set_static_address(instance.static_address, backend.new_position())

    return backend.carry_out("StartInstance", [(instance, None)], change, started)


def reboot(backend: "LightsailBackend", params: Mapping[str, Any]) -> "list[Operation]":
    """Reboot an instance that runs."""
    instance = _instance(backend, params)
    backend.check_running(instance)
    return backend.carry_out("RebootInstance", [(instance, None)], lambda: None)


def get_port_states(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle GetInstancePortStates."""
    return {"portStates": [rule.render_state() for rule in _instance(backend, params).firewall]}


def put_ports(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle PutInstancePublicPorts: open these ports, and close all others."""
    rules = read_rules(params["portInfos"])
    return _set_firewall(backend, params, "PutInstancePublicPorts", rules, rules)


def open_ports(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle OpenInstancePublicPorts."""
    rule, instance = read_rule(params["portInfo"]), _instance(backend, params)
    return _set_firewall(backend, params, "OpenInstancePublicPorts", [rule], with_rule(instance.firewall, rule))


def close_ports(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle CloseInstancePublicPorts."""
    rule, instance = read_rule(params["portInfo"]), _instance(backend, params)
    return _set_firewall(backend, params, "CloseInstancePublicPorts", [rule], without_rule(instance.firewall, rule))


def update_metadata_options(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle UpdateInstanceMetadataOptions."""
    instance = _instance(backend, params)
    state = instance.state(backend.now)
    if state not in ("running", "stopped"):
        raise OperationFailureError(f"The instance {instance.name} is neither running nor stopped but {state}.")
    new = instance.metadata.updated(params)
    parts = [(instance, None)]
    change = backend.carry_out("UpdateInstanceMetadataOptions", parts, lambda: instance.set_metadata(new))
    return write_operation(backend, change)


def get_metric_data(backend: "LightsailBackend", params: Mapping[str, Any]) -> Answer:
    """Handle GetInstanceMetricData. The points come in no order, as AWS's do."""
    instance, metric = _instance(backend, params), params["metricName"]
    points = [*_points(instance, params, backend.now)] if metric in _STATUS_CHECKS else []
    Random(instance.position).shuffle(points)  # noqa: S311 - no secret
    return {"metricName": metric, "metricData": points}


def _points(instance: Instance, params: Mapping[str, Any], now: datetime) -> Iterator[dict[str, Any]]:
    start, end = parse_timestamp(params["startTime"]), parse_timestamp(params["endTime"])
    if start >= end:
        raise InvalidInputError("Invalid input: startTime is not before endTime.")
    if params["period"] % _MINUTE_SECONDS:
        raise InvalidInputError(
            f"Invalid period: {params['period']} seconds. Expected a multiple of {_MINUTE_SECONDS}."
        )
    if params["unit"] != "Count":
        return  # nothing is measured in that unit
    failed = float(instance.lived.health(now) == "impaired" and params["metricName"] != "StatusCheckFailed_System")
    periods: dict[float, int] = {}
    for minute in instance.lived.checked_minutes(start, end, now):
        period = minute.timestamp() // params["period"] * params["period"]
        periods[period] = periods.get(period, 0) + 1
    for period, count in periods.items():
        values = {
            "Sum": failed * count,
            "Average": failed,
            "Minimum": failed,
            "Maximum": failed,
            "SampleCount": float(count),
        }
        asked = {f"{name[0].lower()}{name[1:]}": values[name] for name in params["statistics"] if name in values}
        yield {"timestamp": period, "unit": "Count", **asked}


def _instance(backend: "LightsailBackend", params: Mapping[str, Any]) -> Instance:
    return backend.find(Instance, params["instanceName"])


def _render(backend: "LightsailBackend", instance: Instance, params: Mapping[str, Any]) -> dict[str, Any]:
    if params.get("includeHealthStatus", False):
        return instance.render_with_health(backend.now)
    return instance.render(backend.now)


def _set_firewall(
    backend: "LightsailBackend",
    params: Mapping[str, Any],
    operation_type: str,
    named: Sequence[Rule],
    rules: tuple[Rule, ...],
) -> Answer:
    instance = _instance(backend, params)
    backend.check_running(instance)
    details = ",".join(rule.words() for rule in named) or None
    parts = [(instance, details)]
    return write_operation(backend, backend.carry_out(operation_type, parts, lambda: instance.set_firewall(rules)))
