// Package re is the host module @re: Python's re on Go's regexp, which is RE2. A pattern of Python
// is translated into one of RE2; what RE2 lacks is an error that says so. In return a search takes
// time in proportion to the text, whatever pattern and text are.
//
// Where both match they match the same, but for two things: what $ means before a line break at the
// end, and which iteration a group has that is repeated and may be empty, as in (a*)*: the last one
// in Python, the last that is not empty in RE2.
package re

import (
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @re. Each generation of a program keeps the patterns that it compiled.
func Module() *host.Module {
	members := []host.Member{compileMember(), escapeMember()}
	for _, o := range operations {
		members = append(members, o.function())
	}
	return &host.Module{
		Name: "re",
		Doc: "Regular expressions as in Python, in time that grows with the text only. So there " +
			"is no lookahead, no lookbehind and no backreference. Positions count bytes. " +
			"$ matches at the end of the text and, unless with MULTILINE, not before a line break " +
			`there; \b knows the letters of ASCII only; \p{Greek} and [[:alpha:]] are known besides.`,
		Members: append(members, flagMembers()...),
		Whole:   true,
		Types:   []*host.Type{patternType, matchType},
		Open: func(*host.Load) (any, error) {
			return &cache{kept: make(map[cacheKey]*pattern)}, nil
		},
	}
}

func compileMember() host.Member {
	return host.Member{
		Name: "compile",
		Doc: "Makes a pattern, to be used again and again. The functions of the module keep the " +
			"last 128 patterns that they were given, so that little is gained by it but a name.",
		Params: []host.Param{patternParam(), flagsParam()},
		Result: "re.Pattern",
		Errors: []host.Failure{
			{
				When: "the pattern is none, or has what RE2 has not: lookahead, lookbehind, " +
					"backreferences",
			},
			{
				When: "it is larger than 64 KiB, or repeats something more than 1,000 times by " +
					"number",
			},
		},
		Example: `word = compile(r"[a-z]+", I)
word.findall("Hello, you")  # ["Hello", "you"]
compile("(?=a)")  # error: a lookahead (?=...) is not possible`,
		Pure:  true,
		Check: checks("compile"),
		Fn: func(a host.Args) (starlark.Value, error) {
			var source starlark.Value
			var flags int
			if err := a.Unpack(&source, &flags); err != nil {
				return nil, err
			}
			kept, _ := a.Of.(*cache)
			p, err := kept.compile(source, flags)
			if err != nil {
				return nil, err
			}
			return p, nil
		},
	}
}

func escapeMember() host.Member {
	return host.Member{
		Name:    "escape",
		Doc:     "Makes a pattern of a text that matches that text only.",
		Params:  []host.Param{{Name: "pattern", Doc: "the text"}},
		Result:  "a string",
		Example: `escape("1+1")  # "1\\+1"`,
		Pure:    true,
		Fn: func(_ *cache, s string) string {
			var b strings.Builder
			for i := range len(s) {
				if strings.IndexByte("()[]{}?*+-|^$\\.&~# \t\n\r\v\f", s[i]) >= 0 {
					b.WriteByte('\\')
				}
				b.WriteByte(s[i])
			}
			return b.String()
		},
	}
}

var replaces = []host.Failure{
	{When: "the template names a group that the pattern does not have"},
	{When: "repl returns something else than a string"},
	{When: "the result would be longer than 64 MiB"},
}

// many is the failure of what makes a list.
var many = []host.Failure{{When: "there are more than 1,048,576 strings in the result"}}

// operations are in the order of their names.
var operations = []*operation{
	{
		name: "findall", doc: "Returns the texts of all matches, from left to right.",
		result: "a list: of strings, of what the group is if the pattern has one, of tuples if " +
			"it has more",
		errors: many, run: findall,
		example: `findall(r"\d+", "3 apples, 12 pears")  # ["3", "12"]
findall(r"(\w+)=(\w+)", "a=1 b=2")  # [("a", "1"), ("b", "2")]`,
		method: `compile(r"\d").findall("1 2 3", 1)  # ["2", "3"]`,
	},
	{
		name: "finditer", doc: "Returns all matches, from left to right.",
		result:  "a list of re.Match",
		errors:  []host.Failure{{When: "there are more than 200,000 matches, fewer with groups"}},
		run:     finditer,
		example: `[m.span() for m in finditer(r"\d+", "3 apples, 12 pears")]  # [(0, 1), (10, 12)]`,
		method:  `len(compile("a").finditer("abab"))  # 2`,
	},
	{
		name: "fullmatch", doc: "Matches the whole text.", result: "re.Match, or None",
		run: finds(whole),
		example: `bool(fullmatch(r"[a-z]+", "abc"))  # True
fullmatch(r"[a-z]+", "abc1")  # None`,
		method: `compile("a").fullmatch("ab", 0, 1).span()  # (0, 1)`,
	},
	{
		name: "match", doc: "Matches the beginning of the text.", result: "re.Match, or None",
		run: finds(here),
		example: `match(r"(\w+)@", "ada@example.com")[1]  # "ada"
match("b", "abc")  # None`,
		method: `compile("b").match("abc", 1)[0]  # "b"`,
	},
	{
		name: "search", doc: "Finds the first match.", result: "re.Match, or None",
		run: finds(anywhere),
		example: `search(r"(?P<year>\d{4})", "in 1843")["year"]  # "1843"
search("x", "abc")  # None`,
		method: `compile("^b").search("abc", 1)  # None`,
	},
	{
		name: "split", doc: "Splits the text at each match.", limit: "maxsplit",
		result: "a list of strings; if the pattern has groups, they stand between",
		errors: many, run: split,
		example: `split(r"[,;] *", "a, b;c")  # ["a", "b", "c"]
split("(,)", "a,b,c", maxsplit = 1)  # ["a", ",", "b,c"]`,
		method: `compile("-").split("a-b")  # ["a", "b"]`,
	},
	{
		name: "sub", doc: "Replaces each match.", repl: true, limit: "count", result: "a string",
		errors: replaces, run: sub,
		example: `sub(r"(\w+) (\w+)", r"\2 \1", "Ada Lovelace")  # "Lovelace Ada"
sub(r"\d+", lambda m: str(int(m[0]) + 1), "7 of 9")  # "8 of 10"`,
		method: `compile("a").sub("b", "aaa", count = 2)  # "bba"`,
	},
	{
		name: "subn", doc: "Replaces each match, and counts them.", repl: true, limit: "count",
		result: "a tuple of the string and an int", errors: replaces, run: subn,
		example: `subn("a", "b", "banana")  # ("bbnbnb", 3)`,
		method:  `compile("a").subn("", "banana")  # ("bnn", 3)`,
	},
}

func (p *pattern) String() string {
	if p.flags != 0 {
		return "re.compile(" + host.Show(starlark.String(p.source)) + ", " + p.flags.String() + ")"
	}
	return "re.compile(" + host.Show(starlark.String(p.source)) + ")"
}

var _ starlark.HasAttrs = (*pattern)(nil)

func (p *pattern) AttrNames() []string { return patternType.AttrNames() }

// Size is about what its program takes.
func (p *pattern) Size() int64 { return int64(p.steps) * 200 }

var _ host.Sizer = (*pattern)(nil)

// Attr returns what the pattern is made of, or a method.
func (p *pattern) Attr(name string) (starlark.Value, error) {
	switch name {
	case "pattern":
		return starlark.String(p.source), nil
	case "flags":
		return starlark.MakeInt(int(p.flags)), nil
	case "groups":
		return starlark.MakeInt(len(p.names)), nil
	case "groupindex":
		dict := new(starlark.Dict)
		for i, name := range p.names {
			if name == "" {
				continue
			}
			if err := dict.SetKey(starlark.String(name), starlark.MakeInt(i+1)); err != nil {
				return nil, err
			}
		}
		return dict, nil
	}
	return patternType.Method(p, name), nil
}

var patternType = newPatternType()

func newPatternType() *host.Type {
	t := &host.Type{
		Name: "re.Pattern",
		Doc: "A pattern that is compiled. Its methods are the functions of the module, without " +
			"the pattern.",
		Members: []host.Member{
			{Name: "pattern", Doc: "What it was made of."},
			{Name: "flags", Doc: "Its flags, those that stand in it among them."},
			{Name: "groups", Doc: "How many groups it has."},
			{Name: "groupindex", Doc: "The numbers of the groups that have names, a dict."},
		},
	}
	for _, o := range operations {
		t.Members = append(t.Members, o.methodMember())
	}
	return t
}
