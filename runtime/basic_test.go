package runtime_test

import (
	"context"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"go.starlark.net/starlark"
)

func TestBasic(t *testing.T) {
	fs := fstest.MapFS{
		"app.star":   {Data: []byte("load('//lib/x.star', 'x')\nload('@json', 'json')\ndef app(a, b):\n  print(1)\n  r, e = catch(fail, 'boo')\n  return json.encode([x, e.message, e.kind])\n")},
		"lib/x.star": {Data: []byte("load('y.star', 'y')\nx = y + 1\n")},
		"lib/y.star": {Data: []byte("y = 1\n")},
	}
	p, err := runtime.Load(&runtime.Config{FS: fs}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	err = p.Call(context.Background(), func(ctx context.Context, th *starlark.Thread, app starlark.Callable) error {
		v, err := starlark.Call(th, app, starlark.Tuple{starlark.None, starlark.None}, nil)
		t.Log(v)
		return err
	})
	t.Log(err)
	fs["lib/y.star"].Data = []byte("load('//app.star', 'app', 'n')\nload('q','r')\nload('@foo', 'f')\nload('../../x.star', 'b')\ny = zzz")
	fs["lib/y.star"].Data = []byte("load('//app.star', 'app', 'n')\nload('q','r')\nload('@foo', 'f')\nload('../../x.star', 'b')\ny = zzz")
	_, err = runtime.Load(&runtime.Config{FS: fs}, "app.star:foo")
	t.Log(err)
	for _, d := range runtime.Check(&runtime.Config{FS: fs}, "app.star:foo") {
		t.Log(d)
	}
}
