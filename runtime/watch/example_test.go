package watch_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/watch"
)

func ExampleRun() {
	dir, err := os.MkdirTemp("", "site")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	save := func(script string) {
		if err := os.WriteFile(filepath.Join(dir, "app.star"), []byte(script), 0o644); err != nil {
			fmt.Println(err)
		}
	}
	save("app = lambda environ, start_response: []")
	live, err := runtime.NewLive(&runtime.Config{FS: runtime.Dir(dir)}, "app.star")
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	loaded := make(chan error)
	go watch.Run(ctx, slog.New(slog.DiscardHandler), watch.Target{Live: live, Dir: dir, Changed: func(err error) { loaded <- err }})

	save("app = lambda environ, start_response: [oops]")
	fmt.Println(<-loaded)
	save("app = lambda environ, start_response: [b'better']")
	fmt.Println(<-loaded, live.Status().Generation)
	// Output:
	// app.star:1:40: undefined: oops
	// <nil> 2
}
