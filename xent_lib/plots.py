"""The book's figure style: one palette, safe for color-blind readers, and one set of sizes.

Import it where you draw; ``import xent_lib`` alone does not load Matplotlib.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
from cycler import cycler

__all__ = ["COLORS", "use_book_style"]

#: The palette of Okabe and Ito (2008), without its yellow, which is too pale for lines.
COLORS = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "black": "#000000",
}


def use_book_style() -> None:
    """Set Matplotlib's defaults to the style of the book's figures.

    Sharp on dense screens, an opaque background (so that a figure reads on a dark page too), a light
    grid, no box.

    Examples
    --------
    >>> use_book_style()
    >>> plt.rcParams["axes.spines.top"]
    False
    """
    plt.rcParams.update(
        {
            "figure.figsize": (6.0, 3.4),
            "figure.dpi": 160,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": cycler(color=COLORS.values()),
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "axes.titlelocation": "left",
            "grid.color": "#d9d9d9",
            "grid.linewidth": 0.6,
            "font.size": 11,
            "legend.frameon": False,
            "lines.linewidth": 2.0,
            "image.cmap": "cividis",
        }
    )
