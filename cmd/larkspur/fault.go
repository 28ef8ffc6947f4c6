package main

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/runtime"
)

// loadError says in a line why the application does not load.
func (a *application) loadError(err error) error {
	faults := runtime.Diagnose(a.entry, err)
	first := faults[0]
	first.File = a.path(first.File)
	text, _, _ := strings.Cut(first.String(), "\n")
	if len(faults) > 1 {
		return fmt.Errorf("%s (and %d more: larkspur check lists them)", text, len(faults)-1)
	}
	return errors.New(text)
}

// splitPlace takes FILE:LINE:COL apart.
func splitPlace(place string) (file string, line int) {
	if i := strings.LastIndex(place, ":"); i >= 0 {
		place = place[:i]
	}
	i := strings.LastIndex(place, ":")
	if i < 0 {
		return place, 0
	}
	line, _ = strconv.Atoi(place[i+1:]) // without a number there is no line to show
	return place[:i], line
}

// An excerpt is a piece of a script around a line.
type excerpt struct {
	File  string
	Lines []line
}

type line struct {
	Number int
	Text   string
	Here   bool
}

const around = 4 // lines before and after the one in question

// excerpt reads the lines around a fault from the tree as it is now. There are none if it cannot be read.
func (a *application) excerpt(file string, number int) excerpt {
	e := excerpt{File: a.path(file)}
	if number == 0 {
		return e
	}
	f, err := a.tree.Open(file)
	if err != nil {
		return e
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; n <= number+around && lines.Scan(); n++ {
		if n >= number-around {
			e.Lines = append(e.Lines, line{n, lines.Text(), n == number})
		}
	}
	return e
}
