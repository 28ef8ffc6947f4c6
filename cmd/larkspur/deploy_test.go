package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A fleet is three servers, each a process, that take up what is deployed as shop to a directory.
type fleet struct {
	t       *testing.T
	data    string
	servers []*daemon
	names   []string // as the others know them
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	c := &fleet{t: t, data: filepath.Join(t.TempDir(), "data")}
	c.deploy(0, c.version("one", `[WORD, " ", WORD]`))
	for range 3 {
		serve := exec.Command("larkspur", "serve", "--listen", "http://127.0.0.1:0", "--data", c.data, "deployed:shop")
		d, err := startDaemon(serve, 1)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = serve.Process.Kill() })
		host, _ := os.Hostname()
		c.servers, c.names = append(c.servers, d), append(c.names, fmt.Sprintf("%s/%d", host, serve.Process.Pid))
	}
	for !strings.Contains(c.larkspur(0, "deployments", "--to", c.data, "shop"), "nodes: 3") {
	}
	return c
}

// version writes a version of the application, whose body is an expression.
func (c *fleet) version(word, body string) (dir string) {
	c.t.Helper()
	dir = c.t.TempDir()
	for name, text := range map[string]string{
		"word.star": "WORD = \"" + word + "\"\n",
		"app.star": "load(\"word.star\", \"WORD\")\n\ndef app(environ, start_response):\n" +
			"    start_response(\"200 OK\", [])\n    return " + body + "\n",
	} {
		must(c.t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

// larkspur runs a command, which has to end with a status, and returns what it says.
func (c *fleet) larkspur(status int, args ...string) string {
	c.t.Helper()
	command := exec.Command("larkspur", args...)
	out, _ := command.CombinedOutput()
	if got := command.ProcessState.ExitCode(); got != status {
		c.t.Fatalf("larkspur %s ends with %d, want %d: %s", strings.Join(args, " "), got, status, out)
	}
	return string(out)
}

func (c *fleet) deploy(status int, dir string, flags ...string) string {
	c.t.Helper()
	return c.larkspur(status, append([]string{"deploy", "--to", c.data, dir, "shop"}, flags...)...)
}

// all has all servers answer with the word.
func (c *fleet) all(word string) {
	c.t.Helper()
	for i, s := range c.servers {
		if status, body := answerOf(s.urls[0]); status != 200 || body != word+" "+word {
			c.t.Errorf("server %d answers %d %q, want %s twice", i, status, body, word)
		}
	}
}

func answerOf(url string) (status int, body string) {
	res, err := http.Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(text)
}

// TestRollOut has three processes be asked without a pause while versions are deployed, tried, taken back and
// rolled back: no request fails but those of a version that does, and none is answered by two versions.
func TestRollOut(t *testing.T) {
	c := newFleet(t)
	var asked, failed atomic.Int64
	end := make(chan struct{})
	var clients sync.WaitGroup
	for _, s := range c.servers {
		clients.Go(func() {
			for pause := time.NewTicker(5 * time.Millisecond); ; {
				select {
				case <-end:
					return
				case <-pause.C:
				}
				status, body := answerOf(s.urls[0])
				first, second, _ := strings.Cut(body, " ")
				asked.Add(1)
				switch {
				case status == 500 && strings.Contains(body, "Internal Server Error"):
					failed.Add(1)
				case status != 200 || first != second:
					t.Errorf("an answer is %d %q", status, body)
				}
			}
		})
	}
	said := c.deploy(0, c.version("two", `[WORD, " ", WORD]`), "--canary", "30%", "--watch", "100ms")
	tried := regexp.MustCompile(`deployment 2 is tried by 1 of 3 nodes: \S+\ndeployment 2 serves; nodes: 3`)
	if !tried.MatchString(said) {
		t.Errorf("deploy says %s", said)
	}
	c.all("two")
	said = c.deploy(1, c.version("three", "["), "--canary", "1")
	if !strings.Contains(said, "deployment 3 is stopped") || !strings.Contains(said, ": app.star:6:1: ") {
		t.Errorf("deploy of what does not load says %s", said)
	}
	if failed.Load() != 0 {
		t.Errorf("requests that failed: %d", failed.Load())
	}
	said = c.deploy(1, c.version("four", "[WORD // 1]"), "--canary", "1", "--watch", "1h")
	faults := regexp.MustCompile(`deployment 4 is rolled back, .*: node (\S+): requests that failed: (\d+) of (\d+)\n` +
		`  count: \d+, status: 500, code: LARK0501, at app.star:5:18`).FindStringSubmatch(said)
	if faults == nil || faults[2] != faults[3] || !strings.Contains(strings.Join(c.names, " "), faults[1]) {
		t.Errorf("deploy of what fails says %s", said)
	}
	c.all("two")
	broken := failed.Load()
	began := time.Now()
	if said = c.larkspur(0, "rollback", "--to", c.data, "shop"); !strings.Contains(said, "deployment 5 serves; nodes: 3") {
		t.Errorf("rollback says %s", said)
	}
	took := time.Since(began)
	c.all("one")
	close(end)
	clients.Wait()
	if broken < 3 || failed.Load() != broken {
		t.Errorf("requests that failed: %d of the version that does, %d after it", broken, failed.Load()-broken)
	}
	t.Logf("requests: %d, failed: %d; the rollback took %v", asked.Load(), broken, took)
}

// TestNodeIsKilled has a process be killed that tries a version: the others say so, by its name, once its lease has
// ended, and the version is taken back.
func TestNodeIsKilled(t *testing.T) {
	if os.Getenv("LARKSPUR_LONG") == "" {
		t.Skip("it waits for the end of a lease: LARKSPUR_LONG=1")
	}
	c := newFleet(t)
	said := c.deploy(0, c.version("two", `[WORD, " ", WORD]`), "--canary", "1", "--watch", "0")
	for i, name := range c.names {
		if !strings.Contains(said, "nodes: "+name+"\n") {
			continue
		}
		must(t, c.servers[i].cmd.Process.Kill())
		c.servers = append(c.servers[:i], c.servers[i+1:]...)
		want := "rolled back: node " + name + ": the node has ended while it was watched"
		for began := time.Now(); !strings.Contains(c.larkspur(0, "deployments", "--to", c.data, "shop"), want); {
			if time.Since(began) > patience {
				t.Fatal("it is not taken back")
			}
			time.Sleep(500 * time.Millisecond)
		}
		c.all("one")
		return
	}
	t.Errorf("none of %q tries it: %s", c.names, said)
}
