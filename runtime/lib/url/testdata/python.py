"""See runtime/lib/testdata/table.py."""

import os
import sys
from urllib import parse as p

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../testdata"))
from table import literal, table

names = {
    "quote": p.quote, "quote_plus": p.quote_plus, "unquote": p.unquote, "unquote_plus": p.unquote_plus,
    "unquote_to_bytes": p.unquote_to_bytes, "urlencode": p.urlencode, "join": p.urljoin, "unparse": p.urlunparse,
    "parse_qs": p.parse_qs, "parse_qsl": p.parse_qsl,
    "parse": lambda *args, **kwargs: p.urlparse(*args, **kwargs),
    "parts": lambda *args, **kwargs: tuple(p.urlparse(*args, **kwargs)),
    "hosts": lambda url: [getattr(p.urlparse(url), n) for n in ("username", "password", "hostname")],
}

texts = ["", "abc", "a b", "/green tea/50%", "a/b?c=d&e#f", "caf\u00e9", "\u20ac5", "\U0001f639", "~_.-", "a+b", "\x00\x7f",
         "100%", "%", "%4", "%41", "%zz", "%C3%A9", "%c3%a9", "%e2%82", "%e2\u00e9%82", "%ff%41", "a%20b+c", "\u00e9%C3%A9",
         "%%41", "%4%41", "%2541", "%C3a%A9", "%F0%9F%98%B9", "%f0%9f%98x", "%00", "%ED%A0%80", "\u00e9", "+%2B "]

# RFC 3986, sections 5.4.1 and 5.4.2
base = "http://a/b/c/d;p?q"
references = ["g:h", "g", "./g", "g/", "/g", "//g", "?y", "g?y", "#s", "g#s", "g?y#s", ";x", "g;x", "g;x?y#s", "", ".", "./",
              "..", "../", "../g", "../..", "../../", "../../g", "../../../g", "../../../../g", "/./g", "/../g", "g.", ".g",
              "g..", "..g", "./../g", "./g/.", "g/./h", "g/../h", "g;x=1/./y", "g;x=1/../y", "g?y/./x", "g?y/../x",
              "g#s/./x", "g#s/../x", "http:g"]
more = ["http:", "https://x", "mailto:a@b", "javascript:alert(1)", "/a//b/./c", "a//b", "//", "///x", "////x", "/", "?", "#",
        "?#", "..//g", "g//../h", " g ", "\ng", "a\tb", "\x01g", "1:2", "a:b", "+:x", "HTTP://X/y", ";", "/;x", "a;b/c;d", "data:,x",
        "\u00e9", "http://[::1]/", "ftp://h/a;type=i", "ws:x", "file:///etc", "file:a"]
bases = [base, "http://a", "http://a/", "http://a/b/c/", "http://a/b//c", "", "a", "a/b", "/a/b", "//h/a", "mailto:x@y",
         "file:///a/b", "urn:a:b", "http:///a", "http:a", "?x", "#x", "http://a/b/../c/./d", "ws://h/x", "tel:1;p"]
urls = references + more + [base, "http://u:p@h:80/p;a?q#f", "http://u@h", "http://:p@h", "http://@h", "http://u:@h", "http://h:",
        "http://h:x", "http://h:65535", "http://[::1]:8", "http://[::1", "http://::1]", "http://[1.2.3.4]", "http://[v1.x]",
        "http://[v.x]", "http://[vg.x]", "http://[fe80::1%25Eth0]/", "http://U@V@Host.Example:1/", "HTTPS://EXAMPLE.com",
        "http://h\\x", "http://h?x?y", "http://h#x#y", "http://h#x?y", "http://h;a", "tel:1;a=b", "urn:x;y", "sip:a;b?c",
        "x://h/p;a", "h:80", "localhost:80/x", "-a:b", "http:/x", "http://h:\u0661", "http://h:+1", "http://h:01", "//u:p@h"]


def expressions():
    for s in texts:
        s = literal(s)
        for f in ("quote", "quote_plus"):
            yield f"{f}({s})"
            for safe in ("", "/", " %", "+&"):
                yield f"{f}({s}, {safe!r})"
        for f in ("unquote", "unquote_plus"):
            yield f"{f}({s})"
            yield f'{f}({s}, "latin-1")'
            for errors in ("strict", "replace", "ignore"):
                yield f"{f}({s}, errors = {errors!r})"
        yield f"unquote_to_bytes({s})"
        yield f'quote({s}, "/", "latin-1")'
        yield f'quote({s}, encoding = "latin-1", errors = "replace")'
        yield f'quote({s}, encoding = "ascii", errors = "xmlcharrefreplace")'
    for b in (b"", b"a b/\xff\xc3\xa9%", b"%FF+\xff"):
        for f in ("quote", "quote_plus", "unquote", "unquote_to_bytes"):
            yield f"{f}({literal(b)})"
        yield f'quote({literal(b)}, "", "utf-8")'
    yield "quote(1)"
    yield "unquote_plus(b'a')"
    for q in ({}, {"a": 1, "b": "c d"}, {"a": [1, "x y", b"\xff"], "b": (), "c": None, "d": True, "e": 1.5},
              {"\u00e9": "\u20ac", b"\xff": b" "}, {"s": "ab", "t": b"ab"}, {1: 2, None: "/"}, {"a": {1: 2}}):
        if "a" not in q or not isinstance(q["a"], list):
            yield f"urlencode({literal(q)})"
        yield f"urlencode({literal(q)}, True)"
        if "a" not in q or not isinstance(q["a"], list):
            yield f"urlencode({literal(q)}, safe = '/ ')"
            yield f"urlencode({literal(q)}, quote_via = quote)"
            yield f"urlencode({literal(q)}, encoding = 'latin-1', errors = 'replace')"
    for q in ("[]", "[('a', 1), ('a', 2)]", "(('a', [1, 2]),)", "['ab']", "'ab'", "1", "[('a',)]", "[1]"):
        if q not in ("['ab']",):  # Python takes two letters for a pair
            yield f"urlencode({q})"
            yield f"urlencode({q}, doseq = True)"
    for q in ("", "a=1", "a=1&b=2&a=3", "a", "a=", "=1", "=", "&", "&&a=1&", "a=1;b=2", "a==b", "a=b=c", "a+b=c+d", "%41=%42",
              "a=%ff", "caf%C3%A9=%E2%82%AC", "\u00e9=\u00e9", "a%3Db=c%26d", "a&b=1", "%=%"):
        q = literal(q)
        for f in ("parse_qs", "parse_qsl"):
            yield f"{f}({q})"
            yield f"{f}({q}, True)"
            yield f"{f}({q}, strict_parsing = True)"
            yield f"{f}({q}, True, True)"
            yield f'{f}({q}, separator = ";")'
            yield f"{f}({q}, max_num_fields = 2)"
        yield f'parse_qsl({q}, encoding = "latin-1")'
        yield f'parse_qsl({q}, errors = "strict")'
    yield 'parse_qs("a", separator = "")'
    yield 'parse_qs("a=1&&b=2", separator = "&&")'
    for url in urls:
        url = literal(url)
        yield f"parts({url})"
        yield f"hosts({url})"
        yield f"parse({url}).port"
        # 3.11 makes other URLs of these: //x, http:///g. Later versions do not.
        if url not in map(literal, ("////x", "http:g", "ws:x", "file:a")):
            yield f"parse({url}).geturl()"
        yield f'parts({url}, "https", False)'
    for t in (("", "", "", "", "", ""), ("http", "", "", "", "", ""), ("http", "h", "p", "", "", ""), ("", "h", "/p", "a", "q", "f"),
              ("mailto", "", "a@b", "", "", ""), ("x", "h", "", "", "", ""), ("file", "", "/a", "", "", ""), ("", "", "p", "x", "", "f")):
        yield f"unparse({literal(t)})"
    yield "unparse(('a',))"
    for b in bases:
        for r in references + more:
            if "////" in r or "///" in b or b in ("http:", "http:a", "http:///a") or r in ("http:g", "http:", "ws:x", "file:a"):
                if b != base and b != "http://a/":
                    continue
            yield f"join({literal(b)}, {literal(r)})"
    for r in ("#x", "a#x", "a?b#c"):
        yield f'join("http://a/b#y", {literal(r)}, False)'


table(names, expressions())
