package push

import (
	"maps"
	"net/http"
	"slices"
	"testing"
)

// back is the call that a front reads of the Link by which a backend has forwarded c; nil if it cannot
// be forwarded.
func back(t *testing.T, c *candidate) *candidate {
	t.Helper()
	element, ok := c.element()
	if !ok {
		return nil
	}
	links, whole := ParseLinks([]string{element})
	if len(links) != 1 || !whole || !links[0].call {
		t.Fatalf("%q is read as %+v", element, links)
	}
	return links[0].candidate()
}

func sameCall(a, b *candidate) bool {
	return a.link.Target == b.link.Target && a.link.As == b.link.As && a.link.Critical == b.link.Critical &&
		a.method == b.method && maps.EqualFunc(a.header, b.header, slices.Equal[[]string])
}

// TestForward has calls that a front reads as they were made, and those that cannot be forwarded.
func TestForward(t *testing.T) {
	for _, c := range []struct {
		target, method, as string
		critical, not      bool
		header             http.Header
	}{
		{target: "/a.css"},
		{target: "a, b; rel=\"x\"/c?d=%22&e"},
		{target: "/ü", method: "HEAD", as: "style", critical: true},
		{target: "/a", header: http.Header{"X-Variant": {"a", `b"; rel=x, <c>`}, "X-Octets": {"\xff\x80\\ &=;+%"}, "X-Empty": {""}}},
		{target: "/a", method: "POST"}, // the front says why not
		{target: "/a>; rel=x, </b", not: true},
		{target: "/a\r\nX: y", not: true},
		{target: "/a", method: "GET /b", not: true},
	} {
		call := &candidate{source: FromCall, method: c.method, header: c.header,
			link: Link{Target: c.target, As: c.as, Critical: c.critical}}
		got := back(t, call)
		if c.not != (got == nil) || got != nil && !sameCall(got, call) {
			t.Errorf("%+v is read as %+v", call, got)
		}
	}
}

// FuzzForward holds that whatever an application calls push with is forwarded as one Link, which says
// the same, or not at all.
func FuzzForward(f *testing.F) {
	f.Add("/a.css", "HEAD", "style", "X-Variant", "a b")
	f.Add("/a>, <b", "GET", "a\"b", "x\"y", "\x00,;\\\"")
	f.Fuzz(func(t *testing.T, target, method, as, name, value string) {
		c := &candidate{source: FromCall, method: method, header: http.Header{name: {value}}, link: Link{Target: target, As: as}}
		got := back(t, c)
		if got == nil {
			return
		}
		want := *c
		want.link.Target = got.link.Target // without blanks around it
		want.link.As = got.link.As         // a token, in lower case, or none
		if method == http.MethodGet {
			want.method = "" // which is the same
		}
		if got.method == http.MethodGet {
			got.method = ""
		}
		if !sameCall(got, &want) {
			t.Errorf("%+v is read as %+v", c, got)
		}
	})
}
