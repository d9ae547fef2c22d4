"""A simulation as a picture: snapshots held, their cost, and the days that can be recovered, on one axis of time.

Import this only to draw: matplotlib comes with the extra "plot", and takes a second to load.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.typing import RcKeyType

from lightkeeper.pricing import usd_per_month
from lightkeeper.settings import Settings
from lightkeeper_cli.simulation import Day, Simulation
from lightkeeper_cli.tables.simulation import assumptions, heading

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


def plot_simulations(simulations: Sequence[Simulation], settings: Settings, path: Path) -> None:
    """Draw simulations of a scenario into that file; the same ones give the same bytes."""
    first, last = simulations[0].days[0].date, simulations[0].days[-1].date
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE}):
        figure = Figure(
            figsize=(9, 5.9 + 0.3 * len(simulations)), layout=ConstrainedLayoutEngine(w_pad=0.15, h_pad=0.1)
        )
        held, cost, days = figure.subplots(3, 1, sharex=True, height_ratios=[4, 4, 0.3 + 0.6 * len(simulations)])
        _lines(held, "Snapshots held at the end of each day", simulations, lambda day: day.held)
        held.locator_params(axis="y", integer=True)
        _lines(
            cost,
            "Cost of storage, in USD a month (estimate)",
            simulations,
            lambda day: usd_per_month(day.stored_gib),
        )
        _strips(days, f"Days that can be recovered at the end of {last}", simulations)
        days.set_xlim(_start(first), _end(last))
        days.xaxis_date()
        figure.legend(
            held.get_lines(),
            [str(simulation.keep) for simulation in simulations],
            title=heading(simulations[0]),
            title_fontsize=12,
            alignment="left",
            loc="outside upper left",
            ncols=len(simulations),
            frameon=False,
            borderpad=0,
            borderaxespad=1.2,
        )
        said = "\n".join(assumptions(simulations[0].scenario, settings))
        figure.supxlabel(said, x=_LEFT, ha="left", fontsize=7, color=_FAINT)
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix.lower() == ".svg" else {"Software": None})


def _start(day: date) -> float:
    return float(day.toordinal() - _EPOCH)


def _end(day: date) -> float:
    return _start(day) + 1


def _lines(axes: Axes, title: str, simulations: Iterable[Simulation], value_of: Callable[[Day], float]) -> None:
    for simulation, colour, width in zip(simulations, _COLOURS, _WIDTHS, strict=False):
        days, values = [day.date for day in simulation.days], list(map(value_of, simulation.days))
        # The last step is as long as a day, too.
        edges, steps = [*map(_start, days), _end(days[-1])], [*values, values[-1]]
        axes.step(edges, steps, where="post", color=colour, linewidth=width)
    axes.set_title(title)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    axes.tick_params(length=0)


def _strips(axes: Axes, title: str, simulations: Sequence[Simulation]) -> None:
    for row, (simulation, colour) in enumerate(zip(simulations, _COLOURS, strict=False)):
        whole = (_start(simulation.days[0].date), len(simulation.days))
        axes.broken_barh([whole], (row - 0.35, 0.7), color="#F1F1F1")
        # An edge of the same colour, so that a day among years can still be seen.
        recoverable = [(_start(day), 1) for day in simulation.recoverable]
        axes.broken_barh(recoverable, (row - 0.35, 0.7), color=colour, linewidth=0.6)
    axes.set_title(title)
    axes.set_ylim(len(simulations) - 0.5, -0.5)
    axes.set_yticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
