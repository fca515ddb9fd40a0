"""Small tools on lists of minute values with holes (None): stretches, means, quantiles."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Minutes = Sequence[float | None]
Stretch = tuple[int, int]
"""First minute and the one after the last."""


def stretches(flags: Sequence[bool], merge: int = 0, shortest: int = 1) -> list[Stretch]:
    """Runs of True, joined over up to `merge` other minutes between them, those of at least `shortest` minutes."""
    runs: list[Stretch] = []
    for index, flag in enumerate(flags):
        if not flag:
            continue
        if runs and index - runs[-1][1] <= merge:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return [run for run in runs if run[1] - run[0] >= shortest]


def known(values: Minutes) -> list[float]:
    """The values without holes."""
    return [value for value in values if value is not None]


def mean(values: Minutes) -> float | None:
    """Mean of what is known."""
    numbers = known(values)
    return sum(numbers) / len(numbers) if numbers else None


def energy_wh(values: Minutes) -> float:
    """Energy of minute means in W; holes add nothing."""
    return sum(known(values)) / 60


def quantile(values: Minutes, q: float) -> float | None:
    """The value below which a share `q` of what is known lies (nearest rank)."""
    numbers = sorted(known(values))
    return numbers[min(len(numbers) - 1, int(q * len(numbers)))] if numbers else None


def rolling(values: Minutes, half: int, of: Callable[[list[float]], float]) -> list[float | None]:
    """`of` the known values within `half` minutes on either side, None where there are none."""
    result: list[float | None] = []
    for index in range(len(values)):
        near = known(values[max(0, index - half) : index + half + 1])
        result.append(of(near) if near else None)
    return result
