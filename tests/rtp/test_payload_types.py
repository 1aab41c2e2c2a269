"""PayloadType and Format against RFC 3551 section 6."""

from __future__ import annotations

import pytest

from rtpcap.errors import DynamicPayloadType
from rtpcap.rtp.payload_types import ASSIGNED, STATIC_FORMATS, Format, PayloadType, static_format

# RFC 3551 tables 4 and 5, as the contract of the seed spells them.
STATIC = {
    "PCMU": (0, 8000, 1, "PCMU"),
    "GSM": (3, 8000, 1, "GSM"),
    "G723": (4, 8000, 1, "G723"),
    "DVI4_8000": (5, 8000, 1, "DVI4"),
    "DVI4_16000": (6, 16000, 1, "DVI4"),
    "LPC": (7, 8000, 1, "LPC"),
    "PCMA": (8, 8000, 1, "PCMA"),
    "G722": (9, 8000, 1, "G722"),
    "L16_2": (10, 44100, 2, "L16"),
    "L16": (11, 44100, 1, "L16"),
    "QCELP": (12, 8000, 1, "QCELP"),
    "CN": (13, 8000, 1, "CN"),
    "MPA": (14, 90000, 0, "MPA"),
    "G728": (15, 8000, 1, "G728"),
    "DVI4_11025": (16, 11025, 1, "DVI4"),
    "DVI4_22050": (17, 22050, 1, "DVI4"),
    "G729": (18, 8000, 1, "G729"),
    "CELB": (25, 90000, 0, "CelB"),
    "JPEG": (26, 90000, 0, "JPEG"),
    "NV": (28, 90000, 0, "nv"),
    "H261": (31, 90000, 0, "H261"),
    "MPV": (32, 90000, 0, "MPV"),
    "MP2T": (33, 90000, 1, "MP2T"),
    "H263": (34, 90000, 0, "H263"),
}


@pytest.mark.parametrize("name", STATIC)
def test_static_member(name: str) -> None:
    member = PayloadType[name]
    number, rate, channel, description = STATIC[name]
    assert (member.value, member.rate, member.channel, member.description) == STATIC[name]
    assert int(member) == number
    assert str(member) == description
    assert PayloadType(number) is member
    found = static_format(number)
    assert found == Format(description, rate, max(channel, 1))


def test_there_are_24_static_members_and_no_alias() -> None:
    numbers = [member for member in PayloadType if isinstance(member.value, int)]
    assert len(numbers) == len(STATIC_FORMATS) == 24
    assert len(PayloadType.__members__) == len(list(PayloadType))


def test_event() -> None:
    event = PayloadType("telephone-event")
    assert event is PayloadType.EVENT
    assert (event.rate, event.channel, str(event)) == (8000, 0, "telephone-event")
    with pytest.raises(DynamicPayloadType, match="telephone-event"):
        int(event)


@pytest.mark.parametrize(
    "name", ["opus", "AMR", "AMR-WB", "iLBC", "G726-16", "G726-40", "speex", "L24", "red"]
)
def test_dynamic_members_are_valued_by_name(name: str) -> None:
    member = PayloadType(name)
    assert member.value == str(member) == name
    assert PayloadType(name.upper()) is member
    with pytest.raises(DynamicPayloadType):
        int(member)
    with pytest.raises(LookupError):
        int(member)


@pytest.mark.parametrize("value", [1, 96, 128, "no such codec", None])
def test_what_is_no_payload_type(value: object) -> None:
    with pytest.raises(ValueError):
        PayloadType(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["rate", "channel", "description", "value", "anything"])
def test_members_do_not_change(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(PayloadType.PCMU, name, 1)
    assert PayloadType.PCMU.rate == 8000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PCMU/8000", Format("PCMU", 8000)),
        ("pcmu", Format("PCMU", 8000)),
        ("L16/44100/2", Format("L16", 44100, 2)),
        ("L16/16000", Format("L16", 16000)),
        ("telephone-event/48000", Format("telephone-event", 48000)),
        ("OPUS/48000/2", Format("opus", 48000, 2)),
        ("g722", Format("G722", 8000)),
        ("X-unheard.of/7000", Format("X-unheard.of", 7000)),
        (" PCMA/8000 ", Format("PCMA", 8000)),
    ],
)
def test_format_is_read(text: str, expected: Format) -> None:
    assert Format.parse(text) == expected
    assert Format.parse(str(expected)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "/8000", "PCMU/", "PCMU/0", "PCMU/-8000", "PCMU/8000/2/1", "PC MU/8000", "speex"),
        *("DVI4", "PCMU/٨٠٠٠", "PCMU/8e3", "unheard", "PCMU\n/8000", "PCMU/99999999999"),
    ],
)
def test_what_is_no_format(text: str) -> None:
    with pytest.raises(ValueError):
        Format.parse(text)


def test_kinds() -> None:
    assert Format("telephone-event", 8000).is_event
    assert Format("CN", 8000).is_comfort_noise
    not_media = ["telephone-event", "CN", "ulpfec", "flexfec", "parityfec", "rtx"]
    assert not any(Format(name, 8000).is_media for name in not_media)
    assert all(Format(name, 8000).is_media for name in ("PCMU", "red", "opus", "H264"))
    assert all(Format(name, 90000).is_video for name in ("H264", "VP8", "h261", "JPEG"))
    assert not any(Format(name, 8000).is_video for name in ("PCMU", "MPA", "ulpfec", "opus"))


def test_numbers_that_are_no_sign_of_rtp() -> None:
    # RFC 3551 table 4 and 5: unassigned, and reserved against RTCP (72 to 76).
    unassigned = {*range(20, 25), 27, 29, 30, *range(35, 96)}
    assert not ASSIGNED & unassigned
    assert {0, 8, 9, 18, 34, 96, 127} <= ASSIGNED
