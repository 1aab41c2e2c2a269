"""The flows of a capture in words: what each was taken for, why, and what would change that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from textwrap import wrap
from typing import TYPE_CHECKING

from rtpcap.streams.counted import counted
from rtpcap.views.text import visible

if TYPE_CHECKING:
    from rtpcap.api import Capture
    from rtpcap.streams.explain import Explanation

__all__ = ["explanation"]

INDENT = "  "
NARROWEST = 40


def explanation(captures: Iterable[Capture], width: int, *, files: bool = False) -> Iterator[str]:
    """The lines about each flow of each capture; with `files` each capture is named."""
    for number, capture in enumerate(captures):
        flows = capture.explain()
        if files:
            if number:
                yield ""
            yield visible(capture.path)
        if not len(flows):
            yield "no UDP payload in it"
        for flow in flows:
            yield from _about(flow, max(width, NARROWEST))


def _about(flow: Explanation, width: int) -> Iterator[str]:
    src, src_port, dst, dst_port, transport = flow.flow
    route = f"{_end(src, src_port)} > {_end(dst, dst_port)}"
    if transport != "udp":
        route += f" {transport}"
    yield from wrap(
        f"{route}  {counted(flow.packets, 'packet')}, {counted(flow.bytes, 'byte')}, "
        f"from frame {flow.first_frame}",
        width,
        subsequent_indent=INDENT,
        break_on_hyphens=False,
    )
    what = flow.taken_for
    if len(flow.mixture) > 1:
        what += f" ({', '.join(part.replace(':', ' ') for part in flow.mixture)})"
    yield from _folded(f"{what}: {visible(flow.why)}", width)
    if flow.to_change:
        yield from _folded(f"to change that: {flow.to_change}", width)


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _folded(text: str, width: int) -> Iterator[str]:
    # A number and its % stay together.
    lines = wrap(
        text.replace(" %", "\N{NO-BREAK SPACE}%"),
        width,
        initial_indent=INDENT,
        subsequent_indent=INDENT * 2,
        break_on_hyphens=False,
    )
    yield from (line.replace("\N{NO-BREAK SPACE}", " ") for line in lines)
