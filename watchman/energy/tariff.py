"""What the energy cost: flat prices per kWh."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tariff:
    """Prices per kWh in `currency` (ISO 4217): what is paid for import, what is paid out for export."""

    import_price: float
    export_price: float = 0.0
    currency: str = "EUR"


@dataclass(frozen=True, slots=True)
class Cost:
    """Money of a period. `imported` was paid, `exported` was earned; `saved` against buying all the house used.

    None where the energy it needs is not known.
    """

    currency: str
    imported: float | None
    exported: float | None
    saved: float | None

    @property
    def net(self) -> float | None:
        """What the period cost in the end; negative if it earned. Without export data it is what was paid."""
        if self.imported is None:
            return None
        return self.imported - (self.exported or 0.0)

    @property
    def without_system(self) -> float | None:
        """What the house's use would have cost, all bought."""
        return self.saved + self.net if self.saved is not None and self.net is not None else None


def cost(
    tariff: Tariff, consumption_wh: float | None, grid_import_wh: float | None, grid_export_wh: float | None
) -> Cost:
    """Cost of import, income of export, and what was saved: consumption at the import price minus the net cost."""
    imported = None if grid_import_wh is None else grid_import_wh / 1000 * tariff.import_price
    exported = None if grid_export_wh is None else grid_export_wh / 1000 * tariff.export_price
    saved = None
    if consumption_wh is not None and imported is not None and exported is not None:
        saved = consumption_wh / 1000 * tariff.import_price - (imported - exported)
    return Cost(tariff.currency, imported, exported, saved)
