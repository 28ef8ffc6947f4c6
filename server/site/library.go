package site

import (
	"slices"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/describe"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/apptest"
)

// Library describes what applications have: the modules that all may load, those given, @test, the
// functions that need no load, the keys of the environ, and the codes of errors.
func Library(modules ...*host.Module) *describe.Library {
	return libraryOf(append(Modules(), modules...))
}

// libraryOf is the library of modules, with @docs, which is made of the library itself.
func libraryOf(modules []*host.Module) *describe.Library {
	l := &describe.Library{Tables: []describe.Entry{describe.Table(describe.Builtins()),
		keys(), codes()}}
	test := new(apptest.Config).Module()
	for _, m := range modules {
		test.Members = append(test.Members, m.Tests...)
	}
	c := runtime.Config{Modules: append(modules, test, l.Module())}
	l.Modules = c.Catalog()
	return l
}

// documented are modules, and @docs, which describes all that an application may load.
func documented(modules []*host.Module) []*host.Module {
	return append(modules, libraryOf(slices.Clone(modules)).Module())
}

// describe returns what describes the functions of the modules that the application may load.
func (a *Application) describe() func(name string, loaded []string) (signature, doc string) {
	l := libraryOf(append(Modules(), a.Modules...))
	return func(name string, loaded []string) (signature, doc string) {
		if e := l.Called(name, loaded); e != nil {
			return e.Signature, e.Doc
		}
		return "", ""
	}
}

// keys describes the environ.
func keys() describe.Entry {
	e := describe.Entry{
		Name: "environ", Kind: describe.KindTable,
		Doc: "The keys of the environ, the dict that an application is called with.",
	}
	e.Summary = e.Doc
	for _, k := range environ.Keys() {
		e.Members = append(e.Members, describe.Entry{
			Name: "environ." + k.Name, Kind: describe.KindRow, Doc: k.Meaning,
			Summary: describe.Sentence(k.Meaning),
			Facts: []describe.Fact{
				{Name: "Type", Text: k.Type}, {Name: "There if", Text: k.Present},
				{Name: "Set by", Text: k.Owner},
			},
		})
	}
	return e
}

// codes describes the errors that have a code.
func codes() describe.Entry {
	e := describe.Entry{
		Name: "codes", Kind: describe.KindTable,
		Doc: "The codes of errors, which stay the same for good, with cause and cure.",
	}
	e.Summary = e.Doc
	for _, c := range environ.Codes() {
		e.Members = append(e.Members, describe.Entry{
			Name: string(c.Code), Kind: describe.KindRow, Doc: c.Title + ".", Summary: c.Title + ".",
			Facts: []describe.Fact{{Name: "Cause", Text: c.Cause}, {Name: "Cure", Text: c.Cure}},
		})
	}
	return e
}
