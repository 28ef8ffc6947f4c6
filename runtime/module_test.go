package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A shop counts what becomes of the module @shop, by generation.
type shop struct {
	mu        sync.Mutex
	opened    []uint64
	published []uint64
	retired   []uint64
	grant     any
	fail      bool
}

func (s *shop) module() *host.Module {
	return &host.Module{
		Name: "shop", Doc: "A shop.",
		Members: []host.Member{{Name: "number"}, {Name: "pure", Fn: func() int { return 1 }, Pure: true}},
		Open: func(l *host.Load) (any, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.opened = append(s.opened, l.Generation)
			s.grant = l.Grant
			l.OnPublish(func() { s.note(&s.published, l.Generation) })
			l.OnRetire(func() { s.note(&s.retired, l.Generation) })
			if s.fail {
				return nil, errors.New("closed today")
			}
			return starlark.StringDict{"number": starlark.MakeUint64(l.Generation)}, nil
		},
	}
}

func (s *shop) note(to *[]uint64, n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*to = append(*to, n)
}

// want compares what became of the module.
func (s *shop) want(t *testing.T, when string, opened, published, retired []uint64) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	got := fmt.Sprint(s.opened, s.published, s.retired)
	if want := fmt.Sprint(opened, published, retired); got != want {
		t.Errorf("%s: opened, published, retired are the generations %s, want %s", when, got, want)
	}
}

func (s *shop) config(d *disk) *runtime.Config {
	return &runtime.Config{FS: d, Modules: []*host.Module{s.module()}}
}

const shopping = "load('@shop', 'number')\ndef app(environ, start_response): return number\n"

type generations = []uint64

// TestModuleWorks verifies that a module can begin requests of its own generation, until that is
// stopped, which it is told of before its last request has ended.
func TestModuleWorks(t *testing.T) {
	d := new(disk)
	d.save("app.star", "load('@work', 'number')\ndef app(): return 1\n")
	apps, stopped := make(map[uint64]host.App), make(map[uint64]bool)
	m := &host.Module{Name: "work", Doc: "Works.", Members: []host.Member{{Name: "number", Value: starlark.MakeInt(1)}},
		Open: func(l *host.Load) (any, error) {
			apps[l.Generation] = l.App
			if err := l.App.Begin().Call(t.Context(), nil); !errors.Is(err, runtime.ErrClosed) {
				t.Errorf("while it loads there is a request, and the error %v", err)
			}
			l.OnStop(func() { stopped[l.Generation] = true })
			return nil, nil
		}}
	l, err := runtime.NewLive(&runtime.Config{FS: d, Modules: []*host.Module{m}}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	long := apps[1].Begin()
	d.save("app.star", "load('@work', 'number')\ndef app(): return 2\n")
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	if !stopped[1] || stopped[2] {
		t.Errorf("stopped are %v", stopped)
	}
	call := func(r host.Run) string {
		var v starlark.Value
		err := r.Call(t.Context(), func(_ context.Context, thread *starlark.Thread, app starlark.Callable) (err error) {
			v, err = starlark.Call(thread, app, nil, nil)
			return err
		})
		return fmt.Sprint(r.Generation(), v, err)
	}
	if got := call(long); got != "1 1 <nil>" {
		t.Errorf("the request that was begun says %s", got)
	}
	long.End()
	if got := call(apps[2].Begin()); got != "2 2 <nil>" {
		t.Errorf("the generation that serves says %s", got)
	}
	if got := call(apps[1].Begin()); got != "1 <nil> "+runtime.ErrClosed.Error() {
		t.Errorf("one that was retired says %s", got)
	}
}

// TestModuleLives follows a module through reloads, good and bad, with a request that outlives its
// generation.
func TestModuleLives(t *testing.T) {
	d, s := new(disk), new(shop)
	d.save("app.star", shopping)
	l, err := runtime.NewLive(s.config(d), "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s.want(t, "loaded", generations{1}, generations{1}, nil)

	long, short := l.Begin(), l.Begin()
	short.End()
	d.save("app.star", shopping+"# 2\n")
	if err := l.Reload(); err != nil {
		t.Fatal(err)
	}
	s.want(t, "replaced while a request lasts", generations{1, 2}, generations{1, 2}, nil)
	short.End() // a second End counts for nothing
	s.want(t, "ended twice", generations{1, 2}, generations{1, 2}, nil)
	if long.Generation() != 1 {
		t.Errorf("the request has generation %d, want that which it began with", long.Generation())
	}
	long.End()
	s.want(t, "the last request ended", generations{1, 2}, generations{1, 2}, generations{1})

	for i := range 5 { // what shows before anything runs opens nothing
		d.save("app.star", shopping+fmt.Sprintf("x = undefined%d\n", i))
		if l.Reload() == nil {
			t.Fatal("an undefined name loads")
		}
	}
	s.want(t, "five failed reloads", generations{1, 2}, generations{1, 2}, generations{1})

	d.save("app.star", shopping+"fail('at the top level')\n")
	if l.Reload() == nil {
		t.Fatal("a failing top level loads")
	}
	s.want(t, "opened for a load that then failed", generations{1, 2, 3}, generations{1, 2}, generations{1, 3})

	l.Close()
	s.want(t, "closed", generations{1, 2, 3}, generations{1, 2}, generations{1, 3, 2})
	l.Close()
	s.want(t, "closed twice", generations{1, 2, 3}, generations{1, 2}, generations{1, 3, 2})
	if err := l.Call(t.Context(), func(context.Context, *starlark.Thread, starlark.Callable) error { return nil }); !errors.Is(err, runtime.ErrClosed) {
		t.Errorf("a call of what is closed: %v, want ErrClosed", err)
	}
	if err := l.Reload(); !errors.Is(err, runtime.ErrClosed) {
		t.Errorf("a reload of what is closed: %v, want ErrClosed", err)
	}
}

// TestModuleThatFailsToOpen is retired as far as it came, and so are those that were opened before
// it.
func TestModuleThatFailsToOpen(t *testing.T) {
	d, first, second := new(disk), new(shop), &shop{fail: true}
	d.save("app.star", "load('@shop', 'number')\nload('@late', _n = 'number')\n"+shopping[len("load('@shop', 'number')\n"):])
	late := second.module()
	late.Name = "late"
	_, err := runtime.Load(&runtime.Config{FS: d, Modules: []*host.Module{first.module(), late}}, "app.star")
	if err == nil || err.Error() != `app.star:2:6: cannot load "@late": closed today` || host.PlaceOf(err) != "app.star:2:6" {
		t.Errorf("got %v at %s", err, host.PlaceOf(err))
	}
	first.want(t, "the first", generations{0}, nil, generations{0})
	second.want(t, "the second", generations{0}, nil, generations{0})
}

// TestModuleIsOpenedByWhatRunsOnly counts what check and lint open.
func TestModuleIsOpenedByWhatRunsOnly(t *testing.T) {
	d, s := new(disk), new(shop)
	d.save("app.star", shopping)
	config := s.config(d)

	if _, faults := runtime.Parse(config, "app.star"); len(faults) > 0 {
		t.Fatal(faults)
	}
	s.want(t, "parse, which lint begins with", nil, nil, nil)
	if faults := runtime.Check(config, "app.star"); len(faults) > 0 {
		t.Fatal(faults)
	}
	s.want(t, "check, which runs the top level", generations{0}, nil, generations{0})
	d.save("app.star", strings.ReplaceAll(shopping, "number", "numbers"))
	if faults := runtime.Check(config, "app.star"); len(faults) == 0 || !strings.Contains(faults[0].Message, "it has number, pure") {
		t.Errorf("got %v, want a name that @shop does not have", faults)
	}
	s.want(t, "check with a fault", generations{0}, nil, generations{0})

	d.save("app.star", shopping)
	p, err := runtime.Load(config, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s.want(t, "load", generations{0, 0}, generations{0}, generations{0})
	p.Close()
	s.want(t, "close", generations{0, 0}, generations{0}, generations{0, 0})
	p, err = runtime.LoadFile(config, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	s.want(t, "load of a file, which serves nobody", generations{0, 0, 0}, generations{0}, generations{0, 0})
	p.Close()
	s.want(t, "close of a file", generations{0, 0, 0}, generations{0}, generations{0, 0, 0})
}

// TestModuleGrant verifies that a module which needs a grant is loaded with one only, and gets it.
func TestModuleGrant(t *testing.T) {
	d, s := new(disk), new(shop)
	d.save("app.star", shopping)
	m := s.module()
	m.Grant = "a key"
	config := runtime.Config{FS: d, Modules: []*host.Module{m}}
	for _, test := range []struct {
		advice func(string, *host.Module) string
		source string
		want   string
	}{
		{nil, shopping, `cannot load "@shop": @shop is not granted; it needs a key; grant it in runtime.Config.Grants["shop"]`},
		{func(name string, m *host.Module) string { return "start with --grant " + name + "=" + m.Grant }, shopping,
			`cannot load "@shop": @shop is not granted; it needs a key; start with --grant shop=a key`},
		{nil, strings.ReplaceAll(shopping, "@shop", "@tim"),
			`cannot load "@tim": unknown module @tim (did you mean @time?); there are @json, @math, @struct, @time; others are added in runtime.Config.Modules`},
		{func(string, *host.Module) string { return "" }, strings.ReplaceAll(shopping, "@shop", "@sql"),
			`cannot load "@sql": unknown module @sql; there are @json, @math, @struct, @time`},
	} {
		d.save("app.star", test.source)
		config := config
		config.Advice = test.advice
		if _, err := runtime.Load(&config, "app.star"); err == nil || !strings.HasSuffix(err.Error(), ": "+test.want) {
			t.Errorf("got %v, want %s", err, test.want)
		}
	}
	s.want(t, "refused", nil, nil, nil)
	d.save("app.star", shopping)
	config.Grants = map[string]any{"shop": "the key"}
	if _, err := runtime.Load(&config, "app.star"); err != nil || s.grant != "the key" {
		t.Errorf("got %v with the grant %v", err, s.grant)
	}
}

// TestModuleEventsPanic verifies that a module which panics in an event ends nothing else.
func TestModuleEventsPanic(t *testing.T) {
	var log strings.Builder
	d, s := new(disk), new(shop)
	d.save("app.star", "load('@rude', _x = 'x')\n"+shopping)
	rude := &host.Module{Name: "rude", Members: []host.Member{{Name: "x", Value: starlark.None}}, Open: func(l *host.Load) (any, error) {
		l.OnPublish(func() { panic("no") })
		l.OnRetire(func() { panic("no") })
		return nil, nil
	}}
	p, err := runtime.Load(&runtime.Config{FS: d, Modules: []*host.Module{rude, s.module()}, Logger: slog.New(slog.NewTextHandler(&log, nil))}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	s.want(t, "beside it", generations{0}, generations{0}, generations{0})
	if strings.Count(log.String(), "level=ERROR") != 2 {
		t.Errorf("the log is %q, want two records", log.String())
	}
}

// TestModulesUnderCalls replaces generations while they are called: each is retired once, after its
// last request, and no call meets one that is.
func TestModulesUnderCalls(t *testing.T) {
	d := new(disk)
	var s shop
	version := func(n int) { d.save("app.star", shopping+fmt.Sprintf("# %d\n", n)) }
	version(0)
	l, err := runtime.NewLive(s.config(d), "app.star")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				r := l.Begin()
				err := r.Call(t.Context(), func(context.Context, *starlark.Thread, starlark.Callable) error {
					s.mu.Lock()
					defer s.mu.Unlock()
					if slices.Contains(s.retired, r.Generation()) {
						return fmt.Errorf("generation %d is retired", r.Generation())
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				r.End()
			}
		})
	}
	for n := range 200 {
		version(n + 1)
		if err := l.Reload(); err != nil {
			t.Error(err)
		}
	}
	close(done)
	callers.Wait()
	l.Close()
	slices.Sort(s.retired)
	if len(s.opened) != 201 || !slices.Equal(s.opened, s.published) || !slices.Equal(s.opened, s.retired) {
		t.Errorf("%d opened, %d published, %d retired; want 201 of each, once", len(s.opened), len(s.published), len(s.retired))
	}
}

// TestProgramOpensMoreModules verifies that what a program loads later, at a prompt say, is opened
// once, and retired with it.
func TestProgramOpensMoreModules(t *testing.T) {
	d, s := new(disk), new(shop)
	d.save("app.star", shopping)
	p, err := runtime.LoadFile(s.config(d), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range []string{"@shop", "@shop", "app.star"} {
		if _, err := p.Load(module); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Load("@none"); err == nil {
		t.Error("an unknown module is loaded")
	}
	s.want(t, "loaded", generations{0}, nil, nil)
	p.Close()
	s.want(t, "closed", generations{0}, nil, generations{0})
	if _, err := p.Load("@shop"); !errors.Is(err, runtime.ErrClosed) {
		t.Errorf("a load by what is closed: %v, want ErrClosed", err)
	}
	s.want(t, "a load after that", generations{0}, nil, generations{0})
}

// TestGlobalsWhileLoading verifies that who reads the globals of a program meets nothing that it
// loads.
func TestGlobalsWhileLoading(t *testing.T) {
	files := fstest.MapFS{"app.star": {Data: []byte("n = 1\n")}}
	for i := range 20 {
		files[fmt.Sprintf("lib%d.star", i)] = &fstest.MapFile{Data: []byte("m = 2\n")}
	}
	p, err := runtime.LoadFile(&runtime.Config{FS: files}, "app.star")
	if err != nil {
		t.Fatal(err)
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		for range 1000 {
			if p.Globals()["n"] == nil {
				t.Error("the global is gone")
			}
		}
	})
	for i := range 20 {
		if values, err := p.Load(fmt.Sprintf("lib%d.star", i)); err != nil || values["m"] == nil {
			t.Errorf("%v, %v", values, err)
		}
	}
	reader.Wait()
}
