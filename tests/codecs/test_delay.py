"""What codecs look ahead is taken off: what was spoken lies on its sample."""

from __future__ import annotations

import numpy as np
import pytest

from rtpcap.audio.rendering import Rendering
from rtpcap.audio.track import Track
from rtpcap.codecs import find
from rtpcap.rtp.payload_types import Format
from tests.audio.build import Sent, packets
from tests.codecs.cases import CASES, Case
from tests.codecs.senders import by_pyav
from tests.codecs.voices import lag, speech

NUMBER = 96


def track(case: Case, payloads: list[bytes], *, compensate: bool) -> Track:
    ticks = case.packet_samples * case.format.clock_rate // find(case.format).sample_rate
    seconds = case.packet_samples / case.rate
    sent = [Sent(ticks * i, payload, NUMBER, seconds * i) for i, payload in enumerate(payloads)]
    rendering = Rendering(compensate_delay=compensate)
    return Track.lay(packets(sent), {NUMBER: case.format}, rendering=rendering)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_speech_lies_where_it_was_spoken(case: Case) -> None:
    payloads = case.send(speech(case.rate))
    for compensate in (True, False):
        line = track(case, payloads, compensate=compensate)
        assert line.length == case.packet_samples * len(payloads)
        samples, _ = line.read(0, line.length)
        delay = 0 if compensate else find(case.format).delay
        assert lag(speech(case.rate), samples) == delay


CLICK_AT = 4000

CLICKS = {
    "G722": lambda click: by_pyav("g722", click, 16000, step=320),
    "opus": lambda click: by_pyav("libopus", click, 48000),
}


@pytest.mark.parametrize("name", CLICKS)
def test_a_click_lands_on_its_sample(name: str) -> None:
    case = next(case for case in CASES if case.format.name == name)
    click = np.zeros(case.rate, np.int16)
    click[CLICK_AT * case.rate // 16000] = 30000
    line = track(case, CLICKS[name](click), compensate=True)
    samples, _ = line.read(0, line.length)
    assert int(np.argmax(np.abs(samples.astype(int)))) == CLICK_AT * case.rate // 16000


def test_a_click_of_uncompressed_audio_stays() -> None:
    click = np.zeros(8000, np.int16)
    click[CLICK_AT] = 30000
    payloads = [click[at : at + 160].astype(">i2").tobytes() for at in range(0, 8000, 160)]
    sent = [Sent(160 * i, payload, 11, 0.02 * i) for i, payload in enumerate(payloads)]
    line = Track.lay(packets(sent), {11: Format("L16", 8000)})
    assert (line.read(0, 8000)[0] == click).all()
