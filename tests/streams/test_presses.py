"""One table of key presses, from events, INFO and sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.audio.dtmf import find_keys
from rtpcap.audio.places import Places
from rtpcap.streams.digits import Digit, Source
from rtpcap.streams.presses import double_risks, inband, presses
from tests.audio.sounds import key, line, silence

START_NS = 1_700_000_000_000_000_000
SSRC = 0x343FFA34


def digit(
    symbol: str, start_s: float | None, source: Source = "rfc4733", duration_s: float = 0.1
) -> Digit:
    frame = 1 if start_s is None else 1 + round(start_s * 50)
    return Digit(symbol, start_s, duration_s, source, frame, SSRC)


def dialled(keys: str, source: Source, *, step_s: float = 0.3, late_s: float = 0.0) -> list[Digit]:
    return [digit(k, 1 + number * step_s + late_s, source) for number, k in enumerate(keys)]


def text(table: list[Digit]) -> str:
    return "".join(press.digit for press in table)


@pytest.mark.parametrize("source", ["rfc4733", "sip-info", "inband"])
def test_one_source_alone(source: Source) -> None:
    table = presses(dialled("1590*#A", source))
    assert text(table) == "1590*#A"
    assert {press.source for press in table} == {source}
    assert all(press.also_in == () for press in table)
    assert double_risks(table) == []


@pytest.mark.parametrize(
    ("first", "second", "late_s"),
    [
        ("rfc4733", "inband", -0.06),
        ("rfc4733", "inband", 0.04),
        ("rfc4733", "sip-info", 0.25),
        ("rfc4733", "sip-info", 0.8),
        ("sip-info", "inband", -0.4),
    ],
)
def test_the_same_presses_seen_twice(first: Source, second: Source, late_s: float) -> None:
    sent = dialled("1225550", first) + dialled("1225550", second, late_s=late_s)
    table = presses(sent)
    assert text(table) == "1225550"
    assert [(press.source, press.also_in) for press in table] == [(first, (second,))] * 7
    # The figures are those of the more exact source, and each press has its own other sighting.
    for press, one, other in zip(table, sent[:7], sent[7:], strict=True):
        assert press.seen == (one, other)
        assert (press.start_s, press.frame) == (one.start_s, one.frame)


def test_all_three() -> None:
    sent = (
        dialled("99", "rfc4733") + dialled("99", "inband", late_s=-0.03) + dialled("99", "sip-info")
    )
    table = presses(sent)
    assert [press.also_in for press in table] == [("sip-info", "inband")] * 2
    (risk, _) = double_risks(table)
    assert (risk.sources, risk.times) == (("rfc4733", "sip-info", "inband"), 3)


def test_presses_that_only_one_source_saw() -> None:
    sent = [*dialled("123", "rfc4733"), digit("2", 1.28, "inband"), digit("7", 1.9, "inband")]
    table = presses(sent)
    assert [(press.digit, press.source, press.also_in) for press in table] == [
        ("1", "rfc4733", ()),
        ("2", "rfc4733", ("inband",)),
        ("3", "rfc4733", ()),
        ("7", "inband", ()),
    ]


def test_the_same_digit_later_is_another_press() -> None:
    table = presses([digit("5", 1), digit("5", 1.5, "inband")])
    assert [(press.source, press.also_in) for press in table] == [("rfc4733", ()), ("inband", ())]


def test_one_of_two_presses_goes_to_the_nearer_one() -> None:
    table = presses([digit("5", 1.0), digit("5", 2.0), digit("5", 1.9, "sip-info")])
    assert [press.also_in for press in table] == [(), ("sip-info",)]


def test_a_long_press_with_its_sound_in_pieces() -> None:
    sent = [digit("8", 1.0, duration_s=2.0)]
    sent += [digit("8", at, "inband", 0.05) for at in (0.98, 1.5, 2.2)] + [
        digit("8", 3.5, "inband")
    ]
    table = presses(sent)
    assert [(press.source, len(press.seen)) for press in table] == [("rfc4733", 4), ("inband", 1)]
    (risk,) = double_risks(table)
    assert risk.times == 4


def test_a_leak_too_short_to_be_heard_is_no_risk() -> None:
    leak = [digit("8", 1.0), digit("8", 0.99, "inband", 0.02)]
    assert [press.also_in for press in presses(leak)] == [("inband",)]
    assert double_risks(presses(leak)) == []
    heard = [digit("8", 1.0), digit("8", 0.99, "inband", 0.04)]
    (risk,) = double_risks(presses(heard))
    assert (risk.press.digit, risk.sources, risk.times) == ("8", ("rfc4733", "inband"), 2)


def test_presses_without_a_time_stand_alone_at_the_end() -> None:
    table = presses([digit("1", None), digit("1", 1.0), digit("1", 1.0, "inband")])
    assert [(press.start_s, press.also_in) for press in table] == [(1.0, ("inband",)), (None, ())]


def test_rows() -> None:
    (press,) = presses([digit("1", 1.0), digit("1", 1.0, "inband")])
    assert press.row() == {
        "ssrc": "0x343ffa34",
        "digit": "1",
        "start_s": 1.0,
        "duration_s": 0.1,
        "source": "rfc4733",
        "frame": 51,
        "also_in": ["inband"],
    }
    info = Digit("#", 1.0, None, "sip-info", 9, None)
    assert presses([info])[0].row() == {
        "ssrc": None,
        "digit": "#",
        "start_s": 1.0,
        "duration_s": None,
        "source": "sip-info",
        "frame": 9,
        "also_in": [],
    }
    assert repr(info) == "Digit('#', start_s=1.0, duration_s=None, source='sip-info')"
    assert repr(press) == (
        "Digit('1', start_s=1.0, duration_s=0.1, source='rfc4733', also_in=('inband',))"
    )


def test_sound_has_the_frame_in_which_it_begins() -> None:
    audio = line(silence(0.095), key("4"), silence(0.1))
    begin = np.arange(0, 2400, 160)
    frame = np.arange(100, 130, 2, dtype=np.uint32)
    time_ns = START_NS + 7 * 10**9 + begin * 125_000
    places = Places.of(begin, np.full(15, 160), frame, time_ns, 8000, 8000)
    (found,) = inband(find_keys(audio), places, ssrc=SSRC, start_ns=START_NS)
    # 95 ms lie in the fifth packet, 80 to 100 ms.
    assert (found.digit, found.source, found.frame) == ("4", "inband", 108)
    assert found.start_s == pytest.approx(7.095, abs=0.002)


sightings = st.builds(
    digit,
    st.sampled_from("12"),
    st.none() | st.floats(0, 5),
    st.sampled_from(["rfc4733", "sip-info", "inband"]),
    st.floats(0, 3),
)


@given(st.lists(sightings, max_size=30))
def test_every_sighting_is_in_exactly_one_press(sent: list[Digit]) -> None:
    table = presses(sent)
    seen = [one for press in table for one in press.seen]
    assert sorted(map(repr, seen)) == sorted(map(repr, sent))
    for press in table:
        assert {one.digit for one in press.seen} == {press.digit}
        assert press.source not in press.also_in
        once = [one.source for one in press.seen if one.source != "inband"]
        assert len(once) == len(set(once))


def test_a_crowd_of_sightings_at_once_take_a_moment() -> None:
    for spread_s in (0.0, 5.0, 500.0):
        sent = [
            digit("1", 1 + number * spread_s / 5000, source)
            for source in ("rfc4733", "sip-info", "inband")
            for number in range(5000)
        ]
        assert sum(len(press.seen) for press in presses(sent)) == 15_000
