package push_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/push"
)

func TestParseLinks(t *testing.T) {
	for _, c := range []struct {
		in   string
		want string // of each link "target rel attributes", one after the other
	}{
		{`</a>; rel=preload; as=style`, `/a preload as=style`},
		{`</a>; rel=preload; as=font; type="font/woff2"; crossorigin`,
			`/a preload as=font type=font/woff2 crossorigin`},
		{`</a>; rel=preload; CrossOrigin=anonymous; Critical; X-HTTP2-Push-Only`,
			`/a preload critical crossorigin pushonly`},
		{`</a>; rel=preload; nopush`, `/a preload nopush`},
		{`</a>; rel=preload; nopush=""`, `/a preload nopush`},
		{`</a>; rel=preload; NoPush=no`, `/a preload nopush`},
		{`</a>; rel=preload; media="screen and (min-width: 1px)"`,
			`/a preload media=screen and (min-width: 1px)`},
		{`</a>; rel=preload; media=print; media=screen`, `/a preload media=print`},
		{`</a>; rel=preload; imagesrcset="a.png 1x, b.png 2x"; fetchpriority=high`,
			`/a preload srcset=a.png 1x, b.png 2x priority=high`},
		{`</a>; rel=preload; anchor="#x"; anchor=""`, `/a preload anchor=#x`},
		{`</a>; as=style; as=script; rel=preload`, `/a preload as=style`},
		{`</a>; title="\"; rel=next; x=\""; rel=preload`, `/a preload`},
		{`</a>; rel="pre\load"`, `/a preload`},
		{`</a>; rel="preload\`, `/a preload`},
		{`</a>; rel="preload`, `/a preload`},
		{`</a>; rel=`, `/a `},
		{`</a>; rel`, `/a `},
		{`</a>`, `/a `},
		{`</a>;`, `/a `},
		{`<>`, ` `},
		{`</a> ; rel = preload ; as = style`, `/a preload as=style`},
		{"</a>\t;\trel\t=\tpreload\t", `/a preload`},
		{`</a>; rel=preload junk; as=style`, `/a preload junk as=style`},
		{`</a>; rel junk=preload, </b>; rel=preload`, `/a |/b preload`},
		{`</a> junk; rel=preload, </b>; rel=preload`, `/a |/b preload`},
		{`</a>; rel="preload"junk, </b>; rel=preload`, `/a preload|/b preload`},
		{`junk "</x>; rel=preload, " junk, </b>; rel=preload`, `/b preload`},
		{`it's 5" wide, </b>; rel=preload`, `/b preload`},
		{`junk </x,y>; rel=preload, </b>; rel=preload`, `/b preload`},
		{`</a; rel=preload, </b>; rel=preload`, `/b preload`},
		{`<<</b>; rel=preload`, ``},
		{`>>>, </b>; rel=preload`, `/b preload`},
		{`,,,</a>,,</b>,`, `/a |/b `},
		{`;;;`, ``},
		{``, ``},
	} {
		links, whole := push.ParseLinks([]string{c.in})
		if got := describe(links); got != c.want || !whole {
			t.Errorf("ParseLinks(%q) = %q, %v, want %q", c.in, got, whole, c.want)
		}
	}
}

func describe(links []push.Link) string {
	var all []string
	for _, l := range links {
		s := l.Target + " " + l.Rel
		for _, a := range []struct{ name, value string }{
			{" as=", l.As}, {" type=", l.Type}, {" media=", l.Media}, {" srcset=", l.ImageSrcset},
			{" priority=", l.FetchPriority}, {" anchor=", l.Anchor},
		} {
			if a.value != "" {
				s += a.name + a.value
			}
		}
		for _, a := range []struct {
			name string
			set  bool
		}{{" critical", l.Critical}, {" crossorigin", l.CrossOrigin}, {" nopush", l.NoPush},
			{" pushonly", l.PushOnly}} {
			if a.set {
				s += a.name
			}
		}
		all = append(all, s)
	}
	return strings.Join(all, "|")
}

// TestParseLinksJoined verifies that joined and repeated fields, and any mixture, mean the same.
func TestParseLinksJoined(t *testing.T) {
	elements := []string{`</a>; rel=preload`, `junk`, `</b,c>; title="d, e"`, `</f>; rel=preload;`,
		``, `</g;h>`}
	want := "/a preload|/b,c |/f preload|/g;h "
	for mask := range 1 << (len(elements) - 1) {
		fields := []string{elements[0]}
		for i, e := range elements[1:] {
			if mask>>i&1 == 0 {
				fields = append(fields, e)
			} else {
				fields[len(fields)-1] += "," + e
			}
		}
		links, _ := push.ParseLinks(fields)
		if got := describe(links); got != want {
			t.Errorf("ParseLinks(%q) = %q, want %q", fields, got, want)
		}
	}
}

func TestParseLinksBounds(t *testing.T) {
	many := strings.Repeat(`</a>; rel=preload, `, 100)
	if links, whole := push.ParseLinks([]string{many}); len(links) != 64 || whole {
		t.Errorf("%d links, whole %v", len(links), whole)
	}
	if links, whole := push.ParseLinks(strings.SplitAfter(many, ", ")); len(links) != 64 || whole {
		t.Errorf("repeated: %d links, whole %v", len(links), whole)
	}
	if links, whole := push.ParseLinks([]string{strings.Repeat(`</a>, `, 64)}); len(links) != 64 ||
		!whole {
		t.Errorf("exactly 64: %d links, whole %v", len(links), whole)
	}
	long := `</` + strings.Repeat("x", 8000) + `>; rel=preload`
	links, whole := push.ParseLinks([]string{`</a>; rel=preload`, long, `</b>; rel=preload, </` +
		strings.Repeat("y", 200) + `>; rel=preload; nopush`})
	if describe(links[:1]) != "/a preload" || len(links) != 3 || links[2].Target != "/b" || whole {
		t.Errorf("8 KiB: %d links, whole %v", len(links), whole)
	}
	// An element that is cut must not be taken for whole: what is missing may be a nopush.
	cut := `</` + strings.Repeat("x", 8192-2-len(`>; rel=preload`)) + `>; rel=preload; nopush`
	if links, whole := push.ParseLinks([]string{cut}); len(links) != 0 || whole {
		t.Errorf("cut: %d links, whole %v", len(links), whole)
	}
	params := strings.Repeat("; p=1", 32)
	for _, c := range []struct{ in, want string }{
		{`</a>; rel=preload` + params + `; as=style`, `/a preload`},
		{`</a>; rel=preload` + params + `; nopush`, `/a preload nopush`},
		{`</a>; rel=preload` + params + `; anchor=b`, `/a preload anchor=b`},
		{`</a>` + params + `; rel=preload, </b>; rel=preload`, `/a |/b preload`},
	} {
		links, _ := push.ParseLinks([]string{c.in})
		if got := describe(links); got != c.want {
			t.Errorf("%s: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestLinkIs(t *testing.T) {
	for rel, want := range map[string]bool{
		"preload": true, "PreLoad": true, "x preload": true, "preload\tx": true, "  preload": true,
		"": false, " ": false, "preloadx": false, "xpreload": false, "pre load": false,
		"'preload'": false, "preload,x": false,
	} {
		if got := (&push.Link{Rel: rel}).Is("preload"); got != want {
			t.Errorf("rel %q: %v, want %v", rel, got, want)
		}
	}
}

// ten is a Link field of ten links, as pages have it.
const ten = `</static/site.css>; rel=preload; as=style, ` +
	`</static/app.js>; rel=preload; as=script, ` +
	`</static/a.woff2>; rel="preload"; as=font; type="font/woff2"; crossorigin, ` +
	`</static/b.woff2>; rel=preload; as=font; crossorigin, ` +
	`</static/1.png>; rel=preload; as=image, </static/2.png>; rel=preload; as=image; nopush, ` +
	`</static/3.png>; rel=preload; as=image, ` +
	`<https://cdn.example>; rel=preconnect, </next>; rel=next; title="the next, page", ` +
	`</static/late.js>; rel=preload; as=script; critical`

func TestParseLinksAllocs(t *testing.T) {
	fields := []string{ten}
	if n := testing.AllocsPerRun(100, func() { push.ParseLinks(fields) }); n > 12 {
		t.Errorf("ten links take %v allocations, at most 12 are wanted", n)
	}
}

func BenchmarkParseLinks(b *testing.B) {
	fields := []string{ten}
	b.ReportAllocs()
	for b.Loop() {
		if links, _ := push.ParseLinks(fields); len(links) != 10 {
			b.Fatal(len(links))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(ten, "")
	for _, s := range []string{`<`, `<a`, `<a>;`, `<a>;"`, `<a>;x="\`, `"<`, `<<>`,
		"<a>\x00;rel=preload", `"\"\"\"\"`} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		links, whole := push.ParseLinks([]string{a, b})
		if len(links) > 64 {
			t.Fatalf("%d links", len(links))
		}
		n := 0
		for _, l := range links {
			n += len(l.Text)
			if !strings.HasPrefix(l.Text, "<"+l.Target+">") || !strings.Contains(a, l.Text) &&
				!strings.Contains(b, l.Text) {
				t.Fatalf("the text of a link is %q", l.Text)
			}
			if utf8.ValidString(a+b) && !utf8.ValidString(l.Target) {
				t.Fatalf("target %q", l.Target)
			}
			// The element alone is the same link.
			again, _ := push.ParseLinks([]string{l.Text})
			if len(again) != 1 || describe(again) != describe([]push.Link{l}) {
				t.Fatalf("%q is %q, alone it is %q", l.Text, describe([]push.Link{l}),
					describe(again))
			}
		}
		if n > 8<<10 {
			t.Fatalf("%d bytes", n)
		}
		if whole && len(a)+len(b) > 8<<10 {
			t.Fatal("more than 8 KiB, and whole")
		}
		// Joined fields mean the same, unless a quoted string is open where they are joined.
		if strings.Count(a, `"`) == 0 && strings.Count(a, "<") == strings.Count(a, ">") &&
			len(a)+len(b) < 8<<10 && !strings.Contains(a, "<") {
			joined, _ := push.ParseLinks([]string{a + "," + b})
			if describe(joined) != describe(links) {
				t.Fatalf("joined %q, apart %q", describe(joined), describe(links))
			}
		}
	})
}
