"""Pictures as they should look: what is drawn, and how one is compared with its reference.

``python -m tests.views.images`` draws the references anew; look at each before you keep it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from PIL import Image

import rtpcap
from rtpcap.streams.findings.finding import Finding
from rtpcap.views import plot
from tests.views.build import Sent, capture, eventful, steady

HERE = Path(__file__).parent
FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"

WIDTH_PX = 400
COLOURS = 256
"""A reference is kept in so many colours: a small file, and near enough."""
BLUR, STEP = 9, 3
"""Pictures are compared by the means of squares of so many pixels, so many pixels apart: letters
that another version of matplotlib sets a part of a pixel aside are the same."""
DOWN, ASIDE = 4, 2
"""Steps by which something may lie lower or higher, or to the side: those versions set lines of
text more or less apart, and Axes are as high as that leaves them."""
MADE_WITH = "3.11"
"""The matplotlib that drew the references."""
LIMIT = 12.0 if matplotlib.__version__.startswith(f"{MADE_WITH}.") else 80.0
"""The most that a square may differ, of 255, in a colour: with the matplotlib of the references a
word that is missing shows, with others, whose letters are higher, a mark or a line."""

Pixels = npt.NDArray[np.float64]
Scene = Callable[[Path], Figure]


def bursty() -> list[Sent]:
    """20 s of speech: 1 in 10 lost from second 5 to 10, 1 in 4 much too late from 12 to 15."""
    sent = []
    for packet in steady(1000):
        if 5 <= packet.time_s < 10 and packet.sequence % 10 == 3:
            continue
        late = 12 <= packet.time_s < 15 and packet.sequence % 4 == 1
        sent.append(replace(packet, time_s=packet.time_s + (0.11 if late else 0.0)))
    return sorted(sent, key=lambda packet: packet.time_s)


def many() -> list[Sent]:
    """24 streams, a second apart: some lose nothing, some a little, some much, one is on hold."""
    sent = []
    for number in range(24):
        share = (0, 0, 150, 30, 8)[number % 5]
        for packet in steady(300 + 25 * (number % 4), time_s=float(number)):
            if share and packet.sequence % share == 5:
                continue
            if number == 10 and 100 <= packet.sequence < 200:
                continue
            own = replace(packet, ssrc=0x100 + number, src_port=5000 + 2 * number)
            sent.append(own)
    return sorted(sent, key=lambda packet: packet.time_s)


def _stream(folder: Path, sent: list[Sent]) -> rtpcap.Stream:
    return rtpcap.open(capture(folder / "scene.pcap", sent)).streams[0]


def _fixture(name: str) -> rtpcap.Capture:
    return rtpcap.open(FIXTURES / name)


def _with_findings(dark: bool) -> Figure:
    found = _fixture("pj-pcmu.pcap")
    call = found.calls[0]
    findings = [
        Finding("an-example", "error", "nobody answered", frames=(40,), call=call.call_id),
        Finding("an-example", "note", "keys were pressed", frames=(210, 230), call=call.call_id),
        Finding("an-example", "error", "of another call", frames=(1,), call="another"),
    ]
    return plot.page(found, "call", WIDTH_PX, call=call, findings=findings, dark=dark)


SCENES: dict[str, Scene] = {
    "gaps": lambda folder: plot.chart([_stream(folder, eventful())], WIDTH_PX),
    "gaps-dark": lambda folder: plot.chart([_stream(folder, eventful())], WIDTH_PX, dark=True),
    "jitter": lambda folder: plot.chart([_stream(folder, bursty())], WIDTH_PX, kind="jitter"),
    "quality": lambda folder: plot.chart([_stream(folder, bursty())], WIDTH_PX, kind="quality"),
    "buffer": lambda folder: plot.chart([_stream(folder, bursty())], WIDTH_PX, kind="buffer"),
    "waveform": lambda _: plot.chart(
        _fixture("gst-loss.pcap").streams[:1], WIDTH_PX, kind="waveform"
    ),
    "spectrogram": lambda _: plot.chart(
        _fixture("gst-dtmf.pcap").streams[:1], WIDTH_PX, kind="spectrogram"
    ),
    "ladder": lambda _: plot.page(
        (found := _fixture("pj-pcmu.pcap")), "ladder", WIDTH_PX, call=found.calls[0]
    ),
    "timeline": lambda folder: plot.page(
        rtpcap.open(capture(folder / "scene.pcap", many())), "timeline", WIDTH_PX
    ),
    "call": lambda _: _with_findings(False),
    "call-dark": lambda _: _with_findings(True),
}
"""Name of the reference -> how its picture is drawn; scratch files go into the folder."""


def pixels_of(figure: Figure) -> Pixels:
    """The figure as an image, shape (height, width, 3), 0 to 255."""
    memory = BytesIO()
    figure.savefig(memory, format="png")
    return np.asarray(Image.open(memory).convert("RGB"), np.float64)


def reference(name: str) -> Pixels:
    """What a scene should look like."""
    with Image.open(HERE / f"{name}.png") as image:
        return np.asarray(image.convert("RGB"), np.float64)


def keep(name: str, pixels: Pixels) -> Path:
    """Write a reference."""
    path = HERE / f"{name}.png"
    image = Image.fromarray(pixels.astype(np.uint8))
    image = image.quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
    image.save(path, optimize=True)
    return path


def difference(one: Pixels, other: Pixels) -> float:
    """How far a square of one picture is from all squares about there of the other, of 255.

    That of the worst square, whichever picture it is in: what is missing in one is too much in the
    other. Pictures of other sizes differ by 255.
    """
    if one.shape != other.shape:
        return 255.0
    first, second = _squares(one), _squares(other)
    return max(_astray(first, second), _astray(second, first))


def _squares(pixels: Pixels) -> Pixels:
    for axis in (0, 1):
        sums = np.cumsum(pixels, axis=axis)
        size = sums.shape[axis]
        ahead = np.take(sums, range(BLUR, size, STEP), axis=axis)
        behind = np.take(sums, range(0, size - BLUR, STEP), axis=axis)
        pixels = (ahead - behind) / BLUR
    return pixels


def _astray(one: Pixels, other: Pixels) -> float:
    tall, wide = one.shape[:2]
    beyond = np.pad(other, ((DOWN, DOWN), (ASIDE, ASIDE), (0, 0)), mode="edge")
    nearest = np.full((tall, wide), np.inf)
    for down in range(2 * DOWN + 1):
        for aside in range(2 * ASIDE + 1):
            moved = beyond[down : down + tall, aside : aside + wide]
            np.minimum(nearest, np.abs(one - moved).max(axis=2), out=nearest)
    return float(nearest.max())
