package host_test

import (
	"context"
	"fmt"
	"testing/fstest"
	"time"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A counter is what @counter has open for one generation of a program.
type counter struct{ n int }

func (c *counter) next(step int) int {
	c.n += step
	return c.n
}

// A module describes what it gives to scripts, and is opened for each generation
// that loads it.
func ExampleModule() {
	module := &host.Module{
		Name: "counter",
		Doc:  "Counts the calls of a program.",
		Members: []host.Member{{
			Name:   "next",
			Doc:    "Returns the next number.",
			Params: []host.Param{{Name: "step", Doc: "how far it is", Default: starlark.MakeInt(1)}},
			Result: "an int",
			Fn:     (*counter).next,
		}},
		Open: func(l *host.Load) (any, error) {
			fmt.Println("opened")
			l.OnRetire(func() { fmt.Println("closed") })
			return new(counter), nil
		},
	}
	fmt.Println(module.Member("next").Signature())
	c := &runtime.Config{
		FS:      fstest.MapFS{"app.star": {Data: []byte("load('@counter', 'next')\napp = lambda: next(step = 2)\n")}},
		Modules: []*host.Module{module},
	}
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		err := p.Call(context.Background(), func(_ context.Context, t *starlark.Thread, app starlark.Callable) error {
			v, err := starlark.Call(t, app, nil, nil)
			fmt.Println(v)
			return err
		})
		if err != nil {
			fmt.Println(err)
		}
	}
	p.Close()
	// Output:
	// next(step = 1)
	// opened
	// 2
	// 4
	// closed
}

// A builtin of a Go function converts arguments and results.
func ExampleFunc() {
	pad := host.Func("pad", func(s string, width int) string { return fmt.Sprintf("%*s", width, s) }, "s", "width?")
	t := new(starlark.Thread)
	fmt.Println(starlark.Call(t, pad, starlark.Tuple{starlark.String("a"), starlark.MakeInt(3)}, nil))
	fmt.Println(starlark.Call(t, pad, starlark.Tuple{starlark.MakeInt(3)}, nil))
	// Output:
	// "  a" <nil>
	// <nil> pad: for parameter s: got int, want string
}

// A shelf is what scripts get in ExampleFunc_struct: a pointer to a struct of Go.
type shelf struct {
	OwnerName string
	books     []string
}

// Add is add for a script.
func (s *shelf) Add(title string) int {
	s.books = append(s.books, title)
	return len(s.books)
}

// Each calls a function of the script with each book, inside the limits of the call.
func (s *shelf) Each(t *starlark.Thread, f starlark.Callable) error {
	for _, title := range s.books {
		if _, err := starlark.Call(t, f, starlark.Tuple{starlark.String(title)}, nil); err != nil {
			return err
		}
	}
	return nil
}

// A struct behind a pointer has its fields and methods for a script, and a method may call back.
func ExampleFunc_struct() {
	open := host.Func("shelf", func(owner string) *shelf { return &shelf{OwnerName: owner} }, "owner")
	c := &runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
def app():
  s, long = shelf(owner = "Ada"), []
  s.add("Sketch")
  s.add("Notes on the Engine")
  s.each(lambda title: long.append(title) if len(title) > 6 else None)
  return s.owner_name, long
`)}},
		Predeclared: starlark.StringDict{"shelf": open},
	}
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Do(context.Background()))
	// Output: ("Ada", ["Notes on the Engine"]) <nil>
}

// A function that has to wait takes the call, and waits in it: the limits of the call hold, and
// others run meanwhile.
func ExampleCall() {
	lookup := host.Func("lookup", func(c host.Call, name string) (found string, err error) {
		err = c.Wait(func(ctx context.Context) error { // a query, with ctx
			found = "found " + name
			return ctx.Err()
		})
		return found, err
	}, "name")
	c := &runtime.Config{
		FS:          fstest.MapFS{"app.star": {Data: []byte(`app = lambda: lookup("Ada")`)}},
		Predeclared: starlark.StringDict{"lookup": lookup},
	}
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Do(context.Background()))
	// Output: "found Ada" <nil>
}

// What is decoded from JSON, say, becomes what a script can read.
func ExampleValue() {
	fmt.Println(host.Value(map[string]any{"name": "Ada", "tags": []any{"math", 1.5, nil}}))
	fmt.Println(host.Value(make(chan int)))
	// Output:
	// {"name": "Ada", "tags": ["math", 1.5, None]} <nil>
	// <nil> chan int has no counterpart in Starlark; there is one for string, []byte, bool, int, uint and float of every size, *big.Int, time.Time, time.Duration, any and other interfaces, structs, pointers, slices, maps with string keys, and what implements starlark.Value
}

// The settings that a script has made become a struct, by the names that scripts have for fields.
func ExampleUnpack() {
	files := fstest.MapFS{"settings.star": {Data: []byte(`
load("@time", "time")
mail = {"from_": "post@example.com", "retry_after": time.parse_duration("90s")}
wrong = {"retry_after": 90}
`)}}
	p, err := runtime.LoadFile(&runtime.Config{FS: files}, "settings.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	var settings struct {
		From       string
		RetryAfter time.Duration
	}
	fmt.Println(host.Unpack(p.Globals()["mail"], &settings), settings.From, settings.RetryAfter)
	fmt.Println(host.Unpack(p.Globals()["wrong"], &settings))
	// Output:
	// <nil> post@example.com 1m30s
	// for key "retry_after": got int, want time.duration
}
