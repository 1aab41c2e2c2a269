"""Damage to the bytes of a file, the same for the same name and number."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Literal, NamedTuple

__all__ = ["Harm", "all_harm", "harmed", "mutated"]

FIRST_BYTES = 1024
"""The part of a file that is cut most often: its own headers, and the first frames whole."""

Kind = Literal["cut", "mutation"]


class Harm(NamedTuple):
    """One way to damage a file: cut behind `number` bytes, or the mutation of that number."""

    kind: Kind
    number: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}"


def all_harm(name: str, size: int, cuts: int, early_cuts: int, mutations: int) -> Iterator[Harm]:
    """What is done to a file of `size` bytes: `early_cuts` within its first kilobyte (at every
    byte, if as many are wanted), `cuts` at random places behind, and numbered mutations."""
    chance = random.Random(f"{name} cuts")
    early = range(min(FIRST_BYTES, size))
    for place in sorted(chance.sample(early, min(early_cuts, len(early)))):
        yield Harm("cut", place)
    late = range(len(early), size)
    for place in sorted(chance.sample(late, min(cuts, len(late)))):
        yield Harm("cut", place)
    for number in range(mutations):
        yield Harm("mutation", number)


def harmed(name: str, data: bytes, harm: Harm) -> bytes:
    if harm.kind == "cut":
        return data[: harm.number]
    return mutated(data, random.Random(f"{name} {harm.number}"))


def mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with some of them changed, cut out, doubled, or cut off at the end."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 2, 5, 20, 200))):
        if not out:
            return b""
        at = chance.randrange(len(out))
        kind = chance.randrange(6)
        if kind == 0:
            out[at] = chance.randrange(256)
        elif kind == 1:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            out[at : at + 4] = chance.choice(
                (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff")
            )
        elif kind == 3:
            del out[at : at + chance.randrange(1, 40)]
        elif kind == 4:
            out[at:at] = out[at : at + chance.randrange(1, 300)]
        else:
            out[at : at + 2] = chance.randbytes(2)
    if out and chance.random() < 0.1:
        del out[chance.randrange(len(out)) :]
    return bytes(out)
