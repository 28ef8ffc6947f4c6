package habit

import (
	"fmt"
	"slices"
	"strings"
)

// ranks are modules that have names which others have too, the one that is meant first. A module that
// is not among them stands where "" does.
var ranks = []string{"response", "http", "route", "", "static", "test", "html"}

// homes are the modules that have a name, the one that is most likely meant first: that of the name
// itself, but not if it is called and cannot be; else by rank.
func (l *Language) homes(name string, called bool) []*Module {
	var all []*Module
	for i := range l.Modules {
		m := &l.Modules[i]
		if slices.Contains(m.Names, name) && (m.Name != name || !called || m.Callable) {
			all = append(all, m)
		}
	}
	rank := func(m *Module) int {
		if m.Name == name {
			return -1
		}
		if i := slices.Index(ranks, m.Name); i >= 0 {
			return i
		}
		return slices.Index(ranks, "")
	}
	slices.SortStableFunc(all, func(a, b *Module) int { return rank(a) - rank(b) })
	return all
}

// home is the module that has a name: the one that is given if it does.
func (l *Language) home(name, module string) *Module {
	if m := l.module(module); m != nil && slices.Contains(m.Names, name) {
		return m
	}
	if all := l.homes(name, false); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Lacking returns what to say of a name that a script loads from a module which does not have it: who
// has it, or what is written instead; "" if that is not known.
func (l *Language) Lacking(module, name string) string {
	if w := l.word(name); w.write != "" {
		return "; write " + l.framed(w, nil)
	}
	if m := l.module(module); m != nil && slices.Contains(m.Of, name) {
		return fmt.Sprintf("; write %s, and %s.%s", m.load([]string{module}), module, name)
	}
	if has := renamed()[module+"."+name]; has != "" {
		if m := l.module(module); m != nil && slices.Contains(m.Names, has) {
			return "; write " + m.load([]string{has})
		} else if m != nil && slices.Contains(m.Of, has) {
			return fmt.Sprintf("; write %s, and %s.%s", m.load([]string{module}), module, has)
		}
	}
	homes := l.homes(name, false)
	if len(homes) == 0 {
		return ""
	}
	var names []string
	for _, m := range homes {
		names = append(names, "@"+m.Name)
	}
	has := "has"
	if len(names) > 1 {
		has = "have"
	}
	last := len(names) - 1
	who := names[last]
	if last > 0 {
		who = strings.Join(names[:last], ", ") + " and " + who
	}
	return fmt.Sprintf(", which %s %s; write %s", who, has, homes[0].load([]string{name}))
}
