package describe

import (
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Builtins describes the functions that a script has without a load, as a module that none can load:
// [Table] makes an entry of it.
func Builtins() *host.Module {
	m := &host.Module{
		Name:    "builtins",
		Doc:     "The functions that a script has without a load.",
		Members: append(append(collections(), conversions()...), others()...),
	}
	values := new(runtime.Config).Builtins()
	for i := range m.Members {
		m.Members[i].Value = values[m.Members[i].Name]
	}
	return m
}

// Table returns the entry of a module that is not loaded, whose members are known by themselves.
func Table(m *host.Module) Entry {
	e := Module(m)
	e.Name, e.Kind, e.How = m.Name, KindTable, ""
	for i := range e.Members {
		e.Members[i].How = ""
	}
	return e
}

// positional describes parameters that are passed by position only.
func positional(params ...host.Param) []host.Param {
	for i := range params {
		if params[i].Pass == host.Freely {
			params[i].Pass = host.ByPosition
		}
	}
	return params
}

func param1(name, doc, typ string) host.Param { return host.Param{Name: name, Doc: doc, Type: typ} }

func optional(name, doc, typ string) host.Param {
	return host.Param{Name: name, Doc: doc, Type: typ, Optional: true}
}

// keyParam is the parameter of what compares.
func keyParam() host.Param {
	return host.Param{Name: "key", Doc: "a function of an element that returns what is compared instead",
		Type: "callable or None", Default: starlark.None, Pass: host.ByName}
}

func elements(name, doc string) host.Param { return param1(name, doc, "iterable") }

// collections are the functions of iterables.
func collections() []host.Member {
	extreme := func(name, doc, example string) host.Member {
		return host.Member{
			Name: name, Doc: doc, Result: "one of the elements",
			Params: []host.Param{
				keyParam(),
				{Name: "args", Doc: "the elements, or one iterable of them", Type: "any", Pass: host.Rest},
			},
			Errors:  []host.Failure{{When: "there is no element, or two cannot be compared"}},
			Example: example,
		}
	}
	return []host.Member{
		{
			Name: "all", Doc: "Reports whether all elements are true, as they are if there are none.",
			Params: positional(elements("x", "the elements")), Result: "a bool",
			Example: `all([1, "a"])  # True`,
		},
		{
			Name: "any", Doc: "Reports whether any element is true.",
			Params: positional(elements("x", "the elements")), Result: "a bool",
			Example: `any([0, ""])  # False`,
		},
		{
			Name: "enumerate", Doc: "Pairs each element with its index.",
			Params: positional(elements("x", "the elements"), host.Param{Name: "start",
				Doc: "the index of the first", Type: "int", Default: starlark.MakeInt(0)}),
			Result:  "a list of tuples",
			Example: `enumerate(["a", "b"], 1)  # [(1, "a"), (2, "b")]`,
		},
		{
			Name: "len", Doc: "Returns how many elements a value has, or bytes a string.",
			Params: positional(param1("x", "a string, bytes, or something with elements", "any")),
			Result: "an int", Errors: []host.Failure{{When: "it has no length"}},
			Example: `len({"a": 1})  # 1
len(5)  # error: len: value of type int has no len`,
		},
		extreme("max", "Returns the greatest element, the first if there are several.",
			`max(1, 3, 2)  # 3
max(["aa", "b"], key = len)  # "aa"`),
		extreme("min", "Returns the smallest element, the first if there are several.",
			`min([3, 1, 2])  # 1`),
		{
			Name: "range", Doc: "Makes a sequence of ints, which takes no room.",
			Params: positional(
				param1("start", "the first, or if it is alone the end, from 0", "int"),
				optional("stop", "the end, which is not part of it", "int"),
				host.Param{Name: "step", Doc: "from one to the next", Type: "int",
					Default: starlark.MakeInt(1)}),
			Result: "a range", Errors: []host.Failure{{When: "step is 0"}},
			Example: `list(range(3))  # [0, 1, 2]
list(range(5, 0, -2))  # [5, 3, 1]`,
		},
		{
			Name: "reversed", Doc: "Returns the elements from the last to the first.",
			Params: positional(elements("x", "the elements")), Result: "a list",
			Example: `reversed([1, 2])  # [2, 1]`,
		},
		{
			Name: "sorted", Doc: "Returns the elements in order; equal ones stay in theirs.",
			Params: []host.Param{
				{Name: "x", Doc: "the elements", Type: "iterable", Pass: host.ByPosition}, keyParam(),
				{Name: "reverse", Doc: "the greatest first", Type: "bool", Default: starlark.False,
					Pass: host.ByName},
			},
			Result: "a list", Errors: []host.Failure{{When: "two of them cannot be compared"}},
			Example: `sorted([3, 1, 2], reverse = True)  # [3, 2, 1]
sorted(["b", "A"], key = lambda s: s.lower())  # ["A", "b"]`,
		},
		{
			Name: "zip", Doc: "Puts the elements of several iterables together, up to the end of the " +
				"shortest.",
			Params: []host.Param{{Name: "args", Doc: "the iterables", Type: "iterable", Pass: host.Rest}},
			Result: "a list of tuples", Example: `zip([1, 2], "ab".elems())  # [(1, "a"), (2, "b")]`,
		},
	}
}

// conversions are the functions that make a value of a type.
func conversions() []host.Member {
	return []host.Member{
		{
			Name: "bool", Doc: "Reports whether a value is true: not None, False, 0 or empty.",
			Params: positional(optional("x", "the value", "any")), Result: "a bool",
			Example: `bool([])  # False`,
		},
		{
			Name: "bytes", Doc: "Makes bytes: of a string those of its text, of an iterable its ints.",
			Params: positional(param1("x", "a string, or ints from 0 to 255", "string, bytes or iterable of ints")),
			Result: "bytes", Example: `bytes([104, 105])  # b"hi"`,
		},
		{
			Name: "chr", Doc: "Returns the character of a code point.",
			Params: positional(param1("i", "the code point", "int")), Result: "a string",
			Errors:  []host.Failure{{When: "there is none of that number"}},
			Example: `chr(65)  # "A"`,
		},
		{
			Name: "dict", Doc: "Makes a dict of pairs, or of another dict, and of what is passed by name.",
			Params: []host.Param{
				{Name: "pairs", Doc: "a dict, or pairs of a key and a value", Type: "any", Optional: true,
					Pass: host.ByPosition},
				{Name: "kwargs", Doc: "values by their keys", Type: "any", Pass: host.RestByName},
			},
			Result: "a dict", Example: `dict([("a", 1)], b = 2)  # {"a": 1, "b": 2}`,
		},
		{
			Name: "float", Doc: "Makes a float of a number, or of text.",
			Params: positional(optional("x", "the number; 0.0 without it", "int, float, string or bool")),
			Result: "a float", Errors: []host.Failure{{When: "the text is no number"}},
			Example: `float("1.5")  # 1.5`,
		},
		{
			Name: "int", Doc: "Makes an int of a number, cut to its whole part, or of text.",
			Params: []host.Param{
				{Name: "x", Doc: "the number", Type: "int, float, string or bool", Pass: host.ByPosition},
				{Name: "base", Doc: "of the digits of a text, from 2 to 36; 0 for that of its prefix, 0x say",
					Type: "int", Default: starlark.MakeInt(10)},
			},
			Result: "an int", Errors: []host.Failure{{When: "the text is no number of that base"}},
			Example: `int("42")  # 42
int("ff", 16)  # 255
int("x")  # error: int: invalid literal with base 10: x`,
		},
		{
			Name: "list", Doc: "Makes a list of elements.",
			Params: positional(optional("x", "the elements", "iterable")), Result: "a list",
			Example: `list({"a": 1})  # ["a"]`,
		},
		{
			Name: "ord", Doc: "Returns the code point of a character.",
			Params: positional(param1("s", "one character, or one byte", "string or bytes")), Result: "an int",
			Errors: []host.Failure{{When: "it is not one"}}, Example: `ord("A")  # 65`,
		},
		{
			Name: "repr", Doc: "Returns a value as a script writes it.",
			Params: positional(param1("x", "the value", "any")), Result: "a string",
			Example: `repr("a")  # "\"a\""`,
		},
		{
			Name: "set", Doc: "Makes a set of elements, each once, in the order in which they came.",
			Params: positional(optional("x", "the elements, which can be keys of a dict", "iterable")),
			Result: "a set", Example: `set([1, 2, 1])  # set([1, 2])`,
		},
		{
			Name: "str", Doc: "Returns a value as text: a string as it is, all else as repr does.",
			Params: positional(param1("x", "the value", "any")), Result: "a string",
			Example: `str(1.5)  # "1.5"`,
		},
		{
			Name: "tuple", Doc: "Makes a tuple of elements.",
			Params: positional(optional("x", "the elements", "iterable")), Result: "a tuple",
			Example: `tuple([1, 2])  # (1, 2)`,
		},
		{
			Name: "type", Doc: "Returns the name of the type of a value.",
			Params: positional(param1("x", "the value", "any")), Result: "a string",
			Example: `type([])  # "list"`,
		},
	}
}

// others are the functions of no other kind.
func others() []host.Member {
	rest := host.Param{Name: "args", Doc: "the values", Type: "any", Pass: host.Rest}
	sep := host.Param{Name: "sep", Doc: "what stands between them", Type: "string",
		Default: starlark.String(" "), Pass: host.ByName}
	attribute := []host.Param{param1("x", "the value", "any"), param1("name", "of the attribute", "string")}
	return []host.Member{
		{
			Name: "abs", Doc: "Returns a number without its sign.",
			Params: positional(param1("x", "the number", "int or float")), Result: "an int or a float",
			Example: `abs(-2)  # 2`,
		},
		{
			Name: "catch", Doc: "Calls a function, and returns what it returns and None, or None and the " +
				"error that it failed with: .message, .backtrace, .kind and .status. fail(error) raises " +
				"it again. Limits, and the end of a request, are not caught.",
			Params: []host.Param{
				{Name: "fn", Doc: "the function, not a call of it", Type: "callable", Pass: host.ByPosition},
				{Name: "args", Doc: "its arguments", Type: "any", Pass: host.Rest},
				{Name: "kwargs", Doc: "its arguments by name", Type: "any", Pass: host.RestByName},
			},
			Result: "a tuple of two, one of them None",
			Example: `catch(int, "42")  # (42, None)
_, error = catch(int, "x")
error.message  # "int: invalid literal with base 10: x"`,
		},
		{
			Name: "dir", Doc: "Returns the names of the attributes and methods of a value.",
			Params: positional(param1("x", "the value", "any")), Result: "a list of strings",
			Example: `"append" in dir([])  # True`,
		},
		{
			Name: "fail", Doc: "Fails with a message. An error that catch returned, alone, is raised again.",
			Params: []host.Param{sep, rest}, Result: "it does not return",
			Errors:  []host.Failure{{When: "always"}},
			Example: `fail("no tea of", 5, "grams")  # error: fail: no tea of 5 grams`,
		},
		{
			Name: "getattr", Doc: "Returns an attribute of a value.",
			Params: positional(append(attribute[:2:2], optional("default", "what it is without it", "any"))...),
			Result: "the attribute", Errors: []host.Failure{{When: "there is none, and no default"}},
			Example: `getattr("a", "upper")()  # "A"
getattr("a", "lowest", None)  # None`,
		},
		{
			Name: "hasattr", Doc: "Reports whether a value has an attribute.",
			Params: positional(attribute...), Result: "a bool", Example: `hasattr("a", "upper")  # True`,
		},
		{
			Name: "hash", Doc: "Returns a number made of a string or bytes, the same each time. It keeps " +
				"nothing secret.",
			Params: positional(param1("x", "the text", "string or bytes")), Result: "an int",
			Example: `hash("a")  # 97`,
		},
		{
			Name: "print", Doc: "Writes values to the log, with the place of the call.",
			Params: []host.Param{sep, rest}, Result: "None", Example: `print("asked for", "/")`,
		},
	}
}
