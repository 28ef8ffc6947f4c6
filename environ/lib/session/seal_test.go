package session

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

const (
	someSecret  = "a secret for tests, of 32 characters"
	otherSecret = "another one for tests, just as long!"
)

// here is the cookie of an application at the root.
var here = cookie{name: "session", path: "/"}

func keyOf(t testing.TB, secret string) *key {
	t.Helper()
	k, err := newKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// sealed returns the text of the cookie "session" that says content.
func sealed(t testing.TB, k *key, content string, at time.Time) string {
	t.Helper()
	text, err := k.seal(here, content, at)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestForged checks that what the key has not sealed under this name is nothing.
func TestForged(t *testing.T) {
	k, at := keyOf(t, someSecret), time.Unix(1e9, 0)
	good := sealed(t, k, `[{"user":"ada"}]`, at)
	if content, made, ok := k.unseal(here, good); !ok || !made.Equal(at) ||
		content != `[{"user":"ada"}]` {
		t.Fatalf("its own: %q, %v, %v", content, made, ok)
	}
	raw, _ := coding.DecodeString(good)
	flipped := func(i int) string {
		b := append([]byte(nil), raw...)
		b[i] ^= 1
		return coding.EncodeToString(b)
	}
	named, _ := k.seal(cookie{name: "visitor", path: "/"}, `[{"user":"ada"}]`, at)
	mounted, _ := k.seal(cookie{name: "session", path: "/shop"}, `[{"user":"ada"}]`, at)
	for name, text := range map[string]string{
		"empty":             "",
		"one octet":         "AQ",
		"cut off":           good[:len(good)-4],
		"only the head":     good[:overhead-10],
		"longer":            good + "AAAA",
		"of another key":    sealed(t, keyOf(t, otherSecret), `[{}]`, at),
		"another name's":    named,
		"another mount's":   mounted,
		"another version":   flipped(0),
		"another salt":      flipped(1),
		"another time":      flipped(1 + saltBytes),
		"another content":   flipped(1 + saltBytes + timeBytes),
		"another tag":       flipped(len(raw) - 1),
		"a bit that is not": good[:len(good)-1] + string(good[len(good)-1]+1),
		"padded":            base64.URLEncoding.EncodeToString(raw) + "=",
		"other alphabet":    strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+/",
		"no base64":         "not base64!",
		"in quotes":         `"` + good + `"`,
		"JSON":              `[{"user":"ada"}]`,
		"of Flask":          "eyJ1c2VyIjoiYWRhIn0.ZfVxQw.c2lnbmF0dXJl",
		"much too long":     strings.Repeat("A", 1<<20),
		"line breaks":       good[:8] + "\r\n" + good[8:],
	} {
		if content, _, ok := k.unseal(here, text); ok {
			t.Errorf("%s: it says %q", name, content)
		}
	}
}

// TestSealsDiffer checks that a cookie tells nothing but its length: the same content is another
// text each time.
func TestSealsDiffer(t *testing.T) {
	k, at := keyOf(t, someSecret), time.Unix(1e9, 0)
	a, b := sealed(t, k, "same", at), sealed(t, k, "same", at)
	if a == b || len(a) != len(b) || a[:1] != b[:1] || a[2:20] == b[2:20] {
		t.Errorf("%s and %s", a, b)
	}
}

// TestContent checks what of a cookie that is ours is a session: one that another version has made,
// perhaps, or that an author has sealed by the same secret.
func TestContent(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 2000) + "1" + strings.Repeat("}", 2000)
	for text, want := range map[string]string{
		`[{}]`:                        `{} ()`,
		`[{"a":[1,2.5,null,true]}]`:   `{"a": [1, 2.5, None, True]} ()`,
		`[{},["info","hi"]]`:          `{} (("info", "hi"),)`,
		`[{"a":1},["a","b"],["",""]]`: `{"a": 1} (("a", "b"), ("", ""))`,
		`[{"a":1,"a":2}]`:             `{"a": 2} ()`,
		``:                            "", `{}`: "", `[]`: "", `[1]`: "", `[{},1]`: "", `[{},["a"]]`: "",
		`[{},["a",1]]`: "", `[{},["a","b","c"]]`: "", `[{}`: "", `[{}] x`: "", "null": "",
		deep: "", "[" + deep + "]": "", strings.Repeat("[", 3000): "",
		`[{"n":1` + strings.Repeat("0", 5000) + `}]`:     "",
		"[{\"a\":\"" + strings.Repeat("x", 5000) + `"}]`: "",
	} {
		got := ""
		if data, flashes, ok := decode(text, inCookie); ok {
			got = data.String() + " " + flashes.String()
		}
		if got != want {
			t.Errorf("%.60s: got %q, want %q", text, got, want)
		}
	}
}

// FuzzCookies checks that no field Cookie is more than an empty session, or what a key has sealed.
func FuzzCookies(f *testing.F) {
	at := time.Unix(1e9, 0)
	a := &sessions{keys: []*key{keyOf(f, someSecret), keyOf(f, otherSecret)}, name: "session",
		now: func() time.Time { return at }}
	good := sealed(f, a.keys[1], `[{"user":"ada"}]`, at)
	for _, header := range []string{
		"", "session", "session=", "session=" + good, "a=b; session=" + good + "; session=x",
		"session=AA; session=AAAA;session=\"" + good + "\"", " session = " + good, ";;=;",
		"session=" + good[:30], "SESSION=" + good,
	} {
		f.Add(header, []byte("[{}]"))
	}
	f.Fuzz(func(t *testing.T, header string, content []byte) {
		if text, ok := a.find(a.cookie("http", ""), header); ok && text != `[{"user":"ada"}]` {
			t.Errorf("%q is %q", header, text)
		}
		data, flashes, ok := decode(string(content), inCookie)
		if !ok {
			return
		}
		text, err := encode(data, flashes, inCookie)
		if err != nil {
			return // deeper than a session may be
		}
		if again, _, ok := decode(text, inCookie); text != "" && (!ok || again.String() != data.String()) {
			t.Errorf("%q: %v, then %v", content, data, again)
		}
	})
}

// BenchmarkCookie is what a request pays that reads its session.
func BenchmarkCookie(b *testing.B) {
	at := time.Unix(1e9, 0)
	a := &sessions{keys: []*key{keyOf(b, someSecret)}, name: "session",
		now: func() time.Time { return at }}
	c := a.cookie("http", "")
	header := "theme=dark; session=" + sealed(b, a.keys[0], `[{"cart":["tea","milk"],"user":"ada"}]`, at)
	b.Run("open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if text, ok := a.find(c, header); !ok {
				b.Fatal(text)
			} else if _, _, ok := decode(text, inCookie); !ok {
				b.Fatal(text)
			}
		}
	})
	b.Run("seal", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := a.seal(c, `[{"cart":["tea","milk"],"user":"ada"}]`); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("forged", func(b *testing.B) {
		forged := "session=" + strings.Repeat("session="+strings.Repeat("A", 4000)+"; ", maxTries)
		for b.Loop() {
			if text, ok := a.find(c, forged); ok {
				b.Fatal(text)
			}
		}
	})
}
