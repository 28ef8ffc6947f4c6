"""What the tables of the host modules have in common. In the directory of a module

    python3 testdata/python.py > testdata/python.txt

asks Python what its functions return, for hosttest.Table to compare."""

import platform


def literal(v):
    """A value as Starlark writes it; it must read back the same."""
    if v is None or isinstance(v, (bool, int)):
        return repr(v)
    if isinstance(v, float):
        return repr(v)
    if isinstance(v, (bytes, bytearray)):
        return 'b"' + "".join(
            chr(c) if 32 <= c < 127 and c not in b'"\\' else "\\x%02x" % c for c in v) + '"'
    if isinstance(v, str):
        return '"' + "".join(
            c if 32 <= ord(c) < 127 and c not in '"\\' else "\\U%08x" % ord(c) for c in v) + '"'
    if isinstance(v, dict):
        return "{" + ", ".join(literal(k) + ": " + literal(x) for k, x in v.items()) + "}"
    if isinstance(v, list):
        return "[" + ", ".join(map(literal, v)) + "]"
    if isinstance(v, tuple):
        return "(" + "".join(literal(x) + ", " for x in v) + ")"
    raise TypeError(type(v))


def table(names, expressions):
    """Prints what each expression is where the names are known."""
    print("# Made by testdata/python.py with Python " + platform.python_version())
    for e in expressions:
        assert "\t" not in e and "\n" not in e, e
        try:
            want = literal(eval(e, dict(names)))
        except Exception:
            want = "error"
        print(e, want, sep="\t")
