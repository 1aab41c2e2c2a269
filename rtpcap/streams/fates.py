"""The full ledger: every packet in exactly one class, every slot in exactly one.

The classes of packets add up to the packets captured; those of slots to the slots, of which the
first four add up to the slots expected by RFC 3550 A.3. Both sides meet: received slots hold the
packets used (in order or not), without payload, or malformed, and slots discarded late the late
packets.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from rtpcap.errors import Fault
from rtpcap.rtp.packets import Packets
from rtpcap.streams.jitterbuffer import Arrivals, Fate, Playout
from rtpcap.streams.ledger import FOREIGN, Ledger
from rtpcap.streams.slots import stream_numbers

__all__ = ["Account", "PacketClass", "SlotClass", "account", "classify"]


class PacketClass(IntEnum):
    """What a packet was to its stream. The first that fits, from the last to the first."""

    USED = 0
    REORDERED = 1
    """Used, though it came after one with a higher sequence number."""
    LATE = 2
    """It came too late for the jitter buffer."""
    PADDING_ONLY = 3
    MALFORMED = 4
    """Header fields are sound, what follows them is not; it counts as received."""
    DUPLICATE = 5
    """A copy that was on the wire."""
    CAPTURED_TWICE = 6
    """A copy that the capture made."""
    FOREIGN = 7
    """Its sequence number jumped far, alone."""

    @property
    def label(self) -> str:
        return self.name.lower()


class SlotClass(IntEnum):
    """What became of a slot."""

    RECEIVED = 0
    REPAIRED = 1
    """Lost, but its payload came with other packets."""
    LOST = 2
    DISCARDED_LATE = 3
    SILENT = 4
    """The sender suppressed silence: no packet was expected. Counted in packet times."""
    RESTART = 5
    """Between two epochs: one for each restart."""

    @property
    def label(self) -> str:
        return self.name.lower()


EXPECTED_CLASSES = (
    SlotClass.RECEIVED,
    SlotClass.REPAIRED,
    SlotClass.LOST,
    SlotClass.DISCARDED_LATE,
)


@dataclass(frozen=True, eq=False)
class Account:
    """Packets and slots of k streams by class."""

    packet_class: npt.NDArray[np.uint8]
    """A `PacketClass` for each packet, shape (n,)."""
    packets: npt.NDArray[np.int64]
    """How many of each class, shape (k, 8)."""
    slots: npt.NDArray[np.int64]
    """How many slots of each `SlotClass`, shape (k, 6)."""

    def row(self, stream: int = 0) -> dict[str, object]:
        """The counts of a stream, both sides with their sums."""
        packets, slots = self.packets[stream], self.slots[stream]
        return {
            "packets": int(packets.sum()),
            **{f"packets_{kind.label}": int(packets[kind]) for kind in PacketClass},
            "slots": int(slots.sum()),
            "expected": int(slots[list(EXPECTED_CLASSES)].sum()),
            **{f"slots_{kind.label}": int(slots[kind]) for kind in SlotClass},
        }


def classify(
    packets: Packets,
    ledger: Ledger,
    *,
    playout: Playout | None = None,
) -> npt.NDArray[np.uint8]:
    """The `PacketClass` of each packet, shape (n,); without a `playout` none is late."""
    kind = np.full(len(packets), PacketClass.USED, np.uint8)
    kind[ledger.reordered] = PacketClass.REORDERED
    if playout is not None:
        kind[playout.fate == Fate.LATE] = PacketClass.LATE
    empty = packets.payload_size == 0
    fault = packets.fault
    broken = (fault != Fault.NONE) & (fault != Fault.CUT)
    if empty.any():
        kind[empty & packets.padding & ~broken & (kind != PacketClass.LATE)] = (
            PacketClass.PADDING_ONLY
        )
    kind[broken & (kind != PacketClass.LATE)] = PacketClass.MALFORMED
    kind[ledger.duplicate] = PacketClass.DUPLICATE
    kind[ledger.captured_twice] = PacketClass.CAPTURED_TWICE
    kind[ledger.epoch == FOREIGN] = PacketClass.FOREIGN
    return kind


def account(
    packets: Packets,
    ledger: Ledger,
    arrivals: Arrivals,
    *,
    playout: Playout | None = None,
    repaired: npt.NDArray[np.int64] | None = None,
) -> Account:
    """The account of the streams of a ledger, of which `arrivals` are.

    `repaired`, shape (k,), tells how many lost slots of each stream were filled from other packets.
    """
    n, k = len(ledger), len(ledger.starts)
    slots = arrivals.slots
    kind = classify(packets, ledger, playout=playout)
    classes = len(PacketClass)
    cell = stream_numbers(ledger.starts, n).astype(np.int64) * classes + kind
    by_class = np.bincount(cell, minlength=k * classes).reshape(k, classes)

    table = np.zeros((k, len(SlotClass)), np.int64)
    held = np.bincount(slots.stream, minlength=k)
    late = by_class[:, PacketClass.LATE]
    table[:, SlotClass.RECEIVED] = held - late
    table[:, SlotClass.DISCARDED_LATE] = late
    table[:, SlotClass.LOST] = slots.expected - held
    if repaired is not None:
        table[:, SlotClass.LOST] -= repaired
        table[:, SlotClass.REPAIRED] = repaired
    table[:, SlotClass.SILENT] = arrivals.silences.slots(k)
    if slots.epoch.any():
        anew = (slots.stream[1:] == slots.stream[:-1]) & (slots.epoch[1:] != slots.epoch[:-1])
        table[:, SlotClass.RESTART] = np.bincount(slots.stream[1:][anew], minlength=k)
    return Account(kind, by_class, table)
