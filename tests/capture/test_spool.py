"""What lies in no file of the capture."""

from __future__ import annotations

import numpy as np

from rtpcap.capture.spool import Spool


def test_pieces_lie_one_behind_the_other() -> None:
    pieces = [np.frombuffer(text, np.uint8) for text in (b"one", b"", b"three")]
    spool = Spool()
    assert spool.mapped() is None
    assert spool.append([]) == 0
    assert spool.mapped() is None
    assert spool.append(pieces) == 0
    assert spool.append(pieces[:1]) == 8
    mapped = spool.mapped()
    assert mapped is not None
    assert mapped.data.tobytes() == b"onethreeone"
