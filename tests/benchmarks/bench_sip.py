"""SIP through parser and calls: ``pytest tests/benchmarks/bench_sip.py``.

``RTPCAP_BENCH_MESSAGES`` makes it smaller or larger than 100,000 messages. The goals: 20,000
messages a second, and the capture of 771 calls under two seconds.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import rtpcap
from rtpcap.signalling import Arrival, Dialogs, Signalling, looks_like_sip, parse_sip
from tests.capture.build import Frame, ethernet, ipv4, pcap, udp
from tests.reference.facts import CAPTURES, require_captures
from tests.signalling.build import ALICE, BOB, START_NS, audio, request, response

MESSAGES = int(os.environ.get("RTPCAP_BENCH_MESSAGES", "100000"))
SEVERAL = CAPTURES / "goffinet+sip_captures" / "uac-uas-scenario-sipp.pcapng"
IN_A_CALL = 10

Wire = tuple[Arrival, bytes]


def one_call(number: int) -> list[tuple[bool, bytes]]:
    """(from the caller, message): a call with a password, ringing, answer and BYE."""
    call_id, tag, to_tag = f"call-{number}@10.0.0.1", f"a{number}", f"b{number}"
    extra = [
        ("Max-Forwards", "70"),
        ("Contact", "<sip:alice@10.0.0.1:5060>"),
        ("User-Agent", "phone/1.0"),
        ("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"),
        ("Supported", "100rel, timer"),
    ]
    offer = audio(10_000 + 4 * (number % 10_000))
    answer = audio(10_002 + 4 * (number % 10_000), "8 101", host="10.0.0.2")

    def ask(method: str, cseq: int, to: str = "", body: bytes = b"") -> tuple[bool, bytes]:
        data = request(
            method,
            call_id=call_id,
            cseq=cseq,
            from_tag=tag,
            to_tag=to,
            more=extra,
            body=body,
            branch=f"z9hG4bK{method}{cseq}{number}",
        )
        return True, data

    def tell(
        status: int, reason: str, cseq: int, method: str = "INVITE", body: bytes = b""
    ) -> tuple[bool, bytes]:
        data = response(
            status,
            reason,
            method=method,
            call_id=call_id,
            cseq=cseq,
            from_tag=tag,
            to_tag=to_tag,
            more=extra,
            body=body,
            branch=f"z9hG4bK{method}{cseq}{number}",
        )
        return False, data

    return [
        ask("INVITE", 1, body=offer),
        tell(407, "Proxy Authentication Required", 1),
        ask("ACK", 1, to_tag),
        ask("INVITE", 2, body=offer),
        tell(100, "Trying", 2),
        tell(180, "Ringing", 2),
        tell(200, "OK", 2, body=answer),
        ask("ACK", 2, to_tag),
        ask("BYE", 3, to_tag),
        tell(200, "OK", 3, "BYE"),
    ]


def wire(messages: int) -> list[Wire]:
    """Calls a tenth of a second apart, their messages a second apart, as they come in time."""
    sent = []
    for number in range(messages // IN_A_CALL):
        ends = ("10.0.0.1", 5060, "10.0.0.2", 5060)
        for step, (forth, data) in enumerate(one_call(number)):
            sent.append((number * 100 + step * 1000, ends if forth else ends[2:] + ends[:2], data))
    sent.sort(key=lambda each: each[0])
    return [
        (Arrival(frame, START_NS + ms * 1_000_000, *ends), data)
        for frame, (ms, ends, data) in enumerate(sent, start=1)
    ]


def calls_of(sent: list[Wire]) -> Signalling:
    dialogs = Dialogs()
    for arrival, data in sent:
        if looks_like_sip(data):
            message = parse_sip(data)
            if message is not None:
                dialogs.feed(message, arrival)
    return dialogs.finish()


def test_messages_to_calls(benchmark: BenchmarkFixture) -> None:
    sent = wire(MESSAGES)
    repeat: Callable[..., Signalling] = benchmark.pedantic
    told = repeat(calls_of, (sent,), rounds=3, warmup_rounds=1)
    assert benchmark.stats is not None
    benchmark.extra_info["messages_per_second"] = round(len(sent) / benchmark.stats.stats.median)
    assert told.messages == len(sent)
    calls = MESSAGES // IN_A_CALL
    assert Counter((call.state, call.attempts, call.talk_s) for call in told.calls) == {
        ("completed", 2, 2.0): calls
    }
    assert {(call.caller, call.callee) for call in told.calls} == {(ALICE, BOB)}
    assert len(told.endpoints) == 4 * min(calls, 10_000)


def table_of(path: Path) -> list[dict[str, object]]:
    return rtpcap.open(path).calls.rows()


def test_capture_to_calls(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """The same messages, from a file to the rows of ``rtpcap calls``."""
    frames = [
        Frame(
            ethernet(
                ipv4(
                    udp(data, src_port=arrival.src_port, dst_port=arrival.dst_port),
                    src=arrival.src,
                    dst=arrival.dst,
                )
            ),
            arrival.time_ns or 0,
        )
        for arrival, data in wire(MESSAGES)
    ]
    path = tmp_path / "sip.pcap"
    path.write_bytes(pcap(frames, nanoseconds=True))
    repeat: Callable[..., list[dict[str, object]]] = benchmark.pedantic
    rows = repeat(table_of, (path,), rounds=3, warmup_rounds=1)
    assert benchmark.stats is not None
    benchmark.extra_info["messages_per_second"] = round(len(frames) / benchmark.stats.stats.median)
    assert Counter((row["state"], row["messages"]) for row in rows) == {
        ("completed", IN_A_CALL): MESSAGES // IN_A_CALL
    }


@pytest.mark.skipif(not SEVERAL.exists(), reason="shared/captures is not beside the project")
def test_the_capture_of_771_calls(benchmark: BenchmarkFixture) -> None:
    require_captures()
    repeat: Callable[..., list[dict[str, object]]] = benchmark.pedantic
    rows = repeat(table_of, (SEVERAL,), rounds=5, warmup_rounds=1)
    assert len(rows) == 771
