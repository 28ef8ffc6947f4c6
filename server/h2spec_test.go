package server_test

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	"github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// thinks is an application that takes its time: h2spec wants a stream to be open while it sends
// more.
const thinks = `
load("@time", "time")

def app(environ, start_response):
    time.sleep(0.03)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["h2spec"]
`

// known are the cases of h2spec that x/net's server fails by choice.
var known = map[string]string{
	"http2/6.5.3/1": "it refuses a SETTINGS frame that has a parameter twice, which h2spec wants applied in order",
	// RFC 9113, section 8.1.1, allows an answer before a malformed request is reset.
	"http2/8.1.2.2/1": "it answers a connection-specific field with 400 instead of a reset",
	"http2/8.1.2.2/2": "it answers a TE other than trailers with 400 instead of a reset",
}

// knownCleartext are those that fail in cleartext, where HTTP/1 is spoken too.
var knownCleartext = map[string]string{
	"http2/3.5/2": "a preface that is none is an HTTP/1 request that is malformed",
}

// TestH2Spec runs h2spec on x/net's HTTP/2 server behind a Group, over TLS and in cleartext: what
// fails is known, and nothing else does. That Larkspur's own server fails nothing is tested where
// it is, in h2.
func TestH2Spec(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 seconds")
	}
	cleartext, secure := startGroup(t, thinks, true)
	for mode, addr := range map[string]string{"TLS": secure, "cleartext": cleartext} {
		fails := maps.Clone(known)
		if mode == "cleartext" {
			maps.Copy(fails, knownCleartext)
		}
		host, port, err := net.SplitHostPort(addr)
		if err != nil {
			t.Fatal(err)
		}
		c := config.Config{Host: host, Path: "/", Timeout: 2 * time.Second, MaxHeaderLen: 4000, TLS: mode == "TLS", Insecure: true, Strict: true}
		if c.Port, err = strconv.Atoi(port); err != nil {
			t.Fatal(err)
		}
		t.Run(mode, func(t *testing.T) {
			for _, group := range []*spec.TestGroup{generic.Spec(), http2.Spec(), hpack.Spec()} {
				cases(t, &c, group, fails)
			}
		})
	}
}

// cases runs the cases of a group, and of the groups in it, each on a connection of its own.
func cases(t *testing.T, c *config.Config, group *spec.TestGroup, known map[string]string) {
	for i, tc := range append(group.Tests, group.StrictTests...) {
		id := fmt.Sprintf("%s/%d", group.ID(), i+1)
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			reason, fails := known[id]
			own := *c
			conn, err := spec.Dial(&own)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			err = tc.Run(&own, conn)
			switch {
			case errors.Is(err, spec.ErrSkipped):
				t.Skip("h2spec skips it")
			case err != nil && !fails:
				t.Errorf("%s (%s): %v", tc.Desc, tc.Requirement, err)
			case err == nil && fails:
				t.Errorf("%s: it passes, and was known to fail: %s", tc.Desc, reason)
			}
		})
	}
	for _, g := range group.Groups {
		cases(t, c, g, known)
	}
}
