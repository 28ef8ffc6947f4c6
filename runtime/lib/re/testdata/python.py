"""See runtime/lib/testdata/table.py. An argument is the seed for a table of other patterns, chosen
by chance, which is not kept."""

import os
import random
import re
import sys
import warnings

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../testdata"))
from table import literal, table

warnings.simplefilter("ignore")


def look(m):
    """All that a match says. Positions count characters here, and bytes there."""
    return m and (m.group(), m.span(), m.groups(), m.groupdict(), m.lastindex, m.lastgroup,
                  [m.span(i) for i in range(1, len(m.groups()) + 1)])


names = {n: getattr(re, n) for n in (
    "compile escape findall finditer fullmatch match search split sub subn A ASCII I IGNORECASE M MULTILINE S DOTALL "
    "X VERBOSE U UNICODE").split()}
names["look"] = look

patterns = [
    "", "a", "ab", "a|b", "a*", "a+", "a?", "a*?", "a+?", "a??", "b*|a", "|a", "a|", "(a)|b", "(a)(b)?", "(a|b)*", "(a*)b",
    "((a)(b))", "(a)|(b)", "(?P<x>a)(?P<y>b)?", "(?:ab)+", "x*", "(x*)", "^", "^a", "a$", "\\Aa", "a\\Z", "\\b", "\\B", "\\bab\\b",
    "\\b|a+", "[ab]", "[^ab]", "[a-c]+", "[]a]+", "[^]a]+", "[a\\]b]+", "[-a]+", "[a-]+", "\\d+", "\\D+", "\\w+", "\\W+", "\\s+", "\\S+",
    "[\\w-]+", "[\\d.]+", "[\\s,]+", "[^\\w]+", "[\\W]+", "[\\S]+", "[\\D]+", "[^\\s-]+", ".", ".*", ".+?", "a.c", "a{2}", "a{1,2}", "a{,2}",
    "a{1,}", "a{1,2}?", "a{0}", "a{", "a{}", "a{x}", "a{1", "a{,}", "a{01}", "{a}", "(?i)A", "(?s).+", "(?m)^.", "(?m).$", "(?x) a b # c",
    "(?x)a [ ] b", "(?i:A)b", "(?i)a(?-i:B)", "(?#comment)a", "\\x61", "\\u0061", "\\U00000061", "\\141", "\\0", "\\07", "[\\141\\x62]+", "\\n",
    "\\t| ", "\\.", "\\-", "\\,", "[\\b]", "(a)(?:b)(c)", "()", "(?:)", "(a|ab)(c|bcd)(d*)", "(a+)(b+)?", "(?:(a)|b)*", "([ab]*)c?",
    "a|ab|abc", "(?P<n>[0-9]+)-(?P<m>[0-9]+)", "[,;]\\s*", "(,)(;)?", "\\Ba\\B", "(?m)^", "(?m)$", "(?m)^$", "\u00e9", "[\u00e9\u00e8]+",
    "(?i)\u00c9", "[^\u00e9]+", "(?a)\\w+", "(?a)[\\W]+", "(?a)\\s+", "(?a)[\\S]+", "(?a)\\d+", "[\\s\\d]+", "[_-]", "[a\\-z]+", "[&&]", "[a||b]",
    "[[]", "[[a]+", "(?is)A.", "(?ims)^A.", "\\ ", "\\#", "(?x)\\ a\\#", "(?x)(?:a |b ) c", "#", "((a)|(b))*", "(?P<a>(?P<b>a)b)",
]
bad = [
    "(", ")", "a)", "(a", "[", "[a", "[]", "*", "+a", "?", "a**", "a+*", "a{2}{3}", "{1}", "\\", "a\\", "\\q", "\\8", "\\1", "(a)\\1",
    "(?P=x)", "(?P<x>a)(?P=x)", "(?P<x>a)(?P<x>b)", "(?P<1>a)", "(?P<>a)", "(?P<x", "(?Px)", "(?", "(?z)", "(?i", "a(?i)", "(?-i)a", "(?L)a",
    "(?au)a", "[b-a]", "[a-\\d]", "a{2,1}", "\\x1", "\\u12", "\\U1234567", "\\U00110000", "\\400", "(?#", "[\\q]", "[\\8]", "(?P", "(?P<",
    "(?:", "(?a-a:b)", "(*a)", "a|*",
]
texts = ["", "a", "b", "ab", "aab abb", "abcd", "a\nb\n", "xaxbx", "aaa", "3-14, 15; 9", "  a_1\t-b.\n", "A\u00e9 \u00c9\u00e8\u00df\u0664\u00a0\u2003z",
         "a{1}{x}{,", "[a]-]&&|b", "ab#c a b", "\x00\x07\x08\x1c\x85", "abAB"]


def functions(p, s, ascii):
    p, s = literal(p), literal(s)
    if ascii:
        for f in ("match", "search", "fullmatch"):
            yield f"look({f}({p}, {s}))"
        yield f"[look(m) for m in finditer({p}, {s})]"
    yield f"findall({p}, {s})"
    yield f"split({p}, {s})"
    yield f"sub({p}, '<\\\\g<0>>', {s})"


def skipped(p, s):
    """What is otherwise, and said so: $ before a line break at the end, \\b and \\B of letters that are not ASCII, what
    follows an empty match where several longer ones begin, \\B in an empty text."""
    return (p.endswith("a$") and s.endswith("\n")) or (
        ("\\b" in p and "[" not in p or "\\B" in p) and not s.isascii()) or (
        "\\B" in p and s == "") or ("$" in p and "(?m" not in p and s.endswith("\n"))


def expressions():
    chosen = random.Random(1)
    for p in patterns:
        for s in chosen.sample(texts, 3):
            if not skipped(p, s):
                yield from functions(p, s, s.isascii())
    for p in bad:
        yield f"compile({literal(p)})"
    for s in ("abab", "a1b22c", "", "xx"):
        for p in ("[ab]", "(a)(b)?", "(?P<x>\\d)", "", "x*"):
            for n in (-1, 0, 1, 2, 5):
                yield f"split({literal(p)}, {literal(s)}, maxsplit = {n})"
                yield f"subn({literal(p)}, '_', {literal(s)}, {n})"
    for template in ("\\1", "\\2", "\\g<1>", "\\g<2>", "\\g<x>", "\\g<y>", "\\g<0>", "[\\1\\2]", "\\0", "\\01", "\\1a", "\\10", "\\12", "\\100",
                     "\\400", "\\n\\t\\\\", "\\q", "\\.", "\\-\\1", "\\", "\\g", "\\g<", "\\g<>", "\\g<-1>", "\\g<3>", "\\3", "\\g<a b>", "\\a\\b\\f\\r\\v",
                     "\u00e9\\1", "\\\u00e9", "$1", "&", "\\g<01>", "a\\", "\\9", "\\08"):
        for p in ("(?P<x>a)(b)?", "a"):
            yield f'sub({literal(p)}, {literal(template)}, "aab")'
            yield f'search({literal(p)}, "aab").expand({literal(template)})'
    for f in ("look({}.search({}))", "look({}.match({}))", "look({}.fullmatch({}))", "{}.findall({})", "[m.span() for m in {}.finditer({})]"):
        for p in ("a", "^a", "a$", "\\ba", "a\\b", "\\Ba", "(?m)^a", "(?m)a$", "a*", "", "\\b", "(a)|b", "(?i)A|^"):
            for s, more in (("aba a\na", ""), ("aba a\na", ", 1"), ("aba a\na", ", 2"), ("aba a\na", ", 2, 3"), ("aba a\na", ", 6"), ("aba a\na", ", 4, 5"),
                            ("aba a\na", ", 7"), ("aba a\na", ", 99"), ("aba a\na", ", -3"), ("aba a\na", ", 0, -3"),
                            ("aba a\na", ", 1, 99"), ("aba a\na", ", endpos = 1"), ("aba a\na", ", pos = 5")):
                yield f.format(f"compile({literal(p)})", literal(s) + more)
    for p in ("a", "(a)(?P<x>b)", "(?P<x>a)(?P<y>b)"):
        yield f"compile({literal(p)}).groups"
        yield f"dict(compile({literal(p)}).groupindex)"
        yield f"compile({literal(p)}).pattern"
    for f in ("I", "IGNORECASE", "M", "S", "X", "A", "I | M", "I | X | S", "A | U", "0", "4", "1 << 20"):
        for p, s in (("a b", "A B"), ("^a.", "x\nA\n"), ("\\w", "\u00e9"), ("a b", "ab AB")):
            if f != "1 << 20":
                yield f"findall({literal(p)}, {literal(s)}, {f})"
                yield f"findall({literal(p)}, {literal(s)}, flags = {f})"
    yield 'compile(compile("a"))'.replace("compile(compile", "findall(compile") .replace('))', '), "aa")')
    yield 'findall(compile("a"), "aA", I)'
    m = 'search("(a)(?P<x>b)?(c)?", "xac")'
    for e in (".group()", ".group(0)", ".group(1, 2)", ".group('x')", ".group(3)", ".group(4)", ".group(-1)", ".group('y')", ".groups()", ".groups('-')",
              ".groupdict()", ".groupdict('-')", ".start()", ".end()", ".span()", ".start(1)", ".end('x')", ".span('x')", ".span(3)", ".span(4)", "[0]", "[1]",
              "['x']", "[4]", ".string", ".pos", ".endpos", ".lastindex", ".lastgroup", ".re.pattern", ".group(None)"):
        yield m + e
    for s in ["", "abc_1", "a.b", "()[]{}?*+-|^$\\.&~# \t\n\r\v\f", "\u00e9<>\"'/:;=@`!%,", "\x00"]:
        yield f"escape({literal(s)})"
        yield f"fullmatch(escape({literal(s)}), {literal(s)}).group() == {literal(s)}"
    yield 'sub("(a)(b)?", lambda m: "[" + m.group(1) + "]", "aba")'
    yield 'sub("a", lambda m: None, "aba")'
    yield 'sub("a", lambda m: 1, "aba")'
    yield 'sub("", "-", "abc")'
    yield 'sub("x*", "-", "abxd")'
    yield 'sub("b|", "-", "abc", 2)'
    yield 'sub("a", 1, "a")'
    yield 'findall(b"a", "a")'
    yield "findall(1, 'a')"
    yield "findall('a', 1)"
    yield "findall('a')"
    # From the documentation of Python's re.
    yield r'split(r"\W+", "Words, words, words.")'
    yield r'split(r"(\W+)", "Words, words, words.")'
    yield r'split(r"\W+", "Words, words, words.", 1)'
    yield r'split("[a-f]+", "0a3B9", flags = IGNORECASE)'
    yield r'split(r"(\W+)", "...words, words...")'
    yield r'split(r"\b", "Words, words, words.")'
    yield r'split(r"\W*", "...words...")'
    yield r'split(r"(\W*)", "...words...")'
    yield r'findall(r"\bf[a-z]*", "which foot or hand fell fastest")'
    yield r'findall(r"(\w+)=(\d+)", "set width=20 and height=10")'
    yield r'sub(r"def\s+([a-zA-Z_][a-zA-Z_0-9]*)\s*\(\s*\):", r"static PyObject*\npy_\1(void)\n{", "def myfunc():")'
    yield r'sub(r"\sAND\s", " & ", "Baked Beans And Spam", flags = IGNORECASE)'
    yield r'match(r"(\d+)\.?(\d+)?", "24").groups("0")'
    yield r'match(r"(..)+", "a1b2c3").group(1)'
    yield r'findall(r"\w+ly\b", "He was carefully disguised but captured quickly by police.")'


def by_chance(seed):
    chosen = random.Random(seed)

    def pattern(depth):
        kind = chosen.choice("aaaaccgg|n.^$bBrrrrq") if depth else chosen.choice("aab.c^$bB")
        if kind == "a":
            return chosen.choice(["a", "b", "ab", "c", "\\n", " "])
        if kind == "c":
            return chosen.choice(["[ab]", "[^a]", "\\w", "\\W", "\\s", "[\\S]", "[^\\w]"])
        if kind == "g":
            return "(" + pattern(depth - 1) + ")"
        if kind == "n":
            return "(?:" + pattern(depth - 1) + ")"
        if kind == "|":
            return "(?:" + pattern(depth - 1) + "|" + pattern(depth - 1) + ")"
        if kind == "r":
            return "(?:" + pattern(depth - 1) + ")" + chosen.choice(["*", "+", "?", "{2}", "{0,1}", "{1,}"])
        if kind == "q":
            return "(" + pattern(depth - 1) + ")" + chosen.choice(["*", "+", "?"])
        if kind in "bB":
            return "\\" + kind
        if kind == "$":
            return "(?m:$)"
        if kind == "^":
            return chosen.choice(["^", "(?m:^)"])
        return "."

    for _ in range(400):
        p = "".join(pattern(3) for _ in range(chosen.randint(1, 3)))
        for _ in range(2):
            s = "".join(chosen.choice("aabbc \n") for _ in range(chosen.randint(0, 9)))
            if not skipped(p, s):
                yield from functions(p, s, True)


table(names, by_chance(int(sys.argv[1])) if len(sys.argv) > 1 else expressions())
