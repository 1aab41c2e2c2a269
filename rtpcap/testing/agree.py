"""assert_agrees: a parser and we read the same packet, field by field."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from rtpcap.testing.aliases import Rename
from rtpcap.testing.isolate import ParserDied
from rtpcap.testing.marked import hex_lines, places
from rtpcap.testing.packet import Packet
from rtpcap.testing.values import Difference, look

__all__ = ["Outcome", "Parse", "Verdict", "assert_agrees", "judge"]

Parse = Callable[[bytes], object]
"""A parser: bytes in, an object or a mapping out; of what is no packet an exception, or None."""

MOST_SHOWN = 60
"""Characters of a value."""
MOST_BYTES = 512
"""Of a packet that was grown, so many at most are given as digits."""


class Outcome(Enum):
    """What came of one packet."""

    AGREED = "agreed"
    DIFFERS = "differs"
    RAISED = "raised"
    """An exception for a sound packet."""
    NOTHING = "nothing"
    """None for a sound packet."""
    ACCEPTED = "accepted"
    """A packet that the standard forbids was taken for one."""
    REFUSED = "refused"
    """A packet that the standard forbids was refused."""
    OPEN = "open"
    """Nothing is said of it: the standard leaves it open what a parser makes of it."""
    DIED = "died"
    """The parser ended its process, or did not end."""
    INCOMPARABLE = "incomparable"
    """The parser's result has none of our fields, or lacks one that was asked for."""

    @property
    def good(self) -> bool:
        return self in (Outcome.AGREED, Outcome.REFUSED, Outcome.OPEN)


@dataclass(frozen=True)
class Verdict:
    """What came of one packet, with what is wrong."""

    outcome: Outcome
    differences: tuple[Difference, ...] = ()
    absent: tuple[str, ...] = ()
    compared: int = 0
    error: Exception | None = None


def judge(
    parse: Parse,
    packet: Packet,
    *,
    fields: Iterable[str] | None = None,
    rename: Rename | None = None,
) -> Verdict:
    """What a parser makes of a packet, beside what we read. Raises ValueError for no such field."""
    expected = packet.fields
    names = list(expected) if fields is None else list(fields)
    if packet.fault is None:
        for name in names:
            if name not in expected:
                raise ValueError(f"no field {name!r}: {packet.kind} has {', '.join(expected)}")
    try:
        parsed = parse(packet.data)
        if packet.fault is not None or parsed is None:
            return Verdict(_of_unsound(packet, parsed))
        looked = look(packet.kind, expected, parsed, rename or {}, names)
    except ParserDied as error:
        return Verdict(Outcome.DIED, error=error)
    # Whatever it is: each parser has exceptions of its own.
    except Exception as error:
        if packet.fault is None:
            return Verdict(Outcome.RAISED, error=error)
        return Verdict(Outcome.REFUSED if packet.refused else Outcome.OPEN, error=error)
    outcome = Outcome.DIFFERS if looked.different else Outcome.AGREED
    if not looked.compared or (fields is not None and set(names) & set(looked.absent)):
        outcome = Outcome.INCOMPARABLE
    return Verdict(outcome, tuple(looked.different), tuple(looked.absent), len(looked.compared))


def _of_unsound(packet: Packet, parsed: object) -> Outcome:
    if packet.fault is None:
        return Outcome.NOTHING
    if not packet.refused:
        return Outcome.OPEN
    # Those that give a list of packets have none to give.
    none = parsed is None or (isinstance(parsed, list | tuple) and not parsed)
    return Outcome.REFUSED if none else Outcome.ACCEPTED


def assert_agrees(
    parse: Parse,
    packet: Packet,
    *,
    fields: Iterable[str] | None = None,
    rename: Rename | None = None,
) -> None:
    """Raise AssertionError where a parser reads a packet otherwise than we do.

    `parse` gets the bytes and gives an object or a mapping, whose fields are found by our names or
    by usual other ones (`rtpcap.testing.aliases`); `rename` says how a field is called, or gets it:
    ``{"sequence": "header.seq", "payload": lambda p: p.raw[12:]}``. Compared is what is there; with
    `fields` these, and all of them have to be there.

    Of a packet that the standard forbids (`packet.refused`) a parser has to raise, or return None
    or an empty list; what the standard leaves open (`packet.fault` alone) asks nothing of it.
    """
    __tracebackhide__ = True
    verdict = judge(parse, packet, fields=fields, rename=rename)
    if not verdict.outcome.good:
        # Where it died is told; where it raised is for its author to see.
        cause = None if verdict.outcome is Outcome.DIED else verdict.error
        raise AssertionError(_message(packet, verdict)) from cause


def _message(packet: Packet, verdict: Verdict) -> str:
    ends = f", {_end(packet.src, packet.src_port)} > {_end(packet.dst, packet.dst_port)}"
    lines = [
        f"{packet.id}: {_headline(packet, verdict)}",
        f"  {packet.kind}, {len(packet.data)} bytes, frame {packet.frame} of {packet.file}"
        + (ends if packet.src else ""),
    ]
    width = max((len(each.field) for each in verdict.differences), default=0)
    for each in verdict.differences:
        ours, theirs = _both(each.expected, each.got)
        lines.append(f"  {each.field:{width}}  expected {ours}")
        lines.append(f"  {'':{width}}  got      {theirs}")
    marks = places(packet, verdict.differences)
    lines += [f"  {line}" for line in hex_lines(packet.data, marks)]
    return "\n".join([*lines, *_again(packet)])


def _end(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _headline(packet: Packet, verdict: Verdict) -> str:
    error = verdict.error
    told = "" if error is None else f"{type(error).__name__}: {_one_line(str(error))}"
    match verdict.outcome:
        case Outcome.DIFFERS:
            count = len(verdict.differences)
            return f"{count} of {verdict.compared} fields differ{'s' if count == 1 else ''}"
        case Outcome.RAISED:
            return f"the parser raised {told}, on a sound packet"
        case Outcome.NOTHING:
            return "the parser returned None, for a sound packet"
        case Outcome.DIED:
            return _one_line(str(error))
        case Outcome.ACCEPTED:
            return f"the parser took it for a packet, which it is not: {packet.fault}"
    return f"the parser's result has no {', '.join(verdict.absent)}: name them with rename="


def _one_line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 4 * MOST_SHOWN else text[: 4 * MOST_SHOWN] + "..."


def _both(expected: object, got: object) -> tuple[str, str]:
    """The two values; of long ones the part where they part."""
    if isinstance(expected, list) and isinstance(got, list | tuple) and len(expected) != len(got):
        return f"{len(expected)}: {_named(expected)}", f"{len(got)}: {_named(got)}"
    if isinstance(expected, bytes) and isinstance(got, bytes | bytearray | memoryview):
        return _bytes_shown(expected, bytes(got)), _bytes_shown(bytes(got), expected)
    return _shown(expected), _shown(got)


def _named(values: Sequence[object]) -> str:
    """What there is in a list: of packets the kinds, of a parser's objects their classes."""
    if not values or not isinstance(values[0], Mapping):
        told = [type(value).__name__ for value in values]
        plain = all(isinstance(value, int | str | bytes) for value in values)
        return _shown(values) if plain else ", ".join(told)
    if all(isinstance(value, Mapping) and "kind" in value for value in values):
        return ", ".join(str(value["kind"]) for value in values if isinstance(value, Mapping))
    return _shown(values)


def _bytes_shown(value: bytes, other: bytes) -> str:
    size = f"{len(value)} byte{'' if len(value) == 1 else 's'}"
    same = next(
        (i for i, (a, b) in enumerate(zip(value, other, strict=False)) if a != b),
        min(len(value), len(other)),
    )
    if same == len(value):
        return f"{size}, all of which the other has" if value else size
    part = value[same : same + ROOM].hex(" ")
    return f"{size}, from byte {same} on {part}{' ...' if len(value) > same + ROOM else ''}"


ROOM = 12
"""Bytes that are shown of a value, from where it differs on."""


def _shown(value: object) -> str:
    if isinstance(value, Mapping | list | tuple | str):
        text = repr(value)
    elif isinstance(value, bytes):
        text = f"{len(value)} bytes {value[:ROOM].hex(' ')}"
    else:
        text = repr(value)
    text = _one_line(text)
    return text if len(text) <= MOST_SHOWN else text[:MOST_SHOWN] + "..."


def _again(packet: Packet) -> list[str]:
    """How to have the packet again."""
    if packet.change:
        if len(packet.data) > MOST_BYTES:
            return []
        return [f'  again: read("{packet.kind}", bytes.fromhex("{packet.data.hex()}"))']
    if packet.kind == "rtp":
        return [f"  again: rtpcap packets {packet.file}, frame {packet.frame}"]
    return [f"  again: rtpcap corpus {packet.file} --kind {packet.kind} -o DIR"]
