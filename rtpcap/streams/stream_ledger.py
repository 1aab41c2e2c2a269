"""The ledger of one stream: each packet's place and class, and the sums of both sides."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rtpcap.streams.counted import counted
from rtpcap.streams.fates import Account, PacketClass, SlotClass
from rtpcap.streams.ledger import Ledger

__all__ = ["StreamLedger"]


@dataclass(frozen=True, eq=False)
class StreamLedger(Ledger):
    """Each packet in exactly one class and each slot in exactly one; made by `Stream.ledger`.

    `packets` add up to the packets captured, `slots` to the slots, of which those received,
    repaired, lost and discarded late are the expected ones.
    """

    account: Account = field(kw_only=True)

    @classmethod
    def of(cls, ledger: Ledger, account: Account) -> StreamLedger:
        """From the places of a stream's packets and their account."""
        return cls(**vars(ledger), account=account)

    @property
    def packet_class(self) -> npt.NDArray[np.uint8]:
        """A `PacketClass` for each packet, in capture order, shape (n,)."""
        return self.account.packet_class

    @property
    def packets(self) -> dict[str, int]:
        """How many packets are in each class."""
        return {kind.label: int(self.account.packets[0, kind]) for kind in PacketClass}

    @property
    def slots(self) -> dict[str, int]:
        """How many slots are in each class."""
        return {kind.label: int(self.account.slots[0, kind]) for kind in SlotClass}

    def row(self) -> dict[str, object]:
        """Both sides with their sums, keys as ``rtpcap ledger`` prints them."""
        return self.account.row()

    def __repr__(self) -> str:
        def told(classes: dict[str, int]) -> str:
            return ", ".join(f"{n:,} {name}" for name, n in classes.items() if n) or "none"

        slots = counted(sum(self.slots.values()), "slot")
        return (
            f"<Ledger {counted(len(self), 'packet')}: {told(self.packets)}; "
            f"{slots}: {told(self.slots)}>"
        )

    def _repr_html_(self) -> str:
        from rtpcap.views.html import fields_html

        return fields_html(self.row(), repr(self))
