package dev_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/tee"
	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/dev"
)

// developTwo returns a handler that develops two applications, each of which fails: one below /one,
// and two below /two.
func developTwo(t *testing.T) (h http.Handler, one, two *dev.App) {
	t.Helper()
	d := dev.New("")
	quiet := slog.New(tee.New(slog.DiscardHandler))
	front := &server.Front{ErrorPage: d.ErrorPage, Logger: quiet}
	mount := func(name string) *dev.App {
		script := name + " = 1\ndef app(environ, start_response):\n    return " + name + " // 0\n"
		files := fstest.MapFS{"app.star": {Data: []byte(script)}}
		app, err := runtime.Load(&runtime.Config{FS: files, Logger: quiet}, "app.star")
		if err != nil {
			t.Fatal(err)
		}
		a := d.Develop(dev.Config{Tree: files, Dir: "/" + name})
		vars := environ.Config{Vars: map[string]string{"NAME": name}}
		g := &server.Gateway{App: a.Wrap(app, "/"+name, vars), Logger: quiet}
		front.Mounts = append(front.Mounts, server.Mount{Path: "/" + name, Handler: g})
		return a
	}
	one, two = mount("one"), mount("two")
	return d.Handler(front), one, two
}

// TestSeveral develops two applications of one server: each failure is shown with its own files,
// and the environ with its own mount.
func TestSeveral(t *testing.T) {
	h, _, _ := developTwo(t)
	for i, name := range []string{"one", "two"} {
		got := ask(h, "GET", "/"+name+"/x", "").Body.String()
		if want := "/" + name + "/app.star:3:"; !strings.Contains(got, want) {
			t.Errorf("the failure of %s lacks %q:\n%s", name, want, got)
		}
		page := ask(h, "GET", fmt.Sprintf("/_larkspur/requests/%d", i+1), "").Body.String()
		for _, row := range []string{"SCRIPT_NAME</td><td>&#34;/", "NAME</td><td>&#34;"} {
			if want := row + name + "&#34;</td>"; !strings.Contains(page, want) {
				t.Errorf("the environ of %s lacks %s:\n%s", name, want, page)
			}
		}
	}
	got := ask(h, "GET", "/elsewhere", "")
	if got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), "LARK0505") {
		t.Errorf("what no application answers is %d\n%s", got.Code, got.Body)
	}
}

// TestSeveralReloaded shows over the pages of both what does not load, until it does, or is gone.
func TestSeveralReloaded(t *testing.T) {
	h, one, two := developTwo(t)
	wrong := host.Diagnostics{{Place: host.Place{File: "app.star", Line: 1}, Message: "not right"}}
	shows := func(when, serving, place string) {
		t.Helper()
		page := ask(h, "GET", "/_larkspur/", "").Body.String()
		if !strings.Contains(page, "<small>"+serving+"</small>") {
			t.Errorf("%s: the list does not say %q:\n%s", when, serving, page)
		}
		const failing = `<p class="mono soft">`
		_, item, _ := strings.Cut(page, failing)
		if !strings.HasPrefix(item, place) || (item == "") != (place == "") {
			t.Errorf("%s: the list shows %.30q, want %q", when, item, place)
		}
	}
	const serve = "generations that serve: "
	shows("at first", serve+"1 of /one/app.star, 1 of /two/app.star", "")
	one.Reloaded(dev.Reload{Generation: 1, Diagnostics: wrong})
	two.Reloaded(dev.Reload{Generation: 2})
	shows("one is wrong", serve+"1 of /one/app.star, 2 of /two/app.star", "/one/app.star:1<")
	one.Reloaded(dev.Reload{Generation: 2})
	shows("both load", serve+"2 of /one/app.star, 2 of /two/app.star", "")
	two.Reloaded(dev.Reload{Generation: 2, Diagnostics: wrong})
	shows("two is wrong", serve+"2 of /one/app.star, 2 of /two/app.star", "/two/app.star:1<")
	two.Close()
	shows("two is gone", "generation 2 serves", "")
}
