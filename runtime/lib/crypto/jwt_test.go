package crypto_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// RFC 7515, appendices A.1, A.2 and A.3. They expired in 2011; the clock of the test says 2000.
const (
	a1Key   = `{"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`
	a1Token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	a2Key   = `{"kty": "RSA", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ", "e": "AQAB"}`
	a2Token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	a3Key   = `{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	a3Token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	aClaims = `{"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}`
)

func TestJWTVectors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := `{"keys": [` + a1Key + "," + a2Key + "," + a3Key + `, {"kty": "OKP", "crv": "Ed25519", "x": "AA"}]}`
		for _, v := range []struct{ token, key, algorithm string }{
			{a1Token, a1Key, "HS256"}, {a2Token, a2Key, "RS256"}, {a3Token, a3Key, "ES256"},
			{a1Token, all, "HS256"}, {a2Token, all, "RS256"}, {a3Token, all, "ES256"},
		} {
			env := starlark.StringDict{"token": starlark.String(v.token), "text": starlark.String(v.key)}
			for _, key := range []string{v.key, "text", "bytes(text)"} {
				expr := `jwt_verify(token, ` + key + `, ["` + v.algorithm + `"])`
				if got := show(t, expr, env); got != aClaims {
					t.Errorf("%.100s: %s", expr, got)
				}
			}
			for _, other := range []string{"HS256", "RS256", "ES256"} {
				if _, err := eval(t, `jwt_verify(token, text, ["`+other+`"])`, env); (err == nil) != (other == v.algorithm) {
					t.Errorf("%s with %s: %v", v.algorithm, other, err)
				}
			}
		}
	})
	_, err := eval(t, `jwt_verify("`+a1Token+`", `+a1Key+`, ["HS256"])`, nil)
	if host.KindOf(err) != "expired" || err.Error() != "jwt_verify: the token has expired" {
		t.Errorf("now: %v", err)
	}
}

// A signer makes tokens.
type signer struct{ t *testing.T }

func (s *signer) sign(method jwt.SigningMethod, key any, header, claims map[string]any) string {
	s.t.Helper()
	token := jwt.NewWithClaims(method, jwt.MapClaims(claims))
	for name, v := range header {
		token.Header[name] = v
	}
	text, err := token.SignedString(key)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

func toPEM(t *testing.T, key any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestJWTForged(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := &signer{t}
	public := toPEM(t, &private.PublicKey)
	now := time.Now().Unix()
	claims := func(more ...any) map[string]any {
		c := map[string]any{"exp": now + 3600, "sub": "ann"}
		for i := 0; i < len(more); i += 2 {
			c[more[i].(string)] = more[i+1]
		}
		return c
	}
	hs := func(c map[string]any) string { return s.sign(jwt.SigningMethodHS256, []byte(key), nil, c) }
	good := hs(claims())
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	none := b64([]byte(`{"alg":"none","typ":"JWT"}`))
	const hmacOnly, any3 = `key, ["HS256"]`, `["HS256", "RS256", "ES256"]`
	env := starlark.StringDict{
		"public": starlark.String(public), "ecpublic": starlark.String(toPEM(t, &ec.PublicKey)),
		"der":  starlark.Bytes(x509.MarshalPKCS1PublicKey(&private.PublicKey)),
		"flat": starlark.String(strings.ReplaceAll(public, "\n", " ")),
	}
	for name, test := range map[string]struct{ token, args, kind, want string }{
		"good":               {good, hmacOnly, "", ""},
		"good of RSA":        {s.sign(jwt.SigningMethodRS256, private, nil, claims()), `public, ["RS256"]`, "", ""},
		"good of EC":         {s.sign(jwt.SigningMethodES256, ec, nil, claims()), `ecpublic, ` + any3, "", ""},
		"no algorithm":       {none + "." + parts[1] + ".", hmacOnly, "invalid", "not signed with this key"},
		"None":               {b64([]byte(`{"alg":"None"}`)) + "." + parts[1] + ".", hmacOnly, "invalid", "not signed with this key"},
		"no algorithm, long": {none + "." + parts[1] + "." + parts[2], hmacOnly, "invalid", "not signed with this key"},
		// RFC 8725, section 2.1: the public key is taken for a secret.
		"confused":        {s.sign(jwt.SigningMethodHS256, []byte(public), nil, claims()), "public, " + any3, "invalid", "not signed with this key"},
		"confused, named": {s.sign(jwt.SigningMethodHS256, []byte(public), nil, claims()), `public, ["HS256"]`, "error", "the key is for RS256, and algorithms names only HS256"},
		"DER":             {good, "der, " + any3, "error", "write it as PEM"},
		"flat PEM":        {good, "flat, " + any3, "error", "are its line breaks there?"},
		"HS512":           {s.sign(jwt.SigningMethodHS512, []byte(key), nil, claims()), hmacOnly, "invalid", "not signed with this key"},
		"another key":     {s.sign(jwt.SigningMethodHS256, []byte(key+"x"), nil, claims()), hmacOnly, "invalid", "not signed with this key"},
		"expired":         {hs(claims("exp", now-10)), hmacOnly, "expired", "has expired"},
		"expired, leeway": {hs(claims("exp", now-10)), hmacOnly + ", leeway = 60", "", ""},
		"exp 0":           {hs(claims("exp", 0)), hmacOnly + ", require = []", "expired", "has expired"},
		"exp text":        {hs(claims("exp", "tomorrow")), hmacOnly, "invalid", "malformed"},
		"endless":         {hs(map[string]any{"sub": "x"}), hmacOnly, "invalid", "lacks a claim: exp"},
		"endless, taken":  {hs(map[string]any{"sub": "x"}), hmacOnly + ", require = []", "", ""},
		"no sub":          {hs(map[string]any{"exp": now + 10}), hmacOnly + `, require = ["exp", "sub"]`, "invalid", "lacks a claim: sub"},
		"too early":       {hs(claims("nbf", now+3600)), hmacOnly, "invalid", "for a time to come"},
		"nbf huge":        {hs(claims("nbf", 1e300)), hmacOnly, "expired", "has expired"},
		"issued later":    {hs(claims("iat", now+3600)), hmacOnly, "invalid", "for a time to come"},
		"for somebody":    {hs(claims("aud", "b")), hmacOnly, "invalid", "for the audience"},
		"for another":     {hs(claims("aud", "b")), hmacOnly + `, audience = "a"`, "invalid", "for another audience"},
		"for nobody":      {good, hmacOnly + `, audience = "a"`, "invalid", "lacks a claim: aud"},
		"for us":          {hs(claims("aud", []string{"b", "a"})), hmacOnly + `, audience = ["x", "a"]`, "", ""},
		"issuer":          {hs(claims("iss", "i")), hmacOnly + `, issuer = "i"`, "", ""},
		"another issuer":  {hs(claims("iss", "j")), hmacOnly + `, issuer = "i"`, "invalid", "of another issuer"},
		"no issuer":       {good, hmacOnly + `, issuer = "i"`, "invalid", "lacks a claim: iss"},
		"critical":        {s.sign(jwt.SigningMethodHS256, []byte(key), map[string]any{"crit": []string{"b64"}, "b64": false}, claims()), hmacOnly, "invalid", "extensions that are unknown"},
		"other key id":    {s.sign(jwt.SigningMethodHS256, []byte(key), map[string]any{"kid": "2"}, claims()), `{"kty": "oct", "k": "` + b64([]byte(key)) + `", "kid": "1"}, ["HS256"]`, "invalid", "not signed with this key"},
		"right key id":    {s.sign(jwt.SigningMethodHS256, []byte(key), map[string]any{"kid": "1"}, claims()), `{"kty": "oct", "k": "` + b64([]byte(key)) + `", "kid": "1", "alg": "HS256"}, ["HS256"]`, "", ""},
		"two parts":       {parts[0] + "." + parts[1], hmacOnly, "invalid", "malformed"},
		"four parts":      {good + ".x", hmacOnly, "invalid", "malformed"},
		"no base64":       {"é." + parts[1] + "." + parts[2], hmacOnly, "invalid", "malformed"},
		"loose base64":    {good + "=", hmacOnly, "invalid", "malformed"},
		"no JSON":         {b64([]byte("{")) + "." + parts[1] + "." + parts[2], hmacOnly, "invalid", "malformed"},
		"array":           {b64([]byte("[]")) + "." + parts[1] + "." + parts[2], hmacOnly, "invalid", "malformed"},
		"long":            {strings.Repeat("a", 1<<20), hmacOnly, "invalid", "longer than 65536 bytes"},
		"empty":           {"", hmacOnly, "invalid", "malformed"},
	} {
		env["token"] = starlark.String(test.token)
		_, err := eval(t, `jwt_verify(token, `+test.args+`)`, env)
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || host.KindOf(err) != test.kind):
			t.Errorf("%s: %v, a %s; want %s, a %s", name, err, host.KindOf(err), test.want, test.kind)
		}
		if test.kind != "" && test.kind != "error" && host.StatusOf(err) != 400 {
			t.Errorf("%s: the client gets %d", name, host.StatusOf(err))
		}
		if other := show(t, `jwt_verify(token, `+test.args+`, default = "no")`, env); test.kind != "" && test.kind != "error" && other != `"no"` {
			t.Errorf("%s: %s, want the default", name, other)
		}
	}
}

func TestJWTKeys(t *testing.T) {
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(p384)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"short": "the key has 5 characters", toPEM(t, &small.PublicKey): "the key of RSA has 1024 bits", toPEM(t, &p384.PublicKey): "of the curve P-384",
		toPEM(t, ed): "the key is a ed25519.PublicKey", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})): "PEM of a PRIVATE KEY",
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----": "PEM that cannot be read", "-----BEGIN": "begins as PEM does, and is none",
		"{": "begins as a JWKS does, and is none", "{}": `the JWK is of the kind ""`, `{"keys": []}`: "the JWKS has no keys", `{"keys": 1}`: `"keys" of the JWKS is int`,
		`{"keys": [1]}`: "key 0 of the JWKS is int", `{"kty": "oct"}`: `"k" of the JWK: it is missing`, `{"kty": "oct", "k": "AAAA"}`: "the key has 3 characters",
		`{"kty": "RSA", "n": "AQAB", "e": "AQAB"}`: "the key of RSA has 17 bits", `{"kty": "EC", "crv": "P-521"}`: `the curve "P-521"`,
		`{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}`: "no point of P-256", `{"kty": "OKP"}`: `of the kind "OKP"`,
		strings.Replace(a1Key, "{", `{"use": "enc", `, 1): `is for "enc"`, strings.Replace(a1Key, "{", `{"alg": "HS512", `, 1): `is for "HS512"`,
		"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ": "the key is a public key", "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA": "the key is a public key",
	} {
		_, err := eval(t, `jwt_verify("x", text, ["HS256", "RS256", "ES256"], default = 0)`, starlark.StringDict{"text": starlark.String(key)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %s", key, err, want)
		}
	}
	run(t, []test{
		{`jwt_verify("x", key, [])`, `error: jwt_verify: algorithms names none: HS256, RS256 or ES256`},
		{`jwt_verify("x", key, ["RS256", "ES256"])`, `error: jwt_verify: the key is for HS256, and algorithms names only RS256, ES256`},
		{`jwt_verify("x", key, ["HS512"])`, `error: jwt_verify: algorithm "HS512": HS256, RS256 or ES256`},
		{`jwt_verify("x", key)`, `error: jwt_verify: missing argument for algorithms`}, {`jwt_verify("x", 1, ["HS256"])`, `error: jwt_verify: the key is int: want a secret, PEM or a dict of JWKS`},
		{`jwt_verify("x", key, ["HS256"], audience = [])`, `error: jwt_verify: audience is []: want a name, or a list of names`},
		{`jwt_verify("x", key, ["HS256"], issuer = "")`, `error: jwt_verify: issuer is "": want the name of one`},
		{`jwt_verify("x", key, ["HS256"], leeway = "1")`, `error: jwt_verify: leeway is string: want seconds or a duration`},
	})
}
