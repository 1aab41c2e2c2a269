"""RTPClient, rule by rule, as its contract words them.

What depends on time stands in test_sender.py, test_keys.py and test_receiver.py, on a made-up
clock: absolute deadlines, wraps, talkspurts, key presses, sources that begin anew.
"""

from __future__ import annotations

import gc
import hashlib
import inspect
import logging
import socket
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

import rtpcap
from rtpcap import (
    DynamicPayloadType,
    Format,
    PayloadType,
    RTPClient,
    RTPMessage,
    RTPParseError,
    TransmitType,
)
from rtpcap.live.coding import AUDIO, CODES
from tests.live.loopback import client, eventually, free_port, open_files, pair, threads
from tests.live.made import ASSOC, event, message, packet
from tests.live.test_receiver import HOSTILE

EVERY_BYTE = bytes(range(256))
PROC = Path("/proc/self/fd").is_dir()


def test_signature_is_that_of_the_text() -> None:
    parameters = inspect.signature(RTPClient).parameters
    assert list(parameters)[:7] == [
        "assoc", "inIP", "inPort", "outIP", "outPort", "sendrecv", "dtmf",
    ]  # fmt: skip
    assert parameters["dtmf"].default is None
    assert str(inspect.signature(RTPClient.read)).startswith("(self, length: ")
    assert inspect.signature(RTPClient.read).parameters["length"].default == 160
    assert inspect.signature(RTPClient.read).parameters["blocking"].default is True
    for name, argument in {
        "write": "data",
        "parse_packet": "packet",
        "encode_packet": "payload",
        "parse_pcmu": "packet",
        "encode_pcmu": "packet",
        "parse_pcma": "packet",
        "encode_pcma": "payload",
        "parse_telephone_event": "packet",
    }.items():
        assert list(inspect.signature(getattr(RTPClient, name)).parameters) == ["self", argument]
    for name in ("start", "stop", "recv", "trans"):
        assert list(inspect.signature(getattr(RTPClient, name)).parameters) == ["self"]


def test_keywords_of_the_text() -> None:
    made = RTPClient(
        assoc={0: PayloadType.PCMU},
        inIP="127.0.0.1",
        inPort=0,
        outIP="127.0.0.1",
        outPort=9,
        sendrecv=TransmitType.SENDRECV,
        dtmf=None,
    )
    assert made.encode_pcmu(packet=b"\x80") == b"\xff"
    assert made.encode_pcma(payload=b"\x80") == b"\xd5"
    assert made.encode_packet(payload=b"\x80") == b"\xff"
    assert made.read(length=3, blocking=False) == bytes(3)


@pytest.mark.skipif(not PROC, reason="open files are counted in /proc")
def test_no_socket_before_start_so_parse_and_encode_work_offline() -> None:
    before = open_files()
    made = client()
    made.parse_packet(packet(1, 160, EVERY_BYTE[:160]))
    assert made.read(160) != b"\x80" * 160
    assert made.encode_packet(b"\x80" * 160) == b"\xff" * 160
    assert open_files() == before
    assert threads() == []


# Index = code: a table of 256 bytes each, by its SHA-1.
DECODE = {
    "pcmu": "476ad183ff805877c4c5df0af8e7c9d13159ac08",
    "pcma": "790ad78af6fe2c240fa900ec687deccbe98dafa9",
}
ENCODE = {
    "pcmu": "aca43755f1334a4e58c7e025cc990859d0446e7d",
    "pcma": "263be3853cc389c1e00eb8ec0cdd6ce855c9ca5a",
}


@pytest.mark.parametrize("law", ["pcmu", "pcma"])
def test_8_bit_audio_tables(law: str) -> None:
    made = client()
    number = {"pcmu": 0, "pcma": 8}[law]
    parse = getattr(made, f"parse_{law}")
    parse(message(packet(1, 160, EVERY_BYTE, payload_type=number)))
    assert hashlib.sha1(made.read(256)).hexdigest() == DECODE[law]
    encoded = getattr(made, f"encode_{law}")(EVERY_BYTE)
    assert hashlib.sha1(encoded).hexdigest() == ENCODE[law]


def test_8_bit_audio_is_the_upper_half_of_16() -> None:
    narrow, wide = client(), client(sample_width=2)
    data = packet(1, 160, EVERY_BYTE)
    narrow.parse_packet(data)
    wide.parse_packet(data)
    samples = np.frombuffer(wide.read(512), np.int16)
    assert narrow.read(256) == (128 + (samples >> 8)).astype(np.uint8).tobytes()


def test_sample_width_2_gives_16_bits_for_g711() -> None:
    made = client(sample_width=2)
    assert (made.sample_width, made.sample_rate, made.channels) == (2, 8000, 1)
    made.parse_packet(packet(1, 160, EVERY_BYTE))
    audio = made.read(512)
    # G.711: what was decoded encodes to the same codes, but for the second zero.
    wanted = EVERY_BYTE.replace(b"\x7f", b"\xff")
    assert made.encode_packet(audio) == made.encode_pcmu(audio) == wanted


def test_codecs_beyond_g711_are_always_16_bit_at_the_sample_rate() -> None:
    made = client(assoc={96: PayloadType.L16}, formats={96: Format("L16", 16000, 2)})
    assert (made.sample_width, made.sample_rate, made.channels) == (2, 16000, 2)
    assert made.encode_packet(b"\x01\x02\x03\x04" * 320) == b"\x02\x01\x04\x03" * 320


def test_preference_is_the_first_that_can_be_encoded_on_its_negotiated_number() -> None:
    assoc = {
        101: PayloadType.EVENT,
        34: PayloadType.H263,
        97: PayloadType.PCMA,
        0: PayloadType.PCMU,
    }
    made = client(assoc=assoc)
    assert (made.preference, made.preferred_number) == (PayloadType.PCMA, 97)
    assert made.encode_packet(b"\x80") == b"\xd5"


def test_preference_none_is_an_rtpparseerror_in_the_constructor() -> None:
    with pytest.raises(RTPParseError):
        client(assoc={34: PayloadType.H263})
    with pytest.raises(DynamicPayloadType):
        int(PayloadType.EVENT)


def test_read_with_nothing_there_is_zeros_of_that_length() -> None:
    made = client()
    assert made.read(160, blocking=False) == bytes(160)
    assert made.read(7, False) == bytes(7)


def test_read_0_is_nothing_at_once() -> None:
    assert client().read(0) == b""
    assert client().read(0, blocking=False) == b""


def test_read_what_is_missing_is_silence() -> None:
    made = client()
    made.parse_packet(packet(1, 160, b"\x00" * 10))
    made.parse_packet(packet(2, 180, b"\x00" * 10))
    assert made.read(40) == b"\x02" * 10 + b"\x80" * 10 + b"\x02" * 10 + b"\x80" * 10


def test_blocking_read_waits_for_data() -> None:
    made = client()
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(made.read(160, blocking=True)))
    reader.start()
    reader.join(0.05)
    assert reader.is_alive()
    made.parse_packet(packet(1, 160, b"\x00" * 160))
    reader.join(10)
    assert got == [b"\x02" * 160]


def test_blocking_read_returns_received_digital_silence_as_data() -> None:
    made = client()
    made.parse_packet(packet(1, 160, b"\xff" * 160))
    assert made.read(160, blocking=True) == b"\x80" * 160


def test_blocking_read_is_released_by_stop() -> None:
    made = client(port=0)
    made.start()
    got: list[bytes] = []
    readers = [threading.Thread(target=lambda: got.append(made.read(160))) for _ in range(3)]
    for reader in readers:
        reader.start()
    readers[0].join(0.05)
    assert all(reader.is_alive() for reader in readers)
    made.stop()
    for reader in readers:
        reader.join(10)
    assert got == [bytes(160)] * 3


def test_stop_before_start_is_harmless_and_twice_too() -> None:
    made = client()
    made.stop()
    made.stop()
    assert made.read(5) == bytes(5)


def test_start_after_stop_works_and_start_twice_is_one_start() -> None:
    one, other = pair()
    come = 0

    def more_came() -> bool:
        source = other.statistics().source
        return source is not None and source.packets > come

    for _ in range(2):
        with one, other:
            one.start()
            eventually(more_came)
            source = other.statistics().source
            assert source is not None
            come = source.packets
        assert not one.running
    # What was sent in the moment of stopping may have come to a closed port.
    assert source is not None
    assert source.lost <= 2
    assert threads() == []


def test_audio_and_keys_go_both_ways_over_one_socket() -> None:
    pressed: list[str] = []
    one, other = pair()
    other.dtmf = pressed.append
    said = bytes(range(1, 129)) * 10
    with one, other:
        one.send_dtmf("1#", duration_ms=40, pause_ms=0)
        one.write(said)
        eventually(lambda: pressed == ["1", "#"] and not one.unsent)
        eventually(lambda: (s := other.statistics()) and s.source and s.source.packets > 20)
    heard = other.read(20_000, blocking=False)
    assert said.translate(CODES["PCMU"]).translate(AUDIO["PCMU"])[:1000] in heard
    # Symmetric RTP: what was received on is what was sent from (RFC 4961).
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(10)
        with client(to=peer.getsockname()[1]) as made:
            data, address = peer.recvfrom(2048)
            assert address == ("127.0.0.1", made.inPort)
            assert RTPMessage(data, ASSOC).payload == b"\xff" * 160


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_ipv6_works() -> None:
    one, other = pair("::1")
    with one, other:
        eventually(lambda: other.statistics().source and one.statistics().source)


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_ipv6_port_for_all_also_talks_ipv4() -> None:
    four, six = free_port(), free_port()
    one = client(port=four, to=six)
    other = RTPClient(ASSOC, "::", six, "127.0.0.1", four, TransmitType.SENDRECV)
    with one, other:
        eventually(lambda: other.statistics().source and one.statistics().source)


def test_sendrecv_sendonly_delivers_nothing_recvonly_sends_nothing() -> None:
    one, other = pair()
    one.sendrecv, other.sendrecv = TransmitType.SENDONLY, TransmitType.RECVONLY
    with one, other:
        eventually(lambda: (s := other.statistics().source) and s.packets > 3)
        one.parse_packet(packet(1, 160))
    assert one.read(160, blocking=False) == bytes(160)
    assert other.statistics().sent_packets == 0
    assert other.read(160, blocking=False) == b"\x80" * 160


@pytest.mark.parametrize("what", HOSTILE)
def test_receiving_survives_on_the_wire(what: str) -> None:
    with client() as made, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.connect(("127.0.0.1", made.inPort))
        peer.send(HOSTILE[what])
        peer.send(packet(1, 160, b"\x00" * 160))
        eventually(lambda: 0x1234 in [s.ssrc for s in made.statistics().sources])


def test_receiving_survives_a_dtmf_callback_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    def raises(key: str) -> None:
        raise RuntimeError(f"no {key}")

    with (
        caplog.at_level(logging.CRITICAL, "rtpcap"),
        client(dtmf=raises) as made,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer,
    ):
        peer.connect(("127.0.0.1", made.inPort))
        peer.send(event(160, 1, 160))
        peer.send(event(1600, 2, 160))
        peer.send(packet(1, 160, b"\x00" * 160))
        assert made.read(160) == b"\x02" * 160
        assert made.statistics().callback_errors == 2
        assert made.statistics().digits == 2


def test_the_dtmf_callback_may_use_the_client_and_stop_it() -> None:
    done = threading.Event()

    def hang_up(key: str) -> None:
        made.statistics()
        made.stop()
        done.set()

    made = client(dtmf=hang_up)
    with made, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(event(160, 1, 160), ("127.0.0.1", made.inPort))
        assert done.wait(10)
    eventually(lambda: not threads())


def test_parse_packet_raises_for_what_is_no_packet_and_counts_what_shares_the_port() -> None:
    made = client()
    for what in ("empty", "one byte", "unknown payload type", "csrc list", "padding"):
        with pytest.raises(RTPParseError):
            made.parse_packet(HOSTILE[what])
    for what in ("stun", "dtls", "rtcp"):
        made.parse_packet(HOSTILE[what])
    assert made.statistics().ignored == {"STUN": 1, "DTLS": 1}
    assert made.statistics().rtcp_received == 1


def test_parse_telephone_event_calls_back() -> None:
    keys: list[str] = []
    made = client(dtmf=keys.append)
    for data in (event(160, 11, 160), event(160, 11, 320, end=True)):
        made.parse_telephone_event(message(data))
    assert keys == ["#"]


@pytest.mark.skipif(not PROC, reason="open files are counted in /proc")
def test_100_rounds_of_start_and_stop_leave_no_thread_no_socket_and_no_warning() -> None:
    gc.collect()
    files = open_files()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, other = pair(rtcp="port")
        for _ in range(100):
            for made in (one, other):
                made.start()
            for made in (one, other):
                made.stop()
        gc.collect()
    assert threads() == []
    assert open_files() == files


def test_a_port_in_use_is_an_oserror_that_names_it_and_leaves_nothing() -> None:
    with client() as made:
        files = open_files() if PROC else 0
        with pytest.raises(OSError, match=rf"127\.0\.0\.1:{made.inPort}: Address already in use"):
            client(port=made.inPort).start()
        with pytest.raises(OSError, match="no-such-host"):
            RTPClient(
                ASSOC, "127.0.0.1", 0, "no-such-host.invalid", 9, TransmitType.SENDRECV
            ).start()
        assert not PROC or open_files() == files


@pytest.mark.parametrize("way", ["port", "mux"])
def test_rtcp_beside_and_on_the_same_port(way: str) -> None:
    one, other = pair(rtcp=way)
    with other:
        with one:
            eventually(lambda: one.statistics().source and other.statistics().source)
        # Goodbye comes at once; the first report would take seconds.
        eventually(lambda: other.statistics().rtcp_received == 1)
        assert one.statistics().ssrc not in [s.ssrc for s in other.statistics().sources]


def test_statistics_are_a_row() -> None:
    made = client()
    for number in (1, 2, 4):
        made.parse_packet(packet(number, 160 * number))
    row = made.statistics().row()
    assert row["source"] == row["sources"][0]  # type: ignore[index]
    source = made.statistics().source
    assert source is not None
    assert (source.packets, source.expected, source.lost) == (3, 4, 1)


def test_only_the_port_module_opens_sockets_and_reads_clocks() -> None:
    live = Path(rtpcap.__file__).parent / "live"
    users = {
        path.name
        for path in live.glob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith(("import socket", "import time", "from socket", "from time"))
    }
    assert users == {"port.py"}
