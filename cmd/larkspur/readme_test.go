package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/cmd/testdata/racetest"
)

// A snippet is a fenced block of the README, and the text before it.
type snippet struct {
	kind, text, before string
}

func readme(t *testing.T) []snippet {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var all []snippet
	last := 0
	for _, m := range regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$").FindAllSubmatchIndex(text, -1) {
		all = append(all, snippet{string(text[m[2]:m[3]]), string(text[m[4]:m[5]]), string(text[last:m[0]])})
		last = m[1]
	}
	return all
}

// TestReadme does what the README says, in its order: a script is written to the file that the text before it
// names last, a Go program is built, and each line with a $ is run; what follows must be what is seen, where … stands
// for anything. Servers move to free ports.
func TestReadme(t *testing.T) {
	racetest.Skip(t)
	dir := t.TempDir()
	port := freePort(t)
	ports := strings.NewReplacer("serve --watch", "serve --watch --listen http://127.0.0.1:"+port, "8000", port, "8001", freePort(t), "8002", freePort(t), "8003", freePort(t), "8004", freePort(t), "8005", freePort(t), "8006", freePort(t), "8007", freePort(t), "8008", freePort(t), "8009", freePort(t), "8012", freePort(t))
	term := newTerminal(t, dir)
	var seen []string
	for _, block := range readme(t) {
		text := ports.Replace(block.text)
		seen = append(seen, block.kind)
		switch block.kind {
		case "python":
			names := regexp.MustCompile("`([\\w/]+\\.star)`").FindAllStringSubmatch(block.before, -1)
			if len(names) == 0 {
				t.Fatalf("no file is named before\n%s", text)
			}
			write(t, filepath.Join(dir, names[len(names)-1][1]), text)
		case "html", "sql":
			write(t, filepath.Join(dir, fileBefore(t, block)), text)
		case "go":
			if strings.Contains(text, "127.0.0.1") {
				runEmbedder(t, dir, text)
			} else {
				runProgram(t, dir, text)
			}
		case "console":
			term.follow(text)
		default:
			t.Errorf("nothing runs a snippet of %s", block.kind)
		}
	}
	if want := "python console console python console python console python console python html html sql sql console python console python console python python python python python console console python python python console python console console console go go python go"; strings.Join(seen, " ") != want {
		t.Errorf("the README has %v, want %s", seen, want)
	}
}

// fileBefore is the file that the text before a snippet names first.
func fileBefore(t *testing.T, s snippet) string {
	t.Helper()
	m := regexp.MustCompile("`([\\w/.]+\\." + s.kind + ")`").FindStringSubmatch(s.before)
	if m == nil {
		t.Fatalf("no file is named before\n%s", s.text)
	}
	return m[1]
}

func write(t *testing.T, file, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(t, os.WriteFile(file, []byte(text), 0o644))
}

// TestReadmeOpens runs the first of the two commands that the README opens with, on the ports that it names.
func TestReadmeOpens(t *testing.T) {
	racetest.Skip(t)
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	const opening = "# Larkspur\n\n    go run ./cmd/larkspur dev\n    go test ./...\n"
	if !strings.HasPrefix(string(text), opening) {
		t.Fatalf("the README does not open with %q", opening)
	}
	for _, addr := range []string{"127.0.0.1:8000", "127.0.0.1:8443"} {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Skipf("the command cannot be tried: %v", err)
		}
		l.Close()
	}
	c := exec.Command("go", "run", "./cmd/larkspur", "dev")
	c.Dir = "../.."
	c.Env = append(os.Environ(), "XDG_CACHE_HOME="+t.TempDir(), "GOCACHE="+goEnv(t, "GOCACHE"))
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // go run has a child
	log := &logbook{urls: make(chan string, 2)}
	c.Stderr = log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	defer func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("it does not end")
		}
	}()
	for _, want := range []string{"http://127.0.0.1:8000", "https://127.0.0.1:8443"} {
		select {
		case url := <-log.urls:
			if url != want {
				t.Errorf("it listens on %s, want %s", url, want)
			}
		case err := <-ended:
			ended <- err
			t.Fatalf("it ended: %v: %s", err, log)
		case <-time.After(2 * time.Minute): // it is compiled first
			t.Fatalf("it does not listen: %s", log)
		}
	}
	res, err := http.Get("http://127.0.0.1:8000/")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK || !bytes.Contains(body, []byte("Larkspur")) {
		t.Errorf("the tour is %s\n%s", res.Status, body)
	}
}

// TestReadmeInstalls verifies that what the README says to install is the command of this module.
func TestReadmeInstalls(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	must(t, err)
	line := regexp.MustCompile(`(?m)^    go install (\S+)@latest$`).FindSubmatch(text)
	if line == nil {
		t.Fatal("the README has no line that installs the command")
	}
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.Name}}").Output()
	must(t, err)
	if want := string(line[1]) + " main\n"; string(out) != want {
		t.Errorf("here is %q, the README installs %q", out, want)
	}
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// runProgram builds the program and runs it to its end in the directory of the scripts. It has to print what the
// comment behind each Println says.
func runProgram(t *testing.T, site, program string) {
	t.Helper()
	dir, err := os.MkdirTemp(".", "testdata-readme-")
	must(t, err)
	defer os.RemoveAll(dir)
	c := exec.Command(build(t, site, dir, program))
	c.Dir = site
	out, err := c.CombinedOutput()
	must(t, err)
	want := ""
	for _, m := range regexp.MustCompile(`Println\(.*\) // (.*)`).FindAllStringSubmatch(program, -1) {
		want += m[1] + "\n"
	}
	if want == "" || string(out) != want {
		t.Errorf("the program prints %q, the README says %q", out, want)
	}
}

// build builds the program in dir, which lies in the module, so that the module's own packages are what it imports.
func build(t *testing.T, site, dir, program string) (file string) {
	t.Helper()
	file = filepath.Join(site, "embedded")
	must(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte(program), 0o644))
	// Without what only a debugger reads.
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", file, "./"+dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return file
}

// runEmbedder builds the program, whose script is beside it, and asks it.
func runEmbedder(t *testing.T, site, program string) {
	t.Helper()
	dir, err := os.MkdirTemp(".", "testdata-readme-")
	must(t, err)
	defer os.RemoveAll(dir)
	app, err := os.ReadFile(filepath.Join(site, "app.star"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "app.star"), app, 0o644))
	c := exec.Command(build(t, site, dir, program))
	c.Dir = dir
	must(t, c.Start())
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}()
	res, err := await("http://" + regexp.MustCompile(`127\.0\.0\.1:\d+`).FindString(program))
	must(t, err)
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); string(body) != "Good day, world!\n" {
		t.Errorf("the embedded application says %q", body)
	}
}

// await asks until somebody listens.
func await(url string) (*http.Response, error) {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		res, err := http.Get(url)
		if err == nil || time.Since(began) > patience {
			return res, err
		}
	}
}

// A terminal is a shell and what is seen of it.
type terminal struct {
	t   *testing.T
	in  io.Writer
	out *screen
}

type screen struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func newTerminal(t *testing.T, dir string) *terminal {
	t.Helper()
	// What is built is this very test, which is the command too.
	build := "go() { printf '#!/bin/sh\\nexec larkspur \"$@\"\\n' > larkspur && chmod +x larkspur; }\n" +
		"curl() { command curl -s \"$@\" | tr -d '\\r' | sed 's/ *$//'; }\n" +
		// Where procps is missing: pkill -9 -P PID.
		"command -v pkill >/dev/null || pkill() { kill \"$1\" $(cat /proc/$3/task/$3/children); }\n"
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, "bash")
	c.Dir = dir
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t, in, new(screen)}
	c.Stdout, c.Stderr = term.out, term.out
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = c.Wait() // it was killed
	})
	fmt.Fprint(in, build)
	return term
}

// follow types what a session shows typed, and waits for what it shows, in whatever order: a server writes when
// it will. A client is asked again until the server has noticed what was changed.
func (term *terminal) follow(text string) {
	term.t.Helper()
	for _, step := range strings.Split("\n"+text, "\n$ ")[1:] {
		typed, want, _ := strings.Cut(step, "\n")
		began := time.Now()
		var got string
		for again := true; again; {
			before := len(term.out.String())
			fmt.Fprintln(term.in, typed)
			for typing := time.Now(); again && (time.Since(typing) < time.Second || !strings.HasPrefix(typed, "curl")); time.Sleep(5 * time.Millisecond) {
				got = term.out.String()[before:]
				again = !shows(got, want)
				if again && time.Since(began) > patience {
					term.t.Fatalf("$ %s\nshows\n%s\nwant\n%s", typed, got, want)
				}
			}
		}
	}
}

// shows reports whether each line that is wanted is there, and no other.
func shows(got, want string) bool {
	lines := strings.FieldsFunc(got, func(r rune) bool { return r == '\n' })
	for _, line := range strings.FieldsFunc(want, func(r rune) bool { return r == '\n' }) {
		pattern := regexp.MustCompile(`\A` + strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + `\z`)
		i := slices.IndexFunc(lines, pattern.MatchString)
		if i < 0 {
			return false
		}
		lines = slices.Delete(lines, i, i+1)
	}
	return len(lines) == 0
}
