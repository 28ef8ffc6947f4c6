package describe

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/spell"
)

// Find returns the entry of a name: of a module with or without its @, of something in one with or
// without the module, of something in a type with or without the type, if no other has it. That of a
// function and of a type of the same name is one. The entry is shared, and not to be changed. The
// error says what may have been meant.
func (l *Library) Find(name string) (*Entry, error) {
	l.once.Do(l.make)
	name = strings.TrimSpace(name)
	bare := strings.TrimPrefix(name, "@")
	for _, full := range []string{"@" + bare, bare, strings.ToUpper(bare)} {
		if e := l.index[full]; e != nil {
			return e, nil
		}
	}
	first, rest, _ := strings.Cut(bare, ".")
	if e := l.index["@"+first]; e != nil && rest == first {
		return e, nil // json.json, the value of the module's own name
	}
	if e := l.pattern(bare); e != nil {
		return e, nil
	}
	found := l.bare[bare]
	if len(found) == 0 {
		found = l.within(bare)
	}
	switch len(found) {
	case 0:
	case 1:
		return found[0], nil
	default:
		return nil, fmt.Errorf("%s is several: %s", bare, strings.Join(names(found), ", "))
	}
	return nil, fmt.Errorf("nothing is called %s%s", name, l.meant(bare))
}

// pattern returns the row of a table whose name ends in a star, as HTTP_*, that a name fits.
func (l *Library) pattern(name string) *Entry {
	for i := range l.Tables {
		for j := range l.Tables[i].Members {
			row := &l.Tables[i].Members[j]
			_, last, _ := strings.Cut(row.Name, ".")
			if stem, ok := strings.CutSuffix(last, "*"); ok &&
				strings.HasPrefix(strings.TrimPrefix(name, l.Tables[i].Name+"."), stem) {
				return row
			}
		}
	}
	return nil
}

// meant says what a name may stand for, "" if nothing is near.
func (l *Library) meant(name string) string {
	first, _, dotted := strings.Cut(name, ".")
	if e := l.index["@"+first]; e != nil && dotted {
		return l.in(e, name)
	}
	all := slices.Sorted(maps.Keys(l.index))
	for i, full := range all {
		all[i] = strings.TrimPrefix(full, "@")
	}
	if near := spell.Nearest(name, all, 3); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	if near := spell.Nearest(name, slices.Sorted(maps.Keys(l.bare)), 3); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", strings.Join(names(l.bare[near]), ", "))
	}
	if found := l.Search(name); len(found) > 0 {
		return fmt.Sprintf(" (did you mean %s?)", found[0].Name)
	}
	return "; larkspur docs lists what there is"
}

// in says which member of a module is meant, or what it has.
func (l *Library) in(e *Entry, name string) string {
	var all []string
	short := make(map[string]string) // the names without what is between module and last part
	module := strings.TrimPrefix(e.Name, "@")
	var walk func(*Entry)
	walk = func(e *Entry) {
		for i := range e.Members {
			full := e.Members[i].Name
			all = append(all, full)
			if bare := module + full[strings.LastIndexByte(full, '.'):]; bare != full {
				short[bare] = full
			}
			walk(&e.Members[i])
		}
	}
	walk(e)
	if near := spell.Nearest(name, all, 3); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", near)
	}
	if near := spell.Nearest(name, slices.Sorted(maps.Keys(short)), 3); near != "" {
		return fmt.Sprintf(" (did you mean %s?)", short[near])
	}
	return fmt.Sprintf("; %s has %s", e.Name, strings.Join(last(e.Members), ", "))
}

// last are the names of members as they are called in what has them, each once.
func last(members []Entry) []string {
	var all []string
	for _, m := range members {
		if name := m.Name[strings.LastIndexByte(m.Name, '.')+1:]; !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

func names(entries []*Entry) []string {
	all := make([]string, len(entries))
	for i, e := range entries {
		all[i] = e.Name
	}
	return all
}

// Called returns the entry of a function or method that messages of the interpreter call so: form of
// @http, json.decode of @json, len. The module is among those loaded; or else it is the only method,
// of a module that is loaded or of all, or function of a table that is called so. It is nil if that
// does not tell.
func (l *Library) Called(name string, loaded []string) *Entry {
	l.once.Do(l.make)
	var found, near, others []*Entry
	for _, e := range l.bare[name[strings.LastIndexByte(name, '.')+1:]] {
		module, path, _ := strings.Cut(e.Name, ".")
		switch {
		case e.Kind == KindMethod || l.homes[module] == nil && e.Kind == KindFunction:
			if !strings.Contains(name, ".") {
				others = append(others, e)
				if slices.Contains(loaded, module) {
					near = append(near, e)
				}
			}
		case e.Kind == KindFunction && slices.Contains(loaded, module) && (path == name || e.Name == name):
			found = append(found, e)
		}
	}
	if len(found) == 0 {
		found = others
		if len(near) == 1 {
			found = near
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// Names returns all that can be found, in order.
func (l *Library) Names() []string {
	l.once.Do(l.make)
	return slices.Sorted(maps.Keys(l.index))
}

const (
	maxQuery = 200 // bytes of a query that are looked at
	maxFound = 100 // entries that are found
)

// Search returns the entries that have every word of a query in their name or description, the best
// first, at most 100. Case does not matter. An empty query finds nothing.
func (l *Library) Search(query string) []*Entry {
	l.once.Do(l.make)
	if len(query) > maxQuery {
		query = query[:maxQuery]
	}
	words := strings.Fields(strings.ToLower(query))
	if len(words) == 0 {
		return nil
	}
	type hit struct {
		*Entry
		score int
	}
	var hits []hit
	for _, name := range slices.Sorted(maps.Keys(l.index)) {
		e, score := l.index[name], 0
		for _, word := range words {
			n := e.fits(strings.TrimPrefix(word, "@"))
			if n == 0 {
				score = 0
				break
			}
			score += n
		}
		if score > 0 {
			hits = append(hits, hit{e, score})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.score, a.score) })
	found := make([]*Entry, min(len(hits), maxFound))
	for i := range found {
		found[i] = hits[i].Entry
	}
	return found
}

// fits says how well a word, in lower case, fits an entry; 0 if it does not.
func (e *Entry) fits(word string) int {
	name := strings.ToLower(strings.TrimPrefix(e.Name, "@"))
	last := name[strings.LastIndexByte(name, '.')+1:]
	switch {
	case name == word:
		return 100
	case last == word:
		return 80
	case strings.HasPrefix(last, word):
		return 60
	case strings.Contains(name, word):
		return 40
	case strings.Contains(strings.ToLower(e.Summary), word):
		return 20
	case strings.Contains(strings.ToLower(e.Doc), word):
		return 10
	}
	for _, p := range e.Params {
		if strings.ToLower(p.Name) == word {
			return 15
		}
	}
	for _, f := range e.Errors {
		if strings.ToLower(f.Code) == word {
			return 15
		}
	}
	for _, f := range e.Facts {
		if strings.Contains(strings.ToLower(f.Text), word) {
			return 5
		}
	}
	return 0
}
