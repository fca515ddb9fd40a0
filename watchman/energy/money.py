"""What the energy cost, what the roof and the battery saved, and the CO2 of what was bought.

Prices change within a day, so every quarter of an hour is multiplied by its own price and only the products are summed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from watchman.energy.slots import Flow, Slot

# Money is told while the energy without a price is less than this share.
_UNPRICED_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class Amount:
    """Energy of one flow times its price, summed: `value` of the `wh` that had a price, and the `unpriced_wh`."""

    value: float = 0.0
    wh: float = 0.0
    unpriced_wh: float = 0.0

    def plus(self, other: Amount) -> Amount:
        """Both."""
        return Amount(self.value + other.value, self.wh + other.wh, self.unpriced_wh + other.unpriced_wh)

    @property
    def known(self) -> float | None:
        """The value, or None where too much of the energy has no price."""
        return None if self.unpriced_wh > _UNPRICED_SHARE * (self.wh + self.unpriced_wh) else self.value


Amounts = Mapping[str, Amount]
"""By flow; a flow without a covered second is absent."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Money of a period. `imported` was paid, `exported` was earned, `standing` was due in any case.

    `saved` is against buying all the house used; `battery` is the part of it that only a battery makes. None where the
    energy or the price it needs is not known.
    """

    currency: str
    imported: float | None
    exported: float | None
    saved: float | None
    standing: float = 0.0
    battery: float | None = None
    unpriced_wh: float = 0.0

    @property
    def net(self) -> float | None:
        """What the period cost in the end; negative if it earned. Without export data it is what was paid."""
        if self.imported is None:
            return None
        return self.imported - (self.exported or 0.0) + self.standing

    @property
    def without_system(self) -> float | None:
        """What the house's use would have cost, all bought."""
        return self.saved + self.net if self.saved is not None and self.net is not None else None


def amounts(slots: Iterable[Slot], prices: Mapping[int, float]) -> dict[str, Amount]:
    """Each flow's covered energy times the price of its quarter of an hour; `prices` per kWh by slot start."""
    sums: dict[str, list[float]] = {}
    for slot in slots:
        if slot.covered_s <= 0:
            continue
        row = sums.setdefault(slot.flow, [0.0, 0.0, 0.0])
        price = prices.get(slot.start)
        if price is None:
            row[2] += slot.wh
        else:
            row[0] += slot.wh * price / 1000
            row[1] += slot.wh
    return {flow: Amount(*row) for flow, row in sums.items()}


def added(one: Amounts, other: Amounts) -> dict[str, Amount]:
    """The amounts of two periods together."""
    return {flow: one.get(flow, Amount()).plus(other.get(flow, Amount())) for flow in {**one, **other}}


def cost(currency: str, bought: Amounts, sold: Amounts, standing: float = 0.0, *, battery: bool = False) -> Cost:
    """The money of a period from its amounts at the prices of import (`bought`) and of export (`sold`).

    `battery`: there is one, so its value is told; the split of flows says what went through it.
    """
    imported, exported = _known(bought, Flow.GRID_IMPORT), _known(sold, Flow.GRID_EXPORT)
    used = _known(bought, Flow.CONSUMPTION)
    saved = None
    if used is not None and imported is not None and exported is not None:
        saved = used - (imported - exported)
    unpriced = sum(
        part.unpriced_wh for part in (bought.get(Flow.GRID_IMPORT), sold.get(Flow.GRID_EXPORT)) if part is not None
    )
    worth = _battery_value(bought, sold) if battery and imported is not None and exported is not None else None
    return Cost(currency, imported, exported, saved, standing, worth, unpriced)


def _battery_value(bought: Amounts, sold: Amounts) -> float | None:
    """What it gave, at the price it spared or earned, less what it took, at the price that was paid or missed.

    Without a battery the sun that charged it would have been sold, what it gave the house bought. Over a day this holds
    what is still stored as a loss; over months it does not matter.
    """
    if Flow.BATTERY_DISCHARGE not in bought or Flow.BATTERY_CHARGE not in bought:
        return None
    parts = (
        (1, bought, Flow.BATTERY_TO_LOAD),
        (1, sold, Flow.BATTERY_TO_GRID),
        (-1, sold, Flow.SOLAR_TO_BATTERY),
        (-1, bought, Flow.GRID_TO_BATTERY),
    )
    values = [(sign, amounts_.get(flow, Amount()).known) for sign, amounts_, flow in parts]
    return None if any(value is None for _, value in values) else sum(sign * (value or 0.0) for sign, value in values)


def _known(parts: Amounts, flow: Flow) -> float | None:
    return parts[flow].known if flow in parts else None
