package describe

import (
	"slices"
	"strings"
)

// join has those of a module that have one name, a function and the type of what it returns, found
// as one entry: that of the function, with what the type says and has behind it.
func (l *Library) join(module *Entry) {
	for i := range module.Members {
		t := &module.Members[i]
		fn := l.index[t.Name]
		if t.Kind != KindType || fn == t {
			continue
		}
		both := *fn
		both.Facts = append(slices.Clone(fn.Facts), Fact{"The type", t.Doc})
		both.Members = slices.Concat(fn.Members, t.Members)
		l.index[t.Name] = &both
		last := t.Name[strings.LastIndexByte(t.Name, '.')+1:]
		l.bare[last] = slices.DeleteFunc(l.bare[last], func(e *Entry) bool { return e == t })
		l.bare[last][slices.Index(l.bare[last], fn)] = &both
	}
}

// within returns the entries that a name with a dot leaves the type out of, as session.flash for
// session.session.flash, or the module, as values.getall for http.values.getall. The first is of a
// module, the last what is called in one of its types.
func (l *Library) within(name string) []*Entry {
	first, last, dotted := strings.Cut(name, ".")
	if !dotted {
		return nil
	}
	var found []*Entry
	for _, e := range l.bare[last[strings.LastIndexByte(last, '.')+1:]] {
		module, rest, _ := strings.Cut(e.Name, ".")
		if module == first && strings.HasSuffix(rest, "."+last) || rest == name {
			found = append(found, e)
		}
	}
	return found
}
