"""The steps of a call: what its signalling tells that happened, in order of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rtpcap.signalling import Moment

if TYPE_CHECKING:
    from rtpcap.signalling import Dialog
    from rtpcap.signalling.offers import Side

__all__ = ["Step", "steps_of"]


@dataclass(frozen=True)
class Step:
    """Something that happened to a call."""

    name: str
    """``INVITE``, ``ringing``, ``answer``, ``hold``, ``offer``, ``REFER``, ``BYE``, ``CANCEL``, or
    the status that refused it."""
    time_s: float | None
    """Seconds from the first frame of the file."""
    frame: int
    side: Side | None = None
    """Who did it, where that is told."""


def steps_of(dialog: Dialog, seconds: Callable[[Moment | None], float | None]) -> list[Step]:
    """The steps, in order of frames; `seconds` gives the time of a moment."""
    found: list[Step] = []

    def add(name: str, at: Moment | None, side: Side | None = None) -> None:
        if at is not None:
            found.append(Step(name, seconds(at), at.frame, side))

    add("INVITE", dialog.invited, "caller")
    add("ringing", dialog.progressed, "callee")
    add("answer", dialog.answered, "callee")
    begun = dialog.answered.frame if dialog.answered is not None else None
    offers = {
        epoch.offered.frame: epoch
        for epoch in dialog.epochs
        # What comes before the answer belongs to the INVITE.
        if epoch.leg == 0 and begun is not None and epoch.offered.frame > begun
    }
    for epoch in offers.values():
        held = any(media.held for media in epoch.offer)
        add("hold" if held else "offer", epoch.offered, epoch.offerer)
    for transfer in dialog.transfers:
        add("REFER", Moment(transfer.frame, transfer.time_ns), transfer.side)
    if dialog.hung_up is None or dialog.state in ("failed", "rejected"):
        add(str(dialog.status or "end"), dialog.ended, "callee")
    elif dialog.state == "cancelled":
        add("CANCEL", dialog.ended, dialog.hung_up)
    else:
        add("BYE", dialog.ended, dialog.hung_up)
    return sorted(found, key=lambda step: step.frame)
