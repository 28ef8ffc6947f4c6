package crypto

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	startime "go.starlark.net/lib/time"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func signMember() host.Member {
	return host.Member{
		Name: "sign",
		Doc: "Writes a value as a text that anybody can read, but only a holder of the key can " +
			"make, as itsdangerous does: for a link in a mail, say. The time is in it too.",
		Params: []host.Param{keyParam("key"), valueParam(), purposeParam()},
		Result: "a string of letters, digits, -, _ and two dots",
		Errors: []host.Failure{
			{When: "the key is shorter than 32 characters"},
			{When: "the value has no JSON, or too long a one"},
		},
		Example: `key = token()
link = "/reset/" + sign(key, "ann@example.org", purpose = "reset")`,
		Fn: func(key, value starlark.Value, purpose string) (string, error) {
			keys, err := secrets(key)
			if err != nil {
				return "", err
			}
			payload, err := valueLimits.Encode(value)
			if err != nil {
				return "", err
			}
			text := base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." +
				strconv.FormatInt(time.Now().Unix(), 36)
			return text + "." + signature(keys[0], purpose, text), nil
		},
	}
}

func verifyMember() host.Member {
	return host.Member{
		Name: "verify",
		Doc:  "Returns the value that sign wrote with the same key and purpose.",
		Params: []host.Param{
			keyParam("key"),
			{Name: "signed", Doc: "what sign returned"},
			{
				Name: "max_age",
				Doc: "how old it may be, in seconds or a duration of @time; None, the default, " +
					"sets no bound",
				Type:    "int, float, duration or None",
				Default: starlark.None,
			},
			purposeParam(),
			defaultParam("what is returned if the text is too old or not signed with the key"),
		},
		Result: "the value",
		Errors: []host.Failure{
			{When: "the key is shorter than 32 characters"},
			{
				When: "sign did not make the text with this key (the error's kind is \"invalid\"), " +
					"or it is too old (\"expired\"), and there is no default; uncaught, the client " +
					"gets 400",
			},
		},
		Example: `key = token()
verify(key, sign(key, [7]), max_age = 3600)  # [7]
verify(key, sign(token(), 7))  # error: the text was not signed with this key
verify(key, "forged", default = None)  # None`,
		Fn: func(
			key starlark.Value, signed string, age starlark.Value, purpose string, other starlark.Value,
		) (starlark.Value, error) {
			keys, err := secrets(key)
			if err != nil {
				return nil, err
			}
			most, err := duration("max_age", age)
			if err != nil {
				return nil, err
			}
			v, err := unsign(keys, signed, purpose, age != starlark.None, most)
			return otherwise(v, err, other)
		},
	}
}

// signature is that of a text, by the key.
func signature(key, purpose, text string) string {
	mac := hmac.New(sha256.New, derive(key, "sign", purpose))
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func unsign(
	keys []string, signed, purpose string, bounded bool, most time.Duration,
) (starlark.Value, error) {
	forged := refuse(invalid, "the text was not signed with this key, or for something else")
	end := strings.LastIndexByte(signed, '.')
	if end < 0 || len(signed) > maxText {
		return nil, forged
	}
	text, found := signed[:end], false
	for _, key := range keys {
		want := signature(key, purpose, text)
		found = found || hmac.Equal([]byte(want), []byte(signed[end+1:]))
	}
	if !found {
		return nil, forged
	}
	payload, at, _ := strings.Cut(text, ".")
	made, err := strconv.ParseInt(at, 36, 64)
	if err != nil {
		return nil, forged
	}
	if age := time.Since(time.Unix(made, 0)); bounded && age > most {
		return nil, refuse(expired, "the text is older than %v", most)
	}
	plain, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return nil, forged
	}
	return valueLimits.Decode(string(plain))
}

// duration is a number of seconds or a duration of @time; 0 for None.
func duration(name string, v starlark.Value) (time.Duration, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return 0, nil
	case startime.Duration:
		if v >= 0 {
			return time.Duration(v), nil
		}
	case starlark.Int, starlark.Float:
		seconds, _ := starlark.AsFloat(v)
		if seconds >= 0 && seconds < time.Duration(1<<63-1).Seconds() {
			return time.Duration(seconds * float64(time.Second)), nil
		}
	default:
		return 0, fmt.Errorf("%s is %s: want seconds or a duration", name, v.Type())
	}
	return 0, fmt.Errorf("%s is %s: want a time from 0 on", name, v)
}
