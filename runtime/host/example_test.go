package host_test

import (
	"context"
	"fmt"
	"testing/fstest"

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
