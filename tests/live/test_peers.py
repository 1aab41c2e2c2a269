"""Other programs on loopback: what they hear of us, and what we hear of them."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import rtpcap
from rtpcap import Format, PayloadType, TransmitType
from rtpcap.codecs.encoders import encodable
from rtpcap.codecs.g711 import MU_LAW, encode_mu_law
from rtpcap.live import Outlets, Part, Replay, Target, send
from tests.capture.build import Frame, ethernet, ipv4, pcap, udp
from tests.live.calls import Dialled
from tests.live.loopback import client, eventually, free_port
from tests.live.made import sent, session
from tests.peers import require
from tests.streams.made import capture, rtp

pytestmark = pytest.mark.peer

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
Heard = npt.NDArray[np.int16]

SECONDS = 1.0
FADE_S = 0.2


@contextmanager
def running(*command: object) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is ended with the block, and whose output can be read."""
    program = subprocess.Popen(
        [require(str(command[0])), *map(str, command[1:])],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def collect(program: subprocess.Popen[bytes]) -> bytearray:
    """What a program writes, gathered by a thread that ends with it."""
    got = bytearray()
    assert program.stdout is not None
    out = program.stdout.fileno()

    def gather() -> None:
        while data := os.read(out, 65536):
            got.extend(data)

    threading.Thread(target=gather, daemon=True).start()
    return got


def voice(rate: int, seconds: float = SECONDS) -> npt.NDArray[np.int16]:
    """Noise under 3 kHz with a swell: nothing in it repeats, so that it can be aligned.

    It fades in: the step size of an adaptive codec takes its time after silence.
    """
    rng = np.random.default_rng(11)
    n = round(rate * seconds)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum[np.fft.rfftfreq(n, 1 / rate) > 3000] = 0
    noise = np.fft.irfft(spectrum, n)
    noise *= 8000 / np.abs(noise).max() * (1 + np.sin(np.arange(n) / rate * 9))
    noise *= np.minimum(np.arange(n) / (FADE_S * rate), 1)
    return noise.astype(np.int16)


def snr_db(said: npt.NDArray[np.int16], heard: npt.NDArray[np.int16]) -> float:
    """Signal to noise, where the one lies best in the other."""
    n = 1 << (len(said) + len(heard)).bit_length()
    a, b = said.astype(np.float64), heard.astype(np.float64)
    match = np.fft.irfft(np.fft.rfft(b, n) * np.conj(np.fft.rfft(a, n)), n)
    at = int(np.argmax(match[: len(heard)]))
    part = b[at : at + len(a)]
    assert len(part) == len(a), "the end was not heard"
    gain = float(part @ a / (a @ a))
    assert gain == pytest.approx(1, abs=0.1)
    noise = float(np.sum((part - a) ** 2))
    return float(10 * np.log10(float(a @ a) / max(noise, 1.0)))


SENT = {
    "PCMU": (0, PayloadType.PCMU, Format("PCMU", 8000), 30.0),
    "PCMA": (8, PayloadType.PCMA, Format("PCMA", 8000), 30.0),
    "L16": (96, PayloadType.L16, Format("L16", 16000), 60.0),
    "G722": (9, PayloadType.G722, Format("G722", 8000), 25.0),
    "opus": (111, PayloadType.OPUS, Format("opus", 48000, 2), 8.0),
}
"""Encoding name -> number, type, format, and the SNR that it must have in dB."""
RECEIVED = ("pcm_mulaw", "pcm_alaw")
"""What ffmpeg sends, by its own names."""


def heard_by_ffmpeg(name: str, folder: Path) -> tuple[Heard, Heard]:
    """(what we say, what ffmpeg hears of it) in a format, by the SDP we write."""
    number, kind, fmt, _ = SENT[name]
    port = free_port()
    made = client(assoc={number: kind}, to=port, sample_width=2, formats={number: fmt})
    path = folder / f"{name}.sdp"
    path.write_text(made.sdp(), newline="")
    said = voice(made.sample_rate)
    options = ["-protocol_whitelist", "file,udp,rtp", "-analyzeduration", "0", "-probesize", "32"]
    output = ["-f", "s16le", "-ac", "1", "-ar", str(made.sample_rate), "-flush_packets", "1", "-"]
    with made, running("ffmpeg", "-nostdin", *options, "-i", path, *output) as ffmpeg:
        got = collect(ffmpeg)
        eventually(lambda: len(got) > 0)
        made.write(np.repeat(said, made.channels).tobytes())
        before = len(got)
        eventually(lambda: not made.unsent)
        eventually(lambda: len(got) > before + 2 * len(said) + made.sample_rate)
    return said, np.frombuffer(bytes(got[: len(got) & ~1]), "<i2")


def heard_of_ffmpeg(codec: str, folder: Path) -> tuple[Heard, Heard]:
    """(what ffmpeg says, what we hear of it), nothing of it lost."""
    said = voice(8000)
    raw = folder / f"{codec}.s16"
    raw.write_bytes(said.tobytes())
    with client(TransmitType.RECVONLY, sample_width=2) as made:
        source = ["-re", "-f", "s16le", "-ar", "8000", "-ac", "1", "-i", raw]
        target = ["-c:a", codec, "-f", "rtp", f"rtp://127.0.0.1:{made.inPort}?pkt_size=172"]
        with running("ffmpeg", "-nostdin", *source, *target) as ffmpeg:
            assert ffmpeg.wait(20) == 0
        eventually(lambda: made.unread >= 2 * len(said))
        told = made.statistics().source
        assert told is not None
        assert told.lost == 0
        return said, np.frombuffer(made.read(2 * len(said), blocking=False), np.int16)


@pytest.fixture(scope="module")
def with_ffmpeg(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Future[tuple[Heard, Heard]]]:
    """All formats at once, both ways: it is mostly waiting."""
    require("ffmpeg")
    folder = tmp_path_factory.mktemp("ffmpeg")
    with ThreadPoolExecutor(len(SENT) + len(RECEIVED)) as pool:
        ran = {n: pool.submit(heard_by_ffmpeg, n, folder) for n in SENT if n in encodable()}
        ran |= {codec: pool.submit(heard_of_ffmpeg, codec, folder) for codec in RECEIVED}
    return ran


@pytest.mark.parametrize("name", SENT)
def test_ffmpeg_hears_what_we_send_from_the_sdp_we_write(
    name: str, with_ffmpeg: dict[str, Future[tuple[Heard, Heard]]]
) -> None:
    if name not in with_ffmpeg:
        pytest.skip(f"no encoder for {name}")
    assert snr_db(*with_ffmpeg[name].result()) > SENT[name][3]


@pytest.mark.parametrize("codec", RECEIVED)
def test_we_hear_what_ffmpeg_sends(
    codec: str, with_ffmpeg: dict[str, Future[tuple[Heard, Heard]]]
) -> None:
    # ffmpeg's own tables: the samples are those of the codes nearest to what was said.
    assert snr_db(*with_ffmpeg[codec].result()) > 30


def test_we_hear_gstreamers_rtpbin_and_its_reports() -> None:
    port = free_port()
    with client(TransmitType.RECVONLY, port=port, rtcp="port") as made:
        pipeline = (
            "rtpbin name=bin audiotestsrc is-live=true freq=440 samplesperbuffer=160 "
            "! audio/x-raw,rate=8000,channels=1 ! mulawenc ! rtppcmupay ! bin.send_rtp_sink_0 "
            f"bin.send_rtp_src_0 ! udpsink host=127.0.0.1 port={port} bind-address=127.0.0.1 "
            f"bin.send_rtcp_src_0 ! udpsink host=127.0.0.1 port={port + 1} sync=false async=false "
            "bind-address=127.0.0.1"
        )
        with running("gst-launch-1.0", "-q", *pipeline.split()):
            eventually(lambda: (s := made.statistics().source) and s.packets >= 50)
            eventually(lambda: made.statistics().rtcp_received)
        told = made.statistics()
    assert told.source is not None
    assert told.source.lost == 0
    assert told.ignored == {}
    audio = made.read(8000, blocking=False)
    samples = np.frombuffer(audio, np.uint8).astype(np.float64) - 128
    spectrum = np.abs(np.fft.rfft(samples[:8000] * np.hanning(8000)))
    assert int(np.argmax(spectrum)) == pytest.approx(440, abs=2)


# ITU-T Q.23: a low and a high tone for each key.
TONES = {
    key: (low, high)
    for low, row in zip((697, 770, 852, 941), ("123A", "456B", "789C", "*0#D"), strict=True)
    for high, key in zip((1209, 1336, 1477, 1633), row, strict=True)
}


def tones_of(samples: npt.NDArray[np.int16], size: int) -> str:
    """The keys whose tones are heard, one each `size` samples of 8 kHz."""
    keys = ""
    time = np.arange(size) / 8000
    for at in range(0, len(samples) - size + 1, size):
        window = samples[at : at + size].astype(np.float64)
        power = {
            tone: abs(window @ np.exp(-2j * np.pi * tone * time))
            for pair in TONES.values()
            for tone in pair
        }
        keys += max(TONES, key=lambda key: min(power[tone] for tone in TONES[key]))
    return keys


def test_gstreamer_hears_the_keys_we_press() -> None:
    port = free_port()
    caps = "application/x-rtp,media=audio,clock-rate=8000,encoding-name=TELEPHONE-EVENT,payload=101"
    pipeline = (
        f"udpsrc address=127.0.0.1 port={port} ! {caps} ! rtpptdemux name=demux "
        f"demux.src_101 ! {caps} ! rtpdtmfdepay ! fdsink fd=1 sync=false "
        "demux.src_0 ! fakesink sync=false async=false"
    )
    digits, press_ms = "159#0A", 60
    bytes_a_press = 2 * 8 * press_ms
    with client(to=port) as made, running("gst-launch-1.0", "-q", *pipeline.split()) as gst:
        got = collect(gst)
        # Keys pressed before it listens are not heard.
        eventually(lambda: not free(port))
        made.send_dtmf(digits, duration_ms=press_ms, pause_ms=40)
        # Its output has the tones alone, without the pauses between them.
        eventually(lambda: len(got) >= bytes_a_press * len(digits))
    assert tones_of(np.frombuffer(bytes(got), np.int16), bytes_a_press // 2) == digits


GSTREAMER_PRESSES = """
import sys, gi
gi.require_version("Gst", "1.0")
from gi.repository import Gst, GLib
Gst.init(None)
pipeline = Gst.parse_launch(
    "rtpdtmfmux name=mux ! udpsink bind-address=127.0.0.1 host=127.0.0.1 port=" + sys.argv[1]
    + " audiotestsrc is-live=true samplesperbuffer=160 ! audio/x-raw,rate=8000,channels=1"
    " ! alawenc ! rtppcmapay"
    " ! application/x-rtp,media=audio,clock-rate=8000,encoding-name=PCMA,payload=8 ! mux.sink_0"
    " rtpdtmfsrc pt=101 clock-rate=8000 packet-redundancy=3 ! mux.priority_sink_0"
)
loop = GLib.MainLoop()

def key(number, start):
    told = Gst.Structure.new_empty("dtmf-event")
    told.set_value("type", 1)
    told.set_value("method", 1)
    told.set_value("start", start)
    if start:
        told.set_value("number", number)
        told.set_value("volume", 10)
    pipeline.send_event(Gst.Event.new_custom(Gst.EventType.CUSTOM_UPSTREAM, told))

pipeline.set_state(Gst.State.PLAYING)
at = 300
for number in map(int, sys.argv[2].split(",")):
    GLib.timeout_add(at, key, number, True)
    GLib.timeout_add(at + 120, key, number, False)
    at += 300
GLib.timeout_add(at + 500, loop.quit)
loop.run()
pipeline.set_state(Gst.State.NULL)
"""


def test_we_hear_the_keys_that_gstreamer_presses() -> None:
    system_python = "/usr/bin/python3"
    require("gst-launch-1.0")
    bound = "import gi; gi.require_version('Gst', '1.0'); from gi.repository import Gst"
    found = subprocess.run([system_python, "-c", bound], capture_output=True, check=False)
    if found.returncode:
        # Debian: gir1.2-gstreamer-1.0.
        pytest.skip("GStreamer cannot be scripted here")
    pressed: list[str] = []
    made = client(TransmitType.RECVONLY, dtmf=pressed.append)
    codes = "3,3,11,15"
    with made, running(system_python, "-c", GSTREAMER_PRESSES, str(made.inPort), codes) as gst:
        # Events and audio overtake each other in its pipeline. Its end cuts off what waits in it,
        # so that whether something is lost has to be asked before.
        eventually(lambda: len(pressed) >= 4)
        eventually(lambda: (told := made.statistics().source) is not None and told.lost == 0)
        assert gst.wait(20) == 0
    assert pressed == ["3", "3", "#", "D"]


def free(port: int) -> bool:
    """Whether nobody listens at a port of loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def test_tshark_finds_nothing_lost_or_malformed_over_both_wraps(tmp_path: Path) -> None:
    tshark = require("tshark")
    made = session(sequence=65_400, timestamp=(1 << 32) - 300 * 160)
    made.send_dtmf("12")
    made.write(bytes(range(256)) * 200)
    frames = [
        Frame(ethernet(ipv4(udp(data, src_port=4000, dst_port=5000))), when)
        for when, data in sent(made, 10)
    ]
    path = tmp_path / "sent.pcap"
    path.write_bytes(pcap(frames, nanoseconds=True))
    command = [tshark, "-r", str(path), "-d", "udp.port==5000,rtp"]
    streams = subprocess.run(
        [*command, "-q", "-z", "rtp,streams"], capture_output=True, text=True, check=True
    ).stdout
    row = next(line for line in streams.splitlines() if "0x00000007" in line)
    assert " 500 " in row
    assert "0 (0.0%)" in row
    fields = ["rtp.seq", "rtp.timestamp", "rtp.marker", "rtpevent.event_id", "_ws.malformed"]
    done = subprocess.run(
        [*command, "-T", "fields", *[x for field in fields for x in ("-e", field)]],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [int(row[0]) for row in rows] == [(65_400 + i) % 65_536 for i in range(500)]
    assert {row[4] for row in rows} == {""}
    assert [row[3] for row in rows if row[3] and row[2] in ("1", "True")] == ["1", "2"]
    audio = [int(row[1]) for row in rows if not row[3]]
    # All on one line of packet times, which the presses do not shift.
    assert {(timestamp - audio[0]) % (1 << 32) % 160 for timestamp in audio} == {0}


def test_sipp_takes_a_replayed_call_and_gives_it_back() -> None:
    sip, media = free_port(), free_port(together=4)
    each = rtpcap.open(FIXTURES / "ff-pcmu.pcap").streams[0]
    command = ["-sn", "uas", "-i", "127.0.0.1", "-p", sip, "-mi", "127.0.0.1", "-mp", media]
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as between,
        running("sipp", *command, "-rtp_echo", "-nostdin"),
    ):
        between.bind(("127.0.0.1", 0))
        between.settimeout(10)
        eventually(lambda: not free(media))
        # What is replayed goes to SIPp by way of a socket that also gets what SIPp gives back.
        replay = Replay([Part(each)], speed=20)
        outlets = Outlets(replay, [Target("127.0.0.1", between.getsockname()[1])])
        send(replay, outlets)
        outlets.close()
        back: list[bytes] = []
        while len(back) < len(replay):
            data, (_, port) = between.recvfrom(2048)
            if port == media:
                back.append(data)
            else:
                between.sendto(data, ("127.0.0.1", media))
    assert back == [each.packets.raw(row) for row in range(len(each))]


def baresip_modules() -> Path:
    """Where its modules are, by where Debian has them."""
    for folder in (Path("/usr/lib/baresip/modules"), Path("/usr/lib64/baresip/modules")):
        if folder.is_dir():
            return folder
    pytest.skip("the modules of baresip are not where Debian has them")


def test_baresip_takes_a_replayed_call_and_hears_its_audio(tmp_path: Path) -> None:
    require("baresip")
    sip = free_port()
    config = {
        "sip_listen": f"127.0.0.1:{sip}",
        "audio_player": "aubridge,x",
        "audio_source": "aubridge,x",
        "audio_alert": "aubridge,x",
        "module_path": baresip_modules(),
        "snd_path": tmp_path,
    }
    modules = ["g711", "aubridge", "sndfile"]
    lines = [f"{key} {value}" for key, value in config.items()]
    lines += [f"module {name}.so" for name in modules]
    lines += [f"module_app {name}.so" for name in ("account", "menu")]
    (tmp_path / "config").write_text("\n".join(lines) + "\n")
    (tmp_path / "accounts").write_text(f"<sip:peer@127.0.0.1:{sip}>;regint=0;answermode=auto\n")
    (tmp_path / "contacts").write_text("")

    said = voice(8000)
    codes = encode_mu_law(said)
    quiet = b"\xff" * 160
    payloads = [codes[at : at + 160].tobytes() for at in range(0, len(codes), 160)]
    # Silence at both ends: its jitter buffer may swallow some.
    payloads = [quiet] * 10 + payloads + [quiet] * 20
    flow = [
        (0.02 * i, rtp(i, 160 * i, payload, payload_type=0)) for i, payload in enumerate(payloads)
    ]
    replay = Replay([Part(capture(tmp_path, flow).streams[0])])
    with running("baresip", "-f", tmp_path), Dialled(sip, free_port()) as call:
        outlets = Outlets(replay, [Target("127.0.0.1", call.media_port)])
        send(replay, outlets)
        outlets.close()
    (dump,) = tmp_path.glob("dump-*-dec.wav")
    # It is ended where it stands: the header does not tell how long the file became.
    heard = np.frombuffer(dump.read_bytes()[44:], "<i2")
    assert snr_db(MU_LAW[codes][: len(said)], heard) > 40
