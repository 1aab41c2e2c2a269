"""A call out of many into a file of its own: with all of its frames, and no one else's."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

import rtpcap
from tests.capture.build import START_NS, Frame, ethernet, ipv4, udp
from tests.effort import sample
from tests.peers import require
from tests.signalling.build import audio
from tests.streams.made import talk
from tests.streams.scene import Film

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
SHARED = FIXTURES.parent.parent / "shared"


def two_calls() -> Film:
    """Two calls at the same time between the same hosts, each with RTCP."""
    film = Film()
    for number in (0, 1):
        a, b = 4000 + 100 * number, 5000 + 100 * number
        name = f"call-{number}@x"
        film.answered(audio(a), audio(b, host="10.0.0.2"), at_s=0.01 * number, call_id=name)
        alice, bob = ("10.0.0.1", a), ("10.0.0.2", b)
        film.speak(alice, bob, talk(50, start_s=0.5 + 0.001 * number, ssrc=10 + number))
        film.speak(bob, alice, talk(50, start_s=0.5 + 0.002 * number, ssrc=20 + number))
        report = b"\x80\xc9\x00\x01" + (10 + number).to_bytes(4, "big")
        film.say(1.6, ("10.0.0.1", a + 1), ("10.0.0.2", b + 1), report)
        film.hung_up(3.0 + 0.01 * number, call_id=name)
        film.say(3.5, ("10.0.0.1", a + 1), ("10.0.0.2", b + 1), report)
    return film


def test_one_of_two_calls_with_its_signalling_media_and_rtcp(tmp_path: Path) -> None:
    capture = two_calls().shown(tmp_path)
    out = tmp_path / "one.pcapng"
    done = capture.export(out, calls=capture.calls.select("call-1@x"))
    # INVITE, 180, 200, ACK, BYE, 200; two streams of 50; two reports.
    assert done.frames == 6 + 100 + 2
    again = rtpcap.open(out)
    assert [call.call_id for call in again.calls] == ["call-1@x"]
    assert {stream.ssrc for stream in again.streams} == {11, 21}
    assert {d.src_port for d in again.datagrams} == {5060, 4100, 5100, 4101}


def test_the_fragments_of_an_invite_are_all_there(tmp_path: Path) -> None:
    film = two_calls()
    frames = film.frames()
    first = film.sent[0][3] + b"\r\n" * 20
    whole = udp(first, src_port=5060, dst_port=5060)
    pieces = [
        Frame(
            ethernet(
                ipv4(
                    whole[at : at + 200],
                    # Offset in units of eight bytes; the bit says that more follow.
                    fragment=at // 8 | (at + 200 < len(whole)) << 13,
                    src="10.0.0.1",
                    dst="10.0.0.2",
                )
            ),
            START_NS + at,
        )
        for at in range(0, len(whole), 200)
    ]
    path = film.write(tmp_path, [*pieces, *frames[1:]])
    capture = rtpcap.open(path)
    out = tmp_path / "one.pcapng"
    done = capture.export(out, calls=capture.calls.select("call-0@x"))
    assert done.frames == len(pieces) + 5 + 100 + 2
    assert [call.status for call in rtpcap.open(out).calls] == [200]


def shared_calls() -> list[Path]:
    names = (
        "captures/irontec+sngrep/ipip.pcap",
        "captures/gprshome+wireshark/sip.pcap",
        "captures/vitalybupt+wireshark_samples/cisco.pcap",
        "captures/arkime+arkime/gtp-iphone.pcap",
        "captures/sipcapture+heplify/sip_tcp_websocket.pcap",
        "captures/goffinet+sip_captures/uac-uas-scenario-sipp.pcapng",
        "fixtures/pj-xr.pcap",
        "fixtures/br-tcp.pcap",
    )
    shipped = [FIXTURES / name for name in ("pj-pcmu.pcap", "pj-tcp.pcap", "pj-rtcpmux.pcap")]
    return [*shipped, *(SHARED / name for name in names)]


WANTED = "(sip || rtp) && !icmp && !icmpv6"
"""What an ICMP error quotes is no packet."""


def tshark_counts(path: Path) -> tuple[Counter[str], Counter[str]]:
    """(messages of each Call-ID, packets of each SSRC), as tshark reads them."""
    command = [
        require("tshark"),
        "-n",
        "-r",
        str(path),
        "-Y",
        WANTED,
        "-T",
        "fields",
    ]
    command += ["-e", "sip.Call-ID", "-e", "rtp.ssrc"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    calls: Counter[str] = Counter()
    ssrcs: Counter[str] = Counter()
    for line in done.stdout.splitlines():
        call_ids, _, ssrc = line.partition("\t")
        calls.update(filter(None, call_ids.split(",")))
        ssrcs.update(filter(None, ssrc.split(",")))
    return calls, ssrcs


@pytest.mark.peer
@pytest.mark.parametrize("path", sample(shared_calls(), 6), ids=lambda path: path.name)
def test_a_call_opens_in_tshark_with_the_same_messages_and_streams(
    path: Path, tmp_path: Path
) -> None:
    if not path.exists():
        pytest.skip("the folder shared is not beside the project")
    capture = rtpcap.open(path)
    told = [call for call in capture.calls if call.dialog is not None]
    call = max(told, key=lambda call: len(call.streams))
    out = tmp_path / "one.pcapng"
    capture.export(out, calls=[call])
    calls, ssrcs = tshark_counts(out)
    all_calls, all_ssrcs = tshark_counts(path)
    assert call.dialog is not None
    assert calls[call.dialog.call_id] == all_calls[call.dialog.call_id]
    for stream in call.streams:
        name = f"0x{stream.ssrc:08x}"
        assert ssrcs[name] == all_ssrcs[name]
