package bombtest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Mode is where bombs are called: the number of the first of its columns.
type Mode int

const (
	InProcess Mode = 2 // in that of the server
	InWorker  Mode = 5
)

const (
	head = "| bombs | scripts | in the server | beyond | peak | in a worker | beyond | peak |\n" +
		"|---|---:|---|---:|---:|---|---:|---:|\n"
	open, end = "<!-- bombs -->\n", "<!-- end of bombs -->"
)

// A Report is what became of bombs in a mode. The zero value has none.
type Report struct{ rows map[string]*row }

// A row is what became of the bombs of a kind.
type row struct {
	outcomes map[Outcome]int
	beyond   time.Duration
	peak     int64
}

// Add adds the result of a bomb, and prints it.
func (r *Report) Add(b Bomb, result Result) {
	fmt.Printf("%-26s %8v %8v %6d MiB  %.90s\n", b.Name, result.CPU.Round(time.Millisecond),
		result.Beyond().Round(time.Millisecond), result.Peak>>20, result.Text)
	if r.rows == nil {
		r.rows = make(map[string]*row)
	}
	own := r.rows[b.Kind]
	if own == nil {
		own = &row{outcomes: make(map[Outcome]int)}
		r.rows[b.Kind] = own
	}
	own.outcomes[result.Outcome]++
	own.beyond = max(own.beyond, result.Beyond())
	own.peak = max(own.peak, result.Peak)
}

// cells are those of the row, in the columns of a mode.
func (r *row) cells() []string {
	var outcomes []string
	for _, o := range slices.Sorted(maps.Keys(r.outcomes)) {
		outcomes = append(outcomes, fmt.Sprint(r.outcomes[o], " ", o))
	}
	return []string{strings.Join(outcomes, ", "), fmt.Sprintf("%.1f s", r.beyond.Seconds()),
		fmt.Sprint(r.peak>>20, " MiB")}
}

// Check compares the table of a README with the bombs that there are, and with what became of them:
// the outcomes must be such as the table has, and the peaks must not be far above. With update, for
// which all must have been called, it writes the columns of the mode.
func (r *Report) Check(t *testing.T, readme string, mode Mode, update bool) {
	t.Helper()
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), open)
	table, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the bombs", readme)
	}
	had := make(map[string][]string)
	for line := range strings.Lines(table) {
		line = strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |\n")
		cells := strings.Split(line, " | ")
		had[cells[0]] = cells
	}
	var want strings.Builder
	want.WriteString(head)
	for _, k := range kinds {
		cells := []string{k.name, strconv.Itoa(len(k.bombs)), "", "", "", "", "", ""}
		if old := had[k.name]; len(old) == len(cells) {
			copy(cells[2:], old[2:])
		}
		if own := r.rows[k.name]; own != nil && update {
			copy(cells[mode:], own.cells())
		} else if own != nil {
			own.compare(t, k.name, cells[mode:])
		}
		want.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	switch {
	case want.String() == table:
	case update:
		if err := os.WriteFile(readme, []byte(before+open+want.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s has a table of other bombs: go test -run %s -update", readme, t.Name())
	}
}

// compare compares the row with the cells that the table has for it.
func (r *row) compare(t *testing.T, name string, cells []string) {
	t.Helper()
	for o := range r.outcomes {
		if !strings.Contains(cells[0], string(o)) && o != Ended { // as any may on a machine that is busy
			t.Errorf("%s: one is %s, and the table has %q", name, o, cells[0])
		}
	}
	if mib, _, _ := strings.Cut(cells[2], " "); true {
		said, err := strconv.ParseInt(mib, 10, 64)
		if err != nil || r.peak>>20 > 2*said+256 {
			t.Errorf("%s: the peak is %d MiB, and the table has %q", name, r.peak>>20, cells[2])
		}
	}
}
