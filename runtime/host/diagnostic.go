package host

import "fmt"

// A Diagnostic is a message about a script, and the place that it is about.
type Diagnostic struct {
	Place
	// Message is what is wrong, and where possible what to write instead.
	Message string `json:"message"`
}

// String is PLACE: MESSAGE, or the message alone if it is about no place.
func (d Diagnostic) String() string {
	if d.Place == (Place{}) {
		return d.Message
	}
	return d.Place.String() + ": " + d.Message
}

// Diagnostics are what is wrong with a program, file by file, each file's in the order of its
// lines. They are the error of a program that does not load.
type Diagnostics []Diagnostic

// Error is one line: the first diagnostic, and how many more there are.
func (d Diagnostics) Error() string {
	switch len(d) {
	case 0:
		return "no diagnostics"
	case 1:
		return d[0].String()
	}
	return fmt.Sprintf("%s (and %d more)", d[0], len(d)-1)
}
