"""The E-model against arithmetic from the formulas of ITU-T G.107, and its golden values."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.streams.codec_rows import CODEC_ROWS, codec_row
from rtpcap.streams.emodel import band, delay_impairment, equipment_impairment, mos, rate

ROWS = {row.name: row for row in CODEC_ROWS}

GOLDEN = [
    # codec row, loss in percent, BurstR, R, MOS
    ("G.711 with concealment", 1, 1, 89.56, 4.328),
    ("G.711", 1, 1, 75.28, 3.834),
    ("G.729A with VAD", 1, 1, 78.00, 3.946),
    ("G.723.1 6.3k with VAD", 1, 1, 73.52, 3.758),
    ("GSM-EFR", 1, 1, 80.02, 4.025),
    ("G.711 with concealment", 5, 2, 75.99, 3.864),
    ("G.711", 5, 2, 23.35, 1.358),
    ("G.729A with VAD", 5, 2, 62.67, 3.237),
    ("G.723.1 6.3k with VAD", 5, 2, 56.69, 2.928),
    ("GSM-EFR", 5, 2, 52.20, 2.691),
    ("G.711 with concealment", 0, 1, 93.2, 4.409),
    ("G.711", 0, 1, 93.2, 4.409),
    ("G.729A with VAD", 0, 1, 82.2, 4.104),
    ("G.723.1 6.3k with VAD", 0, 1, 78.2, 3.954),
    ("GSM-EFR", 0, 1, 88.2, 4.292),
]


@pytest.mark.parametrize(("name", "loss", "ratio", "r", "score"), GOLDEN)
def test_golden_values(name: str, loss: float, ratio: float, r: float, score: float) -> None:
    rating = rate(ROWS[name], loss, burst_ratio=ratio)
    assert round(rating.r, 2) == r
    assert round(rating.mos, 3) == score
    assert rating.mos_nb == rating.mos
    assert rating.mos_wb is None
    assert not rating.provisional


def full_g107(delay_ms: float) -> float:
    """R of G.107 with all defaults and this one-way delay, by every formula of section 7."""
    slr, rlr, stmr, dr, ds = 8.0, 2.0, 15.0, 3.0, 3.0
    telr, wepl, nc, nfor, ps, pr = 65.0, 110.0, -70.0, -64.0, 35.0, 35.0
    t, tr = delay_ms, 2 * delay_ms
    olr = slr + rlr
    nos = ps - slr - ds - 100 + 0.004 * (ps - olr - ds - 14) ** 2
    pre = pr + 10 * math.log10(1 + 10 ** ((10 - (stmr + dr)) / 10))
    nor = rlr - 121 + pre + 0.008 * (pre - 35) ** 2
    no = 10 * math.log10(sum(10 ** (x / 10) for x in (nc, nos, nor, nfor + rlr)))
    ro = 15 - 1.5 * (slr + no)
    xolr = olr + 0.2 * (64 + no - rlr)
    iolr = 20 * ((1 + (xolr / 8) ** 8) ** (1 / 8) - xolr / 8)
    stmro = -10 * math.log10(10 ** (-stmr / 10) + math.exp(-t / 4) * 10 ** (-telr / 10))
    ist = 12 * (1 + ((stmro - 13) / 6) ** 8) ** (1 / 8)
    ist -= 28 * (1 + ((stmro + 1) / 19.4) ** 35) ** (1 / 35)
    ist -= 13 * (1 + ((stmro - 3) / 33) ** 13) ** (1 / 13) - 29
    q = 37.0
    g = 1.07 + 0.258 * q + 0.0602 * q * q
    y = (ro - 100) / 15 + 46 / 8.4 - g / 9
    iq = 15 * math.log10(1 + 10**y + 10 ** (46 / 30 - g / 40))
    terv = telr - 40 * math.log10((1 + t / 10) / (1 + t / 150)) + 6 * math.exp(-0.3 * t * t)
    half = (-1.5 * (no - rlr) - (80 + 2.5 * (terv - 14))) / 2
    idte = (half + math.sqrt(half**2 + 100) - 1) * (1 - math.exp(-t))
    half = (ro - 10.5 * (wepl + 7) * (tr + 1) ** -0.25) / 2
    idle = half + math.sqrt(half**2 + 169)
    idd = 0.0
    if delay_ms > 100:
        x = math.log2(delay_ms / 100)
        idd = 25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2)
    return float(ro - iolr - ist - iq - idte - idle - idd)


def test_the_base_is_what_the_whole_recommendation_gives() -> None:
    assert round(full_g107(0), 1) == rate(ROWS["G.711"], 0).r == 93.2


@pytest.mark.parametrize("delay", [0, 50, 100, 150, 200])
def test_the_shortcut_for_delay_is_near_the_whole_recommendation(delay: float) -> None:
    # Both round to the same or the neighbouring whole R up to 200 ms; beyond, it is a shortcut.
    assert abs(93.2 - delay_impairment(delay) - full_g107(delay)) < 0.5


def test_delay_is_the_shortcut_of_g107() -> None:
    for delay in (0.0, 20.0, 177.3, 200.0, 400.0):
        step = 1 if delay > 177.3 else 0
        expected = 0.024 * delay + 0.11 * (delay - 177.3) * step
        assert delay_impairment(delay) == pytest.approx(expected)
    many = delay_impairment(np.array([20.0, 200.0]))
    assert many.tolist() == [delay_impairment(20.0), delay_impairment(200.0)]


def test_the_cubic_never_falls_below_1() -> None:
    at = 3.22
    assert 1 + 0.035 * at + at * (at - 60) * (100 - at) * 7e-6 < 0.99
    assert mos(at) == 1.0
    assert (mos(-20.0), mos(0.0), mos(100.0), mos(130.0)) == (1.0, 1.0, 4.5, 4.5)
    assert mos(np.array([at, 93.2])).tolist() == [1.0, mos(93.2)]
    # Narrowband cannot reach 4.5, wideband does.
    assert round(mos(93.2), 3) == 4.409
    assert mos(129.0, "wb") == 4.5


def test_loss_is_in_percent() -> None:
    # Ie,eff = 11 + (95 - 11) * 2 / (2 / 1.5 + 19)
    assert equipment_impairment(11, 19, 2, 1.5) == pytest.approx(11 + 84 * 2 / (2 / 1.5 + 19))


def test_wideband_stays_on_its_own_scale() -> None:
    row = codec_row("G722")
    assert row is not None
    rating = rate(row, 0)
    r = (129 - 13) / 1.29
    assert rating.mos_nb is None
    assert rating.mos_wb == pytest.approx(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)
    assert not rating.provisional
    assert rate(row, 1).provisional


@pytest.mark.parametrize(
    ("r", "word"),
    [
        (90, "best"),
        (89.9, "high"),
        (80, "high"),
        (79, "medium"),
        (60, "low"),
        (50, "poor"),
        (49.9, "not recommended"),
    ],
)
def test_bands_of_g109(r: float, word: str) -> None:
    assert band(r) == word


def test_rows_by_encoding_name() -> None:
    found = {name: codec_row(name) for name in ("PCMU", "g729", "AMR-WB", "opus", "iLBC", "VP8")}
    names = {name: row.name if row else None for name, row in found.items()}
    assert names == {
        "PCMU": "G.711 with concealment",
        "g729": "G.729A with VAD",
        "AMR-WB": "AMR-WB 12.65k",
        "opus": "Opus",
        "iLBC": "iLBC",
        "VP8": None,
    }
    assert codec_row("AMR", mode="7.95k") == ROWS["AMR 7.95k"]
    assert codec_row("PCMA", concealment=False) == ROWS["G.711"]
    with pytest.raises(ValueError, match=r"no mode '9k'"):
        codec_row("AMR", mode="9k")


def test_what_no_table_is_known_for_says_so() -> None:
    for row in CODEC_ROWS:
        assert row.source
        assert row.provisional == row.source.startswith("no row in G.113")
        assert row.bpl_provisional == ("assumed" in row.source or "on the line" in row.source)
    assert ROWS["Opus"].provisional
    assert rate(ROWS["GSM-FR"], 1).provisional
    assert not rate(ROWS["GSM-FR"], 0).provisional


@given(
    st.sampled_from(CODEC_ROWS),
    st.floats(0, 100),
    st.floats(0.5, 20),
    st.floats(0, 1000),
    st.floats(0, 20),
)
def test_the_lines_of_the_explanation_add_up(
    row: object, loss: float, ratio: float, delay: float, advantage: float
) -> None:
    assert isinstance(row, type(CODEC_ROWS[0]))
    rating = rate(row, loss, burst_ratio=ratio, delay_ms=delay, advantage=advantage)
    lines = rating.explain().splitlines()
    signed = [re.match(r"([ +=-]) +(-?[\d.]+)  ", line) for line in lines[1:]]
    terms = [
        (m.group(1), float(m.group(2))) for m in signed if m is not None
    ]  # base, Id, Ie,eff, A, R, MOS
    base, delayed, equipment, helped, r, score = (value for _, value in terms)
    assert [sign for sign, _ in terms] == [" ", "-", "-", "+", "=", " "]
    # Five figures of two decimals each.
    assert base - delayed - equipment + helped == pytest.approx(r, abs=0.025 + 1e-9)
    assert 1 <= score <= 4.5
    assert rating.band in lines[5]
    assert row.name in lines[3]
    assert rating.delay_source in lines[2]


@pytest.mark.parametrize("wrong", [-1.0, 100.1, float("nan")])
def test_impossible_loss_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="loss"):
        rate(ROWS["G.711"], wrong)
