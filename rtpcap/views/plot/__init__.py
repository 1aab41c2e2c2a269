"""Pictures of captures, calls, streams and audio, by matplotlib: ``rtpcap.plot``.

Each chart draws into the Axes it is given as `ax`, or into a figure of its own, and returns the
Axes; `save` writes their figure. Nothing touches pyplot or any global style, and no text of a
capture is taken for a formula or for markup.
"""

from rtpcap.views.plot.buffer import buffer
from rtpcap.views.plot.call import call
from rtpcap.views.plot.files import FORMATS, save
from rtpcap.views.plot.gaps import gaps
from rtpcap.views.plot.jitter import jitter
from rtpcap.views.plot.ladder import ladder
from rtpcap.views.plot.page import PAGE_KINDS, page
from rtpcap.views.plot.quality import quality
from rtpcap.views.plot.sheet import STREAM_KINDS, chart
from rtpcap.views.plot.spectrogram import spectrogram
from rtpcap.views.plot.timeline import timeline
from rtpcap.views.plot.waveform import waveform

__all__ = [
    "FORMATS",
    "PAGE_KINDS",
    "STREAM_KINDS",
    "buffer",
    "call",
    "chart",
    "gaps",
    "jitter",
    "ladder",
    "page",
    "quality",
    "save",
    "spectrogram",
    "timeline",
    "waveform",
]
