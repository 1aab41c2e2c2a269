"""Rows as the verbs print them, with the longest values that can come."""

from __future__ import annotations

LONG_ADDRESS = "2001:db8:1234:5678:9abc:def0:1234:5678"

STREAM: dict[str, object] = {
    "ssrc": "0xffffffff",
    "src": LONG_ADDRESS,
    "src_port": 65535,
    "dst": "192.168.100.200",
    "dst_port": 65534,
    "codec": "telephone-event",
    "clock_rate": 90000,
    "payload_types": [0, 8, 13, 101, 126],
    "packets": 1_234_567,
    "expected": 1_234_999,
    "lost": 432,
    "lost_pct": 0.0349797854,
    "duplicates": 12,
    "captured_twice": 3,
    "reordered": 44,
    "jitter_ms": 123.4567,
    "jitter_max_ms": 2345.678,
    "jitter_last_ms": 0.1,
    "first_frame": 12,
    "last_frame": 3_456_789,
    "start_s": 12345.678,
    "duration_s": 54321.123,
    "encrypted": False,
    "decodable": False,
    "why_not": "encrypted: each payload is longer than its audio by an SRTP tag",
    "call": "guessed-12",
}

PACKET: dict[str, object] = {
    "frame": 1_234_567,
    "time_ns": 1_700_000_000_123_456_789,
    "ssrc": "0xffffffff",
    "sequence": 65535,
    "timestamp": 4_294_967_295,
    "payload_type": 127,
    "marker": True,
    "size": 1472,
    "payload_size": 1460,
    "fault": "extension",
}

GAP: dict[str, object] = {
    "ssrc": "0xffffffff",
    "first_sequence": 65535,
    "packets": 19_999,
    "start_s": 12345.678,
    "duration_s": 399.98,
    "frame_before": 1_234_567,
    "frame_after": 1_234_568,
    "reason": "restart",
}

DIGIT: dict[str, object] = {
    "ssrc": "0xffffffff",
    "digit": "CRdSeg-ANSam",
    "start_s": 12345.678,
    "duration_s": 12.345,
    "source": "rfc4733",
    "frame": 1_234_567,
}

DECODED: dict[str, object] = {
    "input": "/a/long/way/to/a/capture/of/a/call-between-two-people.pcapng",
    "output": "out/call-between-two-people-0123456789abcdef.guessed-12.wav",
    "ssrc": ["0xffffffff", "0xfffffffe"],
    "call": "guessed-12",
    "rate": 44100,
    "channels": 2,
    "duration_s": 54321.123,
    "received_s": 54000.0,
    "filled_s": 321.123,
    "codec": "PCMU, PCMA",
    "why_not": None,
    "skipped": False,
}

LONGEST = {
    "streams": STREAM,
    "packets": PACKET,
    "gaps": GAP,
    "dtmf": DIGIT,
    "decode": DECODED,
}
