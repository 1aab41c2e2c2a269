"""Many captures, many results: a task over files, in one process or in many."""

from rtpcap.batch.decoding import Decoded, DecodeOptions, decode
from rtpcap.batch.inputs import Inputs, expand
from rtpcap.batch.run import Result, run

__all__ = ["DecodeOptions", "Decoded", "Inputs", "Result", "decode", "expand", "run"]
