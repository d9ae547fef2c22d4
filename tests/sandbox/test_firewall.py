"""Which ports of an instance are open, and to whom."""

from typing import TYPE_CHECKING, Any

import pytest

from lightsail_sandbox.client import FailOperation, FaultRule, Sandbox, Seed
from tests.support.asking import refused

if TYPE_CHECKING:
    from mypy_boto3_lightsail import LightsailClient

WORLD: tuple[list[str], list[str], list[str]] = (["0.0.0.0/0"], ["::/0"], [])
HTTPS: Any = {"protocol": "tcp", "fromPort": 443, "toPort": 443}


@pytest.fixture(autouse=True)
def _web(sandbox: Sandbox) -> None:
    sandbox.seed([Seed(kind="Instance", name="web")])


def ports(lightsail: "LightsailClient") -> dict[str, tuple[list[str], list[str], list[str]]]:
    states = lightsail.get_instance_port_states(instanceName="web")["portStates"]
    assert {state["state"] for state in states} <= {"open"}
    return {
        f"{state['fromPort']}-{state['toPort']}/{state['protocol']}": (
            state["cidrs"],
            state["ipv6Cidrs"],
            state["cidrListAliases"],
        )
        for state in states
    }


def put(lightsail: "LightsailClient", *infos: Any) -> Any:  # noqa: ANN401 - what a test asks for, and the operation
    return lightsail.put_instance_public_ports(instanceName="web", portInfos=[*infos])["operation"]


def test_what_is_put_replaces_all_there_was(lightsail: "LightsailClient") -> None:
    assert ports(lightsail) == {"80-80/tcp": WORLD, "22-22/tcp": WORLD}

    operation = put(
        lightsail,
        HTTPS | {"cidrs": ["203.0.113.0/24", "192.0.2.44"], "ipv6Cidrs": ["2001:db8::/32"]},
        {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrListAliases": ["lightsail-connect"]},
        {"protocol": "udp", "fromPort": 5000, "toPort": 5010},
        {"protocol": "icmp", "fromPort": 8, "toPort": -1},
        {"protocol": "icmpv6", "fromPort": 128, "toPort": 0},
    )

    assert (operation["operationType"], operation["status"]) == ("PutInstancePublicPorts", "Succeeded")
    assert ports(lightsail) == {
        "443-443/tcp": (["203.0.113.0/24", "192.0.2.44/32"], ["2001:db8::/32"], []),
        "22-22/tcp": ([], [], ["lightsail-connect"]),
        "5000-5010/udp": WORLD,
        "8--1/icmp": (["0.0.0.0/0"], [], []),
        "128-0/icmpv6": ([], ["::/0"], []),
    }


def test_what_was_read_can_be_put_back(lightsail: "LightsailClient") -> None:
    put(lightsail, HTTPS | {"cidrs": ["203.0.113.0/24"]}, {"protocol": "all", "fromPort": 0, "toPort": 65535})
    read = lightsail.get_instance_port_states(instanceName="web")["portStates"]

    put(lightsail)
    assert ports(lightsail) == {}
    put(lightsail, *({key: value for key, value in state.items() if key != "state"} for state in read))

    assert lightsail.get_instance_port_states(instanceName="web")["portStates"] == read


def test_one_port_is_opened_changed_and_closed(lightsail: "LightsailClient") -> None:
    opened = lightsail.open_instance_public_ports(instanceName="web", portInfo=HTTPS)["operation"]
    assert (opened["operationType"], opened["operationDetails"]) == ("OpenInstancePublicPorts", "443/tcp")
    assert set(ports(lightsail)) == {"80-80/tcp", "22-22/tcp", "443-443/tcp"}

    lightsail.open_instance_public_ports(instanceName="web", portInfo=HTTPS | {"cidrs": ["192.0.2.0/24"]})
    assert ports(lightsail)["443-443/tcp"] == (["192.0.2.0/24"], [], [])

    lightsail.close_instance_public_ports(
        instanceName="web",
        portInfo={"protocol": "TCP", "fromPort": 22, "toPort": 22},  # type: ignore[typeddict-item] # as AWS's own example
    )
    assert set(ports(lightsail)) == {"80-80/tcp", "443-443/tcp"}


def test_an_instance_shows_its_ports_too(lightsail: "LightsailClient") -> None:
    put(lightsail, HTTPS, {"protocol": "tcp", "fromPort": 22, "toPort": 22, "cidrs": ["203.0.113.7"]})

    [instance] = lightsail.get_instances()["instances"]

    https, ssh = instance["networking"]["ports"]
    assert https == {
        "fromPort": 443,
        "toPort": 443,
        "protocol": "tcp",
        "accessFrom": "Anywhere (0.0.0.0/0 and ::/0)",
        "accessType": "public",
        "commonName": "",
        "accessDirection": "inbound",
        "cidrs": ["0.0.0.0/0"],
        "ipv6Cidrs": ["::/0"],
        "cidrListAliases": [],
    }
    assert (ssh["accessFrom"], ssh["cidrs"]) == ("Custom", ["203.0.113.7/32"])
    assert instance["networking"]["monthlyTransfer"] == {"gbPerMonthAllocated": 2048}


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"fromPort": 80, "toPort": 80}, "protocol"),
        ({"protocol": "sctp", "fromPort": 80, "toPort": 80}, "sctp"),
        ({"protocol": "tcp", "fromPort": 81, "toPort": 80}, "81 to 80"),
        ({"protocol": "tcp", "fromPort": 80}, "80 to None"),
        ({"protocol": "udp", "fromPort": -1, "toPort": 80}, "-1 to 80"),
        ({"protocol": "icmp", "fromPort": 8, "toPort": 256}, "-1 to 255"),
        (HTTPS | {"cidrs": ["203.0.113.0/33"]}, "203.0.113.0/33"),
        (HTTPS | {"cidrs": ["2001:db8::/32"]}, "2001:db8::/32"),
        (HTTPS | {"ipv6Cidrs": ["203.0.113.0/24"]}, "203.0.113.0/24"),
        (HTTPS | {"cidrListAliases": ["everybody"]}, "everybody"),
    ],
)
def test_a_wrong_rule_refuses_all_of_them(lightsail: "LightsailClient", wrong: dict[str, object], word: str) -> None:
    with refused("InvalidInputException", word):
        put(lightsail, HTTPS, wrong)

    assert set(ports(lightsail)) == {"80-80/tcp", "22-22/tcp"}


def test_rules_for_the_same_ports_are_one(lightsail: "LightsailClient") -> None:
    put(lightsail, HTTPS | {"cidrs": ["192.0.2.0/24"]}, HTTPS | {"cidrs": ["203.0.113.0/24"]})

    assert ports(lightsail) == {"443-443/tcp": (["192.0.2.0/24", "203.0.113.0/24"], [], [])}


def test_an_instance_that_does_not_run_keeps_its_ports(lightsail: "LightsailClient") -> None:
    lightsail.stop_instance(instanceName="web")

    with refused("OperationFailureException", "web is not running but stopping"):
        put(lightsail, HTTPS)
    with refused("OperationFailureException", "web is not running"):
        lightsail.open_instance_public_ports(instanceName="web", portInfo=HTTPS)
    with refused("OperationFailureException", "web is not running"):
        lightsail.close_instance_public_ports(instanceName="web", portInfo=HTTPS)

    assert set(ports(lightsail)) == {"80-80/tcp", "22-22/tcp"}


def test_a_change_can_be_made_to_fail(sandbox: Sandbox, lightsail: "LightsailClient") -> None:
    sandbox.add_faults(FaultRule(operation="PutInstancePublicPorts", effect=FailOperation()))

    assert put(lightsail, HTTPS)["status"] == "Failed"
    assert set(ports(lightsail)) == {"80-80/tcp", "22-22/tcp"}
