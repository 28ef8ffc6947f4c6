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

// A line is one of a script.
type line struct {
	number int
	text   string
	here   bool // it is the one in question
}

const around = 2 // lines before and after the one in question

// excerpt reads the lines around FILE:LINE:COL from the tree as it is now. There are none if it
// cannot be read.
func (a *application) excerpt(place string) []line {
	parts := strings.Split(place, ":")
	if len(parts) < 3 {
		return nil
	}
	number, err := strconv.Atoi(parts[len(parts)-2])
	if err != nil || number == 0 {
		return nil
	}
	f, err := a.tree.Open(strings.Join(parts[:len(parts)-2], ":"))
	if err != nil {
		return nil
	}
	defer f.Close()
	var lines []line
	scan := bufio.NewScanner(f)
	for n := 1; n <= number+around && scan.Scan(); n++ {
		if n >= number-around {
			lines = append(lines, line{n, scan.Text(), n == number})
		}
	}
	return lines
}
