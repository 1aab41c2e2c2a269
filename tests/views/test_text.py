"""Rows for programs, and text that nobody should trust."""

from __future__ import annotations

import csv
import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtpcap.views.columns import COLUMNS, Column, Row
from rtpcap.views.text import (
    defused,
    in_order,
    json_text,
    visible,
    write_csv,
    write_json,
    write_jsonl,
)

HOSTILE = [
    "\x1b[2J\x1b]0;title\x07",
    "line\r\nline",
    "tab\there",
    "\x9b31m",
    "turned \u202e round",
    "\udcff not UTF-8",
    "\ufeff\u200b",
]


def test_nan_and_infinity_are_null() -> None:
    row = {"a": math.nan, "b": [1.5, math.inf], "c": np.float64("nan"), "d": 1.25}
    assert json.loads(json_text(row)) == {"a": None, "b": [1.5, None], "c": None, "d": 1.25}


def test_numbers_of_numpy_are_numbers() -> None:
    row = {"a": np.int64(7), "b": np.array([1, 2]), "c": np.bool_(True), "d": (1, 2)}
    assert json.loads(json_text(row)) == {"a": 7, "b": [1, 2], "c": True, "d": [1, 2]}


def test_an_object_that_is_no_value_is_refused() -> None:
    with pytest.raises(TypeError):
        json_text({"a": object()})


def test_json_is_one_array() -> None:
    some: list[list[Row]] = [[], [{"a": 1}], [{"a": 1}, {"a": "ü"}]]
    for rows in some:
        out = io.StringIO()
        write_json(rows, out)
        assert json.loads(out.getvalue()) == rows
    assert "ü" in out.getvalue()


def test_jsonl_is_an_object_a_line() -> None:
    out = io.StringIO()
    write_jsonl([{"a": "two\nlines"}, {"a": None}], out)
    lines = out.getvalue().splitlines()
    assert [json.loads(line) for line in lines] == [{"a": "two\nlines"}, {"a": None}]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_steers_a_terminal_is_in_json(text: str) -> None:
    line = json_text({"a": text})
    assert line.isprintable()
    assert json.loads(line) == {"a": text}
    line.encode("utf-8")


@given(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.booleans(), st.none())))
def test_any_row_comes_back_from_json(row: dict[str, object]) -> None:
    line = json_text(row)
    assert "\n" not in line
    assert json.loads(line) == row


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_steers_a_terminal_is_visible(text: str) -> None:
    assert visible(text).isprintable()
    assert visible(text) != text


def test_plain_text_stays_as_it_is() -> None:
    assert visible("Jörg <sip:jörg@example.org> 日本") == "Jörg <sip:jörg@example.org> 日本"


def test_keys_come_in_the_order_of_the_columns() -> None:
    columns = (Column("a", "text"), Column("b", "integer"))
    rows: list[Row] = [{"b": 1, "a": "x"}, {"more": 2, "b": 3}, {"a": "y", "b": 4}]
    ordered = list(in_order(rows, columns))
    assert [list(row) for row in ordered] == [["a", "b"], ["a", "b", "more"], ["a", "b"]]
    assert ordered[1] == {"a": None, "b": 3, "more": 2}


def cells(rows: list[dict[str, object]], *columns: Column) -> list[list[str]]:
    out = io.StringIO()
    write_csv(rows, columns, out)
    return list(csv.reader(io.StringIO(out.getvalue())))


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(begin: str) -> None:
    text = begin + 'HYPERLINK("http://example.org")'
    assert defused(text) == "'" + text
    assert cells([{"a": text}], Column("a", "text"))[1] == ["'" + text]
    assert cells([{"a": [text]}], Column("a", "list"))[1][0][0] not in "=+-@\t\r"


def test_numbers_below_zero_are_no_formulas() -> None:
    columns = Column("a", "integer"), Column("b", "number")
    assert cells([{"a": -3, "b": -0.5}], *columns)[1] == ["-3", "-0.5"]


def test_csv_cells_by_kind() -> None:
    columns = (
        Column("text", "text"),
        Column("integer", "integer"),
        Column("number", "number"),
        Column("flag", "flag"),
        Column("list", "list"),
    )
    rows: list[dict[str, object]] = [
        {"text": 'a "b", c', "integer": 5, "number": 0.25, "flag": True, "list": [0, 101]},
        {"text": None, "integer": None, "number": math.nan, "flag": False, "list": []},
        {"list": [{"reason": "TCP", "count": 2}]},
        {"list": ["Linux SLL", "Ethernet"]},
    ]
    assert cells(rows, *columns) == [
        ["text", "integer", "number", "flag", "list"],
        ['a "b", c', "5", "0.25", "true", "0 101"],
        ["", "", "", "false", ""],
        ["", "", "", "", '[{"reason": "TCP", "count": 2}]'],
        ["", "", "", "", '["Linux SLL", "Ethernet"]'],
    ]


def test_csv_without_rows_has_its_header() -> None:
    assert cells([], *COLUMNS["dtmf"]) == [
        ["ssrc", "digit", "start_s", "duration_s", "source", "frame", "also_in"]
    ]
