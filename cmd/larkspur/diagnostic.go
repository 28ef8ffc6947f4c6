package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
)

// loadError says in a line why the application does not load.
func loadError(a *site.Application, err error) error {
	found := runtime.Diagnose(a.Name(), err)
	first := found[0]
	first.File = a.Path(first.File)
	text, _, _ := strings.Cut(first.String(), "\n")
	if len(found) > 1 {
		return fmt.Errorf("%s (and %d more: larkspur check lists them)", text, len(found)-1)
	}
	return errors.New(text)
}

// around is how many lines of a script are shown before and after a place.
const around = 2

// excerpt reads the lines around a place from the tree as it is now.
func excerpt(a *site.Application) func(host.Place) []host.Line {
	return func(at host.Place) []host.Line { return host.Excerpt(a.FS, at, around) }
}
