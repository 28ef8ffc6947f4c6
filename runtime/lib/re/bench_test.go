package re_test

import (
	"strings"
	"testing"

	"go.starlark.net/starlark"
)

// BenchmarkFindall is of a text of 100 KB, with patterns that RE2 is quick and slow with.
func BenchmarkFindall(b *testing.B) {
	v := values(b)
	text := starlark.String(strings.Repeat("The quick brown fox, born in 1987, jumps over x=12; ", 2000))
	for _, pattern := range []string{"fox", `\d+`, `\b\w+\b`, `\w+`, `(\w+)=(\d+)`, `(?m)^.*x`, "x*", `[^,;]*`} {
		b.Run(pattern, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			thread := new(starlark.Thread)
			for b.Loop() {
				if _, err := starlark.Call(thread, v["findall"], starlark.Tuple{starlark.String(pattern), text}, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMatch is a short text, as in a handler.
func BenchmarkMatch(b *testing.B) {
	v := values(b)
	thread := new(starlark.Thread)
	args := starlark.Tuple{starlark.String(`(\w+)@([\w.]+)`), starlark.String("ada@example.com")}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := starlark.Call(thread, v["match"], args, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWorst is what one search takes at most: as much work as is let through.
func BenchmarkWorst(b *testing.B) {
	v := values(b)
	pattern := "(?:" + strings.Repeat("a?", 500) + "){2}b"
	text := starlark.String(strings.Repeat("a", 1<<17))
	for b.Loop() {
		if _, err := starlark.Call(new(starlark.Thread), v["search"], starlark.Tuple{starlark.String(pattern), text}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
