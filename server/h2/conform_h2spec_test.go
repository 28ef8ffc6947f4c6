package h2_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/summerwind/h2spec/config"
	"github.com/summerwind/h2spec/generic"
	"github.com/summerwind/h2spec/hpack"
	h2spec "github.com/summerwind/h2spec/http2"
	"github.com/summerwind/h2spec/spec"
)

// TestH2spec runs the 146 cases of github.com/summerwind/h2spec, over TLS and cleartext: all pass.
//
// Some of them send a second frame that must meet a stream which is still open. So the handler
// takes 30 ms, and frames are 16 KiB, the largest that h2spec exceeds.
func TestH2spec(t *testing.T) {
	t.Parallel()
	s := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(30 * time.Millisecond)
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprintln(w, "hello from the handler that h2spec asks")
	}), func(s *http.Server) {
		s.HTTP2 = &http.HTTP2Config{MaxReadFrameSize: 16 << 10}
		s.Protocols.SetHTTP1(false) // a bad preface is not a request of HTTP/1.1 then
	})
	for _, scheme := range []string{"http", "https"} {
		address := map[string]string{"http": s.plain, "https": s.secure}[scheme]
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			t.Fatal(err)
		}
		c := &config.Config{
			Host: host, Port: number, Path: "/", Timeout: 2 * time.Second, MaxHeaderLen: 4000,
			Strict: true, TLS: scheme == "https", Insecure: true,
		}
		var groups []*spec.TestGroup
		for _, g := range []*spec.TestGroup{generic.Spec(), h2spec.Spec(), hpack.Spec()} {
			groups = append(groups, within(g)...)
		}
		// Most of a case is waiting, so they run side by side.
		var wg sync.WaitGroup
		var cases atomic.Int32
		some := make(chan bool, 16)
		for _, g := range groups {
			for i, tc := range append(g.Tests, g.StrictTests...) {
				wg.Go(func() {
					some <- true
					defer func() { <-some }()
					cases.Add(1)
					if fault := judge(c, tc); fault != "" {
						t.Errorf("%s, %s/%d: %s: %s\n%s",
							scheme, g.ID(), i+1, tc.Desc, tc.Requirement, fault)
					}
				})
			}
		}
		wg.Wait()
		if n := cases.Load(); n != 146 {
			t.Errorf("h2spec has %d cases, want 146", n)
		}
	}
}

// within returns a group and all groups in it.
func within(group *spec.TestGroup) []*spec.TestGroup {
	groups := []*spec.TestGroup{group}
	for _, g := range group.Groups {
		groups = append(groups, within(g)...)
	}
	return groups
}

// judge runs a case on a connection of its own and returns what is wrong. h2spec's clock is real: a
// case that it gives no time, because the machine had none, has two more.
func judge(c *config.Config, tc *spec.TestCase) (fault string) {
	for range 3 {
		if fault = try(c, tc); !strings.Contains(fault, "Timeout") {
			break
		}
	}
	return fault
}

func try(c *config.Config, tc *spec.TestCase) (fault string) {
	conn, err := spec.Dial(c)
	if err != nil {
		return err.Error()
	}
	defer conn.Close()
	var verdict *spec.TestError
	switch err := tc.Run(c, conn); {
	case errors.As(err, &verdict) && strings.Contains(verdict.Actual, "connection reset") &&
		slices.Contains(verdict.Expected, "Connection closed"):
		// A connection that is closed before all is read is reset by TCP; h2spec knows io.EOF only.
	case errors.As(err, &verdict):
		return fmt.Sprintf("want %q\n got %s", verdict.Expected, verdict.Actual)
	case err != nil && !errors.Is(err, spec.ErrSkipped):
		return err.Error()
	}
	return ""
}
