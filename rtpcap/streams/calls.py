"""The calls of a capture: those that signalling tells of, and what other streams let guess."""

from __future__ import annotations

from rtpcap.streams.call import Call, Calls
from rtpcap.streams.guessed import guess_calls
from rtpcap.streams.matching import Match, Matched
from rtpcap.streams.stream import Stream
from rtpcap.streams.streams import Streams

__all__ = ["find_calls"]


def find_calls(streams: Streams, matched: Matched, start_ns: int | None) -> Calls:
    """A `Call` for each call of the signalling, with its streams; the rest is guessed.

    `start_ns` is the time of the capture's first frame.
    """
    of_call: dict[int, list[tuple[Stream, Match]]] = {}
    rest = []
    for stream in streams:
        match = matched.matches.get(stream.index)
        if match is None:
            rest.append(stream)
        else:
            of_call.setdefault(match.dialog, []).append((stream, match))
    seen: dict[str, int] = {}
    calls = []
    for number, dialog in enumerate(matched.calls):
        count = seen[dialog.call_id] = seen.get(dialog.call_id, 0) + 1
        mine = sorted(of_call.get(number, ()), key=lambda pair: pair[1].side == "callee")
        calls.append(
            Call(
                dialog.call_id if count == 1 else f"{dialog.call_id}#{count}",
                [stream for stream, match in mine if match.side == "caller"],
                [stream for stream, match in mine if match.side == "callee"],
                dialog=dialog,
                matches=[match for _, match in mine],
                start_ns=start_ns,
            )
        )
    calls += guess_calls(rest)
    return Calls(sorted(calls, key=lambda call: call.first_frame), start_ns=start_ns)
