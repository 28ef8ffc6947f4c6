package middleware_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/larkspur-web/larkspur/environ/lib/middleware"
)

func TestRate(t *testing.T) {
	l := middleware.NewLimiter(3, 3*time.Second)
	at := time.Unix(1000, 0)
	for _, tt := range []struct {
		after, wait time.Duration
	}{
		{0, 0}, {0, 0}, {0, 0},
		{0, time.Second},
		{500 * time.Millisecond, 500 * time.Millisecond}, // waiting is not counted
		{time.Second, 0},
		{time.Second, time.Second},
		{2 * time.Second, 0}, {2 * time.Second, time.Second},
		{time.Hour, 0}, {time.Hour, 0}, {time.Hour, 0}, {time.Hour, time.Second},
	} {
		if got := l.Take("a", at.Add(tt.after)); got != tt.wait {
			t.Errorf("after %v: wait %v, want %v", tt.after, got, tt.wait)
		}
	}
	if got := l.Take("b", at); got != 0 {
		t.Errorf("another client waits %v", got)
	}
	for i := range 20_000 {
		l.Take(fmt.Sprint(i), at)
	}
	if n := l.Clients(); n != 10_000 {
		t.Errorf("%d clients are counted", n)
	}
}

// TestRateKeepsKeysOnly counts clients by a piece of a long field: the field is not kept with it.
func TestRateKeepsKeysOnly(t *testing.T) {
	l := middleware.NewLimiter(3, time.Second)
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	for i := range 1000 {
		l.Take(fmt.Sprintf("%4d", i)+strings.Repeat("x", 60_000), time.Unix(1000, 0))
	}
	if kept := int64(heap()) - int64(before); kept > 10<<20 {
		t.Errorf("1,000 clients take %d MiB", kept>>20)
	}
	if n := l.Clients(); n != 1000 {
		t.Errorf("%d clients are counted", n)
	}
}

func TestNetwork(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.1":             "192.0.2.1",
		"::ffff:192.0.2.1":      "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":  "2001:db8:1:2::/64",
		"2001:db8:1:2::1":       "2001:db8:1:2::/64",
		"fe80::1%eth0":          "fe80::/64",
		"":                      "",
		"not an address at all": "not an address at all",
	} {
		if got := middleware.Network(addr); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
}

func TestParseOrigin(t *testing.T) {
	for origin, want := range map[string]string{
		"https://a.example":      "https://a.example",
		"HTTPS://A.Example:443":  "https://a.example",
		"http://a.example:80":    "http://a.example",
		"http://a.example:8080":  "http://a.example:8080",
		"http://[::1]:3000":      "http://[::1]:3000",
		"https://a.example/":     "",
		"https://a.example/path": "",
		"https://u@a.example":    "",
		"https://a.example?x":    "",
		"https://a.example#x":    "",
		"a.example":              "",
		"//a.example":            "",
		"null":                   "",
		"*":                      "",
		"":                       "",
		"https://":               "",
		"https://a b":            "",
		"https://*.example":      "https://*.example", // a host that none has
	} {
		if got, ok := middleware.ParseOrigin(origin); got != want || ok != (want != "") {
			t.Errorf("%s: got %s, %t, want %s", origin, got, ok, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for list, want := range map[string]bool{
		`"a"`: true, `W/"a"`: true, `*`: true, ` * `: true, `"b", "a"`: true, `"b",W/"a"`: true, `,, "a"`: true,
		``: false, `a`: false, `"b"`: false, `"b`: false, `W/a`: false, `"b" junk "a"`: false, `"A"`: false, `"x,"a"`: false,
		`"b""a"`: true,
	} {
		if got := middleware.Matches(list, `"a"`); got != want {
			t.Errorf("%s: got %t", list, got)
		}
		if got := middleware.Matches(list, `W/"a"`); got != want {
			t.Errorf("%s, a weak one: got %t", list, got)
		}
	}
}

func TestMaxAge(t *testing.T) {
	for control, want := range map[string]int{
		"": 60, "public": 60, "max-age=5": 5, "MAX-AGE=5, public": 5, "max-age=5, s-maxage=7": 7, "s-maxage=7,max-age=5": 7,
		`max-age="5"`: 5, "max-age=-1": 60, "max-age=x": 60, "max-age=99999999999999": 60, "max-age=0": 0, "x-max-age=1": 60,
	} {
		if got := middleware.MaxAge(control, time.Minute); got != time.Duration(want)*time.Second {
			t.Errorf("%s: got %v, want %d s", control, got, want)
		}
	}
}

// FuzzOrigin parses any origin: what is one is the same when it is parsed again, and has no path.
func FuzzOrigin(f *testing.F) {
	for _, s := range []string{"https://a.example", "http://[::1]:80", "null", "https://a.example/", "https://ä.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		origin, ok := middleware.ParseOrigin(s)
		if !ok {
			return
		}
		again, ok := middleware.ParseOrigin(origin)
		_, host, _ := strings.Cut(origin, "://")
		if !ok || again != origin || strings.ContainsAny(host, "/?#@ \\") {
			t.Errorf("%q is the origin %q, which is %q, %t", s, origin, again, ok)
		}
	})
}

// FuzzFields parses any fields that a client sends.
func FuzzFields(f *testing.F) {
	f.Add(`W/"a", "b`, "Basic YWRhOmI=", "max-age=1, no-store", "a=b&_method=put&%zz")
	f.Add("--B\r\nContent-Disposition: form-data; name=\"_method\"\r\n\r\nPUT\r\n--B--", "B", "", "")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		for _, s := range []string{a, b, c, d} {
			middleware.Matches(s, a)
			if user, password, ok := middleware.Credentials(s); ok && strings.ContainsAny(user+password, "\r\n\x00") {
				t.Errorf("%q has the user %q and the password %q", s, user, password)
			}
			middleware.Contains(s, "no-store")
			middleware.MaxAge(s, time.Minute)
			middleware.FieldOf(s, "_method", false)
			middleware.PartOf([]byte(a), s, "_method")
			middleware.Network(s)
		}
	})
}
