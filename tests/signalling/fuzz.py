"""Bytes changed at random through SIP, SDP, RTSP and calls, for as long as one likes.

``python -m tests.signalling.fuzz --seconds 60``. What fails is written to the folder `--keep`, and
the program ends with 1. The messages it begins with are built here; with ``--captures`` those of
captures are added.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from pathlib import Path

from rtpcap.errors import CaptureError
from tests.benchmarks.bench_sip import one_call
from tests.signalling.build import audio, message, request, response, text
from tests.signalling.read import payloads_of
from tests.signalling.test_any_bytes import go_through

LONGEST = 4000
SPLICES = (
    b"\r\n",
    b"\n",
    b"\r\n\r\n",
    b"\r\n ",
    b"\0",
    b"\xff",
    b"SIP/2.0 200 OK\r\n",
    b"INVITE sip:a@b SIP/2.0\r\n",
    b"Content-Length: 99999999999999999999\r\n",
    b"l: 0\r\n",
    b"a=rtpmap:96 opus/48000/2\r\n",
    b"m=audio 1 RTP/AVP 0\r\n",
    b"--b\r\n",
    b'"',
    b"<",
    b";tag=",
)


def seeds(folders: list[Path]) -> list[bytes]:
    """Sound messages to begin with: alone, and as a stream of a whole call."""
    call = [data for _, data in one_call(1)]
    found = [*call, b"".join(call)]
    parts = b"--b\r\nc: application/sdp\r\n\r\n" + audio() + b"\r\n--b--\r\n"
    found.append(request("INVITE", body=parts, content_type="multipart/mixed;boundary=b"))
    found.append(response(183, "Progress", more=[("RSeq", "1")], body=audio(5000)))
    found.append(request("PRACK", cseq=2, to_tag="b", more=[("RAck", "1 1 INVITE")], body=audio()))
    found.append(
        request("INFO", to_tag="b", body=b"Signal=5", content_type="application/dtmf-relay")
    )
    found.append(request("REFER", to_tag="b", more=[("r", "<sip:c@x?Replaces=1%3Bto-tag%3D2>")]))
    found.append(
        audio(lines=["a=candidate:1 1 udp 1 10.0.0.1 9 typ host", "a=crypto:1 S inline:A"])
    )
    found.append(
        text("SETUP rtsp://h/1 RTSP/1.0", "CSeq: 1", "Transport: RTP/AVP;client_port=1-2", "")
    )
    found.append(message("NOTIFY sip:a SIP/2.0", [("c", "message/sipfrag")], b"SIP/2.0 200 OK\r\n"))
    for folder in folders:
        for path in sorted(folder.rglob("*.pcap*")):
            try:
                found += payloads_of(path)[:200]
            except CaptureError:
                continue
    return found


def changed(data: bytes, others: list[bytes], chance: random.Random) -> bytes:
    """The bytes with some of them changed, cut out, doubled, moved, or joined with others."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        if not out:
            break
        at = chance.randrange(len(out))
        kind = chance.randrange(8)
        if kind == 0:
            out[at] = chance.randrange(256)
        elif kind == 1:
            del out[at : at + chance.randrange(1, 60)]
        elif kind == 2:
            out[at:at] = chance.choice(SPLICES)
        elif kind == 3:
            out[at:at] = out[at : at + chance.randrange(1, 200)] * chance.choice((1, 2, 30))
        elif kind == 4:
            out += chance.choice(others)
        elif kind == 5:
            other = chance.choice(others)
            begin = chance.randrange(len(other))
            out[at : at + chance.randrange(100)] = other[begin : begin + chance.randrange(200)]
        elif kind == 6:
            lines = bytes(out).split(b"\r\n")
            chance.shuffle(lines)
            out = bytearray(b"\r\n".join(lines))
        else:
            del out[at:]
    return bytes(out[:LONGEST])


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=60)
    options.add_argument("--seed", type=int, default=None)
    options.add_argument("--captures", type=Path, action="append", default=[])
    options.add_argument("--keep", type=Path, default=Path("fuzz-failures"))
    asked = options.parse_args()
    seed = random.randrange(1 << 32) if asked.seed is None else asked.seed
    chance = random.Random(seed)
    corpus = seeds(asked.captures)
    end = time.monotonic() + asked.seconds
    rounds = failures = 0
    slowest = 0.0
    while time.monotonic() < end:
        rounds += 1
        data = changed(chance.choice(corpus), corpus, chance)
        begin = time.perf_counter()
        try:
            go_through(data)
        except Exception:
            failures += 1
            asked.keep.mkdir(parents=True, exist_ok=True)
            kept = asked.keep / f"{seed}-{rounds}.bin"
            kept.write_bytes(data)
            sys.stderr.write(f"{kept}\n{traceback.format_exc()}\n")
        slowest = max(slowest, time.perf_counter() - begin)
    sys.stdout.write(
        f"seed {seed}: {rounds} rounds from {len(corpus)} messages, {failures} failures, "
        f"slowest {slowest * 1e3:.1f} ms\n"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
