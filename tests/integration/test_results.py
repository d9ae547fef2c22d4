"""The bucket with the results, over HTTP."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from lightkeeper.results import Results, ResultsError
from tests.support.hub import BUCKET, Hub
from tests.support.keeper import REGION
from tests.support.world import no_waiting


@pytest.fixture
def results(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Results]:  # noqa: ARG001 - where it is
    no_waiting(monkeypatch)
    with closing(Results(BUCKET, region=REGION)) as bucket:
        yield bucket


def test_what_was_written_is_read_as_text_and_the_last_one_counts(results: Results, hub: Hub) -> None:
    results.put("accounts/1.json", '{"name": "old"}')
    results.put("accounts/1.json", '{"name": "Züri"}')

    assert results.get("accounts/1.json") == '{"name": "Züri"}'
    assert hub.s3.head_object(Bucket=BUCKET, Key="accounts/1.json")["ContentType"] == "application/json"


def test_what_was_never_written_is_none(results: Results) -> None:
    assert results.get("fleet.json") is None


def test_bytes_that_are_no_text_are_somebody_s_and_no_crash(results: Results, hub: Hub) -> None:
    hub.s3.put_object(Bucket=BUCKET, Key="fleet.json", Body=b"\xff\x00")

    assert results.get("fleet.json") == "\ufffd\x00"


def test_keys_are_all_that_begin_so_in_order_over_all_pages(results: Results, hub: Hub) -> None:
    hub.services.page_size = 2
    for number in (3, 1, 2, 5, 4):
        results.put(f"accounts/{number}.json", "{}")
    results.put("fleet.json", "{}")

    assert results.keys("accounts/") == tuple(f"accounts/{number}.json" for number in range(1, 6))
    assert results.keys("nothing/") == ()


def test_a_refusal_names_the_bucket_and_the_permission(results: Results, hub: Hub) -> None:
    hub.services.refused |= {"PUT", "GET"}

    with pytest.raises(ResultsError) as writing:
        results.put("fleet.json", "{}")
    with pytest.raises(ResultsError, match=r"expected permission for s3:GetObject$"):
        results.get("fleet.json")
    with pytest.raises(ResultsError, match=r"expected permission for s3:ListBucket$"):
        results.keys("accounts/")

    assert str(writing.value) == (
        f'the bucket "{BUCKET}": s3:PutObject: AccessDenied: no; expected permission for s3:PutObject'
    )


def test_a_bucket_that_is_gone_is_no_empty_one(hub: Hub, results: Results) -> None:
    hub.s3.delete_bucket(Bucket=BUCKET)

    with pytest.raises(ResultsError, match=f'^the bucket "{BUCKET}": s3:GetObject: NoSuchBucket'):
        results.get("fleet.json")


def test_an_s3_that_is_not_there_is_an_error_in_words(
    hub: Hub,  # noqa: ARG001 - its environment
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    no_waiting(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")

    with (
        closing(Results(BUCKET, region=REGION)) as bucket,
        pytest.raises(ResultsError, match="s3:PutObject: Could not"),
    ):
        bucket.put("fleet.json", "{}")
