package json_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// colliding returns n strings of 8 bytes whose FNV-1a hashes have the same low 16 bits. The low
// bits of the hash depend on nothing but themselves, so blocks of four bytes that bring them back
// to where they were can be strung together.
func colliding(n int) []string {
	const basis, prime = 2166136261, 16777619
	var blocks []string
	var b [4]byte
	for i := 0; len(blocks)*len(blocks) < n; i++ {
		hash := uint16(basis & 0xffff)
		for j := range b {
			b[j] = 'A' + byte(i>>(5*j)&31)
			hash = (hash ^ uint16(b[j])) * (prime & 0xffff)
		}
		if hash == basis&0xffff && !strings.ContainsAny(string(b[:]), `\`) {
			blocks = append(blocks, string(b[:]))
		}
	}
	var keys []string
	for _, x := range blocks {
		for _, y := range blocks {
			keys = append(keys, x+y)
		}
	}
	return keys[:n]
}

func object(keys []string) string {
	return `{"` + strings.Join(keys, `":0,"`) + `":0}`
}

func numbered(n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("key%d", i)
	}
	return keys
}

func TestDecodeRefusesCollidingKeys(t *testing.T) {
	for _, n := range []int{101, 1000, 40_000} {
		_, err := json.Limits{}.Decode(object(colliding(n)))
		if err == nil || !strings.Contains(err.Error(), "too many keys of an object collide") {
			t.Errorf("%d colliding keys: got %v", n, err)
		}
	}
	for _, n := range []int{0, 1, 100, 101, 1000, 100_000} {
		if _, err := (json.Limits{}).Decode(object(numbered(n))); err != nil && n > 0 {
			t.Errorf("%d keys: got %v", n, err)
		}
	}
}

func BenchmarkDecodeKeys(b *testing.B) {
	for _, bench := range []struct {
		name string
		text string
	}{
		{"numbered/100", object(numbered(100))},
		{"colliding/100", object(colliding(100))},
		{"numbered/40000", object(numbered(40_000))},
		{"colliding/40000", object(colliding(40_000))},
		{"numbered/100000", object(numbered(100_000))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.SetBytes(int64(len(bench.text)))
			for b.Loop() {
				json.Limits{}.Decode(bench.text)
			}
		})
	}
}

func BenchmarkEncodeShared(b *testing.B) {
	x := starlark.NewList(nil)
	for range 40 {
		x = starlark.NewList([]starlark.Value{x, x})
	}
	for b.Loop() {
		json.Limits{}.Encode(x)
	}
}
