package sql

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"go.starlark.net/starlark"
)

// An array is a list that is passed to PostgreSQL: an array where one is wanted, else the text of its
// JSON. The driver asks for the one or the other when the server has said which type it wants.
type array struct {
	text     string
	elements []any
}

var (
	_ pgtype.ArrayGetter = (*array)(nil)
	_ fmt.Stringer       = (*array)(nil)
)

// newArray takes the elements of l apart, as far as they may be those of an array.
func newArray(l list) (any, error) {
	a := &array{text: l.json}
	for v := range starlark.Elements(l.elements) {
		x, err := argument(v)
		if err != nil {
			return nil, fmt.Errorf("at index %d: %w", len(a.elements), err)
		}
		switch own := x.(type) {
		case list:
			x = own.json // arrays of arrays are not passed
		case *big.Int:
			x = own.String()
		case float64:
			x = strconv.FormatFloat(own, 'g', -1, 64)
		}
		a.elements = append(a.elements, x)
	}
	return a, nil
}

// Dimensions is of pgtype.ArrayGetter.
func (a *array) Dimensions() []pgtype.ArrayDimension {
	if len(a.elements) == 0 {
		return []pgtype.ArrayDimension{} // none; nil would be NULL
	}
	return []pgtype.ArrayDimension{{Length: int32(len(a.elements)), LowerBound: 1}}
}

// Index is of pgtype.ArrayGetter.
func (a *array) Index(i int) any { return a.elements[i] }

// IndexType is of pgtype.ArrayGetter.
func (a *array) IndexType() any {
	if len(a.elements) == 0 {
		return nil
	}
	return a.elements[0]
}

// String is what the driver sends where it knows no other way: as a text.
func (a *array) String() string { return a.text }

// MarshalJSON is for a placeholder of JSON.
func (a *array) MarshalJSON() ([]byte, error) { return []byte(a.text), nil }

// deepest is how deep an array may be nested: PostgreSQL has six dimensions.
const deepest = 6

// arrayOf returns the list that an array is which PostgreSQL wrote, frozen, whose elements are of the
// type of that name; the text itself if it is none that is understood.
func arrayOf(text, element string) starlark.Value {
	p := arrayParser{text: text, element: element}
	if i := strings.Index(text, "]={"); strings.HasPrefix(text, "[") && i > 0 {
		p.at = i + len("]=") // the bounds, as in [2:3]={1,2}
	}
	v, err := p.list(1)
	if err != nil || p.at != len(text) {
		return starlark.String(text)
	}
	v.Freeze()
	return v
}

var errArray = errors.New("not an array")

// An arrayParser reads {1,NULL,"a \"b\""}.
type arrayParser struct {
	text    string
	at      int
	element string
}

// next reports whether the next byte is c, and goes behind it if it is.
func (p *arrayParser) next(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *arrayParser) list(depth int) (*starlark.List, error) {
	if depth > deepest || !p.next('{') {
		return nil, errArray
	}
	var all []starlark.Value
	if p.next('}') {
		return starlark.NewList(all), nil
	}
	for {
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
		if p.next('}') {
			return starlark.NewList(all), nil
		}
		if !p.next(p.delimiter()) {
			return nil, errArray
		}
	}
}

// delimiter is a comma for all types but one.
func (p *arrayParser) delimiter() byte {
	if p.element == "BOX" {
		return ';'
	}
	return ','
}

func (p *arrayParser) value(depth int) (starlark.Value, error) {
	if p.at < len(p.text) && p.text[p.at] == '{' {
		return p.list(depth + 1)
	}
	if p.next('"') {
		var b strings.Builder
		for p.at < len(p.text) {
			c := p.text[p.at]
			p.at++
			switch {
			case c == '"':
				return scalar(b.String(), p.element), nil
			case c == '\\' && p.at < len(p.text):
				c = p.text[p.at]
				p.at++
			}
			b.WriteByte(c)
		}
		return nil, errArray
	}
	n := strings.IndexAny(p.text[p.at:], string(p.delimiter())+"}")
	if n <= 0 {
		return nil, errArray
	}
	word := p.text[p.at : p.at+n]
	p.at += n
	if word == "NULL" {
		return starlark.None, nil
	}
	return scalar(word, p.element), nil
}

// scalar returns the value that a text of PostgreSQL is, of a type of that name.
func scalar(s, typeName string) starlark.Value {
	switch typeName {
	case "INT2", "INT4", "INT8", "OID", "NUMERIC":
		return number(s)
	case "FLOAT4", "FLOAT8":
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return starlark.Float(f)
		}
	case "BOOL":
		return starlark.Bool(s == "t")
	case "JSON", "JSONB":
		return decoded(s)
	case "INTERVAL":
		return interval(s)
	case "BYTEA", "DATE", "TIMESTAMP", "TIMESTAMPTZ":
		return typed(s, typeName)
	}
	return starlark.String(s)
}

// typed is scalar for what is not as simple as it looks.
func typed(s, typeName string) starlark.Value {
	switch typeName {
	case "BYTEA":
		if raw, err := hex.DecodeString(strings.TrimPrefix(s, `\x`)); err == nil {
			return starlark.Bytes(raw)
		}
	case "DATE":
		if t, err := time.Parse(time.DateOnly, s); err == nil {
			return plain(t)
		}
	case "TIMESTAMP":
		if t, err := time.Parse("2006-01-02 15:04:05.999999", s); err == nil {
			return plain(t)
		}
	case "TIMESTAMPTZ":
		for _, zone := range []string{"-07", "-07:00", "-07:00:00"} {
			if t, err := time.Parse("2006-01-02 15:04:05.999999"+zone, s); err == nil {
				return plain(t)
			}
		}
	}
	return starlark.String(s)
}
