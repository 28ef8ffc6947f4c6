// Package random is the host module @random: Python's random, on math/rand/v2. Numbers that nobody
// seeded are of the generator of the Go runtime, a ChaCha8 which the system seeds.
package random

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @random. Its functions are safe for concurrent use.
func Module() *host.Module {
	members := []host.Member{{
		Name: "Random",
		Doc: "Makes a generator of its own, which gives the same numbers for the same seed; they " +
			"are not those of Python. It belongs to one request: one that was made while the " +
			"script loaded is frozen, and an error to use.",
		Params: []host.Param{{
			Name: "seed", Doc: "what its numbers depend on; None is another each time",
			Type: "int, string, bytes or None", Default: starlark.None,
		}},
		Result: "random.Random",
		Errors: []host.Failure{{When: "seed is another value"}},
		Example: `r = Random(7)
r.randint(1, 6) == Random(7).randint(1, 6)  # True`,
		Fn: newGenerator,
	}}
	for _, m := range methods() {
		m.Fn = shared(m.Fn.(method))
		members = append(members, m)
	}
	return &host.Module{
		Name: "random",
		Doc: "Random numbers and choices. What is drawn while a script loads stays the same for " +
			"all requests until the script is loaded anew: draw inside of a function. For " +
			"secrets there is @crypto.",
		Members: members,
		Whole:   true,
		Types:   []*host.Type{generatorType},
	}
}

// A method draws from a source.
type method = func(r *rand.Rand, a host.Args) (starlark.Value, error)

// source is the generator of the Go runtime, which is safe for concurrent use.
type source struct{}

func (source) Uint64() uint64 { return rand.Uint64() }

// shared makes a method into a function that draws from the generator of all.
func shared(draw method) func(host.Args) (starlark.Value, error) {
	return func(a host.Args) (starlark.Value, error) { return draw(rand.New(source{}), a) }
}

// A generator is what generatorType describes.
type generator struct {
	host.Object
	rand   *rand.Rand
	frozen bool
}

var (
	_ starlark.HasAttrs = (*generator)(nil)

	errFrozen = errors.New("this generator was made while the script loaded, and all requests " +
		"would share it; make one in each request")
)

func newGenerator(seed starlark.Value) (*generator, error) {
	var key [32]byte
	switch seed := seed.(type) {
	case starlark.NoneType:
		for i := range key {
			key[i] = byte(rand.Uint32())
		}
	case starlark.Int:
		key = digest("int:" + seed.String())
	case starlark.String:
		key = digest("text:" + string(seed))
	case starlark.Bytes:
		key = digest("bytes:" + string(seed))
	default:
		return nil, fmt.Errorf("for parameter seed: got %s, want int, string, bytes or None",
			seed.Type())
	}
	return &generator{Object: "random.Random", rand: rand.New(rand.NewChaCha8(key))}, nil
}

// Freeze has it refuse to draw.
func (g *generator) Freeze()             { g.frozen = true }
func (g *generator) AttrNames() []string { return generatorType.AttrNames() }

// Attr returns a method.
func (g *generator) Attr(name string) (starlark.Value, error) {
	return generatorType.Method(g, name), nil
}

var generatorType = newGeneratorType()

func newGeneratorType() *host.Type {
	t := &host.Type{
		Name: "random.Random",
		Doc: "A generator of random numbers. Its methods are the functions of the module; what " +
			"they return depends on the seed, and on what was drawn before.",
	}
	for _, m := range methods() {
		draw := m.Fn.(method)
		m.Example = "Random(7)." + m.Example
		m.Fn = func(a host.Args) (starlark.Value, error) {
			g, _ := a.Of.(*generator)
			if g == nil {
				return draw(nil, a) // it is only verified
			}
			if g.frozen {
				return nil, errFrozen
			}
			return draw(g.rand, a)
		}
		t.Members = append(t.Members, m)
	}
	return t
}

// below returns an int from 0 to n-1, of any size.
func below(r *rand.Rand, n uint64) uint64 {
	if n == 0 {
		return r.Uint64() // 1<<64
	}
	return r.Uint64N(n)
}

// between returns an int from a to b, which may be as far apart as can be.
func between(r *rand.Rand, a, b int64) int64 {
	return int64(uint64(a) + below(r, uint64(b)-uint64(a)+1))
}

// uniform is Python's: the end may come or not, by rounding.
func uniform(r *rand.Rand, a, b float64) (starlark.Value, error) {
	x := a + (b-a)*r.Float64()
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return nil, fmt.Errorf("between %v and %v there is no number to choose", a, b)
	}
	return starlark.Float(x), nil
}
