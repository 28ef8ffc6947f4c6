package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// pushing is a server of net/http whose page pushes targets.
func pushing(t *testing.T, targets ...string) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			for _, target := range targets {
				if err := w.(http.Pusher).Push(target, nil); err != nil && err != http.ErrNotSupported {
					t.Errorf("push %s: %v", target, err)
				}
			}
		}
		if r.URL.Path == "/broken" {
			panic(http.ErrAbortHandler)
		}
		_, _ = w.Write(bytes.Repeat([]byte("x"), 12_000))
	}))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// probeWith runs the command.
func probeWith(t *testing.T, status int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, err bytes.Buffer
	if got := run(context.Background(), append([]string{"probe"}, args...), &out, &err); got != status {
		t.Fatalf("it ended with %d, want %d\n%s%s", got, status, &out, &err)
	}
	return out.String(), err.String()
}

func TestProbePromises(t *testing.T) {
	url := pushing(t, "/a.css", "/broken", "/"+strings.Repeat("long/", 30))
	out, _ := probeWith(t, exitOK, url+"/page")
	for _, want := range []string{
		`(?m)^ +1 GET  /page +200 +12\.0 kB +[\d.]+ >\.*=+$`,
		`(?m)^ +2 push /a\.css +200 +12\.0 kB +[\d.]+ +P\.*=+$`,
		`(?m)^ +4 push /broken +reset INTERNAL_ERROR +0 B +[\d.]+ +P\.*x$`,
		`(?m)^ +6 push /long/[a-z/]*… +200 +12\.0 kB `,
		`(?m)^3 promises \(1 without a response\), 0 hints, 36\.0 kB, of which 24\.0 kB pushed$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("no %s in\n%s", want, out)
		}
	}
	for line := range strings.Lines(out) {
		if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); n > probeWidth {
			t.Errorf("a line of %d columns: %s", n, line)
		}
	}
	if out, _ := probeWith(t, exitOK, "--no-push", url+"/page"); !strings.Contains(out, "0 promises, 0 hints") {
		t.Errorf("without push:\n%s", out)
	}
}

func TestProbeJSON(t *testing.T) {
	url := pushing(t, "/a.css", "/broken")
	out, _ := probeWith(t, exitOK, "--json", "--repeat", "2", url+"/page")
	var got probeReport
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Requests) != 2 || len(got.Requests[1].Promises) != 2 || got.URL != url+"/page" {
		t.Fatalf("%+v", got)
	}
	a, broken := got.Requests[1].Promises[0], got.Requests[1].Promises[1]
	if a.URL != url+"/a.css" || a.Status != 200 || a.Bytes != 12_000 || a.Reset != nil || a.Began > a.Answered || a.Answered > a.Ended {
		t.Errorf("%+v", a)
	}
	if broken.Reset == nil || *broken.Reset != (probeReset{"INTERNAL_ERROR", "server"}) || broken.Status != 0 {
		t.Errorf("%+v", broken)
	}
}

// TestProbeViolation has net/http's server promise what is another server's to promise.
func TestProbeViolation(t *testing.T) {
	out, stderr := probeWith(t, exitError, pushing(t, "http://other.example/a.css")+"/page")
	if !regexp.MustCompile(`(?s) 2 push /a\.css malformed .*\nviolation: frame \d+, stream 2: a promised request for "other\.example", for which the server has no authority \(RFC 9113, section 8\.4\)\n`).MatchString(out) || stderr != "" {
		t.Errorf("%s%s", out, stderr)
	}
}

func TestProbeHTTP1(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of clients that go
	secure.StartTLS()
	defer secure.Close()
	for url, want := range map[string]string{plain.URL: "it answered with HTTP/1", secure.URL: "in TLS it chose HTTP/1.1"} {
		_, got := probeWith(t, exitError, "--insecure", url)
		if want := "larkspur: probe " + url + ": the server does not speak HTTP/2: " + want + "\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestProbeNoColor writes to a file: there is neither colour nor a width to keep to but the default one.
func TestProbeNoColor(t *testing.T) {
	name := filepath.Join(t.TempDir(), "out")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if status := run(context.Background(), []string{"probe", pushing(t, "/a.css") + "/page"}, file, os.Stderr); status != exitOK {
		t.Fatalf("it ended with %d", status)
	}
	got, err := os.ReadFile(name)
	if err != nil || bytes.Contains(got, []byte("\x1b")) || !bytes.Contains(got, []byte("push /a.css")) {
		t.Errorf("%v\n%s", err, got)
	}
}
