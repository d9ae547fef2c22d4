"""Lightsail over TLS: certificates are checked as botocore is told to, and read once for all of a run's connections."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lightkeeper.inventory import plan_regions
from lightkeeper.lightsail import connect
from lightkeeper.model import Plan
from lightkeeper.settings import Settings
from lightkeeper.tls import share_context
from lightsail_sandbox.client import Sandbox
from tests.support.keeper import NOON, OTHER_REGION, REGION, enter_sandbox
from tests.support.tls import Authority, make_authority, proxy, tls_before

if TYPE_CHECKING:
    from _typeshed import StrPath

REGIONS = (REGION, OTHER_REGION, "eu-west-1")


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture
def url(sandbox: Sandbox, ours: Authority, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The local Lightsail over TLS."""
    enter_sandbox(sandbox, monkeypatch)
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("lightkeeper.lightsail.ATTEMPTS", 1)
    with tls_before(sandbox.url, ours) as address:
        yield address


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files of authorities that have been loaded."""
    files: list[str] = []
    load = ssl.SSLContext.load_verify_locations

    def noted(
        self: ssl.SSLContext,
        cafile: "StrPath | None" = None,
        capath: "StrPath | None" = None,
        cadata: "str | bytes | None" = None,
    ) -> None:
        files.append(str(cafile))
        load(self, cafile, capath, cadata)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", noted)
    return files


def plan(url: str) -> Plan:
    regions = connect(REGIONS, max_concurrency=8, endpoint_url=url)
    try:
        return plan_regions(regions, Settings(), NOON)
    finally:
        for region in regions.values():
            region.close()


def errors(plan: Plan) -> list[str]:
    return [failure.message for failure in plan.failures]


@pytest.mark.parametrize("name", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_an_authority_from_the_environment_is_trusted(
    name: str, url: str, sandbox: Sandbox, ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(ours.certificate))

    assert errors(plan(url)) == []
    assert {call.region for call in sandbox.calls()} == set(REGIONS)


def test_an_authority_from_the_profile_is_trusted(
    url: str, ours: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config"
    config.write_text(f"[default]\nca_bundle = {ours.certificate}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    assert errors(plan(url)) == []


def test_the_file_of_authorities_is_read_once_for_all_the_connections_of_a_run(
    url: str, ours: Authority, loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", str(ours.certificate))

    plan(url)
    assert loaded == [str(ours.certificate)]

    plan(url)
    assert loaded == [str(ours.certificate)] * 2, "the next run reads it again"


def test_a_certificate_of_an_authority_that_nobody_trusts_is_refused(url: str, sandbox: Sandbox) -> None:
    failures = errors(plan(url))

    assert len(failures) >= len(REGIONS)
    assert all("CERTIFICATE_VERIFY_FAILED" in failure for failure in failures)
    assert not sandbox.calls()


def test_a_trusted_certificate_for_another_address_is_refused(
    sandbox: Sandbox, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_authority(tmp_path / "other", address="127.0.0.2")
    monkeypatch.setenv("AWS_CA_BUNDLE", str(other.certificate))

    with tls_before(sandbox.url, other) as address:
        failures = errors(plan(address))

    assert url != address
    assert len(failures) >= len(REGIONS)
    assert all("127.0.0.1" in failure for failure in failures)
    assert not sandbox.calls()


def test_what_one_run_trusts_the_next_does_not(url: str, ours: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as first:
        first.setenv("AWS_CA_BUNDLE", str(ours.certificate))
        assert errors(plan(url)) == []

    assert all("CERTIFICATE_VERIFY_FAILED" in failure for failure in errors(plan(url)))
    assert errors(plan(url))


def test_an_authority_that_is_replaced_in_its_file_is_read_by_the_next_run(
    url: str, ours: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = tmp_path / "trusted.pem"
    monkeypatch.setenv("AWS_CA_BUNDLE", str(trusted))
    trusted.write_bytes(make_authority(tmp_path / "other").certificate.read_bytes())
    assert errors(plan(url))

    trusted.write_bytes(ours.certificate.read_bytes())

    assert errors(plan(url)) == []


def test_a_proxy_is_used_and_the_certificate_behind_it_is_checked(
    url: str, sandbox: Sandbox, ours: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy() as (address, tunnels):
        monkeypatch.setenv("HTTPS_PROXY", address)
        assert all("CERTIFICATE_VERIFY_FAILED" in failure for failure in errors(plan(url)))
        assert not sandbox.calls()

        monkeypatch.setenv("AWS_CA_BUNDLE", str(ours.certificate))
        assert errors(plan(url)) == []

    assert set(tunnels) == {url.removeprefix("https://")}
    assert {call.region for call in sandbox.calls()} == set(REGIONS)


def test_a_client_that_is_built_in_another_way_is_left_as_it_is() -> None:
    class Pool:
        connection_pool_kw = {"ssl_context": "something else"}  # noqa: RUF012 - as urllib3 has it

    class Session:
        _manager = Pool()

    class Endpoint:
        http_session = Session()

    class Client:
        _endpoint = Endpoint()

    share_context([object(), Client()])

    assert Pool.connection_pool_kw == {"ssl_context": "something else"}
