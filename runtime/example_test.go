package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A program is loaded once and called from any number of goroutines.
func ExampleLoad() {
	files := fstest.MapFS{
		"app.star":     {Data: []byte(`load("lib/en.star", "hello")` + "\n" + `app = lambda name: hello + ", " + name`)},
		"lib/en.star":  {Data: []byte(`hello = "good day"`)},
		"lib/old.star": {Data: []byte(`this is not loaded`)},
	}
	p, err := runtime.Load(&runtime.Config{FS: files}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Do(context.Background(), "Ada"))
	// Output: "good day, Ada" <nil>
}

// A script is a rule of a Go program: it gets Go values, and its answer becomes one.
func ExampleProgram_Do() {
	files := fstest.MapFS{"price.star": {Data: []byte(`
def price(order):
  total = sum([line["price"] * line["amount"] for line in order["lines"]])
  if order["customer"] == "nobody":
    fail("an order is of somebody")
  return {"total": total, "free_delivery": total >= 50}

def sum(numbers):
  total = 0
  for n in numbers:
    total += n
  return total
`)}}
	p, err := runtime.Load(&runtime.Config{FS: files}, "price.star:price")
	if err != nil {
		fmt.Println(err)
		return
	}
	order := func(customer string) map[string]any {
		return map[string]any{"customer": customer, "lines": []map[string]any{{"price": 20, "amount": 3}}}
	}
	v, err := p.Do(context.Background(), order("Ada"))
	fmt.Println(v, err)
	var answer struct {
		Total        float64
		FreeDelivery bool
	}
	fmt.Println(host.Unpack(v, &answer), answer.Total, answer.FreeDelivery)
	_, err = p.Do(context.Background(), order("nobody"))
	fmt.Println(err)
	// Output:
	// {"total": 60, "free_delivery": True} <nil>
	// <nil> 60 true
	// price.star:5:9: fail: an order is of somebody
}

// The generation that serves is the one that is run, and it is loaded anew when the files are read
// otherwise.
func ExampleLive_Do() {
	files := fstest.MapFS{"app.star": {Data: []byte(`app = lambda name: "hello, " + name`)}}
	live, err := runtime.NewLive(&runtime.Config{FS: files}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer live.Close()
	fmt.Println(live.Do(context.Background(), "Ada"))
	files["app.star"].Data = []byte(`app = lambda name: "good day, " + name`)
	fmt.Println(live.Reload())
	fmt.Println(live.Do(context.Background(), "Ada"))
	// Output:
	// "hello, Ada" <nil>
	// <nil>
	// "good day, Ada" <nil>
}

// A plain Go function becomes one that scripts can call.
func ExampleFunc() {
	shout := host.Func("shout", func(s string, times int) (string, error) {
		if times > 3 {
			return "", fmt.Errorf("%d times is too loud", times)
		}
		return strings.Repeat(strings.ToUpper(s), times), nil
	}, "s", "times")
	c := &runtime.Config{
		FS: fstest.MapFS{"app.star": {Data: []byte(`
said = [shout("hey ", times = 2), catch(shout, "hey", 4)[1].message]
app = lambda: said
`)}},
		Predeclared: starlark.StringDict{"shout": shout},
	}
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	v, err := result(p)
	fmt.Println(v, err)
	// Output: ["HEY HEY ", "shout: 4 times is too loud"] <nil>
}

// A host module is opened for each generation, with the tree that it is loaded from.
func ExampleConfig_modules() {
	texts := &host.Module{
		Name: "texts",
		Doc:  "The texts of the application.",
		Members: []host.Member{{
			Name:   "count",
			Doc:    "Counts the texts.",
			Params: []host.Param{{Name: "pattern", Doc: "of their names", Default: starlark.String("*")}},
			Result: "an int",
			Fn: func(l *host.Load, pattern string) (int, error) {
				all, err := fs.Glob(l.Tree, pattern+".txt")
				return len(all), err
			},
		}},
	}
	c := &runtime.Config{
		FS:      fstest.MapFS{"app.star": {Data: []byte(`load("@texts", "count")` + "\n" + `app = lambda: (count(), count("a*"))`)}, "a.txt": {}, "b.txt": {}},
		Modules: []*host.Module{texts},
	}
	p, err := runtime.Load(c, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(result(p))
	// Output: (2, 1) <nil>
}

// Nothing outside of the directory can be loaded, by whatever name.
func ExampleDir() {
	base, err := os.MkdirTemp("", "site")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(base)
	save := func(name, script string) {
		if err := os.WriteFile(filepath.Join(base, name), []byte(script), 0o644); err != nil {
			fmt.Println(err)
		}
	}
	save("secret.star", "password = '1234'")
	site := filepath.Join(base, "site")
	if err := errors.Join(os.Mkdir(site, 0o755), os.Symlink("../secret.star", filepath.Join(site, "link.star"))); err != nil {
		fmt.Println(err)
		return
	}
	for _, load := range []string{"../secret.star", "link.star"} {
		save("site/app.star", fmt.Sprintf("load(%q, 'password')\napp = lambda: password", load))
		_, err := runtime.Load(&runtime.Config{FS: runtime.Dir(site)}, "app.star")
		fmt.Println(err)
	}
	// Output:
	// app.star:1:6: cannot load "../secret.star": it is outside the program's tree
	// app.star:1:6: cannot load "link.star": path escapes from parent
}

// Check finds all that is wrong, where Load stops at the first.
func ExampleCheck() {
	faults := runtime.Check(&runtime.Config{FS: fstest.MapFS{
		"app.star": {Data: []byte("load('lib.star', 'x')\ndef app(environ): return [y]\n")},
		"lib.star": {Data: []byte("x = z\n")},
	}}, "app.star")
	for _, f := range faults {
		fmt.Println(f)
	}
	// Output:
	// app.star:2:5: app is called with two arguments, (environ, start_response), but takes 1
	// app.star:2:27: undefined: y
	// lib.star:1:5: undefined: z
}

// A file of settings is loaded for its globals; nothing of it is an application.
func ExampleLoadFile() {
	files := fstest.MapFS{"settings.star": {Data: []byte("title = \"Blog\"\nper_page = 2 * 5\n")}}
	p, err := runtime.LoadFile(&runtime.Config{FS: files}, "settings.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Globals()["title"], p.Globals()["per_page"])
	// Output: "Blog" 10
}
