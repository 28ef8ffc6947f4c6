// Package describe shows what the descriptions of host modules say: in a terminal, as JSON, and, by
// the module @docs that it makes, on the pages of an application.
//
// # The model
//
// A [Library] is a list of host modules, and of tables of what has no module, such as the keys of an
// environ. Each thing that has a name is an [Entry] of it, with all that is known: how a script gets
// it, how it is called, what it returns, how it fails, an example. [Library.Find] and
// [Library.Search] find entries, [Library.Run] runs the example of one, and [Entry.Write] writes one
// for a terminal. Nothing here knows a module by name: what a module says of itself is all there is.
package describe

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Library is what is described. It must not be changed once it is in use, and is then safe for
// concurrent use.
type Library struct {
	// Modules are those of the library, in any order.
	Modules []*host.Module
	// Tables are entries beside the modules, whose members are their rows. The name of a row is
	// that of its table, a dot and its own, or a name that stands alone.
	Tables []Entry
	// Time is how long an example may run. Zero means 2 seconds.
	Time time.Duration

	once    sync.Once
	modules []Entry
	index   map[string]*Entry   // by full name
	bare    map[string][]*Entry // by the last part of it
	homes   map[string]*host.Module
}

// The kinds of an Entry.
const (
	KindModule    = "module"
	KindFunction  = "function"
	KindValue     = "value"
	KindType      = "type"
	KindMethod    = "method"
	KindAttribute = "attribute"
	KindTable     = "table"
	KindRow       = "row"
)

// An Entry is what is known of a module, of something in it, or of a row of a table. What does not
// apply is empty.
type Entry struct {
	// Name is what finds it: @http, http.form, re.Match.group, environ.wsgi.input, LARK0204.
	Name string `json:"name"`
	Kind string `json:"kind"`
	// How is the statement by which a script gets it.
	How string `json:"load,omitempty" starlark:"how"`
	// Signature is how a function is called, with defaults; an argument in brackets may be left out.
	Signature string `json:"signature,omitempty"`
	// Summary is the first sentence of Doc.
	Summary string    `json:"summary"`
	Doc     string    `json:"doc"`
	Grant   string    `json:"grant,omitempty"` // what has to be granted
	Params  []Param   `json:"params,omitempty"`
	Result  string    `json:"result,omitempty"`
	Errors  []Failure `json:"errors,omitempty"`
	Example string    `json:"example,omitempty"`
	// Facts are more that is known, as the cure of an error.
	Facts   []Fact  `json:"facts,omitempty"`
	Members []Entry `json:"members,omitempty"`

	written []string // the parameters of Signature
}

// A Param is a parameter of a function.
type Param struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Doc      string `json:"doc"`
	Default  string `json:"default,omitempty"` // as it is written; empty if there is none
	Required bool   `json:"required"`
	Pass     string `json:"pass,omitempty"` // how it may be passed, if not freely
}

// A Failure is an error that a function may return.
type Failure struct {
	Code string `json:"code,omitempty"`
	When string `json:"when"`
}

// A Fact is something that is known, and what it is called.
type Fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// passes are the words for how a parameter may be passed.
var passes = [...]string{
	host.ByPosition: "by position only",
	host.ByName:     "by name only",
	host.Rest:       "all further ones",
	host.RestByName: "all further ones by name",
}

// Module returns the entry of a module, whose members are what it has, its types last.
func Module(m *host.Module) Entry {
	e := Entry{Name: "@" + m.Name, Kind: KindModule, Doc: m.Doc, Summary: Sentence(m.Doc),
		Grant: m.Grant}
	prefix := ""
	if m.Whole {
		e.How, prefix = load(m.Name, m.Name), m.Name+"."
	}
	for i := range m.Members {
		member := &m.Members[i]
		in := maker{module: m, path: m.Name + ".", prefix: prefix, how: load(m.Name, member.Name)}
		if member.Name == m.Name && len(member.Members) > 0 {
			// All that the module has is in a struct of its name, which is how it is written.
			e.How, in.prefix = in.how, m.Name+"."
			e.Members = append(e.Members, in.entries(member.Members)...)
			continue
		}
		e.Members = append(e.Members, in.entry(member))
	}
	for _, t := range m.Types {
		e.Members = append(e.Members, typeEntry(m, t))
	}
	if e.How == "" && len(m.Members) > 0 {
		e.How = load(m.Name, m.Members[0].Name)
	}
	return e
}

// load is the statement that loads a name.
func load(module, name string) string {
	return "load(" + starlark.String("@"+module).String() + ", " + starlark.String(name).String() + ")"
}

// typeEntry is the entry of a type, which is called as its values say.
func typeEntry(m *host.Module, t *host.Type) Entry {
	name := t.Name
	if !strings.HasPrefix(name, m.Name+".") {
		name = m.Name + "." + name
	}
	in := maker{module: m, path: name + ".", prefix: name[strings.LastIndexByte(name, '.')+1:] + ".",
		of: true}
	return Entry{Name: name, Kind: KindType, Doc: t.Doc, Summary: Sentence(t.Doc), Grant: m.Grant,
		Members: in.entries(t.Members)}
}

// A maker makes the entries of members.
type maker struct {
	module *host.Module
	path   string // what their names begin with
	prefix string // what their signatures begin with
	how    string
	of     bool // they belong to a type
}

func (k maker) entries(members []host.Member) []Entry {
	all := make([]Entry, len(members))
	for i := range members {
		all[i] = k.entry(&members[i])
	}
	return all
}

func (k maker) entry(m *host.Member) Entry {
	e := Entry{Name: k.path + m.Name, Kind: KindValue, How: k.how, Doc: m.Doc,
		Summary: Sentence(m.Doc), Grant: k.module.Grant, Result: m.Result, Example: m.Example}
	_, callable := m.Value.(starlark.Callable)
	switch {
	case m.Fn != nil || callable || len(m.Params) > 0 || m.Result != "":
		e.Kind, e.Signature, e.written = KindFunction, k.prefix+m.Signature(), m.Parameters()
		if k.of {
			e.Kind = KindMethod
		}
	case k.of:
		e.Kind = KindAttribute
	}
	if m.Value != nil && !callable {
		if text := m.Value.String(); len(text) <= most {
			e.Facts = append(e.Facts, Fact{"Value", text})
		}
	}
	for i := range m.Params {
		e.Params = append(e.Params, param(m, &m.Params[i]))
	}
	for _, f := range m.Errors {
		e.Errors = append(e.Errors, Failure(f))
	}
	in := k
	in.path, in.prefix = e.Name+".", k.prefix+m.Name+"."
	e.Members = in.entries(m.Members)
	return e
}

// most is how long a constant is that is shown.
const most = 200

func param(m *host.Member, p *host.Param) Param {
	d := Param{Name: p.Name, Type: m.TypeOf(p), Doc: p.Doc, Pass: passes[p.Pass],
		Required: p.Default == nil && !p.Optional && p.Pass < host.Rest}
	if p.Default != nil {
		d.Default = p.Default.String()
	}
	return d
}

// Sentence returns the first sentence of a text.
func Sentence(text string) string {
	for i := range len(text) {
		if text[i] != '.' || i+1 < len(text) && text[i+1] != ' ' && text[i+1] != '\n' {
			continue
		}
		// An abbreviation or an ellipsis does not end one: what follows begins with a capital.
		rest := strings.TrimLeft(text[i+1:], " \n")
		if rest == "" || rest[0] < 'a' || rest[0] > 'z' {
			return text[:i+1]
		}
	}
	return text
}

// Entries returns the modules, in the order of their names. They are shared, and not to be changed.
func (l *Library) Entries() []Entry {
	l.once.Do(l.make)
	return l.modules
}

// make makes the entries and the ways to find them.
func (l *Library) make() {
	sorted := slices.Clone(l.Modules)
	slices.SortFunc(sorted, func(a, b *host.Module) int { return strings.Compare(a.Name, b.Name) })
	l.index, l.bare = make(map[string]*Entry), make(map[string][]*Entry)
	l.homes = make(map[string]*host.Module)
	l.modules = make([]Entry, len(sorted))
	for i, m := range sorted {
		l.modules[i] = Module(m)
		l.homes[m.Name] = m
		l.add(&l.modules[i])
		l.join(&l.modules[i])
	}
	for i := range l.Tables {
		l.add(&l.Tables[i])
	}
}

// add indexes an entry and those in it.
func (l *Library) add(e *Entry) {
	if _, taken := l.index[e.Name]; !taken {
		l.index[e.Name] = e
	}
	if e.Kind != KindModule && e.Kind != KindTable {
		last := e.Name[strings.LastIndexByte(e.Name, '.')+1:]
		l.bare[last] = append(l.bare[last], e)
	}
	for i := range e.Members {
		m := &e.Members[i]
		l.add(m)
		if _, name, ok := strings.Cut(m.Name, "."); ok && m.Kind == KindRow && strings.Contains(name, ".") {
			l.bare[name] = append(l.bare[name], m)
		}
	}
}
