package display

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// A Duration is a time that a person sets: 90s, 1m30s, 500ms, or plain digits, which are seconds.
// It is a flag's value.
type Duration time.Duration

// Set parses text.
func (d *Duration) Set(text string) error {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		if !(math.Abs(n) <= float64(math.MaxInt64/time.Second)) {
			return errDuration
		}
		*d = Duration(n * float64(time.Second))
		return nil
	}
	parsed, err := time.ParseDuration(strings.ToLower(text))
	if err != nil {
		return errDuration
	}
	*d = Duration(parsed)
	return nil
}

var errDuration = errors.New("write a time as in 30s, 500ms or 2m; plain digits are seconds")

// Type names the value in the help of a flag.
func (*Duration) Type() string { return "duration" }

// String writes the time as Go does.
func (d *Duration) String() string { return time.Duration(*d).String() }
