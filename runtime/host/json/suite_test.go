package json_test

import (
	_ "embed"
	"strconv"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/json"
)

//go:embed testdata/JSONTestSuite.txt
var suite string

// TestSuite decodes the texts of JSONTestSuite. What is decoded once and encoded stays as it is.
func TestSuite(t *testing.T) {
	known := 0
	for line := range strings.Lines(suite) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		name, quoted, _ := strings.Cut(strings.TrimSpace(line), "\t")
		text, err := strconv.Unquote(quoted)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		known++
		v, err := json.Limits{}.Decode(text)
		if err != nil {
			if strings.HasPrefix(name, "y_") {
				t.Errorf("%s: %q is refused: %v", name, text, err)
			}
			continue
		}
		if strings.HasPrefix(name, "n_") {
			t.Errorf("%s: %q is %v, want an error", name, text, v)
			continue
		}
		once, err := json.Encode(v)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if v, err = (json.Limits{}).Decode(once); err != nil {
			t.Errorf("%s: %q cannot be decoded: %v", name, once, err)
			continue
		}
		if twice, err := json.Encode(v); err != nil || twice != once {
			t.Errorf("%s: %q, decoded and encoded, is %q, %v", name, once, twice, err)
		}
	}
	if known != 316 {
		t.Errorf("the suite has %d texts, want 316", known)
	}
	for _, text := range []string{strings.Repeat("[", 100_000), strings.Repeat(`[{"":`, 50_000)} {
		if v, err := (json.Limits{}).Decode(text); err == nil {
			t.Errorf("%.9q... is %v", text, v)
		}
	}
}
