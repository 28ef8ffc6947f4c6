"""See runtime/lib/testdata/table.py."""

import itertools
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../testdata"))
from table import literal, table


def method(name):
    return lambda data, *args, **kwargs: getattr(data, name)(*args, **kwargs)


names = {n: method(n) for n in (
    "count decode encode endswith find index join lower lstrip partition removeprefix removesuffix "
    "replace rfind rindex rpartition rsplit rstrip split splitlines startswith strip upper").split()}

samples = [b"", b"a", b"abcabc", b"aaa", b"a,b,,c,", b",a", b"  a b\t\nc ", b"\x00\xff\x00", b"a\r\nb\rc\n\nd",
           b"\xe2\x82\xac", b"caf\xc3\xa9", b"\n", b"\v\fx\x1c\x85"]
subs = [b"", b"a", b"aa", b"bc", b",", b"\xff", b"x", b"abcabcabc"]
bounds = ["", ", 1", ", -2", ", 0, 2", ", 2, 1", ", None, -1", ", -10, 100", ", 6", ", 7", ", 3, 3"]


def expressions():
    for f in ("find", "rfind", "index", "rindex", "count", "startswith", "endswith"):
        for s, sub, b in itertools.product(samples[:1] + samples[2:5], subs[:5], bounds):
            yield f"{f}({s!r}, {sub!r}{b})"
    yield 'startswith(b"abc", (b"x", b"ab"))'
    yield 'startswith(b"abc", ())'
    yield 'endswith(b"abc", (b"x", b"bc"))'
    for f in ("split", "rsplit"):
        for s in samples:
            for sep in [b",", b"a", b"aa", b"\r\n"]:
                for n in ("", ", 0", ", 1", ", -1"):
                    yield f"{f}({s!r}, {sep!r}{n})"
            for n in range(-1, 5):
                yield f"{f}({s!r}, maxsplit = {n})"
        yield f"{f}(b'a', b'')"
    for s in samples:
        for f in ("strip", "lstrip", "rstrip"):
            yield f"{f}({s!r})"
            yield f"{f}({s!r}, None)"
            for chars in (b"", b"a", b"ac", b",\n", b"\x00\xff"):
                yield f"{f}({s!r}, {chars!r})"
        for f in ("removeprefix", "removesuffix", "partition", "rpartition"):
            for sub in subs:
                yield f"{f}({s!r}, {sub!r})"
        for old, new, n in itertools.product(subs[:4], [b"", b"<>"], ("", ", 0", ", 2", ", 99", ", -1")):
            yield f"replace({s!r}, {old!r}, {new!r}{n})"
        yield f"splitlines({s!r})"
        yield f"splitlines({s!r}, True)"
        yield f"lower({s!r})"
        yield f"upper({s!r})"
    yield 'upper(b"\\xe9az`{")'
    yield 'lower(b"\\xc9AZ@[")'
    for sep in (b"", b", "):
        for parts in ([], [b"a"], [b"a", b"", b"c"]):
            yield f"join({sep!r}, {parts!r})"
    bad = [b"\xff", b"a\xff\xffb", b"\xc3", b"\xc3a", b"\xe2\x82", b"\xe2\x82a", b"\xe2\x28\xa1", b"\xc0\x80",
           b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf0\x9f\x98", b"\xf0\x9f\x98a", b"\xf0\x80\x80\x80",
           b"\xf4\x90\x80\x80", b"\xf5\x80\x80\x80", b"\x80", b"\xef\xbf\xbd", b"\xf0\x9f\x98\xb9", b"ok",
           b"\xe2\x82\xe2\x82\xac", b"\xf1\x80\x80\xe1\x80\xc2b\x80c\x80\xbfd"]
    for s in samples[-4:] + bad:
        for enc in ("utf-8", "ISO_8859-1", "ascii"):
            for errors in ("strict", "replace", "ignore", "backslashreplace"):
                yield f"decode({s!r}, {enc!r}, {errors!r})"
        yield f"decode({s!r})"
    for s in ("", "abc", "café", "€5", "\U0001f639", "a\u0100\u00ff\u0080b"):
        for enc in ("utf-8", "latin-1", "ascii"):
            for errors in ("strict", "replace", "ignore", "xmlcharrefreplace", "backslashreplace"):
                yield f"encode({literal(s)}, {enc!r}, {errors!r})"
        yield f"encode({literal(s)})"


table(names, expressions())
