"""How figures are shown: columns of text, and whether a figure is what was aimed at."""

from __future__ import annotations

from collections.abc import Sequence

Row = Sequence[str]


def show(title: str, note: str, header: Row, rows: Sequence[Row]) -> None:
    """Print a table, the first column left-aligned."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    print(f"\n{title}\n{note}\n")
    for row in (header, ["-" * width for width in widths], *rows):
        first, *rest = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in rest)]
        print("  ".join(cells).rstrip())


def at_least(figure: float, target: float) -> str:
    """A ratio that should be high, with its target."""
    return f"{figure:.2f} {_met(figure >= target)} {target:g}"


def at_most(figure: float, target: float) -> str:
    """A ratio that should be low, with its target."""
    return f"{figure:.2f} {_met(figure <= target)} {target:g}"


def _met(holds: bool) -> str:
    return "meets" if holds else "MISSES"
