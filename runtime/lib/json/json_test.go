package json_test

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/hosttest"
	hostjson "github.com/larkspur-web/larkspur/runtime/host/json"
	"github.com/larkspur-web/larkspur/runtime/lib/json"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
	"go.starlark.net/syntax"
)

// eval evaluates an expression in which json, struct and dag (a list of 2^40 leaves) are known.
func eval(t testing.TB, limits hostjson.Limits, expr string) (starlark.Value, error) {
	t.Helper()
	env, err := json.Bounded(limits).Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	env["struct"] = starlark.NewBuiltin("struct", starlarkstruct.Make)
	env["dag"] = starlark.NewBuiltin("dag", dag)
	env["loop"] = starlark.NewBuiltin("loop", loop)
	env["huge"] = starlark.NewBuiltin("huge", huge)
	env["deep"] = starlark.NewBuiltin("deep", deep)
	return starlark.EvalOptions(&syntax.FileOptions{Set: true}, new(starlark.Thread), "expr", expr, env)
}

func dag(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	x := starlark.NewList(nil)
	for range 40 {
		x = starlark.NewList([]starlark.Value{x, x})
	}
	return x, nil
}

func loop(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	d := starlark.NewDict(1)
	return d, d.SetKey(starlark.String("self"), starlark.Tuple{starlark.None, starlark.NewList([]starlark.Value{d})})
}

func deep(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	x := starlark.NewList(nil)
	for range 100_000 {
		x = starlark.NewList([]starlark.Value{x})
	}
	return x, nil
}

func huge(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
	return starlark.MakeBigInt(new(big.Int).Lsh(big.NewInt(1), 15_000)), nil
}

type test struct{ expr, want string }

func run(t *testing.T, limits hostjson.Limits, tests []test) {
	t.Helper()
	for _, test := range tests {
		var v starlark.Value
		var err error
		d := hosttest.CPU(func() { v, err = eval(t, limits, test.expr) })
		got := fmt.Sprint(v)
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != test.want {
			t.Errorf("%.100s\n got %.300s\nwant %s", test.expr, got, test.want)
		}
		if d > 20*time.Second {
			t.Errorf("%.100s took %v", test.expr, d)
		}
	}
}

func TestDecode(t *testing.T) {
	run(t, hostjson.Limits{}, []test{
		{`json.decode("null")`, `None`},
		{`json.decode(" [true,\tfalse ]\r\n")`, `[True, False]`},
		{`json.decode("[]"), json.decode("[ ]"), json.decode("{}"), json.decode("{ }")`, `([], [], {}, {})`},
		{`json.decode(b'{"a": 1}')`, `{"a": 1}`},
		{`json.decode('{"a": 1, "b": [{"c": null}], "a": 2}')`, `{"a": 2, "b": [{"c": None}]}`},
		{`json.decode("-0"), json.decode("-12"), json.decode("0")`, `(0, -12, 0)`},
		{`json.decode("3539537889086624823140625")`, `3539537889086624823140625`},
		{`json.decode("1.5"), json.decode("0e+1"), json.decode("1E-2"), json.decode("-0.0")`, `(1.5, 0.0, 0.01, -0.0)`},
		{`json.decode('"\\ud83d\\ude39 \\u0123 \\n \\/ \\""')`, `"😹 ģ \n / \""`},
		{`json.decode('"\x7f"')`, `"\x7f"`},
		{`json.decode('{"a"', 7), json.decode('{', None), json.decode('1', default = 7)`, `(7, None, 1)`},
		{`json.decode("[" * 2000, "too deep")`, `"too deep"`},
		{`json.decode("")`, `error: json.decode: at offset 0, unexpected end of file`},
		{`json.decode("truefalse")`, `error: json.decode: at offset 4, unexpected character 'f' after value`},
		{`json.decode("nul")`, `error: json.decode: at offset 0, unexpected character 'n'`},
		{`json.decode('"abc')`, `error: json.decode: at offset 0, unclosed string literal`},
		{`json.decode('"\\')`, `error: json.decode: at offset 0, unclosed string literal`},
		{`json.decode('"a\nb"')`, `error: json.decode: at offset 2, unexpected character '\n' in a string`},
		{`json.decode("1.2.3")`, `error: json.decode: at offset 0, invalid number: 1.2.`},
		{`json.decode("1.")`, `error: json.decode: at offset 0, invalid number: 1.`},
		{`json.decode("1e")`, `error: json.decode: at offset 0, invalid number: 1e`},
		{`json.decode("-")`, `error: json.decode: at offset 0, invalid number: -`},
		{`json.decode("--1")`, `error: json.decode: at offset 0, invalid number: --`},
		{`json.decode("012")`, `error: json.decode: at offset 0, invalid number: 012`},
		{`json.decode("-00")`, `error: json.decode: at offset 0, invalid number: -00`},
		{`json.decode("+1")`, `error: json.decode: at offset 0, unexpected character '+'`},
		{`json.decode("0x1")`, `error: json.decode: at offset 1, unexpected character 'x' after value`},
		{`json.decode("1e999")`, `error: json.decode: at offset 0, number out of range: 1e999`},
		{`json.decode("[1, 2, ]")`, `error: json.decode: at offset 7, unexpected character ']'`},
		{`json.decode("[1, 2}")`, `error: json.decode: at offset 5, got '}', want ',' or ']'`},
		{`json.decode('[,')`, `error: json.decode: at offset 1, unexpected character ','`},
		{`json.decode('{"one" 1')`, `error: json.decode: at offset 7, after object key, got '1', want ':'`},
		{`json.decode('{"one": 1 "two"')`, `error: json.decode: at offset 10, in object, got '"', want ',' or '}'`},
		{`json.decode('{"one": 1,}')`, `error: json.decode: at offset 10, unexpected character '}', want a string as object key`},
		{`json.decode('{1: 2}')`, `error: json.decode: at offset 1, unexpected character '1', want a string as object key`},
		{`json.decode(1)`, `error: json.decode: for parameter x: got int, want string or bytes`},
		{`json.decode(x = "1")`, `error: json.decode: unexpected keyword argument x`},
	})
}

func TestEncode(t *testing.T) {
	run(t, hostjson.Limits{}, []test{
		{`json.encode([None, True, -123, 1 << 80, 2.0, 12.345e67])`, `"[null,true,-123,1208925819614629174706176,2.0,1.2345e+68]"`},
		{`json.encode(dict(y = "two", x = (1,)))`, `"{\"x\":[1],\"y\":\"two\"}"`},
		{`json.encode([struct(b = 1, a = 2), range(3), set(["a"]), {}, []])`, `"[{\"a\":2,\"b\":1},[0,1,2],[\"a\"],{},[]]"`},
		{`json.encode("é \"\\ \n\r\t\x00\x7f <\u2028")`, `"\"é \\\"\\\\ \\n\\r\\t\\u0000\x7f <\\u2028\""`},
		{`json.encode("😹"[:1])`, `"\"\\ufffd\""`},
		{`json.encode(float("nan"))`, `error: json.encode: cannot encode non-finite float nan`},
		{`json.encode({1: 2})`, `error: json.encode: dict has int key, want string`},
		{`json.encode(b"a")`, `error: json.encode: cannot encode bytes as JSON; str(x) is the text that they are in UTF-8`},
		{`json.encode(struct(x = [1, {"x": len}]))`, `error: json.encode: in field .x: at list index 1: in dict key "x": cannot encode builtin_function_or_method as JSON`},
		{`json.encode(loop())`, `error: json.encode: in dict key "self": at tuple index 1: at list index 0: cycle in JSON structure`},
		{`json.encode()`, `error: json.encode: got 0 arguments, want 1: x is missing; write json.encode(x)`},
		{`json.encode({"a": [1]}, indent = 1), json.encode([1], indent = "-"), json.encode([], indent = None)`,
			`("{\n \"a\": [\n  1\n ]\n}", "[\n-1\n]", "[]")`},
		{`json.encode([1], indent = 101)`, `error: json.encode: for parameter indent: got 101, want 0 to 100 spaces`},
		{`json.encode([1], indent = 1.5)`, `error: json.encode: for parameter indent: got float, want string, int or None`},
		{`list(json.stream({"a": [1]}))`, `["{\"a\":[1]}"]`},
		{`list(json.stream(range(2), lines = True))`, `["0\n", "1\n"]`},
		{`json.stream(1, lines = True)`, `error: json.stream: for parameter x: got int, want iterable, for lines`},
		{`json.decode_lines("1\n{")`, `error: json.decode_lines: line 2: at offset 1, unexpected end of file`},
		{`json.encode_indent({"a": [1], "b": []}, indent = " ")`, `"{\n \"a\": [\n  1\n ],\n \"b\": []\n}"`},
		{`json.encode_indent(1, 2)`, `error: json.encode_indent: got 2 arguments, want 1`},
		{`json.indent("[1]", prefix = ">", indent = "-")`, `"[\n>-1\n>]"`},
		{`json.indent("nope")`, `error: json.indent: invalid character 'o' in literal null (expecting 'u')`},
	})
}

// Each of these stops the process, or a processor for minutes, in the stock module.
func TestBombs(t *testing.T) {
	run(t, hostjson.Limits{}, []test{
		{`json.decode("[" * 10000000)`, `error: json.decode: at offset 1000, nested deeper than 1000`},
		{`json.decode('{"a":' * 3000000)`, `error: json.decode: at offset 5000, nested deeper than 1000`},
		{`json.decode("9" * 10000000)`, `error: json.decode: at offset 0, number of 10000000 characters is longer than 4300`},
		{`json.decode("[" + "[]," * 1000000 + "[]]")`, `error: json.decode: at offset 2999998, more than 1000000 values`},
		{`json.decode("[1" + " " * (16 << 20) + "]")`, `error: json.decode: 16777219 bytes are more than 16777216`},
		{`json.encode(deep())`, `error: json.encode: ` + strings.Repeat("at list index 0: ", 10) + `...: nested deeper than 1000`},
		{`json.encode("\x00" * (16 << 20))`, `error: json.encode: the JSON is longer than 16777216 bytes`},
		{`json.encode(huge())`, `error: json.encode: int of 15001 bits has more than 4300 digits`},
		{`json.indent("[" * 900 + "]" * 900, indent = " " * 100000)`, `error: json.indent: the JSON is longer than 16777216 bytes`},
		{`json.indent("[" * 10000000)`, `error: json.indent: nested deeper than 1000`},
	})
	run(t, hostjson.Limits{Bytes: 1 << 20}, []test{
		{`json.encode(dag())`, `error: json.encode: ` + strings.Repeat("at list index 0: ", 10) + `...: the JSON is longer than 1048576 bytes`},
		{`json.encode(range(1 << 40))`, `error: json.encode: at range index 165669: the JSON is longer than 1048576 bytes`},
	})
}

func TestLimits(t *testing.T) {
	run(t, hostjson.Limits{Bytes: 10, Depth: 2, Digits: 3, Keys: 2, Values: 5}, []test{
		{`json.decode("[[1, 2,3]]")`, `[[1, 2, 3]]`},
		{`json.decode("[[[]]]")`, `error: json.decode: at offset 2, nested deeper than 2`},
		{`json.decode("[[], [1]]")`, `[[], [1]]`},
		{`json.decode("1.25")`, `error: json.decode: at offset 0, number of 4 characters is longer than 3`},
		{`json.decode("[1,2,3,[]]")`, `[1, 2, 3, []]`},
		{`json.decode("[1,2,3,4,5]")`, `error: json.decode: 11 bytes are more than 10`},
		{`json.decode("[        ]x")`, `error: json.decode: 11 bytes are more than 10`},
		{`json.encode("12345678")`, `"\"12345678\""`},
		{`json.encode("123456789")`, `error: json.encode: the JSON is longer than 10 bytes`},
		{`json.encode([[[]]])`, `error: json.encode: at list index 0: at list index 0: nested deeper than 2`},
		{`json.indent("[1]", indent = "12345678")`, `error: json.indent: the JSON is longer than 10 bytes`},
	})
	run(t, hostjson.Limits{Values: 3}, []test{
		{`json.decode("[1,2]")`, `[1, 2]`},
		{`json.decode("[1,2,3]")`, `error: json.decode: at offset 5, more than 3 values`},
	})
	run(t, hostjson.Limits{Keys: 2}, []test{
		{`json.decode('{"a":1,"b":2}')`, `{"a": 1, "b": 2}`},
		{`json.decode('{"a":1,"b":2,"c":3}')`, `error: json.decode: at offset 18, more than 2 keys in an object`},
	})
}
