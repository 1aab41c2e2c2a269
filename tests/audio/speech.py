"""Speech without a single key press, and what is heard in it all the same.

``python -m tests.audio.speech --minutes 60`` says how many digits and tones are found in an hour of
espeak-ng's voices, clean and mixed with noise, and how many libspandsp finds.
"""

from __future__ import annotations

import argparse
import io
import random
import subprocess
import sys
import wave
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from rtpcap.audio.audio import Audio
from rtpcap.audio.call_tones import find_tones
from rtpcap.audio.dtmf import find_keys
from tests.audio.spandsp import spandsp_digits
from tests.peers import require

__all__ = ["RATE", "speech"]

RATE = 8000
LIMIT = 32767
SENTENCES = {
    "en": ("The train to the coast leaves at", "Please write down the number", "You owe us"),
    "de": ("Der Zug an die See fährt um", "Bitte notieren Sie die Nummer", "Sie schulden uns"),
    "fr": ("Le train pour la mer part à", "Veuillez noter le numéro", "Vous nous devez"),
    "es": ("El tren a la costa sale a las", "Por favor apunte el número", "Usted nos debe"),
    "it": ("Il treno per il mare parte alle", "Per favore annoti il numero", "Lei ci deve"),
    "pl": ("Pociąg nad morze odjeżdża o", "Proszę zapisać numer", "Jest nam pan winien"),
    "ru": ("Поезд к морю отходит в", "Пожалуйста, запишите номер", "Вы должны нам"),
    "sv": ("Tåget till kusten går klockan", "Skriv upp numret", "Du är skyldig oss"),
    "hi": ("तट की ट्रेन चलती है", "कृपया नंबर लिखें", "आप पर हमारा बकाया है"),
    "tr": ("Sahile giden tren kalkıyor", "Lütfen numarayı yazın", "Bize borcunuz var"),
}
VOICES = ("", "+m1", "+m3", "+m7", "+f1", "+f2", "+f3", "+f5", "+croak", "+whisper")


def speech(seconds: float, seed: int = 1) -> Iterator[npt.NDArray[np.int16]]:
    """Utterances at 8 kHz of other voices, languages, pitches and paces, until so much was said."""
    chosen = random.Random(seed)
    espeak = require("espeak-ng")
    said = 0.0
    while said < seconds:
        language = chosen.choice(sorted(SENTENCES))
        words = []
        for _ in range(12):
            number = chosen.randrange(10 ** chosen.randrange(1, 8))
            words.append(f"{chosen.choice(SENTENCES[language])} {number}.")
        command = [espeak, "-v", language + chosen.choice(VOICES), "--stdout"]
        command += ["-p", str(chosen.randrange(10, 95)), "-s", str(chosen.randrange(110, 240))]
        text = " ".join(words).encode()
        done = subprocess.run(command, input=text, capture_output=True, check=True)
        samples = _at_telephone_rate(done.stdout)
        if not len(samples):
            continue
        said += len(samples) / RATE
        yield samples


def _at_telephone_rate(spoken: bytes) -> npt.NDArray[np.int16]:
    """The samples of a WAV file at 8 kHz, its loudest one 6 dB below full scale."""
    with wave.open(io.BytesIO(spoken)) as file:
        rate = file.getframerate()
        # What is written to a pipe has no length in its header.
        raw = spoken[44:]
    values = np.frombuffer(raw[: len(raw) // 2 * 2], "<i2").astype(np.float64)
    length = len(values) * RATE // rate
    if not length or not values.any():
        return np.empty(0, np.int16)
    # The spectrum up to half the new rate is the sound at that rate.
    spectrum = np.fft.rfft(values)[: length // 2 + 1]
    low = np.fft.irfft(spectrum, length)
    return np.asarray(low * (LIMIT / 2 / np.abs(low).max()), np.int16)


def noisy(
    samples: npt.NDArray[np.int16], below_db: float, generator: np.random.Generator
) -> npt.NDArray[np.int16]:
    """Samples and white noise, so much below them."""
    values = samples.astype(np.float64)
    rms = np.sqrt((values**2).mean()) * 10 ** (-below_db / 20)
    noise = generator.standard_normal(len(values)) * rms
    mixed = np.clip(np.round(values + noise), -LIMIT - 1, LIMIT)
    return np.asarray(mixed, np.int16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    generator = np.random.default_rng(options.seed)
    spoken, ours, theirs, tones = 0, "", "", list[str]()
    for number, clean in enumerate(speech(60 * options.minutes, options.seed)):
        samples = clean if number % 2 else noisy(clean, (10, 20, 30)[number // 2 % 3], generator)
        audio = Audio(samples, RATE, np.ones(len(samples), np.bool_))
        keys = find_keys(audio)
        ours += "".join(key.digit for key in keys)
        theirs += spandsp_digits(samples)
        tones += [tone.name for tone in find_tones(audio)]
        spoken += len(samples)
        for key in keys:
            sys.stdout.write(f"{number}: {key}\n")
    sys.stdout.write(f"{spoken / RATE / 60:.1f} minutes: {len(ours)} digits {ours!r}, ")
    sys.stdout.write(f"libspandsp {len(theirs)} {theirs!r}, tones {tones}\n")
    sys.exit(1 if ours or tones else 0)


if __name__ == "__main__":
    main()
