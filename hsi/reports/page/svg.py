"""Small charts as SVG; colours come from the page's style sheet, so that they follow its theme."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10

WIDTH, HEIGHT = 460, 290
LEFT, RIGHT, TOP, BOTTOM = 54, 14, 12, 46  # margins
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Axis:
    """One side of a chart.

    Parameters
    ----------
    ticks
        Values and their texts.
    logarithmic
        Whether equal ratios, not equal differences, are equally far apart.
    """

    low: float
    high: float
    label: str
    ticks: Sequence[tuple[float, str]]
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where a value lies between the ends, from 0 to 1."""
        low, high, at = (log10(each) if self.logarithmic else each for each in (self.low, self.high, value))
        return (at - low) / (high - low)


def linear(low: float, high: float, label: str, count: int = 5) -> Axis:
    """An axis with round ticks from `low` to `high`, which are not equal."""
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    step = next(power * each for each in STEPS if power * each >= rough * 0.999)
    numbers = range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)
    return Axis(low, high, label, [(number * step, f"{number * step:.6g}") for number in numbers])


def decades(low: float, high: float, label: str) -> Axis:
    """A logarithmic axis with ticks at powers of ten, or at 1, 2 and 5 where there are few of those."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    ends = 10.0 ** powers[0], 10.0 ** powers[-1]
    if len(powers) > 3:
        values = [10.0**power for power in powers[:: ceil(len(powers) / 7)]]
        return Axis(*ends, label, [(value, f"{value:g}") for value in values], logarithmic=True)
    values = [digit * 10.0**power for power in powers for digit in (1, 2, 5) if low <= digit * 10.0**power <= high]
    return Axis(low, high, label, [(value, f"{value:g}") for value in values], logarithmic=True)


@dataclass(frozen=True)
class Chart:
    """Two axes, on which marks are placed in pixels."""

    across: Axis
    up: Axis
    height: float = HEIGHT

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return LEFT + (WIDTH - LEFT - RIGHT) * self.across.share(value)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return TOP + (self.height - TOP - BOTTOM) * (1 - self.up.share(value))

    def line(self, points: Sequence[tuple[float, float]], style: str) -> str:
        """A curve through points, which breaks where one is no number."""
        path, pen = [], "M"
        for across, up in points:
            if isfinite(across) and isfinite(up):
                path.append(f"{pen}{self.x(across):.1f} {self.y(up):.1f}")
                pen = "L"
            else:
                pen = "M"
        return f'<path class="line {style}" d="{"".join(path)}"/>'

    def dots(self, points: Sequence[tuple[float, float]], style: str) -> str:
        """A dot at each point."""
        return "".join(
            f'<circle class="dot {style}" cx="{self.x(across):.1f}" cy="{self.y(up):.1f}" r="3.2"/>'
            for across, up in points
        )

    def spread(self, across: float, low: float, high: float, style: str) -> str:
        """An upright interval."""
        left, top, bottom = self.x(across), self.y(high), self.y(low)
        return (
            f'<path class="spread {style}" d="M{left:.1f} {top:.1f}V{bottom:.1f}'
            f'M{left - 4:.1f} {top:.1f}h8M{left - 4:.1f} {bottom:.1f}h8"/>'
        )

    def bar(self, left: float, right: float, up: float, style: str, told: str = "") -> str:
        """A bar from the foot of the chart, with what a pointer on it is told."""
        first, last, top = self.x(left), self.x(right), self.y(up)
        title = f"<title>{escape(told)}</title>" if told else ""
        return (
            f'<rect class="bar {style}" x="{first + 0.5:.1f}" y="{top:.1f}" width="{max(0.5, last - first - 1):.1f}" '
            f'height="{max(0.0, self.y(self.up.low) - top):.1f}">{title}</rect>'
        )

    def drawn(self, title: str, *marks: str) -> str:
        """The chart, `title` for those who cannot see it."""
        inside = "".join((*self._frame(), *marks))
        return f'<svg viewBox="0 0 {WIDTH} {self.height:g}" role="img" aria-label="{escape(title)}">{inside}</svg>'

    def _frame(self) -> Iterator[str]:
        """Grid, ticks and labels."""
        right, foot = WIDTH - RIGHT, self.height - BOTTOM
        for value, text in self.up.ticks:
            at = self.y(value)
            yield f'<path class="grid" d="M{LEFT} {at:.1f}H{right}"/>'
            yield f'<text class="tick" x="{LEFT - 7}" y="{at + 4:.1f}" text-anchor="end">{escape(text)}</text>'
        for value, text in self.across.ticks:
            at = self.x(value)
            yield f'<path class="axis" d="M{at:.1f} {foot}v4"/>'
            yield f'<text class="tick" x="{at:.1f}" y="{foot + 17}" text-anchor="middle">{escape(text)}</text>'
        yield f'<path class="axis" d="M{LEFT} {TOP}V{foot}H{right}"/>'
        middle = (LEFT + right) / 2
        yield (
            f'<text class="label" x="{middle:g}" y="{self.height - 8:g}" text-anchor="middle">'
            f"{escape(self.across.label)}</text>"
        )
        yield (
            f'<text class="label" transform="translate(13 {(TOP + foot) / 2:g}) rotate(-90)" text-anchor="middle">'
            f"{escape(self.up.label)}</text>"
        )
