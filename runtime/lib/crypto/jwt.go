package crypto

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
	"go.starlark.net/starlark"
)

// The algorithms of jwt_verify, each for one kind of key.
const (
	hs256 = "HS256"
	rs256 = "RS256"
	es256 = "ES256"
)

// maxJWT is how long a token may be. Servers take 8 to 64 KiB of fields.
const maxJWT = 64 << 10

func jwtMember() host.Member {
	text := func(name, doc, typ string) host.Param {
		return host.Param{Name: name, Doc: doc, Type: typ, Default: starlark.None, Pass: host.ByName}
	}
	return host.Member{
		Name: "jwt_verify",
		Doc: "Returns the claims of a JSON Web Token (RFC 7519) that somebody else issued. What " +
			"kind of key it is decides which algorithm is accepted, and not what the token says; " +
			"exp, nbf and iat must fit the time.",
		Params: []host.Param{
			{Name: "token", Doc: "the token, as a client sent it", Type: "string"},
			{
				Name: "key",
				Doc: "a secret of 32 characters or more for HS256; for the others the public key of " +
					"the issuer as PEM, or a JWKS (RFC 7517) as a dict or its JSON",
				Type: "string, bytes or dict",
			},
			{
				Name: "algorithms", Type: "list",
				Doc: `those that are accepted, of "HS256", "RS256" and "ES256"`,
			},
			text("audience", "who the token must be for, its aud, or several of whom one is enough; "+
				"a token for somebody is refused where none is named", "string, list or None"),
			text("issuer", "who must have issued it, its iss; None takes any", "string or None"),
			{
				Name:    "leeway",
				Doc:     "by how much clocks may differ, in seconds or a duration of @time",
				Type:    "int, float or duration",
				Default: starlark.MakeInt(0),
				Pass:    host.ByName,
			},
			{
				Name: "require",
				Doc:  "the claims that must be there; [] accepts a token that never expires",
				Type: "list", Default: starlark.Tuple{starlark.String("exp")}, Pass: host.ByName,
			},
			defaultParam("what is returned for a token that does not hold"),
		},
		Result: "a dict",
		Errors: []host.Failure{
			{When: "the key is none, too short, or no algorithm that is named goes with it"},
			{
				When: "the token does not hold (the error's kind is \"invalid\") or has expired " +
					"(\"expired\"), and there is no default; uncaught, the client gets 400",
			},
		},
		Example: `key = "a secret that has 32 characters."
jwt_verify("forged", key, ["HS256"])  # error: the token is malformed
jwt_verify("forged", key, ["HS256"], default = None)  # None
jwt_verify("forged", key, ["none"])  # error: algorithm "none": HS256, RS256 or ES256`,
		Fn: func(
			token string, key starlark.Value, algorithms []string,
			audience, issuer, leeway starlark.Value, require []string, other starlark.Value,
		) (starlark.Value, error) {
			b := bearer{algorithms: algorithms, require: require}
			var err error
			if b.keys, err = verificationKeys(key); err != nil {
				return nil, err
			}
			if err = b.check(); err != nil {
				return nil, err
			}
			late, err := duration("leeway", leeway)
			if err != nil {
				return nil, err
			}
			options := []jwt.ParserOption{
				jwt.WithValidMethods(algorithms), jwt.WithIssuedAt(), jwt.WithLeeway(late),
				jwt.WithStrictDecoding(),
			}
			if b.audience = audience != starlark.None; b.audience {
				ours, err := names("audience", audience)
				if err != nil {
					return nil, err
				}
				options = append(options, jwt.WithAudience(ours...))
			}
			if issuer != starlark.None {
				theirs, ok := starlark.AsString(issuer)
				if !ok || theirs == "" {
					return nil, fmt.Errorf("issuer is %s: want the name of one", host.Show(issuer))
				}
				options = append(options, jwt.WithIssuer(theirs))
			}
			v, err := b.verify(token, jwt.NewParser(options...))
			return otherwise(v, err, other)
		},
	}
}

// names are one or several that a script gives.
func names(param string, v starlark.Value) ([]string, error) {
	if name, ok := starlark.AsString(v); ok && name != "" {
		return []string{name}, nil
	}
	var all []string
	if err := host.Unpack(v, &all); err != nil || len(all) == 0 || slices.Contains(all, "") {
		return nil, fmt.Errorf("%s is %s: want a name, or a list of names", param, host.Show(v))
	}
	return all, nil
}

// A bearer is what a token has to fit.
type bearer struct {
	keys       []verificationKey
	algorithms []string
	require    []string
	audience   bool // one is named
}

// check finds what is wrong with the algorithms that the script names.
func (b *bearer) check() error {
	if len(b.algorithms) == 0 {
		return errors.New("algorithms names none: HS256, RS256 or ES256")
	}
	for _, name := range b.algorithms {
		if !slices.Contains([]string{hs256, rs256, es256}, name) {
			return fmt.Errorf("algorithm %q: HS256, RS256 or ES256", name)
		}
	}
	var have []string
	for _, k := range b.keys {
		if slices.Contains(b.algorithms, k.algorithm) {
			return nil
		}
		if !slices.Contains(have, k.algorithm) {
			have = append(have, k.algorithm)
		}
	}
	return fmt.Errorf("the key is for %s, and algorithms names only %s",
		strings.Join(have, " and "), strings.Join(b.algorithms, ", "))
}

// verify returns the claims of a token that holds.
func (b *bearer) verify(token string, parser *jwt.Parser) (starlark.Value, error) {
	if len(token) > maxJWT {
		return nil, refuse(invalid, "the token is longer than %d bytes", maxJWT)
	}
	parsed, err := parser.Parse(token, b.find)
	var own *refusal
	switch {
	case errors.As(err, &own):
		return nil, own
	case errors.Is(err, jwt.ErrTokenExpired):
		return nil, refuse(expired, "the token has expired")
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return nil, refuse(invalid, "the token is for a time to come")
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return nil, refuse(invalid, "the token is for another audience")
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return nil, refuse(invalid, "the token is of another issuer")
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return nil, refuse(invalid, "the token lacks a claim: %s", lacking(err))
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return nil, refuse(invalid, "the token was not signed with this key and an algorithm that "+
			"is accepted")
	case err != nil:
		return nil, refuse(invalid, "the token is malformed")
	}
	if err := b.claims(parsed.Claims.(jwt.MapClaims)); err != nil {
		return nil, err
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		return nil, refuse(invalid, "the token is malformed")
	}
	v, err := json.Limits{Depth: 100}.Decode(string(text))
	if err != nil {
		return nil, refuse(invalid, "the claims are malformed: %v", err)
	}
	return v, nil
}

// lacking is the name of the claim that is missing.
func lacking(err error) string {
	for _, name := range []string{"aud", "iss", "exp"} {
		if strings.Contains(err.Error(), name+" claim is required") {
			return name
		}
	}
	return "one that is required"
}

// claims checks what the library does not.
func (b *bearer) claims(c jwt.MapClaims) error {
	for _, name := range b.require {
		if v, ok := c[name]; !ok || v == nil || v == "" {
			return refuse(invalid, "the token lacks a claim: %s", name)
		}
	}
	for _, name := range []string{"exp", "nbf", "iat"} {
		// The library takes 0 for a time that is not there, and one beyond int64 for any.
		if at, ok := c[name].(float64); ok && (name == "exp" && at == 0 || math.Abs(at) > 1e12) {
			return refuse(expired, "the token has expired")
		}
	}
	// RFC 7519, section 4.1.3: who "does not identify itself with a value in the aud claim when
	// this claim is present" must reject it.
	if aud, ok := c["aud"]; ok && !b.audience {
		return refuse(invalid, "the token is for the audience %.100q: name yours as audience", aud)
	}
	return nil
}

// find returns the keys with which the token may have been signed.
func (b *bearer) find(token *jwt.Token) (any, error) {
	// RFC 7515, section 4.1.11: what is listed in crit and not understood makes it invalid.
	if _, ok := token.Header["crit"]; ok {
		return nil, refuse(invalid, "the token wants extensions that are unknown here")
	}
	kid, named := token.Header["kid"].(string)
	var set jwt.VerificationKeySet
	for _, k := range b.keys {
		if k.algorithm == token.Method.Alg() && (!named || k.id == "" || k.id == kid) {
			set.Keys = append(set.Keys, k.key)
		}
	}
	return set, nil
}
