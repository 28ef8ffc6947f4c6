package sql

import (
	"math/big"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host/json"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
)

// decoded returns what a text of JSON says, frozen; the text itself if it is none.
func decoded(text string) starlark.Value {
	v, err := json.Decode(text)
	if err != nil {
		return starlark.String(text)
	}
	v.Freeze()
	return v
}

// duration returns a number of nanoseconds as @time has it.
func duration(n int64) starlark.Value { return startime.Duration(time.Duration(n)) }

// number returns what PostgreSQL writes of a NUMERIC: an int if it has no point, of any size. Another
// one is the text, exactly as it is: no float could keep it.
func number(text string) starlark.Value {
	if digits := strings.TrimPrefix(text, "-"); digits != "" && strings.Trim(digits, "0123456789") == "" {
		if n, ok := new(big.Int).SetString(text, 10); ok {
			return starlark.MakeBigInt(n)
		}
	}
	return starlark.String(text)
}
