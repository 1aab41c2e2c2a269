"""Impairments to be tried by property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from rtpcap.rtp.impairment import Impairment

__all__ = ["impairments"]


@st.composite
def impairments(draw: st.DrawFn) -> Impairment:
    """Several things done at once, none of them so much that RFC 3550 A.1 must give up.

    A packet less than 100 behind is late to A.1: so delays stay below 1 s of 20 ms packets.
    """

    def rarely(values: st.SearchStrategy[float]) -> float:
        return draw(st.one_of(st.just(0.0), values))

    return Impairment(
        loss_pct=rarely(st.floats(0.1, 40)),
        mean_run=draw(st.one_of(st.none(), st.floats(1, 8))),
        jitter_ms=rarely(st.floats(0.1, 40)),
        jitter=draw(st.sampled_from(["uniform", "normal", "exponential", "gamma"])),
        keep_order=draw(st.booleans()),
        duplicate_pct=rarely(st.floats(0.1, 50)),
        duplicate_ms=draw(st.floats(0, 200)),
        reorder_pct=rarely(st.floats(0.1, 20)),
        reorder_by=draw(st.integers(1, 10)),
        late_pct=rarely(st.floats(0.1, 10)),
        late_ms=draw(st.floats(0, 500)),
        drift_ppm=draw(st.sampled_from([0.0, 0.0, 80.0, -80.0])),
        silence_pct=rarely(st.floats(1, 60)),
        silence_packets=draw(st.floats(1, 60)),
        restarts=draw(st.sampled_from([0, 0, 0, 1, 2])),
        new_ssrc=draw(st.booleans()),
        first_sequence=draw(st.one_of(st.none(), st.integers(0, 65535))),
        first_timestamp=draw(st.one_of(st.none(), st.integers(0, 2**32 - 1))),
    )
