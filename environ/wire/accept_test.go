package wire_test

import (
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// best returns the offer that a field wants most, "" if it wants none.
func best(field string, offers []string, want func(field, offer string) wire.Preference) string {
	chosen, most := "", wire.Preference{}
	for _, offer := range offers {
		if p := want(field, offer); p.Weight > 0 && (most.Weight == 0 || p.Before(most)) {
			chosen, most = offer, p
		}
	}
	return chosen
}

// TestMedia compares what Accept fields choose of media types: those of RFC 9110, of browsers and
// of programs, and what is none.
func TestMedia(t *testing.T) {
	const (
		html   = "text/html"
		json   = "application/json"
		plain  = "text/plain"
		flowed = "text/plain;format=flowed"
	)
	for _, c := range []struct{ accept, offers, want string }{
		{"", html + " " + json, html},
		{"*/*", json + " " + html, json},
		{"text/*", json + " " + html, html},
		{html, json + " " + html, html},
		{"TEXT/HTML", html, html},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", json + " " + html, html},
		{"application/json, text/plain, */*", html + " " + plain + " " + json, json},
		{"text/plain, application/json", json + " " + plain, plain},
		{"audio/*; q=0.2, audio/basic", "audio/mp4 audio/basic", "audio/basic"},
		{"text/plain; q=0.5, text/html, text/x-dvi; q=0.8, text/x-c", plain + " text/x-dvi", "text/x-dvi"},
		{"text/*, text/plain, text/plain;format=flowed, */*", flowed + " " + plain, flowed},
		{"text/*;q=0.3, text/plain;q=0.7, text/plain;format=flowed, text/plain;format=fixed;q=0.4, */*;q=0.5",
			"text/html text/plain;format=fixed image/jpeg", "image/jpeg"},
		{"text/plain;format=\"flowed\"", flowed, flowed},
		{"text/plain;format=fixed", flowed, ""},
		{"text/plain;format=flowed", plain, ""},
		{"text/plain;q=0.5;format=fixed", flowed, flowed},
		{"*/*;q=0.1, text/html;q=0", html, ""},
		{"*/*;q=0.1, text/html;q=0", html + " " + json, json},
		{"text/html;q=0", html, ""},
		{"image/png", html, ""},
		{"text/html;q=1.000", html, html},
		{"text/html;Q=0.5, application/json;q=0.51", html + " " + json, json},
		{`text/html;a=",";q=0.5, application/json;q=0.1`, json, json},
		// What is malformed is ignored; where nothing else is said, all is taken.
		{"text/html;q=2, application/json;q=0.1", html + " " + json, json},
		{"text/html;q=0.1234, */*;q=0.1", html, html},
		{"text/html;q=-1", html, html},
		{"text/html;q=x", html, html},
		{"text/html;q=", html, html},
		{";;;,/,text/html;q", html, html},
		{"*/html", html, html},
		{"*", html, html},
		{"text/html;a=\"", html, ""},
		{",,,", html, html},
		{"text/html text/plain", html, html},
	} {
		if got := best(c.accept, strings.Split(c.offers, " "), wire.Media); got != c.want {
			t.Errorf("Accept: %s of %s: got %q, want %q", c.accept, c.offers, got, c.want)
		}
	}
}

// TestLanguage compares what Accept-Language fields choose by lookup: those of RFC 4647 and of
// browsers, and what is none.
func TestLanguage(t *testing.T) {
	for _, c := range []struct{ accept, offers, want string }{
		{"de", "en de", "de"},
		{"DE-ch", "en de", "de"},
		{"de-CH", "de de-CH", "de-CH"},
		{"de", "de-CH", ""},
		{"de-CH,de;q=0.7,fr;q=0.3", "fr de", "de"},
		{"de-CH, fr;q=0.8, de;q=0.3", "fr de", "de"}, // RFC 4647, section 3.4: the first range finds it
		{"da, en-gb;q=0.8, en;q=0.7", "en-US en", "en"},
		{"zh-Hant-CN-x-private1-private2", "zh-Hant zh", "zh-Hant"},
		{"zh-Hant-CN-x-private1", "zh-Hant-CN-x zh", "zh"},
		{"en-GB;q=0.5, fr;q=0.5", "fr en-GB", "en-GB"},
		{"*", "en de", "en"},
		{"fr, *;q=0.5", "en fr", "fr"},
		{"fr, *;q=0.5", "en de", "en"},
		{"en;q=0, *", "en de", "de"},
		{"en-GB, en;q=0", "en", ""},
		{"*;q=0", "en", ""},
		{"de;q=0", "de", ""},
		{"ja", "en", ""},
		{"de;q=5, en;q=0.1", "de en", "en"},
		{"-de, d_e, de-, de--ch, toolongsubtag", "de", ""},
		{",;,=", "de", ""},
		{strings.Repeat("a-", 40) + "a", "a", ""},
	} {
		if got := best(c.accept, strings.Split(c.offers, " "), wire.Language); got != c.want {
			t.Errorf("Accept-Language: %s of %s: got %q, want %q", c.accept, c.offers, got, c.want)
		}
	}
}

// FuzzAccept verifies that any field has a weight for anything, and that of a field after which
// another one follows nothing is taken that neither takes.
// TestCoding verifies which content coding is taken for an Accept-Encoding field.
func TestCoding(t *testing.T) {
	for _, test := range []struct{ accept, want string }{
		{"", ""},
		{"gzip", "gzip"},
		{"GZip", "gzip"},
		{"x-gzip", "gzip"},
		{"deflate", ""},
		{"gzip, deflate, br, zstd", "zstd"},
		{"gzip, deflate, br", "br"},
		{"gzip;q=1, br;q=0.9", "gzip"},
		{"gzip;q=0.001", "gzip"},
		{"gzip;q=0", ""},
		{"gzip;q=0.0", ""},
		{"br;q=0, gzip", "gzip"},
		{"*", "zstd"},
		{"*;q=0", ""},
		{"*;q=0.5, gzip;q=0.4", "zstd"},
		{"zstd;q=0, *", "br"},
		{"identity", ""},
		{"identity;q=0", ""},
		{"identity;q=0, gzip", "gzip"},
		{"identity, gzip;q=0.5", ""},
		{"identity;q=0.5, gzip;q=0.5", "gzip"},
		{"identity;q=0.5, gzip", "gzip"},
		{"gzip;q=2", ""},
		{"gzip;q=0.1234", ""},
		{"gzip;q=, br", "br"},
		{" gzip ; q=0.5 , ,br;q=0.4", "gzip"},
		{";;,,=\"", ""},
	} {
		if got := wire.Coding(test.accept, "zstd", "br", "gzip"); got != test.want {
			t.Errorf("Coding(%q) = %q, want %q", test.accept, got, test.want)
		}
	}
}

func FuzzAccept(f *testing.F) {
	f.Add("text/html;q=0.5, */*;q=0.1", "text/html;a=b")
	f.Add(`text/html;a="\",";q=0.5`, `text/html;a=","`)
	f.Add("de-CH-x-a, *;q=0.5", "de")
	f.Fuzz(func(t *testing.T, field, offer string) {
		for _, p := range []wire.Preference{wire.Media(field, offer), wire.Language(field, offer)} {
			if p.Weight < 0 || p.Weight > 1000 || p.Exact < 0 || p.Index < 0 {
				t.Errorf("%q of %q: %+v", field, offer, p)
			}
		}
		if wire.MediaType(offer) && !strings.ContainsAny(offer, ";*") && !strings.Contains(field, `"`) {
			if p := wire.Media(field+", "+offer+";q=0", offer); p.Weight > 0 && p.Exact < 2 {
				t.Errorf("%q takes %q, which it refuses: %+v", field, offer, p)
			}
		}
	})
}

// TestReferences compares how references are encoded, and what is a media type and a trailer.
func TestReferences(t *testing.T) {
	for in, want := range map[string]string{
		"/a/b?c=d&e=%20#f": "/a/b?c=d&e=%20#f",
		"/é b":             "/%C3%A9%20b",
		`/a\b"<>`:          "/a%5Cb%22%3C%3E",
		"/\r\n\x00\x7f":    "/%0D%0A%00%7F",
		"http://[::1]:80/": "http://[::1]:80/",
		"":                 "",
	} {
		if got := wire.Encode(in); got != want {
			t.Errorf("Encode(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]bool{
		"text/plain": true, "text/plain; charset=utf-8": true, "application/vnd.x+json": true,
		"text": false, "": false, "text/": false, "/x": false, "text/a b": false,
		"text/plain; a=\r\nX: y": false, "*/*": true,
	} {
		if got := wire.MediaType(in); got != want {
			t.Errorf("MediaType(%q) = %v, want %v", in, got, want)
		}
	}
	for in, want := range map[string]bool{
		"X-Sum": true, "ETag": true, "Server-Timing": true, "Digest": true, "Content-Type": false,
		"set-cookie": false, "Transfer-Encoding": false, "Cache-Control": false, "Host": false,
		"Vary": false, "Content-Range": false, "Authorization": false,
	} {
		if got := wire.Trailing(in); got != want {
			t.Errorf("Trailing(%q) = %v, want %v", in, got, want)
		}
	}
}

// FuzzCookie verifies that any value of a cookie is read back, and is octets of a cookie.
func FuzzCookie(f *testing.F) {
	f.Add(`a "b\c;d` + "\x00é")
	f.Fuzz(func(t *testing.T, value string) {
		quoted := wire.QuoteCookie(value)
		if strings.ContainsAny(quoted, ";,\r\n\x00") {
			t.Errorf("%q is written as %q", value, quoted)
		}
		if got := wire.UnquoteCookie(quoted); got != value {
			t.Errorf("%q is read back as %q", value, got)
		}
	})
}
