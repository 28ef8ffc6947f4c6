package sitefile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server/compress"
	"go.starlark.net/starlark"
)

// A kind is what a parameter is given.
type kind int

const (
	text        kind = iota
	texts            // a string or a list of them
	dict             // of strings
	truth            // True or False
	number           // from 0 on
	size             // a number of bytes, or a string as in 10MiB
	duration         // a number of seconds, or a string as in 30s
	path             // of a file that may not be there yet
	file             // that is there
	dir              // that is there
	compression      // what compress.Parse reads
	route            // what mount, upstream, static and redirect return
)

// Type is what a parameter is given, in a word or two.
func (p *Param) Type() string {
	switch p.kind {
	case texts:
		return "string or list"
	case dict:
		return "dict"
	case truth:
		return "bool"
	case number:
		return "int"
	case size:
		return "int or string"
	case duration:
		return "int, float or string"
	case route:
		return "route"
	}
	return "string"
}

// value is what a flag would be given for a value.
func (c *call) value(p *Param, v starlark.Value) (string, bool) {
	switch p.kind {
	case truth:
		if b, ok := v.(starlark.Bool); ok {
			return map[bool]string{true: "true", false: "false"}[bool(b)], true
		}
		return c.not(p, v, "True or False")
	case number:
		if i, ok := v.(starlark.Int); ok && i.Sign() >= 0 {
			return i.String(), true
		}
		return c.not(p, v, "a number from 0 on")
	case size:
		var s display.Size
		if s.Set(plain(v)) == nil {
			return s.String(), true
		}
		return c.not(p, v, `a size, as in "10MiB"`)
	case duration:
		var d display.Duration
		if d.Set(plain(v)) == nil {
			return d.String(), true
		}
		return c.not(p, v, `a time, as in "30s"`)
	}
	s, ok := starlark.AsString(v)
	switch {
	case !ok:
		return c.not(p, v, "a string")
	case s == "":
		return c.not(p, v, "a string that is not empty")
	case p.values != nil && !slices.Contains(p.values, s):
		c.fault("%s is %q%s: it is %s", p.Name, s, meant(s, p.values), strings.Join(p.values, ", "))
		return "", false
	case p.kind == compression:
		if _, err := compress.Parse(s); err != nil {
			c.fault("%s: %v", p.Name, err)
			return "", false
		}
	case p.kind == path:
		return c.join(s), true
	case p.kind == file || p.kind == dir:
		return c.found(p, s)
	}
	return s, true
}

// plain is a string, or the digits of a number.
func plain(v starlark.Value) string {
	if s, ok := starlark.AsString(v); ok {
		return s
	}
	return v.String()
}

func (c *call) not(p *Param, v starlark.Value, want string) (string, bool) {
	got := v.Type()
	if s := v.String(); len(s) < 40 {
		got += " " + s
	}
	c.fault("%s is the %s, and is to be %s", p.Name, got, want)
	return "", false
}

// found is the path of a file or a directory that is there.
func (c *call) found(p *Param, name string) (string, bool) {
	what := map[kind]string{file: "file", dir: "directory"}[p.kind]
	info, err := c.stat(name)
	switch {
	case err != nil:
		c.fault("%s: there is no %s %s%s", p.Name, what, c.join(name), c.near(name))
	case info.IsDir() != (p.kind == dir):
		c.fault("%s: %s is not a %s", p.Name, c.join(name), what)
	default:
		return c.join(name), true
	}
	return "", false
}

// near is a hint at what is beside a path where nothing is.
func (c *call) near(name string) string {
	var names []string
	entries, _ := os.ReadDir(filepath.Dir(c.join(name))) // then there are none
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return meant(filepath.Base(name), names)
}

// string is the value of a parameter, "" if there is none or it is wrong.
func (c *call) string(name string) string {
	p, v := c.param(name)
	if v == nil {
		return ""
	}
	s, _ := c.value(p, v)
	return s
}

// bool is the value of one that is true or false.
func (c *call) bool(name string) bool { return c.string(name) == "true" }

// duration is the value of one that is a time.
func (c *call) duration(name string) time.Duration {
	d, _ := time.ParseDuration(c.string(name))
	return d
}

// int is the value of one that is a number, bounded by most.
func (c *call) int(name string, most int) (n int) {
	_, v := c.param(name)
	if s := c.string(name); s == "" {
		return 0
	}
	if err := starlark.AsInt(v, &n); err != nil || n > most {
		c.fault("%s is %s, and may be %d", name, v, most)
	}
	return n
}

// list is the value of one that is a list of strings.
func (c *call) list(name string) (all []string) {
	p, v := c.param(name)
	if v == nil {
		return nil
	}
	list, ok := v.(starlark.Iterable)
	if !ok {
		list = starlark.Tuple{v}
	}
	for e := range starlark.Elements(list) {
		s, ok := c.value(&Param{Name: p.Name}, e)
		if !ok {
			return nil
		}
		all = append(all, s)
	}
	return all
}

// dict is the value of one that is a dict of strings.
func (c *call) dict(name string) map[string]string {
	p, v := c.param(name)
	if v == nil {
		return nil
	}
	d, ok := v.(*starlark.Dict)
	if !ok {
		c.not(p, v, "a dict of strings")
		return nil
	}
	all := make(map[string]string, d.Len())
	for _, item := range d.Items() {
		key, isKey := starlark.AsString(item[0])
		if !isKey {
			c.fault("%s has the key %s, which is no string", name, item[0])
			continue
		}
		all[key] = plain(item[1])
	}
	return all
}

func (c *call) param(name string) (*Param, starlark.Value) {
	i := slices.IndexFunc(c.word.Params, func(p Param) bool { return p.Name == name })
	if i < 0 {
		panic(fmt.Sprintf("sitefile: %s has no parameter %s", c.word.Name, name))
	}
	return &c.word.Params[i], c.args[name]
}
