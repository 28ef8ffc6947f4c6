package re

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/spell"
	"go.starlark.net/starlark"
)

// A match is what matchType describes. It is immutable.
type match struct {
	host.Object
	pattern     *pattern
	text        starlark.String // up to end
	whole       starlark.String
	pos, endpos int
	loc         []int
}

var (
	_ starlark.Mapping  = (*match)(nil)
	_ starlark.HasAttrs = (*match)(nil)
	_ host.Sizer        = (*match)(nil)
)

// Size is what it holds besides the text, which others have too.
func (m *match) Size() int64 { return 160 + 8*int64(len(m.loc)) }

func (m *match) String() string {
	return fmt.Sprintf("<re.Match object; span=(%d, %d), match=%s>", m.loc[0], m.loc[1],
		host.Show(m.text[m.loc[0]:m.loc[1]]))
}

// named returns the number of a group that is named by a name or by a number in digits.
func (p *pattern) named(name string) (int, error) {
	if n, err := strconv.Atoi(name); err == nil && digits(name) && n <= len(p.names) {
		return n, nil
	}
	if i := slices.Index(p.names, name); i >= 0 && name != "" {
		return i + 1, nil
	}
	return 0, p.missing(name)
}

// missing is the error of a group that the pattern does not have.
func (p *pattern) missing(name string) error {
	meant := ""
	if near := spell.Nearest(name, p.names, 2); near != "" {
		meant = fmt.Sprintf(" (did you mean %s?)", near)
	}
	return fmt.Errorf("there is no group %s%s; the pattern has %d",
		host.Cut(name), meant, len(p.names))
}

// number returns the number of the group that a script names.
func (m *match) number(group starlark.Value) (int, error) {
	switch group := group.(type) {
	case starlark.String:
		if i := slices.Index(m.pattern.names, string(group)); i >= 0 && group != "" {
			return i + 1, nil
		}
		return 0, m.pattern.missing(string(group))
	case starlark.Int:
		if n, ok := group.Int64(); ok && 0 <= n && n <= int64(len(m.pattern.names)) {
			return int(n), nil
		}
		return 0, m.pattern.missing(group.String())
	}
	return 0, fmt.Errorf("a group is named by an int or a string, not by %s", group.Type())
}

// group returns a group, or otherwise if it took no part.
func (m *match) group(n int, otherwise starlark.Value) starlark.Value {
	if m.loc[2*n] < 0 {
		return otherwise
	}
	return m.text[m.loc[2*n]:m.loc[2*n+1]]
}

// Get returns a group.
func (m *match) Get(group starlark.Value) (starlark.Value, bool, error) {
	n, err := m.number(group)
	if err != nil {
		return nil, false, err
	}
	return m.group(n, starlark.None), true, nil
}

func (m *match) AttrNames() []string { return matchType.AttrNames() }

// Attr returns what the match is of, or a method.
func (m *match) Attr(name string) (starlark.Value, error) {
	switch name {
	case "string":
		return m.whole, nil
	case "pos":
		return starlark.MakeInt(m.pos), nil
	case "endpos":
		return starlark.MakeInt(m.endpos), nil
	case "re":
		return m.pattern, nil
	case "lastindex", "lastgroup":
		n := m.last()
		switch {
		case n == 0, name == "lastgroup" && m.pattern.names[n-1] == "":
			return starlark.None, nil
		case name == "lastgroup":
			return starlark.String(m.pattern.names[n-1]), nil
		}
		return starlark.MakeInt(n), nil
	}
	return matchType.Method(m, name), nil
}

// last returns the group that ended last, 0 if none took part.
func (m *match) last() (n int) {
	end := -1
	for _, group := range m.pattern.closed {
		if m.loc[2*group] >= 0 && m.loc[2*group+1] >= end {
			n, end = group, m.loc[2*group+1]
		}
	}
	return n
}

// groups returns all but the whole, or what stands for those that took no part.
func (m *match) groups(otherwise starlark.Value) starlark.Tuple {
	all := make(starlark.Tuple, len(m.pattern.names))
	for i := range all {
		all[i] = m.group(i+1, otherwise)
	}
	return all
}

func (m *match) groupdict(otherwise starlark.Value) (*starlark.Dict, error) {
	dict := new(starlark.Dict)
	for i, name := range m.pattern.names {
		if name == "" {
			continue
		}
		if err := dict.SetKey(starlark.String(name), m.group(i+1, otherwise)); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

func groupParam() host.Param {
	return host.Param{
		Name: "group", Doc: "its number or its name; 0 is the whole match", Type: "int or string",
		Default: starlark.MakeInt(0),
	}
}

func defaultParam() host.Param {
	return host.Param{
		Name: "default", Doc: "what stands for a group that took no part in the match", Type: "any",
		Default: starlark.None,
	}
}

var noGroup = []host.Failure{{When: "the pattern has no such group"}}

const ada = `m = search(r"(?P<first>\w+) (\w+)?", "Ada Lovelace")` + "\n"

var matchType = &host.Type{
	Name: "re.Match",
	Doc: "What a pattern matched. m[1] and m[\"name\"] are groups. Positions count bytes, as all " +
		"indices of strings do. A match is True; where nothing matches there is None instead.",
	Members: []host.Member{
		{
			Name: "group", Doc: "Returns groups of the match.",
			Params: []host.Param{{
				Name: "groups", Doc: "their numbers or names; none is the whole match, as 0 is",
				Type: "int or string", Pass: host.Rest,
			}},
			Result: "a string, None of a group that took no part; a tuple if several are asked for",
			Errors: noGroup,
			Example: ada + `m.group()  # "Ada Lovelace"
m.group(1, 2)  # ("Ada", "Lovelace")
m.group("frist")  # error: there is no group frist (did you mean first?); the pattern has 2`,
			Fn: func(m *match, groups ...starlark.Value) (starlark.Value, error) {
				if len(groups) == 0 {
					return m.group(0, nil), nil
				}
				all := make(starlark.Tuple, len(groups))
				for i, group := range groups {
					n, err := m.number(group)
					if err != nil {
						return nil, err
					}
					all[i] = m.group(n, starlark.None)
				}
				if len(all) == 1 {
					return all[0], nil
				}
				return all, nil
			},
		},
		{
			Name: "groups", Doc: "Returns all groups but the whole match.",
			Params: []host.Param{defaultParam()}, Result: "a tuple",
			Example: `match("(a)(b)?", "a").groups()  # ("a", None)`,
			Fn:      (*match).groups,
		},
		{
			Name: "groupdict", Doc: "Returns the groups that have names.",
			Params: []host.Param{defaultParam()}, Result: "a dict",
			Example: ada + `m.groupdict()  # {"first": "Ada"}`,
			Fn:      (*match).groupdict,
		},
		{
			Name: "start", Doc: "Returns where a group begins.", Params: []host.Param{groupParam()},
			Result: "an index into the string, -1 of a group that took no part", Errors: noGroup,
			Example: ada + `m.start(2)  # 4`,
			Fn: func(m *match, group starlark.Value) (int, error) {
				n, err := m.number(group)
				return m.loc[2*n], err
			},
		},
		{
			Name: "end", Doc: "Returns where a group ends.", Params: []host.Param{groupParam()},
			Result: "an index into the string, -1 of a group that took no part", Errors: noGroup,
			Example: ada + `m.end("first")  # 3`,
			Fn: func(m *match, group starlark.Value) (int, error) {
				n, err := m.number(group)
				return m.loc[2*n+1], err
			},
		},
		{
			Name: "span", Doc: "Returns where a group begins and ends.",
			Params:  []host.Param{groupParam()},
			Result:  "a tuple of two indices, (-1, -1) of a group that took no part",
			Errors:  noGroup,
			Example: ada + `m.span(1)  # (0, 3)`,
			Fn: func(m *match, group starlark.Value) (start, end int, err error) {
				n, err := m.number(group)
				return m.loc[2*n], m.loc[2*n+1], err
			},
		},
		{
			Name: "expand", Doc: "Fills a template, as sub does.",
			Params: []host.Param{{Name: "template", Doc: `as in r"\2, \1"`}},
			Result: "a string",
			Errors: []host.Failure{
				{When: "the template names a group that the pattern does not have"},
			},
			Example: ada + `m.expand(r"\2, \g<first>")  # "Lovelace, Ada"`,
			Fn: func(m *match, text string) (string, error) {
				t, err := parseTemplate(text, m.pattern)
				if err != nil {
					return "", err
				}
				if t.size(m.loc) > maxResult {
					return "", errLarge(maxResult)
				}
				var b strings.Builder
				t.expand(&b, string(m.text), m.loc)
				return b.String(), nil
			},
		},
		{Name: "string", Doc: "What was searched."},
		{Name: "re", Doc: "The pattern."},
		{Name: "pos", Doc: "Where the search began."},
		{Name: "endpos", Doc: "Where the search ended."},
		{
			Name: "lastindex",
			Doc:  "The number of the group that ended last, None if none took part.",
		},
		{Name: "lastgroup", Doc: "The name of that group, None if it has none."},
	},
}
