"""See runtime/lib/testdata/table.py."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../testdata"))
from table import literal, table


def encode(data, sep="", bytes_per_sep=1):
    return data.hex(sep, bytes_per_sep) if sep != "" else data.hex()


def expressions():
    for data in (b"", b"\x00", b"\x01\xff", bytes(range(7)), bytes(range(0, 256, 5))):
        data = literal(data)
        yield f"encode({data})"
        for n in (-9, -7, -3, -2, -1, 0, 1, 2, 3, 4, 7, 8):
            yield f'encode({data}, ":", {n})'
    for sep in ("::", "\u00e9", "\n"):
        yield f'encode(b"abc", {literal(sep)})'
    for text in ("", "00", "0", "00fF", "0g", "g0", " 00 ff\n", "0 0", "00\v\f\r\x200a", "\u00e900", "0x00", "00 0",
                 "\u066000"):
        yield f"decode({literal(text)})"


table({"encode": encode, "decode": bytes.fromhex}, expressions())
