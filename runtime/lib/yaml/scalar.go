package yaml

import (
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"go.starlark.net/starlark"
)

// maxDigits is how long a number may be as written: reading it takes the square of that.
const maxDigits = 4300

// The forms of numbers, YAML 1.2.2, section 10.3.2. The library reads those of YAML 1.1 too.
var (
	decimal  = regexp.MustCompile(`^[-+]?[0-9]+$`)
	octal    = regexp.MustCompile(`^0o[0-7]+$`)
	hex      = regexp.MustCompile(`^0x[0-9a-fA-F]+$`)
	floating = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
)

// plain returns the value of a scalar without quotes, by the core schema: YAML 1.2.2, section
// 10.3.2.
func plain(s string) starlark.Value {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return starlark.None
	case "true", "True", "TRUE":
		return starlark.True
	case "false", "False", "FALSE":
		return starlark.False
	case ".nan", ".NaN", ".NAN":
		return starlark.Float(math.NaN())
	}
	switch strings.TrimLeft(s, "+-") {
	case ".inf", ".Inf", ".INF":
		if strings.HasPrefix(s, "-") {
			return starlark.Float(math.Inf(-1))
		}
		if len(s) <= 5 {
			return starlark.Float(math.Inf(1))
		}
	}
	if v := number(s); v != nil {
		return v
	}
	return starlark.String(s)
}

// number returns the number that s is, nil if it is none.
func number(s string) starlark.Value {
	if len(s) == 0 || len(s) > maxDigits || !strings.ContainsAny(s[:1], "+-.0123456789") {
		return nil
	}
	base, digits := 10, s
	switch {
	case decimal.MatchString(s):
	case octal.MatchString(s):
		base, digits = 8, s[2:]
	case hex.MatchString(s):
		base, digits = 16, s[2:]
	case floating.MatchString(s):
		f, _ := strconv.ParseFloat(s, 64) // what is out of range is infinite, as in Python
		return starlark.Float(f)
	default:
		return nil
	}
	if i, err := strconv.ParseInt(digits, base, 64); err == nil {
		return starlark.MakeInt64(i)
	}
	i, ok := new(big.Int).SetString(digits, base)
	if !ok {
		return nil
	}
	return starlark.MakeBigInt(i)
}
