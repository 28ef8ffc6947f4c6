// Package csv is the host module @csv: tables as text, RFC 4180, as Python's csv reads and writes
// them. Both ways are bounded: a text has [maxText] bytes at most, a table host.MaxElements fields.
package csv

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

const (
	// maxText is how many bytes a text may have.
	maxText = 16 << 20
	// maxColumns is how many keys a row may have that is a dict. A client can choose them so that
	// all of them collide: those of less than 12 bytes are hashed without a seed.
	maxColumns = 500
)

// Module describes @csv.
func Module() *host.Module {
	return &host.Module{
		Name:    "csv",
		Doc:     "Tables as text with commas, as spreadsheets read and write them.",
		Members: []host.Member{readMember(), writeMember()},
		Whole:   true,
	}
}

// marks are the parameters that say what separates fields.
func marks() []host.Param {
	return []host.Param{
		{
			Name: "delimiter", Doc: `the character between fields, as ";" or "\t"`, Type: "string",
			Default: starlark.String(","),
		},
		{
			Name: "quotechar", Doc: "the character around fields that have a delimiter or a line " +
				"break in them; None if there is no such character",
			Type: "string or None", Default: starlark.String(`"`),
		},
	}
}

func readMember() host.Member {
	return host.Member{
		Name: "read",
		Doc: "Reads a table. Whatever the text is, it is one: what is no good CSV is read as " +
			"Python reads it, unless strict is True. A byte order mark is left out.",
		Params: append(append([]host.Param{{
			Name: "text", Doc: "the table, 16 MiB at most; bytes are taken for UTF-8",
			Type: "string or bytes",
		}}, marks()...),
			host.Param{
				Name: "header",
				Doc: "True if the first row has the names of the columns, or a list " +
					"of names if no row has: then each row is a dict, in which a field that is " +
					"missing is None, and those too many are a list under the key None; empty " +
					"rows are left out",
				Type: "bool or list", Default: starlark.False,
			},
			host.Param{
				Name: "skipinitialspace", Doc: "whether spaces behind a delimiter are left out",
				Type: "bool", Default: starlark.False,
			},
			host.Param{
				Name: "strict", Doc: "whether bad CSV is an error", Type: "bool",
				Default: starlark.False,
			},
		),
		Result: "a list of rows, each a list of strings or a dict; an empty line is an empty list",
		Errors: []host.Failure{
			{When: "the text has more than 16 MiB, or 1,048,576 fields"},
			{When: "there are more than 500 names of columns"},
			{When: "strict is True, and a quote does not end, or there is more behind its end"},
		},
		Example: `read("name,age\nAda,36\n")  # [["name", "age"], ["Ada", "36"]]
read("name,age\nAda,36\n", header = True)  # [{"name": "Ada", "age": "36"}]
read("Ada;36", delimiter = ";", header = ["name", "age"])  # [{"name": "Ada", "age": "36"}]
read('"say ""hi""\nto all",2')  # [["say \"hi\"\nto all", "2"]]
read('"a', strict = True)  # error: read: line 1: the quote does not end`,
		Pure: true,
		Fn:   read,
	}
}

func writeMember() host.Member {
	return host.Member{
		Name: "write",
		Doc: "Writes a table. None is an empty field; what is no string is written as str does. " +
			"A spreadsheet takes a field that begins with = for a formula: look at what " +
			"strangers wrote before you give it to one.",
		Params: append(append([]host.Param{{
			Name: "rows", Doc: "an iterable of rows, each an iterable of fields or a dict",
			Type: "iterable",
		}}, marks()...),
			host.Param{
				Name: "header",
				Doc: "the names of the columns, written as first row; None is the " +
					"keys of the first row if that is a dict, or else no such row",
				Type: "iterable", Default: starlark.None,
			},
			host.Param{
				Name: "lineterminator", Doc: "what each row ends with", Type: "string",
				Default: starlark.String("\r\n"),
			},
			host.Param{
				Name: "quoting",
				Doc: "which fields are quoted: minimal is those that must be, all is " +
					"all, nonnumeric is all but ints, floats and bools",
				Type: "string", Default: starlark.String("minimal"),
			},
		),
		Result: "a string",
		Errors: []host.Failure{
			{When: "a row is no iterable, or a field is bytes"},
			{When: "a dict has a key that is no column"},
			{When: "a field must be quoted, and quotechar is None"},
			{When: "the text would be longer than 16 MiB"},
		},
		Example: `write([["name", "age"], ["King, A.", 36]])  # "name,age\r\n\"King, A.\",36\r\n"
write([{"name": "Ada", "age": 36}])  # "name,age\r\nAda,36\r\n"`,
		Pure: true,
		Fn:   write,
	}
}

// dialect is what separates fields.
type dialect struct {
	delimiter, quote string // one character each; quote is empty if there is none
}

func newDialect(delimiter string, quotechar starlark.Value) (dialect, error) {
	d := dialect{delimiter: delimiter}
	if quotechar != starlark.None {
		s, ok := starlark.AsString(quotechar)
		if !ok {
			return d, fmt.Errorf("for parameter quotechar: got %s, want string or None",
				quotechar.Type())
		}
		if err := character("quotechar", s); err != nil {
			return d, err
		}
		d.quote = s
	}
	if err := character("delimiter", delimiter); err != nil {
		return d, err
	}
	if d.quote == d.delimiter {
		return d, errors.New("delimiter and quotechar are the same")
	}
	return d, nil
}

// character returns an error if s is not one that can mark fields.
func character(param, s string) error {
	if utf8.RuneCountInString(s) != 1 || !utf8.ValidString(s) || s == "\r" || s == "\n" {
		return fmt.Errorf("for parameter %s: %s is not one character, other than a line break",
			param,
			host.Show(starlark.String(s)))
	}
	return nil
}
