package site_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/server/site"
)

// TestListenTwice verifies that a URL which is listened on twice, as one whose port is 0 can be,
// has two listeners, each of which serves, and that one of them stays when it is listened on
// once.
func TestListenTwice(t *testing.T) {
	s := new(site.Server)
	v := &site.Site{Listen: []string{anywhere, anywhere}, Mounts: []site.Mount{{App: says("a")}}}
	serve(t, s, v)
	two := s.Listeners()
	if len(two) != 2 || two[0].URL == two[1].URL {
		t.Fatalf("it listens on %s and %s", two[0].URL, two[1].URL)
	}
	for _, l := range two {
		if got := get(t, l.URL); got != "a at " {
			t.Errorf("%s: got %q", l.URL, got)
		}
	}
	next := *v
	next.Listen = v.Listen[:1]
	if err := s.Set(&next); err != nil {
		t.Fatal(err)
	}
	if one := s.Listeners(); len(one) != 1 || one[0] != two[0] {
		t.Errorf("it listens on %v, want the first of the two", one)
	}
	if _, err := http.Get(two[1].URL); err == nil {
		t.Errorf("%s is still served", two[1].URL)
	}
}

// TestNoCertificate verifies that a site without a certificate is refused if it listens for
// https, by a listener that is opened and by one that stays.
func TestNoCertificate(t *testing.T) {
	certificate, err := site.Localhost(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := new(site.Server)
	v := &site.Site{Listen: []string{"https://127.0.0.1:0"}, Certificate: certificate}
	without := &site.Site{Listen: v.Listen}
	for _, when := range []string{"before", "after"} {
		if err := s.Set(without); err == nil || !strings.Contains(err.Error(), "no certificate") {
			t.Errorf("%s: got %v, want that there is no certificate", when, err)
		}
		if err := s.Set(v); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Set(new(site.Site)); err != nil {
		t.Error(err)
	}
}

// TestMaxConns has one connection more than there may be: the idle one is closed.
func TestMaxConns(t *testing.T) {
	v := &site.Site{Mounts: []site.Mount{{App: says("hello")}}, Listen: []string{anywhere}}
	url := serve(t, &site.Server{MaxConns: 1}, v)
	idle, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if got := get(t, url); !strings.HasPrefix(got, "hello") {
		t.Errorf("the second client got %q", got)
	}
	if n, err := io.Copy(io.Discard, idle); n > 0 {
		t.Errorf("the first client got %d bytes, %v", n, err)
	}
}
