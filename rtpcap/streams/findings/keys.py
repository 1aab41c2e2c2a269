"""Rules about key presses: counted twice, too short, or in the sound where nobody looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rtpcap.streams.call import Call
from rtpcap.streams.counted import counted
from rtpcap.streams.digits import Digit
from rtpcap.streams.findings.evidence import Evidence
from rtpcap.streams.findings.finding import Finding
from rtpcap.streams.findings.telling import of_call, of_stream, side_of, what
from rtpcap.streams.presses import double_risks, presses
from rtpcap.streams.stream import Stream

__all__ = ["KINDS", "RULES", "shown"]

KINDS: Mapping[str, str] = {
    "dtmf-double": "key presses are sent in two ways, and may count twice",
    "dtmf-short": "key presses are too short to be sure of",
    "dtmf-in-sound-only": "keys are in the sound, though events were agreed on",
    "dtmf-low-bit-rate": "keys are in the sound of a codec that bends tones",
}

SHORTEST_S = 0.04
"""A receiver has to take a tone of 40 ms for a press, and none of 23 ms (ITU-T Q.24)."""
DEFAULT_CLOCK = 8000
"""The rate of events that nothing names (RFC 4733 section 2.1)."""
LEAST_KEYS = 2
"""Speech and music pass for a single press now and then."""
LOW_BIT_RATE = frozenset(
    (
        *("g729", "g729d", "g729e", "g723", "gsm", "gsm-hr-08", "gsm-efr", "ilbc"),
        *("amr", "speex", "lpc", "codec2"),
    )
)
"""Codecs, lower case, that model a voice: two sines at once come out bent, which is a reason for
RFC 4733 to be (its section 1)."""
KEYS = frozenset("0123456789*#ABCD")


@dataclass(frozen=True, eq=False)
class _Direction:
    """What one side of a call pressed; or one stream, where there is no call."""

    streams: list[Stream]
    call: Call | None
    side: int = 0
    told: list[Digit] = field(default_factory=list)
    """By INFO."""

    @cached_property
    def presses(self) -> list[Digit]:
        """What it pressed, each press once."""
        told = [digit for stream in self.streams for digit in stream.told_keys]
        heard = [digit for stream in self.streams for digit in stream.inband_keys]
        return presses([*self.told, *told, *heard])

    def slower(self, press: Digit) -> float:
        """How many times longer a press is if its events count 8,000 a second.

        Where nothing names their number nobody knows: some senders do so beside any codec.
        """
        named = self.call is not None and not self.call.guessed
        if named or press.source != "rfc4733":
            return 1.0
        rates = [s.clock_rate for s in self.streams if s.ssrc == press.ssrc and s.clock_rate]
        return max(rates, default=DEFAULT_CLOCK) / DEFAULT_CLOCK

    @property
    def who(self) -> str:
        return what(self.streams[0]) if self.call is None else side_of(self.call, self.side)

    def finding(
        self,
        name: str,
        sentence: str,
        numbers: dict[str, int | float | str],
        frames: list[int],
    ) -> Finding:
        """A warning about this side."""
        if self.call is None:
            return of_stream(self.streams[0], name, "warning", sentence, numbers, frames)
        ssrc = self.streams[0].ssrc if len(self.streams) == 1 else None
        return of_call(self.call, name, "warning", sentence, numbers, frames, ssrc)


def _directions(evidence: Evidence) -> Iterator[_Direction]:
    """The sides of all calls, and the streams that belong to none."""
    for call in evidence.calls:
        for number, (streams, name) in enumerate(call.by_side):
            told = [digit for digit, _ in call.infos(name)]
            # Of several hops of one call the first is what the other side hears.
            heard = {stream.index for stream in call.heard()[number]}
            own = [stream for stream in streams if stream.index in heard or stream.told_keys]
            if own or told:
                yield _Direction(own, call, number, told)
    for stream in evidence.streams:
        if stream.call is None:
            yield _Direction([stream], None)


def shown(digits: list[str]) -> str:
    """Digits as dialled; what is no digit stands in brackets."""
    return "".join(d if len(d) == 1 else f"[{d}]" for d in digits)


def double_keys(evidence: Evidence) -> Iterator[Finding]:
    """``dtmf-double``: a press is sent in several ways at once, and may be counted twice."""
    for direction in _directions(evidence):
        risks = double_risks(direction.presses)
        if not risks:
            continue
        ways = sorted({WAYS[source] for risk in risks for source in risk.sources})
        digits = shown([risk.press.digit for risk in risks])
        yield direction.finding(
            "dtmf-double",
            f"{counted(len(risks), 'key press', 'es')} of {direction.who} ({digits}) can be heard "
            f"more than once, by {' and '.join(ways)}: a receiver may count each twice.",
            {"presses": len(risks), "digits": digits, "ways": ", ".join(ways)},
            [digit.frame for risk in risks for digit in risk.press.seen if digit.frame],
        )


WAYS = {"rfc4733": "telephone events", "sip-info": "SIP INFO", "inband": "the sound"}


def short_keys(evidence: Evidence) -> Iterator[Finding]:
    """``dtmf-short``: a press is shorter than a receiver has to take for one."""
    for direction in _directions(evidence):
        short = [
            press
            for press in direction.presses
            if press.digit in KEYS
            and press.duration_s is not None
            # What INFO says is what a receiver is asked to make of it.
            and press.source != "sip-info"
            and 0 < press.duration_s * direction.slower(press) < SHORTEST_S
        ]
        if not short:
            continue
        shortest_s = min(press.duration_s or 0.0 for press in short)
        digits = shown([press.digit for press in short])
        yield direction.finding(
            "dtmf-short",
            f"{counted(len(short), 'key press', 'es')} of {direction.who} ({digits}) are shorter "
            f"than {SHORTEST_S * 1e3:.0f} ms, down to {shortest_s * 1e3:.0f} ms: receivers may "
            f"miss them.",
            {"presses": len(short), "digits": digits, "shortest_ms": round(shortest_s * 1e3, 1)},
            [press.frame for press in short],
        )


def keys_in_sound_only(evidence: Evidence) -> Iterator[Finding]:
    """``dtmf-in-sound-only``: events were agreed on, and keys come in the sound alone."""
    for direction in _directions(evidence):
        call = direction.call
        if call is None or not _events_agreed(call):
            continue
        pressed = direction.presses
        only = [press for press in pressed if press.source == "inband" and press.digit in KEYS]
        if len(only) < LEAST_KEYS:
            continue
        digits = shown([press.digit for press in only])
        yield direction.finding(
            "dtmf-in-sound-only",
            f"{counted(len(only), 'key press', 'es')} of {direction.who} ({digits}) are in the "
            f"sound alone, though telephone events were agreed on: who waits for those hears none.",
            {"presses": len(only), "digits": digits},
            [press.frame for press in only],
        )


def _events_agreed(call: Call) -> bool:
    """Whether an offer and its answer both have telephone events."""
    epochs = () if call.dialog is None else call.dialog.epochs
    return any(
        any(fmt.is_event for fmt in offer.formats.values())
        and any(fmt.is_event for fmt in answer.formats.values())
        for epoch in epochs
        if epoch.answered is not None
        for offer, answer in zip(epoch.offer, epoch.answer, strict=False)
    )


def keys_in_low_bit_rate(evidence: Evidence) -> Iterator[Finding]:
    """``dtmf-low-bit-rate``: keys in the sound of a codec that bends tones."""
    for direction in _directions(evidence):
        bent = [s for s in direction.streams if (s.codec or "").lower() in LOW_BIT_RATE]
        if not bent:
            continue
        numbers = {stream.ssrc for stream in bent}
        only = [
            press
            for press in direction.presses
            if press.source == "inband" and press.ssrc in numbers
        ]
        if len(only) < LEAST_KEYS:
            continue
        digits = shown([press.digit for press in only])
        yield direction.finding(
            "dtmf-low-bit-rate",
            f"{counted(len(only), 'key press', 'es')} of {direction.who} ({digits}) are in the "
            f"sound of {bent[0].codec}, which bends tones: receivers may miss some.",
            {"presses": len(only), "digits": digits, "codec": bent[0].codec or ""},
            [press.frame for press in only],
        )


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    double_keys,
    short_keys,
    keys_in_sound_only,
    keys_in_low_bit_rate,
)
