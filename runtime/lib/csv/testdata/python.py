"""See runtime/lib/testdata/table.py."""

import csv
import io
import itertools
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../testdata"))
from table import literal, table


def read(text, delimiter=",", quotechar='"', header=False, skipinitialspace=False, strict=False):
    options = dict(delimiter=delimiter, skipinitialspace=skipinitialspace, strict=strict)
    if quotechar is None:
        options["quoting"] = csv.QUOTE_NONE
    else:
        options["quotechar"] = quotechar
    file = io.StringIO(text, newline="")
    if header is False:
        return list(csv.reader(file, **options))
    return list(csv.DictReader(file, None if header is True else header, **options))


def write(rows, delimiter=",", quotechar='"', header=None, lineterminator="\r\n", quoting="minimal"):
    file = io.StringIO(newline="")
    options = dict(delimiter=delimiter, lineterminator=lineterminator, quoting=getattr(csv, "QUOTE_" + quoting.upper()))
    if quotechar is None:
        options["quoting"] = csv.QUOTE_NONE
    options["quotechar"] = quotechar
    if rows and isinstance(rows[0], dict):
        w = csv.DictWriter(file, list(header or rows[0]), **options)
        w.writeheader()
    else:
        w = csv.writer(file, **options)
        if header:
            w.writerow(header)
    w.writerows(rows)
    return file.getvalue()


def expressions():
    texts = ["", "a", "a,b", "a,b\n", "a,b\r\nc,d", "a\rb", "\n", "a\n\nb", "\r\n\r\n", ",", ",,\n,", '"a"', '"a,b",c', '"a""b"', '""',
             '""""', '"', '"a', '"a\n', '"a"b', '"a"b"c",d', 'a"b', 'a"b,"c', '"a" ,b', ' "a",b', 'a, "b, c"', '"a\nb",c', '"a\r\nb"\r\n"c"',
             '"a"\n', "a;b", "a\tb", "'a,b',c", "\u00e9,\u20ac", '"\u00e9""",x', "a,b,c\n1,2\n1,2,3,4\n\n5,6,7", "a,a\n1,2", "  a,  b",
             '""a,b', '"","",', '"a"""', '"a""', "a,\"b\n"]
    chosen = random.Random(1)
    texts += ["".join(chosen.choice('a,"\n\r b') for _ in range(chosen.randint(3, 14))) for _ in range(200)]
    for text in texts:
        text = literal(text)
        yield f"read({text})"
        yield f"read({text}, strict = True)"
        yield f"read({text}, skipinitialspace = True)"
    for text in texts[:60]:
        text = literal(text)
        yield f'read({text}, ";", "\'")'
        yield f"read({text}, quotechar = None)"
        yield f'read({text}, delimiter = "\\u00e9")'
        if text[1:11] not in (r"\U0000000a", r"\U0000000d"):  # Python takes an empty line for the names
            yield f"read({text}, header = True)"
        yield f'read({text}, header = ["x", "y"])'
    fields = ["", "a", "a,b", 'say "hi"', "a\nb", "\r", " a ", "'", "\u00e9;", 1, -2, 1.5, 1e100, True, None, [1], "1"]
    for v in fields:
        v = literal(v)
        for row in (f"[{v}]", f"[{v}, {v}]", f'["x", {v}]'):
            yield f"write([{row}])"
            yield f'write([{row}], quoting = "all")'
            if "0d" not in v:  # which later versions than 3.11 quote
                yield f'write([{row}], ";", "\'", lineterminator = "\\n")'
            yield f'write([{row}], quoting = "nonnumeric")'
    for rows in ("[]", "[[]]", "[[], []]", '[["a"], ("b", 1), range(3)]', '[{"a": 1, "b": None}, {"b": 2}]', '[{"a": 1}, {"c": 2}]'):
        yield f"write({rows})"
        if "c" not in rows and "(" not in rows:
            yield f'write({rows}, header = ["b", "a"])'
    yield 'write([["a", "b"]], delimiter = "\\t")'
    yield 'write([["a|b"]], lineterminator = "|")'
    yield 'write([["a,b"]], quotechar = None)'
    yield 'write([["ab", 1]], quotechar = None)'
    yield "write([1])"


table({"read": read, "write": write}, expressions())
