package re

import (
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// An operation is a function of the module, and a method of a pattern.
type operation struct {
	name, doc, result, example string
	method                     string // an example of it
	errors                     []host.Failure
	repl                       bool   // it replaces
	limit                      string // the parameter that says how often, "" if there is none
	run                        func(*job) (starlark.Value, error)
}

// A job is what an operation is called with.
type job struct {
	thread  *starlark.Thread
	pattern *pattern
	whole   starlark.String
	text    string // of it up to the end of the search
	pos     int
	repl    starlark.Value
	n       int
}

// own are the parameters that function and method have.
func (o *operation) own() []host.Param {
	var params []host.Param
	if o.repl {
		params = append(params, host.Param{
			Name: "repl",
			Doc: `what takes the place of a match: a template, in which \1 or \g<1> or ` +
				`\g<name> is a group and \g<0> the match, or a function that is called with the ` +
				"match and returns a string", Type: "string or callable",
		})
	}
	params = append(params, host.Param{Name: "string", Doc: "what is searched", Type: "string"})
	if o.limit != "" {
		params = append(params, host.Param{
			Name: o.limit, Doc: "how often at most; 0 always", Type: "int",
			Default: starlark.MakeInt(0),
		})
	}
	return params
}

func patternParam() host.Param {
	return host.Param{
		Name: "pattern",
		Doc:  "the pattern, or what compile made of one", Type: "string or re.Pattern",
	}
}

func flagsParam() host.Param {
	return host.Param{
		Name: "flags", Doc: "as in re.I | re.M", Type: "int", Default: starlark.MakeInt(0),
	}
}

// function is the operation as a function of the module.
func (o *operation) function() host.Member {
	return host.Member{
		Name: o.name, Doc: o.doc,
		Params: append(append([]host.Param{patternParam()}, o.own()...), flagsParam()),
		Result: o.result, Errors: append([]host.Failure{
			{
				When: "the pattern is none, or has what RE2 has not: lookahead, lookbehind, " +
					"backreferences",
			},
			{When: "the text is so long that a search of it with the pattern may take seconds"},
		}, o.errors...),
		Example: o.example,
		Pure:    true,
		Check:   checks(o.name),
		Fn: func(a host.Args) (starlark.Value, error) {
			var source, text starlark.Value
			var flags int
			j := &job{thread: a.Thread}
			vars := []any{&source}
			if o.repl {
				vars = append(vars, &j.repl)
			}
			vars = append(vars, &text)
			if o.limit != "" {
				vars = append(vars, &j.n)
			}
			if err := a.Unpack(append(vars, &flags)...); err != nil {
				return nil, err
			}
			kept, _ := a.Of.(*cache)
			var err error
			if j.pattern, err = kept.compile(source, flags); err != nil {
				return nil, err
			}
			return o.do(j, text, nil, starlark.None)
		},
	}
}

// checks is the Check of a function that takes a pattern: a pattern and a template that stand in a
// script are looked at before it runs.
func checks(name string) func(given map[string]starlark.Value) error {
	return func(given map[string]starlark.Value) error {
		source, known := given["pattern"].(starlark.String)
		n := 0
		if v, passed := given["flags"]; passed && (v == nil || starlark.AsInt(v, &n) != nil) {
			known = false
		}
		if !known {
			return nil
		}
		p, err := compile(string(source), flags(n))
		if repl, ok := given["repl"].(starlark.String); err == nil && ok {
			_, err = parseTemplate(string(repl), p)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
}

// methodMember is the operation as a method of a pattern.
func (o *operation) methodMember() host.Member {
	params := o.own()
	ranged := !o.repl && o.limit == ""
	if ranged {
		params = append(params,
			host.Param{
				Name: "pos",
				Doc:  "where the search begins; what is before counts for ^ and \\b only",
				Type: "int", Default: starlark.MakeInt(0),
			},
			host.Param{
				Name: "endpos", Doc: "where the string ends for the search; None at its end",
				Type: "int or None", Default: starlark.None,
			})
	}
	return host.Member{
		Name: o.name, Doc: o.doc, Params: params, Result: o.result, Errors: o.errors,
		Example: o.method,
		Fn: func(a host.Args) (starlark.Value, error) {
			var text, pos, endpos starlark.Value = nil, nil, starlark.None
			j := &job{thread: a.Thread}
			var vars []any
			if o.repl {
				vars = append(vars, &j.repl)
			}
			vars = append(vars, &text)
			if o.limit != "" {
				vars = append(vars, &j.n)
			}
			if ranged {
				vars = append(vars, &pos, &endpos)
			}
			if err := a.Unpack(vars...); err != nil {
				return nil, err
			}
			j.pattern, _ = a.Of.(*pattern)
			return o.do(j, text, pos, endpos)
		},
	}
}

// do runs the operation for a text, from pos to endpos.
func (o *operation) do(j *job, text, pos, endpos starlark.Value) (starlark.Value, error) {
	s, err := subject(text)
	if err != nil {
		return nil, err
	}
	j.whole = starlark.String(s)
	bound := func(name string, v starlark.Value, otherwise int) int {
		if v == nil || v == starlark.None || err != nil {
			return otherwise
		}
		n, ok := v.(starlark.Int)
		if !ok {
			err = fmt.Errorf("for parameter %s: got %s, want int", name, v.Type())
			return 0
		}
		i, small := n.Int64()
		if !small || n.Sign() < 0 {
			i = int64(max(n.Sign(), 0)) * int64(len(s))
		}
		return int(min(i, int64(len(s))))
	}
	end := bound("endpos", endpos, len(s))
	if j.pos = bound("pos", pos, 0); err != nil {
		return nil, err
	}
	j.text = s[:end]
	return o.run(j)
}

// match makes a match of what find returned.
func (j *job) match(loc []int) *match {
	return &match{
		Object: "re.Match", pattern: j.pattern, text: starlark.String(j.text), whole: j.whole,
		pos: j.pos, endpos: len(j.text), loc: loc,
	}
}

// finds is the operation that returns one match.
func finds(how how) func(*job) (starlark.Value, error) {
	return func(j *job) (starlark.Value, error) {
		if j.pos > len(j.text) {
			return starlark.None, nil
		}
		if err := j.pattern.affordable(len(j.text) - j.pos); err != nil {
			return nil, err
		}
		loc := j.pattern.find(j.text, j.pos, how)
		if loc == nil {
			return starlark.None, nil
		}
		return j.match(loc), nil
	}
}

func (j *job) each(f func(loc []int) (bool, error)) error {
	return j.pattern.each(j.thread, j.text, j.pos, f)
}

// room returns an error if there are so many matches that a list of them, each as large as so many
// elements, is more than is made in one go.
func (j *job) room(matches, size int) error {
	if most := host.MaxElements / size; matches >= most {
		return fmt.Errorf("there are more than %d matches: pass a part of the string", most)
	}
	return nil
}

func finditer(j *job) (starlark.Value, error) {
	var all []starlark.Value
	err := j.each(func(loc []int) (bool, error) {
		m := j.match(loc)
		all = append(all, m)
		return true, j.room(len(all)-1, int(m.Size())/host.Element)
	})
	return starlark.NewList(all), err
}

func findall(j *job) (starlark.Value, error) {
	var all []starlark.Value
	err := j.each(func(loc []int) (bool, error) {
		if err := j.room(len(all), len(loc)/2); err != nil {
			return false, err
		}
		groups := make(starlark.Tuple, 0, 1)
		for i := 0; i < len(loc); i += 2 {
			if i == 0 && len(loc) > 2 {
				continue
			}
			s := starlark.String("")
			if loc[i] >= 0 {
				s = starlark.String(j.text[loc[i]:loc[i+1]])
			}
			groups = append(groups, s)
		}
		if len(groups) == 1 {
			all = append(all, groups[0])
		} else {
			all = append(all, groups)
		}
		return true, nil
	})
	return starlark.NewList(all), err
}

func split(j *job) (starlark.Value, error) {
	var all []starlark.Value
	last := 0
	err := j.upTo(func(loc []int) error {
		if err := j.room(len(all), 1); err != nil {
			return err
		}
		all = append(all, starlark.String(j.text[last:loc[0]]))
		for i := 2; i < len(loc); i += 2 {
			if loc[i] < 0 {
				all = append(all, starlark.None)
			} else {
				all = append(all, starlark.String(j.text[loc[i]:loc[i+1]]))
			}
		}
		last = loc[1]
		return nil
	})
	return starlark.NewList(append(all, starlark.String(j.text[last:]))), err
}

// upTo calls f with the first n matches, with all if n is 0, and with none if it is negative.
func (j *job) upTo(f func(loc []int) error) error {
	if j.n < 0 {
		return nil
	}
	left := j.n
	return j.each(func(loc []int) (bool, error) {
		left--
		return left != 0, f(loc)
	})
}

// maxResult is how many bytes what sub and expand return may have.
const maxResult = 64 << 20

func errLarge(most int) error {
	return fmt.Errorf("the result would be longer than %d bytes", most)
}

// replace returns the text with n matches replaced, and how many were.
func (j *job) replace() (string, int, error) {
	var write func(b *strings.Builder, loc []int) error
	most := int(min(maxResult, host.Room(j.thread)/2)) // a builder doubles what it has
	switch repl := j.repl.(type) {
	case starlark.String:
		t, err := parseTemplate(string(repl), j.pattern)
		if err != nil {
			return "", 0, err
		}
		write = func(b *strings.Builder, loc []int) error {
			if b.Len()+t.size(loc) > most {
				return errLarge(most)
			}
			t.expand(b, j.text, loc)
			return nil
		}
	case starlark.Callable:
		write = func(b *strings.Builder, loc []int) error {
			v, err := starlark.Call(j.thread, repl, starlark.Tuple{j.match(loc)}, nil)
			if err != nil {
				return err
			}
			s, ok := starlark.AsString(v)
			if !ok && v != starlark.None { // which is nothing, as in Python
				return fmt.Errorf("repl returned %s, not a string", v.Type())
			}
			b.WriteString(s)
			return nil
		}
	default:
		return "", 0, fmt.Errorf("for parameter repl: got %s, want string or callable", repl.Type())
	}
	var b strings.Builder
	last, n := 0, 0
	err := j.upTo(func(loc []int) error {
		b.WriteString(j.text[last:loc[0]])
		last = loc[1]
		n++
		if err := write(&b, loc); err != nil {
			return err
		}
		if b.Len() > most {
			return errLarge(most)
		}
		return nil
	})
	if err != nil {
		return "", 0, err
	}
	b.WriteString(j.text[last:])
	return b.String(), n, nil
}

func sub(j *job) (starlark.Value, error) {
	s, _, err := j.replace()
	return starlark.String(s), err
}

func subn(j *job) (starlark.Value, error) {
	s, n, err := j.replace()
	return starlark.Tuple{starlark.String(s), starlark.MakeInt(n)}, err
}
