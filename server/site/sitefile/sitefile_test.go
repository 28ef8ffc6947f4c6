package sitefile_test

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/sitefile"
)

// read reads a site file of the text, beside which there is an application and a directory.
func read(t testing.TB, text string) (*sitefile.File, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{sitefile.Name: text, "app.star": "app = None\n", "public/x": "x"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return sitefile.Read(filepath.Join(dir, sitefile.Name), slog.New(slog.DiscardHandler))
}

// TestFaults verifies what is said of files that are wrong, beside those of the command's check_site.txtar.
func TestFaults(t *testing.T) {
	const rest = "\nmount('/', 'app.star')"
	for _, test := range []struct{ text, want string }{
		{"", `site.star:1: it serves nothing: write mount("/", "app.star")`},
		{"mount('/', 'app.star')\nmount('/', 'app.star')", "site.star:2:6: the path / has a route in line 1 already"},
		{"site('a.b', mount('/', 'app.star'))\nsite('A.B.', mount('/', 'app.star'))", "a.b has a site in line 1 already"},
		{"site('a.b:80', mount('/', 'app.star'))", "leave the port out, which is for listen() to say"},
		{"site('bücher.example', mount('/', 'app.star'))", "write an international name as xn--..."},
		{"site('a.b')", "routes is missing: write site(hosts, routes...)"},
		{"site()", "hosts is missing"},
		{"mount('/a?b', 'app.star')", "it is a path, decoded"},
		{"mount('/', 'app.star', workers = -1)", "workers is the int -1, and is to be a number from 0 on"},
		{"mount('/', 'app.star', workers = 5000)", "workers is 5000, and may be 1000"},
		{"mount('/', 'app.star', workers = 1 << 80)", "and may be 1000"},
		{"mount('/', 'public')", "public has no app.star: name the script"},
		{"mount('/', 'public/x')", "the name of a script ends in .star"},
		{"mount('/', 'app.star', env = ['a'])", `env is the list ["a"], and is to be a dict of strings`},
		{"mount('/', 'app.star', middleware = 'loud')", `middleware "loud": write FILE.star:NAME`},
		{"mount('/', 'app.star', limits = {'max_steps': 'many'})", "max_steps is the string"},
		{"mount('/', 'app.star', path = '/x')", "path is given twice"},
		{"mount('/', 'app.star', data = 'd')\nmount('/x', 'app.star', data = 'd', grants = 'env=X')", "the data of line 1 is in"},
		{"upstream('/', [])", "url has no server"},
		{"site([], mount('/', 'app.star'))", "hosts has no name"},
		{"upstream('/', 'http://h', check = 'x')", "check is \"x\": a path that begins with a slash"},
		{"static('/', 'app.star')", "app.star is not a directory"},
		{"static('/', 'public', listing = 1)", "listing is the int 1, and is to be True or False"},
		{"static('/', 'public', cache = 'x')", `cache is the string "x", and is to be a dict`},
		{"redirect('/', 'x')", "write a path that begins with one slash"},
		{"redirect('/', '/x?y')", "whole = True"},
		{"push_map('app.star')" + rest, "push_map: push: "},
		{"push_map('nothing.push')" + rest, "there is no file"},
		{"watch(True)\nwatch(False)" + rest, "on is said in line 1 already"},
		{"limits(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)" + rest, "got 1 more arguments than it takes"},
		{"compress('lzma')" + rest, `write on, off or some of zstd,br,gzip`},
		{"load('none.star', 'x')" + rest, "none.star"},
		{"x = 1 // 0" + rest, "floored division by zero"},
		{"fail('no')" + rest, "no"},
		{"while True: pass", "steps"},
	} {
		_, err := read(t, test.text)
		var found host.Diagnostics
		switch {
		case !errors.As(err, &found):
			t.Errorf("%s\n%v, want %s", test.text, err, test.want)
		case !strings.Contains(found[0].String(), test.want):
			t.Errorf("%s\n%v, want %s", test.text, found, test.want)
		case found[0].Line == 0 && !strings.Contains(test.want, "steps"):
			t.Errorf("%s\n%v has no line", test.text, found[0])
		}
	}
}

// TestKeeper verifies that what two files describe alike is made once, and is let go of when neither has it.
func TestKeeper(t *testing.T) {
	var k sitefile.Keeper
	var log []string
	keep := func(l *sitefile.Lot, key string) {
		t.Helper()
		_, err := sitefile.Keep(l, key, func() (string, func(), error) {
			log = append(log, "make "+key)
			return key, func() { log = append(log, "close "+key) }, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	one, two := k.Begin(), k.Begin()
	keep(one, "a")
	keep(one, "b")
	keep(two, "b")
	keep(two, "c")
	keep(two, "b")
	one.Release()
	one.Release()
	_, err := sitefile.Keep(two, "d", func() (int, func(), error) { return 0, nil, errors.New("no") })
	if err == nil {
		t.Error("an error is lost")
	}
	two.Release()
	three := k.Begin()
	keep(three, "a")
	keep(three, "b")
	k.Close()
	three.Release()
	const want = "make a,make b,make c,close a,close c,close b,make a,make b,close b,close a"
	if got := strings.Join(log, ","); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestMounts verifies which mounts a file comes to, and that an application is made once for all hosts.
func TestMounts(t *testing.T) {
	f, err := read(t, `
site(["A.example", "b.example"], mount("/", "app.star"), static("/s", "public"), redirect("/r", "/"))
site("*", mount("/", "app.star", compress = "gzip"))
`)
	if err != nil {
		t.Fatal(err)
	}
	var k sitefile.Keeper
	lot := k.Begin()
	app := new(site.Application)
	mounts, err := lot.Mounts(f, func(*sitefile.Mount) (site.Mount, error) { return site.Mount{App: app}, nil })
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range mounts {
		what := m.Host + m.Path
		if m.Filter != nil {
			what += " compressed"
		}
		if m.App == nil && m.Handler == nil {
			what += " nothing"
		}
		got = append(got, what)
	}
	const want = "a.example,b.example,a.example/s,b.example/s,a.example/r,b.example/r,* compressed"
	if s := strings.Join(got, ","); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
	if mounts[2].Handler != mounts[3].Handler {
		t.Error("a directory has two handlers")
	}
}

// FuzzRead reads what is written in any way: it ends, and a fault has a place.
func FuzzRead(f *testing.F) {
	for _, text := range []string{"mount('/', 'app.star')", "site('*', static('/', 'public'))", "listen()", "tls(1, 2)",
		"limits(**{'timeout': [1]})", "site([[]], mount)", "site(*[mount('/', 'app.star')])", "redirect({}, set())"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, err := read(t, text)
		var found host.Diagnostics
		if err != nil && (!errors.As(err, &found) || len(found) == 0) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
