"""A simulation as a picture: snapshots held, their cost, and the days that can be recovered, on one axis of time.

Import this only to draw: matplotlib takes longer to load than most commands take to run.
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Final, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.typing import RcKeyType

from lightkeeper_cli.simulate import RuleDocument, SimulationDocument
from lightkeeper_cli.simulate_show import assumptions, heading

# Of Okabe and Ito's palette, which colour-blind people can tell apart; the second line is thinner, too.
_COLOURS: Final = ("#0072B2", "#D55E00")
_WIDTHS: Final = (2.0, 1.2)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_LEFT: Final = 0.017
_INK: Final = "#333333"
_FAINT: Final = "#767676"
_STYLE: Final[dict[RcKeyType, object]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#BBBBBB",
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "date.converter": "concise",
    "font.size": 9,
    "grid.color": "#E8E8E8",
    "svg.hashsalt": "lightkeeper",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def plot_simulation(document: SimulationDocument, path: Path) -> None:
    """Draw a simulation into that file; the same simulation gives the same bytes."""
    rules = document["rules"]
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE}):
        figure = Figure(figsize=(9, 5.9 + 0.3 * len(rules)), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.1))
        held, cost, days = figure.subplots(3, 1, sharex=True, height_ratios=[4, 4, 0.3 + 0.6 * len(rules)])
        _lines(held, "Snapshots held at the end of each day", rules, "held")
        held.locator_params(axis="y", integer=True)
        _lines(cost, "Cost of storage, in USD a month (estimate)", rules, "usdPerMonth")
        _strips(days, f"Days that can be recovered at the end of {document['lastDay']}", document)
        days.set_xlim(_start(document["firstDay"]), _end(document["lastDay"]))
        days.xaxis_date()
        figure.legend(
            held.get_lines(),
            [rule["keep"] for rule in rules],
            title=heading(document),
            title_fontsize=12,
            alignment="left",
            loc="outside upper left",
            ncols=len(rules),
            frameon=False,
            borderpad=0,
            borderaxespad=1.2,
        )
        figure.supxlabel("\n".join(assumptions(document)), x=_LEFT, ha="left", fontsize=7, color=_FAINT)
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else {"Software": None})


def _start(day: str) -> float:
    return float(date.fromisoformat(day).toordinal() - _EPOCH)


def _end(day: str) -> float:
    return _start(day) + 1


def _lines(axes: Axes, title: str, rules: Sequence[RuleDocument], key: Literal["held", "usdPerMonth"]) -> None:
    for rule, colour, width in zip(rules, _COLOURS, _WIDTHS, strict=False):
        days, values = [day["date"] for day in rule["series"]], [day[key] for day in rule["series"]]
        # The last step is as long as a day, too.
        edges, steps = [*map(_start, days), _end(days[-1])], [*values, values[-1]]
        axes.step(edges, steps, where="post", color=colour, linewidth=width)
    axes.set_title(title)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    axes.tick_params(length=0)


def _strips(axes: Axes, title: str, document: SimulationDocument) -> None:
    for row, (rule, colour) in enumerate(zip(document["rules"], _COLOURS, strict=False)):
        axes.broken_barh([(_start(document["firstDay"]), document["days"])], (row - 0.35, 0.7), color="#F1F1F1")
        # An edge of the same colour, so that a day among years can still be seen.
        days = sorted({point["day"] for point in rule["recoveryPoints"]})
        axes.broken_barh([(_start(day), 1) for day in days], (row - 0.35, 0.7), color=colour, linewidth=0.6)
    axes.set_title(title)
    axes.set_ylim(len(document["rules"]) - 0.5, -0.5)
    axes.set_yticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
