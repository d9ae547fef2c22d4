"""The simulator as a person types it, and next to what it simulates: the same days on the sandbox."""

import json
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from lightkeeper.keep_rules import parse_keep
from lightkeeper_cli.simulation import Scenario, simulate
from tests.support.command import lightkeeper
from tests.support.keeper import DAY, HOUR, Keeper, noop

FROM = ("--from", "2026-01-01")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in an empty folder, without anything of AWS."""
    monkeypatch.chdir(tmp_path)


def simulator(*arguments: str) -> str:
    """Run `lightkeeper simulate`, which succeeds; return what it prints."""
    ended = lightkeeper("simulate", *arguments)
    assert ended.status == 0, ended.err
    return ended.out


@pytest.mark.parametrize("keep", ["3", "daily=2 weekly=2"])
def test_it_holds_what_the_sandbox_holds_after_the_same_days(keeper: Keeper, keep: str) -> None:
    # From 15 June 2026, a Monday.
    days = 10
    start = keeper.sandbox.now().replace(hour=3) + DAY
    keeper.sandbox.advance(start - keeper.sandbox.now())
    keeper.disk("shop", {"backup": "daily", "backup:keep": keep})
    keeper.run()
    keeper.live(days * DAY - timedelta(hours=4), HOUR)

    scenario = Scenario(keeper.settings.policies["daily"], start.date(), days, 80, 0.02)
    simulation = simulate(scenario, parse_keep(keep), keeper.settings, lambda: noop(None))

    assert [f"{day:%Y%m%d}" for day in simulation.recoverable] == keeper.days("shop")
    assert {point.slot.date(): point.expires_at is not None for point in simulation.points} == {
        date.fromisoformat(name.split("-")[-3]): "lightkeeper:expires" in tags
        for name, tags in keeper.snapshots("shop").items()
    }


def test_two_rules_stand_side_by_side() -> None:
    lines = simulator("--keep", "daily=7 weekly=4", "--against", "3", "--days", "60", *FROM).splitlines()

    assert lines[0] == "daily (0 3 * * * UTC): 60 days, 2026-01-01 to 2026-03-01"
    assert lines[2].split() == ["daily=7", "weekly=4", "last=3"]
    held = next(line for line in lines if line.startswith("Snapshots held"))
    assert held.split()[-2:] == ["10", "4"]
    # 8, 15 and 22 February 2026 are Sundays, as is 1 March.
    assert lines[14:17] == [
        "        daily=7 weekly=4                  last=3",
        "2026-02 ·······█······█······███████      ·························▒██",
        "2026-03 █                                 █",
    ]
    assert lines[-1] == (
        "Estimated: the oldest snapshot stores all 80 GiB, each later one what changed since the one before it, "
        "at 2% a day; 0.05 USD for a GB and month."
    )


def test_copies_stand_below_with_what_they_send() -> None:
    lines = simulator(
        "--keep", "7", "--against", "3", "--copies", "daily=2 monthly=3", "--days", "60", *FROM
    ).splitlines()

    at = next(number for number, line in enumerate(lines) if line.startswith("Copies"))
    assert [line.split("  ")[0] or line.strip().partition("  ")[0] for line in lines[at : at + 7]] == [
        "Copies, daily=2 monthly=3",
        "held at the end",
        "most held at any time",
        "stored at the end, about",
        "sent in the last 30 days, about",
        "cost at the end, about",
        "cost of what was sent, about",
    ]
    assert lines[at + 4].split()[-4:] == ["48", "GiB", "48", "GiB"]
    assert lines[at + 6].split()[-4:] == ["0.96", "USD", "0.96", "USD"]
    assert "Copied: at 0 5 * * * UTC; the first copy sends all 80 GiB" in lines[-1]


def test_copies_are_simulated_by_the_schedule_that_the_settings_have(tmp_path: Path) -> None:
    copies = {"eu-north-1": {"schedule": "0 6 * * 0", "keep": "weekly=8"}}
    (tmp_path / "cdk.json").write_text(json.dumps({"lightkeeper": {"copies": copies}}))

    document = json.loads(simulator("--copies", "5", "--days", "60", "--from", "2026-01-04", "--json"))

    (rule,) = document["rules"]
    assert rule["copies"] == {
        "keep": "last=5",
        "schedule": "0 6 * * 0",
        "timeZone": "UTC",
        "made": 9,
        "held": 5,
        # The day of grace of the one that the fifth has pushed out is over long before the last day.
        "mostHeld": 6,
        "storedGib": 122.2,
        "usdPerMonth": 6.11,
        "sentGib": 164.4,
        "sentGibOfLast30Days": 42.2,
        "usdOfTransferOfLast30Days": 0.84,
    }


def test_nothing_is_wider_than_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    long = "last=5 daily=7 weekly=4 monthly=12 yearly=3 within-hourly=2d"

    out = simulator("--keep", long, "--against", "daily=7 weekly=4 monthly=12", "--copies", long, *FROM)

    assert max(map(len, out.splitlines())) <= 80
    assert "2026-12 " in out


def test_the_policy_and_its_rule_come_from_the_settings(tmp_path: Path) -> None:
    policies = {"nightly": {"schedule": "30 1 * * *", "keep": "5", "timeZone": "Europe/Zurich"}}
    settings = {"policies": policies, "defaultPolicy": "nightly", "grace": "2d", "tick": "rate(30 minutes)"}
    (tmp_path / "cdk.json").write_text(json.dumps({"lightkeeper": settings}))

    document = json.loads(simulator("--days", "20", *FROM, "--json"))

    assert document["policy"] == {
        "name": "nightly",
        "schedule": "30 1 * * *",
        "timeZone": "Europe/Zurich",
        "keep": "last=5",
    }
    assert (document["tick"], document["grace"]) == ("rate(30 minutes)", "2d")
    # Five, and those marked on the last two days.
    assert document["rules"][0]["held"] == 7


def test_it_starts_today_unless_a_day_is_named() -> None:
    document = json.loads(simulator("--days", "1", "--json"))

    assert abs((date.fromisoformat(document["firstDay"]) - date.today()).days) <= 1  # noqa: DTZ011 - whatever zone this machine is in


@pytest.mark.parametrize("name", ["plot.png", "plot.SVG"])
def test_a_plot_is_drawn_the_same_every_time(tmp_path: Path, name: str) -> None:
    arguments = ("--keep", "7", "--against", "daily=7 weekly=4", "--days", "60", *FROM, "--plot", name)

    simulator(*arguments)
    first = (tmp_path / name).read_bytes()
    simulator(*arguments)

    assert (tmp_path / name).read_bytes() == first
    if name.endswith("png"):
        assert first.startswith(b"\x89PNG\r\n\x1a\n")
    else:
        assert ET.fromstring(first).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314 - our own


def test_another_rule_makes_another_plot(tmp_path: Path) -> None:
    for keep in ("7", "8"):
        simulator("--keep", keep, "--days", "30", *FROM, "--plot", f"{keep}.svg")

    assert (tmp_path / "7.svg").read_bytes() != (tmp_path / "8.svg").read_bytes()


def test_a_plot_of_a_single_day_is_drawn(tmp_path: Path) -> None:
    simulator("--days", "1", *FROM, "--plot", "day.svg")

    assert (tmp_path / "day.svg").stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--policy", "dayly"), '"dayly" is not a policy; expected one of "hourly", "daily", "weekly", "monthly"'),
        (("--keep", "dayly=7"), 'did you mean "daily=7"?'),
        (("--keep", ""), "an empty keep rule would keep nothing"),
        (("--against", "dayly=7"), 'did you mean "daily=7"?'),
        (("--copies", "dayly=7"), 'did you mean "daily=7"?'),
        (("--copies", ""), "an empty keep rule would keep nothing"),
        (("--change", "2"), 'did you mean "2%/day"?'),
        (("--from", "tomorrow"), '"tomorrow" is not a date; expected one such as "2026-11-23"'),
        (("--days", "0"), "greater than or equal to 1"),
        (("--size", "0"), "greater than or equal to 1"),
        (("--plot", "plot.pdf"), '"plot.pdf" names no kind of picture; expected a name that ends in ".png", ".svg"'),
        (("--plot", "none/plot.png"), 'expected the folder "none" to exist'),
        (("--days", "1", "--plot", "folder.png"), '"folder.png" cannot be written: Is a directory'),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    (tmp_path / "folder.png").mkdir()

    ended = lightkeeper("simulate", *arguments)

    assert ended.status == 2
    assert sentence in ended.err
    assert "Traceback" not in ended.err
