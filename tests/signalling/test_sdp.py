"""Session descriptions: what a side wants to receive, and where."""

from __future__ import annotations

import pytest

from rtpcap.rtp.payload_types import Format
from rtpcap.signalling import Candidate, Media, SessionDescription, parse_sdp
from tests.signalling.build import text


def one(*lines: str) -> Media:
    (media,) = parse_sdp(text("v=0", "c=IN IP4 10.0.0.1", *lines)).media
    return media


def reasons(described: SessionDescription) -> list[str]:
    return [wrong.reason for wrong in described.malformed]


def test_an_audio_line() -> None:
    described = parse_sdp(
        text(
            "v=0",
            "o=alice 2890844526 2890844527 IN IP4 host.example.org",
            "s=a talk",
            "c=IN IP4 10.0.0.1",
            "b=AS:64",
            "t=0 0",
            "a=tool:x 1",
            "m=audio 49170 RTP/AVP 0 96 101",
            "a=rtpmap:96 opus/48000/2",
            "a=fmtp:96 useinbandfec=1; stereo=0",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=ptime:20",
            "a=maxptime:60.5",
            "a=recvonly",
            "a=extmap:1 urn:x",
        )
    )
    assert described.origin == "alice 2890844526 2890844527 IN IP4 host.example.org"
    assert (described.name, described.address) == ("a talk", "10.0.0.1")
    assert described.attributes == (("tool", "x 1"),)
    assert described.lines == ("v=0", "b=AS:64", "t=0 0")
    assert described.malformed == ()
    (media,) = described.media
    assert (media.kind, media.port, media.protocol) == ("audio", 49170, "RTP/AVP")
    assert (media.address, media.direction) == ("10.0.0.1", "recvonly")
    assert media.formats == {
        0: Format("PCMU", 8000),
        96: Format("opus", 48000, 2, "useinbandfec=1; stereo=0"),
        101: Format("telephone-event", 8000, 1, "0-15"),
    }
    assert list(media.formats) == [0, 96, 101]
    assert (media.ptime, media.maxptime) == (20.0, 60.5)
    assert (media.rtcp_port, media.rtcp_address, media.rtcp_mux) == (49171, "10.0.0.1", False)
    assert media.attributes == (("extmap", "1 urn:x"),)


def test_static_numbers_may_be_renamed_and_unknown_ones_are_kept() -> None:
    media = one("m=audio 4000 RTP/AVP 8 0 97 18", "a=rtpmap:0 G729/8000", "a=fmtp:18 annexb=no")
    assert media.formats == {
        8: Format("PCMA", 8000),
        0: Format("G729", 8000),
        18: Format("G729", 8000, 1, "annexb=no"),
    }
    assert media.other_formats == ("97",)


def test_the_g722_clock_is_that_of_rfc_3551() -> None:
    assert one("m=audio 4000 RTP/AVP 9").formats[9].clock_rate == 8000


def test_numbers_that_only_an_rtpmap_names_come_last() -> None:
    media = one("m=audio 4000 RTP/AVP 101", "a=rtpmap:96 opus/48000/2", "a=rtpmap:101 L16/8000")
    assert list(media.formats) == [101, 96]


def test_parameters_on_several_lines() -> None:
    media = one("m=audio 4000 RTP/AVP 97", "a=rtpmap:97 AMR/8000", "a=fmtp:97 a=1", "a=fmtp:97 b=2")
    assert media.formats[97].parameters == "a=1; b=2"


def test_session_lines_are_the_default_of_media_lines() -> None:
    first, second = parse_sdp(
        text(
            "v=0",
            "c=IN IP4 10.0.0.1",
            "a=sendonly",
            "a=setup:actpass",
            "a=fingerprint:sha-256 AA:BB",
            "a=ice-ufrag:u",
            "a=ice-pwd:p",
            "a=ptime:30",
            "a=group:BUNDLE 0 1",
            "m=audio 4000 RTP/AVP 0",
            "m=video 4002 RTP/AVP 31",
            "c=IN IP6 2001:db8::1",
            "a=inactive",
            "a=setup:active",
            "a=fingerprint:sha-1 CC",
            "a=ice-ufrag:own",
            "a=ptime:40",
        )
    ).media
    assert (first.address, first.direction, first.setup) == ("10.0.0.1", "sendonly", "actpass")
    assert (first.fingerprints, first.ice_ufrag, first.ice_pwd) == (("sha-256 AA:BB",), "u", "p")
    assert first.ptime == 30
    assert (second.address, second.direction, second.setup) == ("2001:db8::1", "inactive", "active")
    assert (second.fingerprints, second.ice_ufrag, second.ice_pwd) == (("sha-1 CC",), "own", "p")
    assert second.ptime == 40


def test_groups_mids_labels_and_sources() -> None:
    described = parse_sdp(
        text(
            "v=0",
            "a=group:BUNDLE a",
            "m=audio 9 UDP/TLS/RTP/SAVPF 111",
            "a=mid:a",
            "a=label:7",
            "a=ssrc:1234 cname:x",
            "a=ssrc:1234 msid:y",
            "a=ssrc:99 cname:x",
            "a=ssrc-group:FID 1234 99",
            "a=rtpmap:111 opus/48000/2",
        )
    )
    (media,) = described.media
    assert described.groups == ("BUNDLE a",)
    assert (media.mid, media.label, media.ssrcs) == ("a", "7", (1234, 99))
    assert ("ssrc-group", "FID 1234 99") in media.attributes
    assert media.formats[111].name == "opus"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], (4001, "10.0.0.1", False)),
        (["a=rtcp:4999"], (4999, "10.0.0.1", False)),
        (["a=rtcp:4999 IN IP4 10.0.0.7"], (4999, "10.0.0.7", False)),
        (["a=rtcp-mux"], (4000, "10.0.0.1", True)),
        (["a=rtcp:x"], (4001, "10.0.0.1", False)),
    ],
)
def test_where_rtcp_goes(lines: list[str], expected: tuple[int, str, bool]) -> None:
    media = one("m=audio 4000 RTP/AVP 0", *lines)
    assert (media.rtcp_port, media.rtcp_address, media.rtcp_mux) == expected


def test_lines_for_decryption_are_kept_as_they_are() -> None:
    crypto = "1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "|2^20|1:4"
    media = one(
        "m=audio 4000 RTP/SAVP 0",
        f"a=crypto:{crypto}",
        "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:BB",
        "a=fingerprint:sha-256 AA",
        "a=fingerprint:sha-1 BB",
    )
    assert media.crypto == (crypto, "2 AES_CM_128_HMAC_SHA1_32 inline:BB")
    assert media.fingerprints == ("sha-256 AA", "sha-1 BB")


def test_candidates() -> None:
    described = parse_sdp(
        text(
            "c=IN IP4 0.0.0.0",
            "m=audio 9 RTP/SAVPF 0",
            "a=candidate:1 1 UDP 2122 10.0.0.1 40000 typ host generation 0",
            "a=candidate:2 2 udp 1694 192.0.2.3 40001 typ srflx raddr 10.0.0.1 rport 40001",
            "a=candidate:3 1 tcp 10 2001:db8::1 9 typ host tcptype active",
            "a=candidate:broken",
        )
    )
    assert described.media[0].candidates == (
        Candidate(1, "udp", "10.0.0.1", 40000, "host"),
        Candidate(2, "udp", "192.0.2.3", 40001, "srflx"),
        Candidate(1, "tcp", "2001:db8::1", 9, "host"),
    )
    assert reasons(described) == ["candidate without an address"]


def test_fax() -> None:
    media = one("m=image 4000 udptl t38", "a=T38FaxVersion:0")
    assert media.is_fax
    assert (media.kind, media.formats, media.other_formats) == ("image", {}, ("t38",))
    assert not one("m=audio 4000 RTP/AVP 0").is_fax


@pytest.mark.parametrize(
    ("lines", "held"),
    [
        (["m=audio 4000 RTP/AVP 0"], False),
        (["m=audio 4000 RTP/AVP 0", "a=sendrecv"], False),
        (["m=audio 4000 RTP/AVP 0", "a=recvonly"], False),
        (["m=audio 4000 RTP/AVP 0", "a=sendonly"], True),
        (["m=audio 4000 RTP/AVP 0", "a=inactive"], True),
        (["m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0"], True),
        (["m=audio 4000 RTP/AVP 0", "c=IN IP6 ::"], True),
        # ICE: candidates follow.
        (["m=audio 9 RTP/AVP 0", "c=IN IP4 0.0.0.0", "a=ice-ufrag:x"], False),
        (["m=audio 9 RTP/AVP 0", "c=IN IP4 0.0.0.0", "a=ice-ufrag:x", "a=inactive"], True),
        # Port 0 is a line that is rejected or gone, not one on hold (RFC 3264 section 6, 8.2).
        (["m=audio 0 RTP/AVP 0", "a=inactive"], False),
    ],
)
def test_hold(lines: list[str], held: bool) -> None:
    media = one(*lines)
    assert media.held is held
    assert media.rejected is (media.port == 0)


def test_ports_in_number() -> None:
    media = one("m=audio 4000/2 RTP/AVP 0")
    assert (media.port, media.port_count) == (4000, 2)


def test_a_group_address() -> None:
    assert one("m=audio 4000 RTP/AVP 0", "c=IN IP4 224.2.36.42/127/3").address == "224.2.36.42"


def test_an_address_of_ipv6_is_spelt_as_flows_spell_it() -> None:
    media = one(
        "m=audio 4000 RTP/AVP 0",
        "c=IN IP6 2001:DB8:0:0::0:1",
        "a=rtcp:4001 IN IP6 2001:db8:0::2",
        "a=candidate:1 1 UDP 1 2001:0db8::0003 5000 typ host",
    )
    assert (media.address, media.rtcp_address) == ("2001:db8::1", "2001:db8::2")
    assert [candidate.address for candidate in media.candidates] == ["2001:db8::3"]
    assert one("m=audio 4000 RTP/AVP 0", "c=IN IP6 fe80::1::2").address == "fe80::1::2"


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_line_ends(end: str) -> None:
    data = text("v=0", "c=IN IP4 10.0.0.1", "m=audio 4000 RTP/AVP 0", "a=sendonly")
    assert parse_sdp(data.decode().replace("\r\n", end).encode()) == parse_sdp(data)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("this is no line", "line of no type"),
        ("m=audio", "media line without kind, port and protocol"),
        ("m=audio x RTP/AVP 0", "media line without kind, port and protocol"),
        ("m=audio 70000 RTP/AVP 0", "media line without kind, port and protocol"),
        ("m=audio 4000/x RTP/AVP 0", "media line without kind, port and protocol"),
        ("c=IN", "connection line without an address"),
        ("a=rtpmap:x PCMU/8000", "rtpmap without a payload number"),
        ("a=rtpmap:200 PCMU/8000", "rtpmap without a payload number"),
        ("a=rtpmap:0 nothing", "rtpmap that is no format"),
        ("a=rtpmap:0 x/y/z/w", "rtpmap that is no format"),
        ("a=rtcp:", "rtcp attribute without a port"),
    ],
)
def test_lines_that_cannot_be_read_are_reported(line: str, reason: str) -> None:
    described = parse_sdp(text("v=0", "m=audio 4000 RTP/AVP 0", line, "a=ptime:20"))
    assert reasons(described) == [reason]
    assert described.malformed[0].text == line
    assert described.media[0].port == 4000


def test_a_media_line_that_cannot_be_read_keeps_its_place() -> None:
    first, second = parse_sdp(text("m=", "a=ptime:7", "m=audio 4000 RTP/AVP 0")).media
    assert (first.kind, first.port, first.ptime) == ("", 0, 7)
    assert (second.port, second.ptime) == (4000, None)


def test_equal_lines_are_equal_media() -> None:
    lines = ("m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 opus/48000/2", "a=sendonly")
    assert one(*lines) == one(*lines)
    assert one(*lines) != one(*lines[:2])
