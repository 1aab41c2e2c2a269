"""HTML tables escape whatever a capture holds."""

from __future__ import annotations

import math
from html.parser import HTMLParser

import pytest

from rtpcap.views.columns import Row
from rtpcap.views.html import fields_html, rows_html

EVIL = "<script>alert(1)</script>&\"'\x1b"


class Tags(HTMLParser):
    """The tags and the text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())

    @property
    def shown(self) -> list[str]:
        """The texts that people see, in order: what is there beside style and blanks."""
        return [text for text in self.text if text and not text.startswith(".rtpcap")]


@pytest.mark.parametrize(
    "html",
    [
        rows_html([{"a": EVIL, EVIL: 1, "list": [EVIL, {"b": EVIL}]}], EVIL),
        fields_html({"a": EVIL, EVIL: 1, "list": [EVIL]}, EVIL),
    ],
    ids=["rows", "fields"],
)
def test_every_text_is_escaped(html: str) -> None:
    found = Tags(html)
    assert set(found.tags) <= {"div", "style", "table", "thead", "tbody", "tr", "th", "td"}
    assert found.text.count("<script>alert(1)</script>&\"'\\x1b") >= 3
    assert "\x1b" not in html


def test_a_row_a_line_and_only_columns_with_values() -> None:
    rows: list[Row] = [{"a": 1, "b": None, "c": True}, {"a": 2.5, "b": "", "c": math.nan}]
    found = Tags(rows_html(rows, "two"))
    assert found.tags.count("tr") == 3
    assert found.shown == ["two", "a", "c", "1", "yes", "2.5"]


def test_many_rows_end_with_how_many_more() -> None:
    found = Tags(rows_html(({"a": i} for i in range(1060)), "many"))
    assert found.tags.count("tr") == 1 + 60
    assert "and 1,000 more" in found.text


def test_no_rows_leave_the_caption() -> None:
    assert Tags(rows_html([], "nothing here")).shown == ["nothing here"]


def test_a_text_without_end_is_cut_and_says_so() -> None:
    (shown,) = Tags(fields_html({}, "x" * 60_000)).shown
    assert len(shown) < 400
    assert shown.endswith("(60,000 letters)")
