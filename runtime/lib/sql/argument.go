package sql

import (
	"database/sql/driver"
	"fmt"
	"math/big"
	"net/http"
	"time"

	"github.com/larkspur-web/larkspur/runtime/host/json"
	startime "go.starlark.net/lib/time"
	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// arguments returns what the driver is given for the values of a statement.
func (d *DB) arguments(st *statement, values starlark.Tuple) ([]driver.NamedValue, error) {
	if len(values) == 0 {
		return nil, nil
	}
	args := make([]driver.NamedValue, len(values))
	size := 0
	for i, v := range values {
		x, err := argument(v)
		if err == nil {
			args[i].Ordinal = i + 1
			args[i].Value, err = d.engine.argument(x)
		}
		if err != nil {
			which := fmt.Sprintf("the value of placeholder %d", i+1)
			if name := st.slots[i].name; name != "" {
				which = "the value of :" + name
			}
			e := &Error{Message: which + ": " + err.Error(), kind: KindUsage}
			if err == errNUL {
				e.kind, e.status = KindData, http.StatusBadRequest
			}
			return nil, e
		}
		if size += sizeOf(v); size > d.limits.Bytes {
			return nil, limited("the values that are passed have more than %d bytes", d.limits.Bytes)
		}
	}
	return args, nil
}

// argument returns the Go value that says the same as v: nil, a bool, int64, float64, string, []byte,
// time.Time in UTC, time.Duration, a *big.Int of what is no int64, or a list. A dict, and what else
// holds values by name, is its JSON.
func argument(v starlark.Value) (any, error) {
	switch v := v.(type) {
	case starlark.NoneType:
		return nil, nil
	case starlark.Bool:
		return bool(v), nil
	case starlark.Int:
		if n, ok := v.Int64(); ok {
			return n, nil
		}
		return v.BigInt(), nil
	case starlark.Float:
		return float64(v), nil
	case starlark.String:
		return string(v), nil
	case starlark.Bytes:
		return []byte(v), nil
	case startime.Time:
		return time.Time(v).UTC().Truncate(time.Microsecond), nil
	case startime.Duration:
		return time.Duration(v), nil
	case starlark.Tuple: // as Python's drivers want all values; as one it is never meant
		return nil, fmt.Errorf("it is a tuple: pass each value by itself, as in " +
			"query(\"... WHERE a = ? AND b = ?\", a, b), or *values; a list is passed as JSON")
	case *starlark.List, *starlark.Set:
		text, err := json.Encode(v)
		return list{text, v.(starlark.Iterable)}, err
	case starlark.IterableMapping, *starlarkstruct.Struct:
		return json.Encode(v)
	}
	return nil, fmt.Errorf("a %s cannot be passed; what can are None, bool, int, float, string, "+
		"bytes, a time, a duration, and lists and dicts of them, as JSON", v.Type())
}

// A list is one that is passed: as JSON, or where PostgreSQL wants an array, as that.
type list struct {
	json     string
	elements starlark.Iterable
}

// tooBig is the error of an int that a database has no type for.
func tooBig(n *big.Int) error {
	return fmt.Errorf("an int of %d bits does not fit an INTEGER, which has 64: pass str(n) for a "+
		"column of TEXT", n.BitLen())
}

// sqliteTime is how times are written to SQLite: as CURRENT_TIMESTAMP does, in UTC, and with six
// digits more where they are not of a whole second, so that they are in order as text.
func sqliteTime(t time.Time) string {
	if t.Nanosecond() == 0 {
		return t.Format(time.DateTime)
	}
	return t.Format("2006-01-02 15:04:05.000000")
}
