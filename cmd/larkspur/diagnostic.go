package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
)

// loadError says in a line why the application does not load.
func (a *application) loadError(err error) error {
	found := runtime.Diagnose(a.entry, err)
	first := found[0]
	first.File = a.path(first.File)
	text, _, _ := strings.Cut(first.String(), "\n")
	if len(found) > 1 {
		return fmt.Errorf("%s (and %d more: larkspur check lists them)", text, len(found)-1)
	}
	return errors.New(text)
}

// around is how many lines of a script are shown before and after a place.
const around = 2

// excerpt reads the lines around a place from the tree as it is now.
func (a *application) excerpt(at host.Place) []host.Line { return host.Excerpt(a.tree, at, around) }
