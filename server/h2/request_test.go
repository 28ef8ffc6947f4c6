package h2

import (
	"net/url"
	"testing"
)

// parseTarget agrees with net/url on every target that it takes.
func FuzzTarget(f *testing.F) {
	for _, s := range []string{"/", "/a/b?c=d&e", "/?", "/??", "/a%2Fb", "//x/y", "/a;b,c:d@e", "/[x]", "/%zz", "*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, target string) {
		var got url.URL
		if !parseTarget(&got, target) {
			return
		}
		want, err := url.ParseRequestURI(target)
		if err != nil {
			t.Fatalf("%q was taken: %v", target, err)
		}
		if got != *want {
			t.Errorf("%q: got %#v, want %#v", target, got, *want)
		}
	})
}
