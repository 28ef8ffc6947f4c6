package fetch_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/larkspur-web/larkspur/runtime/lib/fetch"
)

// attempts are URLs by which a script may be made to reach what it must not, though every host is
// granted by a star. PORT is that of a server on the loopback, at 127.0.0.1 and, where there is IPv6,
// at ::1.
var attempts = []string{
	// The loopback, and ways to write it.
	"http://127.0.0.1:PORT/", "http://127.0.0.2:PORT/", "http://127.255.255.254:PORT/", "http://127.0.0.1.:PORT/",
	"http://localhost:PORT/", "http://LOCALHOST:PORT/", "http://localhost.:PORT/", "http://LocalHost.:PORT/",
	"http://2130706433:PORT/", "http://017700000001:PORT/", "http://0x7f000001:PORT/", "http://0X7F000001:PORT/",
	"http://0177.0.0.1:PORT/", "http://0x7f.0.0.1:PORT/", "http://0x7f.1:PORT/", "http://127.1:PORT/",
	"http://127.0.1:PORT/", "http://127.0x0.0.1:PORT/", "http://127.0.0.01:PORT/", "http://127.0.0.0x1:PORT/",
	"http://0127.0.0.1:PORT/", "http://00000177.0.0.1:PORT/", "http://0.0.0.0:PORT/", "http://0:PORT/", "http://0x:PORT/",
	"http://0x0:PORT/", "http://4294967297:PORT/", "http://127.0.0.1.0:PORT/", "http://127.0.0.257:PORT/", "http://127.0.0.:PORT/",
	"http://a.0x7f000001:PORT/", "http://.127.0.0.1:PORT/", "http://127..0.1:PORT/",
	// In letters, digits and dots that look like those of ASCII.
	"http://127。0。0。1:PORT/", "http://127．0．0．1:PORT/", "http://127｡0｡0｡1:PORT/", "http://１２７.0.0.1:PORT/",
	"http://①②⑦.⓪.⓪.①:PORT/", "http://ｌｏｃａｌｈｏｓｔ:PORT/", "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/", "http://loc\u00adalhost:PORT/",
	"http://localhost。:PORT/", "http://lоcalhost:PORT/", "http://xn--lcalhost-54d:PORT/", "http://loca\u200blhost:PORT/", "http://\u2488\u2488:PORT/",
	"http://%31%32%37.0.0.1:PORT/", "http://127.0.0.1%2e:PORT/", "http://%6cocalhost:PORT/", "http://127%E3%80%820%E3%80%820%E3%80%821:PORT/",
	// IPv6, and IPv4 in it.
	"http://[::1]:PORT/", "http://[0:0:0:0:0:0:0:1]:PORT/", "http://[::]:PORT/", "http://[::0001]:PORT/", "http://[::1%25lo]:PORT/", "http://[::1%lo]:PORT/",
	"http://[::ffff:127.0.0.1]:PORT/", "http://[::ffff:7f00:1]:PORT/", "http://[::FFFF:127.0.0.1]:PORT/", "http://[0:0:0:0:0:ffff:7f00:0001]:PORT/",
	"http://[::127.0.0.1]:PORT/", "http://[::7f00:1]:PORT/", "http://[::ffff:0:127.0.0.1]:PORT/", "http://[64:ff9b::127.0.0.1]:PORT/",
	"http://[64:ff9b::7f00:1]:PORT/", "http://[64:ff9b:1::7f00:1]:PORT/", "http://[64:ff9b::a9fe:a9fe]:PORT/", "http://[2002:7f00:1::]:PORT/",
	"http://[2002:a9fe:a9fe::1]:PORT/", "http://[2002:808:808::1]:PORT/", "http://[2001:0:7f00:1::]:PORT/", "http://[2001::80ff:fffe]:PORT/",
	"http://[2600::5efe:7f00:1]:PORT/", "http://[2600::200:5efe:7f00:1]:PORT/", "http://[fe80::1]:PORT/", "http://[fe80::1%25eth0]:PORT/",
	"http://[fec0::1]:PORT/", "http://[fc00::1]:PORT/", "http://[fd00:ec2::254]:PORT/", "http://[fd12:3456::1]:PORT/", "http://[ff02::1]:PORT/",
	"http://[2001:db8::1]:PORT/", "http://[100::1]:PORT/", "http://[127.0.0.1]:PORT/", "http://[localhost]:PORT/", "http://[::1:PORT/", "http://::1:PORT/", "http://[v1.x]:PORT/",
	// Networks of IPv4 that are not public, and where clouds tell secrets.
	"http://10.0.0.1:PORT/", "http://10.255.255.255:PORT/", "http://172.16.0.1:PORT/", "http://172.31.255.255:PORT/", "http://192.168.0.1:PORT/",
	"http://169.254.169.254/latest/meta-data/", "http://169.254.169.254:PORT/", "http://169.254.170.2/v2/credentials/", "http://100.64.0.1:PORT/", "http://100.100.100.200/",
	"http://168.63.129.16/", "http://192.0.0.192/", "http://192.0.0.1:PORT/", "http://198.18.0.1:PORT/", "http://192.88.99.1:PORT/", "http://224.0.0.1:PORT/",
	"http://239.255.255.250:PORT/", "http://240.0.0.1:PORT/", "http://255.255.255.255:PORT/", "http://192.0.2.1:PORT/", "http://0.1.2.3:PORT/",
	// Names that are at such addresses, some of them among others.
	"http://private.example:PORT/", "http://metadata.google.internal/", "http://loop.example:PORT/", "http://loop6.example:PORT/", "http://mapped.example:PORT/",
	"http://mixed.example:PORT/", "http://last.example:PORT/", "http://unspecified.example:PORT/", "http://sixtofour.example:PORT/", "http://zoned.example:PORT/",
	"http://127.0.0.1.nip.example:PORT/", "http://below.localhost:PORT/",
	// Who is the host, and who the user?
	"http://public.example@127.0.0.1:PORT/", "http://127.0.0.1:PORT@public.example/", "http://user:secret@public.example/", "http://@127.0.0.1:PORT/",
	"http://public.example:80@127.0.0.1:PORT/", `http://public.example\@127.0.0.1:PORT/`, `http://127.0.0.1:PORT\@public.example/`, "http://public.example#@127.0.0.1:PORT/x",
	"http://127.0.0.1:PORT#@public.example/", "http://127.0.0.1:PORT?@public.example/", "http://public.example%40127.0.0.1:PORT/", "http://public.example%00@127.0.0.1:PORT/",
	// From others' lists, and reports on libraries that judge addresses.
	"http://425.510.425.510/", "http://2852039166/", "http://7147006462/", "http://0xA9.0xFE.0xA9.0xFE/", "http://0xA9FEA9FE/", "http://0x41414141A9FEA9FE/",
	"http://0251.0376.0251.0376/", "http://0251.00376.000251.0000376/", "http://0251.254.169.254/", "http://o177.0.0.1/", "http://0o177.0.0.1/", "http://127.000.000.001:PORT/",
	"http://0x7f.0x0.0x0.0x1:PORT/", "http://127.0.0.1..:PORT/", "http://2130706433.:PORT/", "http://2130706433.0:PORT/", "http://0000::1:PORT/", "http://\u0e51\u0e52\u0e57.0.0.1:PORT/",
	"http://\u0661\u0662\u0667.0.0.1:PORT/", "http://127.0.0.1;x:PORT/", "http://127.0.0.1,8.8.8.8:PORT/", "http://127%2e0%2e0%2e1:PORT/", "http://evil$public.example/",
	"http://[::1]x:PORT/", "http://[::1].public.example:PORT/", "http://[[::1]]:PORT/", "http://[::1]]:PORT/", "http://[::%31]:PORT/", "http://[0::0::1]:PORT/", "http://[::ffff:127.0.0.1%25]:PORT/",
	"http://[::1]@public.example/", "http://public.example@[::1]:PORT/", "http://1.1.1.1 &@2.2.2.2# @3.3.3.3/", `http://127.1.1.1:80\@@127.2.2.2:80/`, `http://127.1.1.1:80:\@@127.2.2.2:80/`,
	`http:\\127.0.0.1:PORT/`, `http:/\127.0.0.1:PORT/`, "http://127.0.0.1:PORT:PORT/", "http://foo@127.0.0.1:PORT@public.example/", "http://foo@public.example:80 @127.0.0.1:PORT/",
	"http://127.0.0.1:PORT%20/", "http://127.0.0.1%0d%0aX-A:b/", "http://[fd20:ce::254]/", "http://[5f00::1]/", "http://[2001:20::1]/", "http://[64:ff9b:1::a9fe:a9fe]/",
	"0://evil.example:80;http://public.example:80/", "jar:http://127.0.0.1:PORT!/", "url:file:///etc/passwd", `file:\\127.0.0.1\c$`, "view-source:http://127.0.0.1:PORT/", "blob:http://127.0.0.1:PORT/",
	"ws://127.0.0.1:PORT/", "ldap://127.0.0.1:PORT/%0astats", "tftp://127.0.0.1:PORT/x", "netdoc:///etc/passwd", "about:blank",
	// Other schemes, and what is no URL at all.
	"ftp://127.0.0.1:PORT/", "file:///etc/passwd", "gopher://127.0.0.1:PORT/_x", "dict://127.0.0.1:PORT/", "unix:///run/docker.sock", "http+unix://x/", "data:,x",
	"javascript:1", "//127.0.0.1:PORT/", "/etc/passwd", "127.0.0.1:PORT", "http:127.0.0.1:PORT/", "http:/127.0.0.1:PORT/", "http:///127.0.0.1:PORT/", "http://", "http://:PORT/", "",
	"http://127.0.0.1:PORT\r\nHost: x/", "http://public.example/\r\nX: y", "http://public.example\t/", "http://public.example /", " http://127.0.0.1:PORT/",
	"http://127.0.0.1:0/", "http://127.0.0.1:65536/", "http://127.0.0.1:-1/", "http://127.0.0.1:00PORT/", "http://127.0.0.1:+PORT/", "http://public.example:22/", "http://public.example:6379/",
}

// hostile are the addresses of the names in attempts.
func hostile() *resolver {
	return &resolver{names: map[string][]string{
		"localhost": {"127.0.0.1"}, "private.example": {"10.1.2.3"}, "metadata.google.internal": {"169.254.169.254"},
		"loop.example": {"127.0.0.1"}, "loop6.example": {"::1"}, "mapped.example": {"::ffff:127.0.0.1"},
		"mixed.example": {"127.0.0.1 8.8.8.8"}, "last.example": {"8.8.8.8 2606:4700::1 10.0.0.1"}, "unspecified.example": {"0.0.0.0"},
		"sixtofour.example": {"2002:7f00:1::1"}, "zoned.example": {"fe80::1%eth0"}, "127.0.0.1.nip.example": {"127.0.0.1"}, "below.localhost": {"127.0.0.1"},
		"xn--lcalhost-54d": {"127.0.0.1"}, "xn--lcalhost-nbh": {"127.0.0.1"}, "public.example": {"8.8.8.8"}, "localhost.": {"127.0.0.1"},
	}}
}

// A canary is a server that nobody must reach. It answers what it is asked.
type canary struct {
	port string
	hits atomic.Int64
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	c := new(canary)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, c.port, _ = net.SplitHostPort(l.Addr().String())
	listeners := []net.Listener{l}
	if l, err := net.Listen("tcp6", "[::1]:"+c.port); err == nil {
		listeners = append(listeners, l)
	}
	for _, l := range listeners {
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				c.hits.Add(1)
				conn.Close()
			}
		}()
	}
	return c
}

// guard is a connect that must not be called with what is not public, and goes nowhere else.
func guard(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, _, address string) (net.Conn, error) {
		if a := netip.MustParseAddrPort(address); !fetch.Public(a.Addr()) {
			t.Errorf("%s is dialled", address)
		}
		return nil, fmt.Errorf("%s is far away", address)
	}
}

// TestAttempts: none of the URLs leads anywhere, as it is and by a redirect.
func TestAttempts(t *testing.T) {
	if len(attempts) < 60 {
		t.Fatal("there are too few")
	}
	c := newCanary(t)
	var mu sync.Mutex
	location := ""
	from := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.Header()["Location"] = []string{location}
		w.WriteHeader(http.StatusFound)
	})
	grant := &fetch.Grant{Hosts: []string{"*", "*:" + c.port}, Lookup: hostile().lookup}
	direct := load(t, grant, caught)
	if err := grant.ConnectBy(guard(t)); err != nil {
		t.Fatal(err)
	}
	redirected := load(t, &fetch.Grant{Hosts: []string{"*", "*:" + c.port, from}, Lookup: hostile().lookup}, caught)
	for _, attempt := range attempts {
		attempt = strings.ReplaceAll(attempt, "PORT", c.port)
		got, err := call(t.Context(), direct, attempt)
		if err != nil || !strings.HasPrefix(got, `("refused", `) {
			// What stands behind a # is of no host.
			if !strings.HasPrefix(attempt, "http://public.example#") {
				t.Errorf("%q: %s, %v", attempt, got, err)
			}
		}
		if strings.Contains(got, "secret") {
			t.Errorf("%q: the password is in %s", attempt, got)
		}
		next, err := (&url.URL{Scheme: "http", Host: from, Path: "/"}).Parse(attempt)
		if strings.ContainsAny(attempt, "\r\n") || strings.HasPrefix(attempt, "http://public.example#") ||
			err == nil && next.Host == from || attempt == "" {
			continue // it cannot be in a field, or is where it comes from
		}
		mu.Lock()
		location = attempt
		mu.Unlock()
		got, err = call(t.Context(), redirected, "http://"+from+"/")
		if err != nil || !strings.HasPrefix(got, `("refused", `) && !strings.HasPrefix(got, `("redirect", `) {
			t.Errorf("redirected to %q: %s, %v", attempt, got, err)
		}
	}
	if n := c.hits.Load(); n > 0 {
		t.Errorf("%d connections came", n)
	}
}

// TestRebinding: a name is looked up once for each connection, and what was found is dialled, not
// what the name means a moment later.
func TestRebinding(t *testing.T) {
	c := newCanary(t)
	far := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		fmt.Fprint(w, "far")
	})
	names := &resolver{names: map[string][]string{"turn.example": {"93.184.215.14", "127.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "93.184.215.14"}}}
	grant := &fetch.Grant{Hosts: []string{"*:" + c.port}, Lookup: names.lookup}
	p := load(t, grant, caught)
	var dialled []string
	if err := grant.ConnectBy(func(ctx context.Context, network, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return new(net.Dialer).DialContext(ctx, network, far)
	}); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`(200, "far")`, `("refused", `, `("refused", `, `("refused", `, `("refused", `, `(200, "far")`} {
		got, err := call(t.Context(), p, "http://turn.example:"+c.port+"/")
		if err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("%d: got %s, %v, want %s", i, got, err, want)
		}
		if n := names.asked["turn.example"]; n != i+1 {
			t.Errorf("%d: it was looked up %d times", i, n)
		}
	}
	if want := "[93.184.215.14:" + c.port + " 93.184.215.14:" + c.port + "]"; fmt.Sprint(dialled) != want {
		t.Errorf("dialled %v, want %s", dialled, want)
	}
	if c.hits.Load() > 0 {
		t.Error("the loopback was reached")
	}
}

// TestGranted: what is granted is reached, and nothing beside it.
func TestGranted(t *testing.T) {
	at := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) })
	_, port, _ := net.SplitHostPort(at)
	names := &resolver{names: map[string][]string{
		"localhost": {"127.0.0.1"}, "db.internal": {"127.0.0.1"}, "a.example.com": {"127.0.0.1"}, "example.com": {"127.0.0.1"},
		"xn--bcher-kva.example": {"127.0.0.1"}, "several.internal": {"127.0.0.9 127.0.0.1"},
	}}
	for _, test := range []struct{ hosts, url, want string }{
		{"127.0.0.1:PORT", "http://127.0.0.1:PORT/", `(200, "127.0.0.1:PORT")`},
		{"localhost:PORT", "http://LocalHost.:PORT/", `(200, "localhost:PORT")`},
		{"localhost:PORT", "http://127.0.0.1:PORT/", `("refused", "fetch: GET http://127.0.0.1:PORT/: 127.0.0.1:PORT is not granted; grant fetch=127.0.0.1:PORT")`},
		{"127.0.0.1:PORT", "http://localhost:PORT/", `("refused", `},
		{"127.0.0.1:PORT", "http://127.0.0.1:1/", `("refused", `},
		{"db.internal:PORT", "http://db.internal:PORT/", `(200, "db.internal:PORT")`},
		{"several.internal:PORT", "http://several.internal:PORT/", `(200, "several.internal:PORT")`},
		{"DB.Internal.:PORT", "http://db.internal:PORT/", `(200, "db.internal:PORT")`},
		{"bücher.example:PORT", "http://BÜCHER。example:PORT/", `(200, "xn--bcher-kva.example:PORT")`},
		{"*.example.com:PORT", "http://a.example.com:PORT/", `("refused", "fetch: GET http://a.example.com:PORT/: a.example.com is not reached: 127.0.0.1 is no address of the public internet, and a.example.com:PORT is not granted by this very name and port; grant fetch=a.example.com:PORT")`},
		{"*.example.com:PORT example.com:PORT", "http://example.com:PORT/", `(200, `},
		{"*.example.com:PORT", "http://example.com:PORT/", `("refused", "fetch: GET http://example.com:PORT/: example.com:PORT is not granted; grant fetch=example.com:PORT")`},
		{"*.example.com:PORT", "http://aexample.com:PORT/", `("refused", `},
		{"example.com", "http://example.com:PORT/", `("refused", `},
		{"example.com", "http://example.com/", `("refused", "fetch: GET http://example.com/: example.com is not reached: 127.0.0.1 `},
		{"example.com", "https://example.com/", `("refused", "fetch: GET https://example.com/: example.com is not reached: 127.0.0.1 `},
		{"127.0.0.1:PORT", "https://127.0.0.1:PORT/", `("tls", "fetch: GET https://127.0.0.1:PORT/: no secure connection to 127.0.0.1:PORT: `},
		{"0.0.0.0/0", "http://127.0.0.1/", `("refused", "fetch: GET http://127.0.0.1/: 127.0.0.1 is not reached: it is no address`},
		{"", "http://127.0.0.1:PORT/", `("refused", `},
		{"absent.example", "http://absent.example/", `("dns", "fetch: GET http://absent.example/: there is no host absent.example")`},
		{"127.0.0.1:1", "http://127.0.0.1:1/", `("connect", "fetch: GET http://127.0.0.1:1/: no connection to 127.0.0.1:1: `},
	} {
		fill := strings.NewReplacer("PORT", port).Replace
		grant := &fetch.Grant{Hosts: strings.Fields(fill(test.hosts)), Lookup: names.lookup}
		got := run(t, grant, caught, fill(test.url))
		if want := fill(test.want); !strings.HasPrefix(got, want) {
			t.Errorf("%s of %s:\n got %s\nwant %s", test.url, test.hosts, got, want)
		}
	}
	advised := &fetch.Grant{Advice: func(host string) string { return "start with --grant fetch=" + host }}
	if got := run(t, advised, caught, "https://example.com/?secret"); got !=
		`("refused", "fetch: GET https://example.com/: example.com is not granted; start with --grant fetch=example.com")` {
		t.Error(got)
	}
}

// TestHosts: what cannot be granted is said when the grant is made.
func TestHosts(t *testing.T) {
	for host, want := range map[string]string{
		"example.com": "", "example.com:8443": "", "*.example.com": "", "*.example.com:8443": "", "*": "", "*:8080": "", "127.0.0.1:9000": "",
		"[::1]:9000": "", "1.1.1.0/24": "", "2606:4700::/32": "", "localhost:9000": "", "8.8.8.8": "", "0.0.0.0/0": "", "::/0": "",
		"10.0.0.0/8":         "it is not public: name each host of it with its port",
		"127.0.0.1":          "it is not public: say the port, as in 127.0.0.1:9000",
		"[::1]":              "it is not public: say the port, as in [::1]:9000",
		"localhost":          "it is not public: say the port, as in localhost:9000",
		"https://a.example":  "it is a URL: write a.example",
		"":                   " is no address that may be written so, and no name of a host",
		"a b":                "a b is no address that may be written so, and no name of a host",
		"0x7f.1:80":          "0x7f.1 is no address that may be written so, and no name of a host",
		"example.com:":       "there is no port behind the colon",
		"example.com:70000":  `"70000" is no port: from 1 to 65535`,
		"*.1.1.1.1":          "a star stands before the name of a domain",
		"a.*.example":        "a.*.example is no address that may be written so, and no name of a host",
		"[::ffff:1.1.1.1]:1": "::ffff:1.1.1.1 is no address that may be written so, and no name of a host",
		"[::1":               "the brackets are not around an IPv6 address",
	} {
		err := (&fetch.Grant{Hosts: []string{host}}).Check()
		if want != "" {
			want = fmt.Sprintf("fetch: grant host %q: %s", host, want)
		}
		if got := fmt.Sprint(err); want == "" && err != nil || want != "" && got != want {
			t.Errorf("%s:\n got %v\nwant %s", host, err, want)
		}
	}
}

// TestPublic compares with what the registries of IANA say.
func TestPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"1.1.1.1": true, "8.8.8.8": true, "9.255.255.255": true, "11.0.0.0": true, "100.63.255.255": true, "100.128.0.0": true, "128.0.0.1": true,
		"169.253.255.255": true, "172.15.255.255": true, "172.32.0.0": true, "192.0.1.0": true, "192.169.0.0": true, "198.17.255.255": true,
		"198.20.0.0": true, "223.255.255.255": true, "168.63.129.17": true, "2606:4700::1111": true, "2a00:1450::1": true, "64:ff9b::808:808": true,
		"2001:200::1": true, "2600::1": true,
		"0.0.0.0": false, "10.0.0.0": false, "100.64.0.0": false, "100.127.255.255": false, "127.0.0.1": false, "168.63.129.16": false, "169.254.0.1": false,
		"172.16.0.0": false, "192.0.0.170": false, "192.168.255.255": false, "198.19.255.255": false, "224.0.0.0": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:8.8.8.8": false, "::8.8.8.8": false, "64:ff9b::a00:1": false, "64:ff9b:1::1": false, "100::": false, "2001::1": false,
		"2001:1ff:ffff::": false, "2001:db8::": false, "2002:808:808::": false, "3fff:fff::": false, "4000::1": false, "5f00::1": false, "fc00::": false, "fe80::1": false, "ff0e::1": false,
		"fe80::1%eth0": false, "2600::1%eth0": false,
	} {
		if got := fetch.Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: public is %v", address, got)
		}
	}
	if fetch.Public(netip.Addr{}) {
		t.Error("no address at all is public")
	}
}

// FuzzParseURL: whatever is parsed has a host in one spelling, and is parsed the same again.
func FuzzParseURL(f *testing.F) {
	for _, attempt := range attempts {
		f.Add(attempt)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, target, err := fetch.ParseURL(raw)
		if err != nil {
			return
		}
		for _, c := range target {
			if c <= ' ' || c >= 0x7f || 'A' <= c && c <= 'Z' || strings.ContainsRune(`/\@?#%`, c) {
				t.Fatalf("%q has the target %q", raw, target)
			}
		}
		again, same, err := fetch.ParseURL(u)
		if err != nil || again != u || same != target {
			t.Fatalf("%q is %q of %q, and then %q of %q, %v", raw, u, target, again, same, err)
		}
	})
}
