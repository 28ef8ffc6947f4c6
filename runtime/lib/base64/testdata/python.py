"""See runtime/lib/testdata/table.py."""

import base64
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../testdata"))
from table import literal, table


def encode(data, urlsafe=False, padding=True):
    text = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(data).decode()
    return text if padding else text.rstrip("=")


def decode(text):
    return base64.b64decode(text, validate=True)


def lenient(text):
    """What decode takes besides."""
    text = "".join(text.split()).replace("-", "+").replace("_", "/")
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def expressions():
    all = [bytes(range(i, i + n)) for i in (0, 60, 250) for n in range(0, 6)]
    all += [b"\xfb\xff\xfe" * n for n in range(1, 4)] + [bytes(range(256))]
    for data in all:
        data = literal(data)
        for more in ("", ", True", ", False, False", ", urlsafe = True, padding = False"):
            yield f"encode({data}{more})"
    for text in ("", "AA==", "AAA=", "AAAA", "Zg==", "Zm9vYmFy", "SGVsbG8hPz4=", "A", "AAAAA", "A===", "====", "=",
                 "AA==A", "AA=A", "A=AA", "AA===", "AAA==", "$$$$", "AA$A", "Zh==", "/+==", "\u00e9AAA",
                 "AAAAAA=="):
        yield f"decode({literal(text)})"


names = {"encode": encode, "decode": decode}
table(names, expressions())
names["decode"] = lenient
table(names, ['decode("%s")' % t for t in (
    "AA", "AAA", "-_8", "_w", "A A\\r\\nA A", "AA = =", "SGVsbG8hPz4", " ")])
