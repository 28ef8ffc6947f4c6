package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
)

// MaxLine is how many bytes a line has that [Parse] reads.
const MaxLine = 1 << 20

var errNoEntry = errors.New("access: it is no line of an access log in JSON")

// Parse reads a line of a log in JSON. What the line has besides is not looked at.
func Parse(line []byte) (*Entry, error) {
	if len(line) > MaxLine {
		return nil, fmt.Errorf("access: a line of %d bytes; %d are read", len(line), MaxLine)
	}
	e := new(Entry)
	if err := json.Unmarshal(line, e); err != nil {
		return nil, fmt.Errorf("access: %w", err)
	}
	if e.Method == "" || e.Time.IsZero() {
		return nil, errNoEntry
	}
	for _, s := range []*Seconds{&e.Took, &e.Queued, &e.FirstByte, &e.Ran} {
		*s = Seconds(min(max(float64(*s), 0), math.MaxInt32))
	}
	return e, nil
}
