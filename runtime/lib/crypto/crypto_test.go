package crypto_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/crypto"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

const key = "a key that has 32 characters, or"

// eval evaluates an expression in which the members of the module are known, key, and what more
// has.
func eval(t testing.TB, expr string, more starlark.StringDict) (starlark.Value, error) {
	t.Helper()
	env, err := crypto.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	env["key"] = starlark.String(key)
	env["hour"] = startime.Duration(time.Hour)
	for name, v := range more {
		env[name] = v
	}
	return starlark.EvalOptions(&syntax.FileOptions{Recursion: true}, new(starlark.Thread), "expr", expr, env)
}

// show is the value of an expression, or its error.
func show(t testing.TB, expr string, more starlark.StringDict) string {
	t.Helper()
	v, err := eval(t, expr, more)
	if err != nil {
		return "error: " + err.Error()
	}
	return v.String()
}

type test struct{ expr, want string }

func run(t *testing.T, tests []test) {
	t.Helper()
	for _, test := range tests {
		got := show(t, test.expr, nil)
		if got != test.want && !(strings.HasSuffix(test.want, "...") && strings.HasPrefix(got, strings.TrimSuffix(test.want, "..."))) {
			t.Errorf("%.200s\n got %s\nwant %s", test.expr, got, test.want)
		}
	}
}

// The digests are those of FIPS 180-4 and NIST's examples, the codes those of RFC 4231.
func TestDigests(t *testing.T) {
	run(t, []test{
		{`sha256("")`, `"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"`},
		{`sha256(b"abc")`, `"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"`},
		{`sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")`,
			`"248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"`},
		{`sha256("a" * 1000000)`, `"cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"`},
		{`sha384("abc")`, `"cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"`},
		{`sha512("abc")`, `"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"`},
		{`sha256("abc", encoding = "bytes") == sha256("abc", encoding = "bytes"), len(sha256("abc", encoding = "bytes"))`, `(True, 32)`},
		{`sha256("abc", encoding = "base64url")`, `"ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0"`},
		{`sha256("abc", encoding = "hax")`, `error: sha256: encoding "hax": hex, base64, base64url or bytes`},
		{`sha256(1)`, `error: sha256: for parameter data: got int, want bytes or string`},
		// RFC 4231, test cases 1 to 4, 6 and 7.
		{`hmac(b"\x0b" * 20, "Hi There")`, `"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"`},
		{`hmac(b"\x0b" * 20, "Hi There", "sha512")`, `"87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"`},
		{`hmac("Jefe", "what do ya want for nothing?")`, `"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"`},
		{`hmac("Jefe", "what do ya want for nothing?", hash = "sha384")`, `"af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"`},
		{`hmac(b"\xaa" * 20, b"\xdd" * 50)`, `"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"`},
		{`hmac(b"\xaa" * 131, "Test Using Larger Than Block-Size Key - Hash Key First")`, `"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"`},
		{`hmac(b"\xaa" * 131, "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.")`, `"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"`},
		// RFC 2202, test case 2.
		{`hmac("Jefe", "what do ya want for nothing?", "sha1")`, `"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"`},
		{`hmac("", "x")`, `error: hmac: the key is empty`}, {`hmac("k", "x", "md5")`, `error: hmac: hash "md5": sha256, sha384, sha512 or sha1`},
		{`equal("a", b"a"), equal("a", "b"), equal("", ""), equal("a", "aa")`, `(True, False, True, False)`},
		{`equal("a", None)`, `error: equal: for parameter b: got NoneType, want bytes or string`},
	})
}

func TestTokens(t *testing.T) {
	run(t, []test{
		{`len(token()), len(token(n = 1)), len(token(1024))`, `(43, 2, 1366)`},
		{`token(0)`, `error: token: 0 bytes: from 1 to 1024`}, {`token(1025)`, `error: token: 1025 bytes: from 1 to 1024`},
		{`token("a")`, `error: token: for parameter n: got string, want int`},
		{`uuid()[14], uuid()[19] in "89ab", uuid7()[14], uuid() != uuid()`, `("4", True, "7", True)`},
	})
}

func TestPasswords(t *testing.T) {
	const stored = `$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc`
	run(t, []test{
		// From the tests of the reference implementation, github.com/P-H-C/phc-winner-argon2.
		{`verify_password("password", "` + stored + `")`, `True`}, {`verify_password("differentpassword", "` + stored + `")`, `False`},
		{`verify_password("", "` + stored + `"), verify_password("x" * 5000, "` + stored + `")`, `(False, False)`},
		{`hash_password("x") != hash_password("x")`, `True`}, {`(lambda h: (len(h), verify_password("x", h), verify_password("y", h)))(hash_password("x"))`, `(97, True, False)`},
		{`hash_password("")`, `error: hash_password: the password is empty`},
		{`hash_password("x" * 4097)`, `error: hash_password: the password is longer than 4096 bytes`},
		{`verify_password("x", "")`, `error: verify_password: the hash is none of argon2id...`},
		{`verify_password("x", "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW")`, `error: verify_password: the hash is none of argon2id...`},
		{`verify_password("x", "` + strings.Replace(stored, "id", "i", 1) + `")`, `error: verify_password: the hash is none of argon2id...`},
		{`verify_password("x", "` + strings.Replace(stored, "19", "16", 1) + `")`, `error: verify_password: the hash is of another version...`},
		{`verify_password("x", "` + strings.Replace(stored, "65536", "4194304", 1) + `")`, `error: verify_password: the hash asks for 4194304 KiB...`},
		{`verify_password("x", "` + strings.Replace(stored, "65536", "4294967296", 1) + `")`, `error: verify_password: the hash is none...`},
		{`verify_password("x", "` + strings.Replace(stored, "m=65536", "m=7", 1) + `")`, `error: verify_password: the hash asks for 7 KiB...`},
		{`verify_password("x", "` + strings.Replace(stored, "t=2", "t=1000000", 1) + `")`, `error: verify_password: the hash asks for...`},
		{`verify_password("x", "` + strings.Replace(stored, "t=2", "t=0", 1) + `")`, `error: verify_password: the hash asks for...`},
		{`verify_password("x", "` + strings.Replace(stored, "p=1", "p=0", 1) + `")`, `error: verify_password: the hash asks for...`},
		{`verify_password("x", "` + strings.Replace(stored, "p=1", "p=255", 1) + `")`, `error: verify_password: the hash asks for...`},
		{`verify_password("x", "` + strings.Replace(stored, "t=2", "t=+2", 1) + `")`, `error: verify_password: the hash is none...`},
		{`verify_password("x", "` + strings.Replace(stored, "c29tZXNhbHQ", "YQ", 1) + `")`, `error: verify_password: the hash has a salt of 1 bytes...`},
		{`verify_password("x", "` + stored + `$")`, `error: verify_password: the hash is none...`},
		{`verify_password("x", "` + strings.Replace(stored, "CTFh", "CT!h", 1) + `")`, `error: verify_password: the hash is none...`},
	})
}

// TestPasswordsAtOnce: many wait for a few, and all get their answer.
func TestPasswordsAtOnce(t *testing.T) {
	env, err := crypto.Module().Values(new(host.Load))
	if err != nil {
		t.Fatal(err)
	}
	env.Freeze()
	hash, err := starlark.Call(new(starlark.Thread), env["hash_password"], starlark.Tuple{starlark.String("x")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			password := starlark.String([]string{"x", "y"}[i%2])
			ok, err := starlark.Call(new(starlark.Thread), env["verify_password"], starlark.Tuple{password, hash}, nil)
			if err != nil || ok != starlark.Bool(i%2 == 0) {
				t.Errorf("%s: %v, %v", password, ok, err)
			}
		})
	}
	all.Wait()
}

func TestSealed(t *testing.T) {
	run(t, []test{
		{`open(key, seal(key, {"a": [1, 2.5, None, "é"]}))`, `{"a": [1, 2.5, None, "é"]}`},
		{`open(key, seal(key, (1, 2)))`, `[1, 2]`}, {`open(key, seal(key, None), default = 1)`, `None`},
		{`seal(key, 1) != seal(key, 1)`, `True`}, {`open(bytes(key), seal(key, 1))`, `1`},
		{`open(key, seal(key, 1, purpose = "a"), purpose = "a")`, `1`},
		{`open(key, seal(key, 1, purpose = "a"), purpose = "b", default = 0)`, `0`},
		{`open([key + "new", key], seal(key, 1))`, `1`}, {`open(key, seal([key, key + "old"], 1))`, `1`},
		{`open(key + "new", seal(key, 1))`, `error: open: the text was not sealed with this key, or for something else`},
		{`[open(key, s, default = 0) for s in ["", "AAAA", "é", "A" * 100, seal(key, 1) + "A", seal(key, 1)[:-2], "A" * 3000000]]`, `[0, 0, 0, 0, 0, 0, 0]`},
		{`open(key, sign(key, 1), default = 0)`, `0`}, {`verify(key, seal(key, 1), default = 0)`, `0`},
		{`seal("short", 1)`, `error: seal: the key has 5 characters: at least 32, as token() makes one`},
		{`open("short", "x", default = 0)`, `error: open: the key has 5 characters: at least 32, as token() makes one`},
		{`seal([], 1)`, `error: seal: there are 0 keys: from 1 to 10`}, {`seal([1], 1)`, `error: seal: key 0 is int: want a string or bytes`},
		{`seal(1, 1)`, `error: seal: the key is int: want a string, bytes or a list of them`},
		{`seal(key, b"x")`, `error: seal: cannot encode bytes as JSON...`}, {`seal(key, "x" * 2000000)`, `error: seal: the JSON is longer than 1048576 bytes`},
		{`seal(key, float("nan"))`, `error: seal: cannot encode non-finite float nan`},
	})
}

// TestForged: whatever bit of a text is changed, it is refused.
func TestForged(t *testing.T) {
	for _, made := range []string{"seal", "sign"} {
		v, err := eval(t, made+`(key, {"user": 7})`, nil)
		if err != nil {
			t.Fatal(err)
		}
		read := map[string]string{"seal": "open", "sign": "verify"}[made]
		text := string(v.(starlark.String))
		for i := range len(text) {
			for _, c := range []byte{text[i] ^ 1, text[i] ^ 2, 'A', '.'} {
				changed := text[:i] + string(c) + text[i+1:]
				if changed == text {
					continue
				}
				_, err := eval(t, read+`(key, changed)`, starlark.StringDict{"changed": starlark.String(changed)})
				if host.KindOf(err) != "invalid" || host.StatusOf(err) != 400 {
					t.Fatalf("%s(%q), which was %q: %v", read, changed, text, err)
				}
			}
		}
	}
}

func TestSigned(t *testing.T) {
	run(t, []test{
		{`verify(key, sign(key, {"a": 1}))`, `{"a": 1}`}, {`sign(key, "ann").split(".")[0]`, `"ImFubiI"`},
		{`verify([key + "new", key], sign(key, 1), max_age = hour)`, `1`}, {`verify(key, sign(key, 1, purpose = "a"), default = 0)`, `0`},
		{`[verify(key, s, default = 0) for s in ["", ".", "..", "a.b.c", "IjEi.x", sign(key, 1) + "A"]]`, `[0, 0, 0, 0, 0, 0]`},
		{`verify(key, "x", max_age = "1h")`, `error: verify: max_age is string: want seconds or a duration`},
		{`verify(key, "x", max_age = -1)`, `error: verify: max_age is -1: want a time from 0 on`},
		{`verify(key, "x", max_age = float("nan"))`, `error: verify: max_age is nan: want a time from 0 on`},
	})
	synctest.Test(t, func(t *testing.T) {
		v, err := eval(t, `sign(key, 7)`, nil)
		if err != nil {
			t.Fatal(err)
		}
		env := starlark.StringDict{"s": v}
		time.Sleep(59 * time.Minute)
		if got := show(t, `verify(key, s, max_age = hour), verify(key, s)`, env); got != `(7, 7)` {
			t.Error(got)
		}
		time.Sleep(2 * time.Minute)
		_, err = eval(t, `verify(key, s, 3600)`, env)
		if host.KindOf(err) != "expired" || host.StatusOf(err) != 400 {
			t.Errorf("an old text: %v, a %s", err, host.KindOf(err))
		}
		if got := show(t, `verify(key, s, hour, default = 0), verify(key, s)`, env); got != `(0, 7)` {
			t.Error(got)
		}
	})
}

// FuzzOpen verifies that no text but one that was made opens, and none panics.
func FuzzOpen(f *testing.F) {
	for _, text := range []string{"", "a.b.c", "IjEi.rs3s7k.AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "eyJhbGciOiJub25lIn0.e30."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		env := starlark.StringDict{"text": starlark.String(text)}
		for _, expr := range []string{`open(key, text)`, `verify(key, text)`, `jwt_verify(text, key, ["HS256"])`} {
			if v, err := eval(t, expr, env); err == nil || host.Panicked(err) || host.KindOf(err) != "invalid" {
				t.Fatalf("%s of %q: %v, %v", expr, text, v, err)
			}
		}
		if _, err := eval(t, `jwt_verify("x", text, ["HS256", "RS256", "ES256"], default = 0)`, env); host.Panicked(err) {
			t.Fatalf("jwt_verify with the key %q: %v", text, err)
		}
	})
}
