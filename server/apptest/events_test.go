package apptest

import (
	"testing"

	"go.starlark.net/starlark"
)

// read returns the events of blocks.
func read(blocks ...string) (all []starlark.Value) {
	var e eventReader
	for _, block := range blocks {
		e.rest += block
		for {
			event, ok := e.next()
			if !ok {
				break
			}
			all = append(all, event)
		}
	}
	return all
}

// FuzzEvents checks that the events of a stream do not depend on how it comes.
func FuzzEvents(f *testing.F) {
	for _, text := range []string{
		"data: a\n\n", "\ufeffdata: a\r\n\r\nid: 1\revent: x\rdata\r\rretry: 5\n: c\ndata: b\n\n", "\xef\xbbdata: a\n\n",
		"data: a\r\r\n\n\ndata:b\n\n",
	} {
		f.Add(text, 3)
	}
	f.Fuzz(func(t *testing.T, text string, cut int) {
		if cut < 0 || cut > len(text) {
			cut = len(text) / 2
		}
		var each []string
		for i := range len(text) {
			each = append(each, text[i:i+1])
		}
		whole := starlark.NewList(read(text)).String()
		for _, other := range [][]string{each, {text[:cut], text[cut:]}} {
			if got := starlark.NewList(read(other...)).String(); got != whole {
				t.Errorf("%q: got %s, want %s", other, got, whole)
			}
		}
	})
}
