package random

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func digest(s string) [32]byte { return sha256.Sum256([]byte(s)) }

// sequence describes a parameter that something is chosen from.
func sequence(name, doc string) host.Param {
	return host.Param{Name: name, Doc: doc, Type: "sequence"}
}

var errNothing = errors.New("there is nothing to choose from")

// methods describe what the module and a generator have, with a method as Fn.
func methods() []host.Member {
	return []host.Member{
		{
			Name: "choice", Doc: "Chooses an element.", Result: "the element",
			Params: []host.Param{
				sequence("seq", "a list, a tuple, a range, or a string for one of its bytes"),
			},
			Errors:  []host.Failure{{When: "seq is empty"}},
			Example: `choice(["only"])  # "only"`,
			Fn:      method(choice),
		},
		{
			Name: "choices", Doc: "Chooses several times, so that an element may come twice.",
			Params: []host.Param{
				sequence("population", "what is chosen from"),
				{
					Name: "weights", Doc: "how likely each is, in relation to the others",
					Type: "iterable", Default: starlark.None,
				},
				{
					Name: "cum_weights", Doc: "the same as sums: each with all before it",
					Type: "iterable", Default: starlark.None, Pass: host.ByName,
				},
				{
					Name: "k", Doc: "how often", Type: "int", Default: starlark.MakeInt(1),
					Pass: host.ByName,
				},
			},
			Result: "a list",
			Errors: []host.Failure{
				{When: "population is empty, or k is greater than 1,048,576"},
				{When: "the weights are not one for each element, or not greater than 0 together"},
			},
			Example: `choices(["a", "b"], weights = [1, 0], k = 3)  # ["a", "a", "a"]`,
			Fn:      method(choices),
		},
		{
			Name: "randbytes", Doc: "Draws bytes.", Result: "bytes",
			Params:  []host.Param{{Name: "n", Doc: "how many, 16 MiB at most", Type: "int"}},
			Errors:  []host.Failure{{When: "n is negative or too large"}},
			Example: `randbytes(0)  # b""`,
			Fn:      method(randbytes),
		},
		{
			Name: "randint", Doc: "Draws an int.", Result: "an int, a and b included",
			Params: []host.Param{
				{Name: "a", Doc: "the least", Type: "int"},
				{Name: "b", Doc: "the greatest", Type: "int"},
			},
			Errors:  []host.Failure{{When: "a is greater than b, or one has more than 64 bits"}},
			Example: `randint(3, 3)  # 3`,
			Fn:      method(randint),
		},
		{
			Name: "random",
			Doc:  "Draws a float.", Result: "a float from 0.0 to 1.0, which is not included",
			Example: `random() < 1  # True`,
			Fn:      method(random),
		},
		{
			Name: "randrange", Doc: "Draws an int of a range.", Result: "an int",
			Params: []host.Param{
				{
					Name: "start",
					Doc:  "the first; if it is all that is passed, the end of those from 0",
					Type: "int",
				},
				{
					Name: "stop", Doc: "the end, which is not included",
					Type: "int or None", Default: starlark.None,
				},
				{
					Name: "step", Doc: "from one to the next",
					Type: "int", Default: starlark.MakeInt(1),
				},
			},
			Errors: []host.Failure{
				{When: "the range is empty, or a number has more than 64 bits"},
			},
			Example: `randrange(0, 100, 10) % 10  # 0`,
			Fn:      method(randrange),
		},
		{
			Name: "sample", Doc: "Chooses several elements, each once at most.", Result: "a list",
			Params: []host.Param{
				sequence("population", "what is chosen from"),
				{Name: "k", Doc: "how many", Type: "int"},
			},
			Errors: []host.Failure{
				{When: "there are not so many, or k is greater than 1,048,576"},
			},
			Example: `sample(["a"], 1)  # ["a"]`,
			Fn:      method(sample),
		},
		{
			Name: "shuffle", Doc: "Brings a list into another order, in place.", Result: "None",
			Params: []host.Param{{Name: "x", Doc: "the list", Type: "list"}},
			Errors: []host.Failure{
				{When: "the list is frozen, as all are that a script makes while it loads; " +
					"sample(x, len(x)) returns another"},
			},
			Example: `shuffle([1])  # None`,
			Fn:      method(shuffle),
		},
		{
			Name: "uniform", Doc: "Draws a float of an interval.", Result: "a float",
			Params: []host.Param{
				{Name: "a", Doc: "one end", Type: "float or int"},
				{Name: "b", Doc: "the other end", Type: "float or int"},
			},
			Errors:  []host.Failure{{When: "an end is not finite"}},
			Example: `uniform(2, 2)  # 2.0`,
			Fn:      method(drawUniform),
		},
	}
}

func random(r *rand.Rand, a host.Args) (starlark.Value, error) {
	if err := a.Unpack(); err != nil {
		return nil, err
	}
	return starlark.Float(r.Float64()), nil
}

func drawUniform(r *rand.Rand, a host.Args) (starlark.Value, error) {
	var from, to starlark.Value
	if err := a.Unpack(&from, &to); err != nil {
		return nil, err
	}
	x, first := starlark.AsFloat(from)
	y, second := starlark.AsFloat(to)
	if !first || !second {
		return nil, fmt.Errorf("got %s and %s, want two numbers", from.Type(), to.Type())
	}
	return uniform(r, x, y)
}

func randint(r *rand.Rand, a host.Args) (starlark.Value, error) {
	var from, to int64
	if err := a.Unpack(&from, &to); err != nil {
		return nil, err
	}
	if from > to {
		return nil, fmt.Errorf("there is no int from %d to %d", from, to)
	}
	return starlark.MakeInt64(between(r, from, to)), nil
}

func randrange(r *rand.Rand, a host.Args) (starlark.Value, error) {
	var start, step int64
	var end starlark.Value
	if err := a.Unpack(&start, &end, &step); err != nil {
		return nil, err
	}
	stop := start
	if end == starlark.None {
		start = 0
	} else if err := starlark.AsInt(end, &stop); err != nil {
		return nil, fmt.Errorf("for parameter stop: %w", err)
	}
	// The width is computed without a sign: it may have 64 bits.
	width, stride := uint64(stop)-uint64(start), uint64(step)
	if step < 0 {
		width, stride = uint64(start)-uint64(stop), -uint64(step)
	}
	if step == 0 || step > 0 && start >= stop || step < 0 && start <= stop {
		return nil, fmt.Errorf("there is no int in range(%d, %d, %d)", start, stop, step)
	}
	n := (width-1)/stride + 1
	return starlark.MakeInt64(int64(uint64(start) + below(r, n)*uint64(step))), nil
}

func randbytes(r *rand.Rand, a host.Args) (starlark.Value, error) {
	var n int
	if err := a.Unpack(&n); err != nil {
		return nil, err
	}
	const most = 16 << 20
	if n < 0 || n > most {
		return nil, fmt.Errorf("n is %d, not from 0 to %d", n, most)
	}
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return starlark.Bytes(b), nil
}

// indexable returns a sequence that is chosen from.
func indexable(param string, v starlark.Value) (starlark.Indexable, error) {
	seq, ok := v.(starlark.Indexable)
	if !ok {
		return nil, fmt.Errorf("for parameter %s: got %s, want a sequence; list(x) makes one",
			param, v.Type())
	}
	return seq, nil
}

func choice(r *rand.Rand, a host.Args) (starlark.Value, error) {
	var v starlark.Value
	if err := a.Unpack(&v); err != nil {
		return nil, err
	}
	seq, err := indexable("seq", v)
	if err == nil && seq.Len() == 0 {
		err = errNothing
	}
	if err != nil {
		return nil, err
	}
	return seq.Index(r.IntN(seq.Len())), nil
}

func sample(r *rand.Rand, a host.Args) (starlark.Value, error) {
	var v starlark.Value
	var k int
	if err := a.Unpack(&v, &k); err != nil {
		return nil, err
	}
	seq, err := indexable("population", v)
	if err != nil {
		return nil, err
	}
	n := seq.Len()
	if k < 0 || k > n {
		return nil, fmt.Errorf("k is %d, and there are %d to choose from", k, n)
	}
	if err := few(k); err != nil {
		return nil, err
	}
	// Fisher and Yates, with a map of what was swapped in place of all n.
	moved := make(map[int]int, k)
	at := func(i int) int {
		if j, ok := moved[i]; ok {
			return j
		}
		return i
	}
	chosen := make([]starlark.Value, k)
	for i := range chosen {
		j := i + r.IntN(n-i)
		chosen[i] = seq.Index(at(j))
		moved[j] = at(i)
	}
	return starlark.NewList(chosen), nil
}

// few bounds what is made in one go.
func few(k int) error {
	if k > host.MaxElements {
		return fmt.Errorf("k is %d, more than %d", k, host.MaxElements)
	}
	return nil
}

func choices(r *rand.Rand, a host.Args) (starlark.Value, error) {
	var v, weights, sums starlark.Value
	var k int
	if err := a.Unpack(&v, &weights, &sums, &k); err != nil {
		return nil, err
	}
	seq, err := indexable("population", v)
	if err == nil && seq.Len() == 0 {
		err = errNothing
	}
	if err == nil {
		err = few(k)
	}
	if err != nil {
		return nil, err
	}
	chances, err := cumulated(weights, sums, seq.Len())
	if err != nil {
		return nil, err
	}
	chosen := make([]starlark.Value, max(k, 0))
	for i := range chosen {
		at := 0
		if chances == nil {
			at = r.IntN(seq.Len())
		} else {
			last := len(chances) - 1
			x := r.Float64() * chances[last]
			at = sort.Search(last, func(i int) bool { return chances[i] > x })
		}
		chosen[i] = seq.Index(at)
	}
	return starlark.NewList(chosen), nil
}

// cumulated returns the sums of weights, nil if there are none.
func cumulated(weights, sums starlark.Value, n int) ([]float64, error) {
	name, given := "weights", weights
	if sums != starlark.None {
		if weights != starlark.None {
			return nil, errors.New("pass weights or cum_weights, not both")
		}
		name, given = "cum_weights", sums
	}
	if given == starlark.None {
		return nil, nil
	}
	var all []float64
	if err := host.Unpack(given, &all); err != nil {
		return nil, fmt.Errorf("for parameter %s: %w", name, err)
	}
	if len(all) != n {
		return nil, fmt.Errorf("for parameter %s: there are %d, and %d to choose from",
			name, len(all), n)
	}
	for i := range all {
		before := 0.0
		if i > 0 {
			before = all[i-1]
		}
		if name == "weights" {
			all[i] += before
		}
		if !(all[i] >= before) { // or it is no number
			return nil, fmt.Errorf("for parameter %s: one is negative, or no number", name)
		}
	}
	if total := all[n-1]; total == 0 || math.IsInf(total, 0) {
		return nil, fmt.Errorf("for parameter %s: together they are %v", name, total)
	}
	return all, nil
}

func shuffle(r *rand.Rand, a host.Args) (starlark.Value, error) {
	var list *starlark.List
	if err := a.Unpack(&list); err != nil {
		return nil, err
	}
	if err := host.CheckElements(list); err != nil {
		return nil, err
	}
	for i := list.Len() - 1; i > 0; i-- {
		j := r.IntN(i + 1)
		x, y := list.Index(i), list.Index(j)
		if err := list.SetIndex(i, y); err != nil {
			return nil, fmt.Errorf("%w; sample(x, len(x)) returns another list", err)
		}
		if err := list.SetIndex(j, x); err != nil {
			return nil, err
		}
	}
	return starlark.None, nil
}
