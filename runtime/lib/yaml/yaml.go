// Package yaml is the host module @yaml: reading of YAML, by github.com/goccy/go-yaml. [Module]
// describes it.
package yaml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @yaml.
func Module() *host.Module {
	return &host.Module{
		Name: "yaml",
		Doc:  "Reading of YAML, whoever wrote it.",
		Members: []host.Member{{
			Name: "loads",
			Doc: "Returns what a text of YAML says, one document by the core schema of YAML 1.2: " +
				"true is a bool, and yes, no, on and dates are strings. Mappings keep their order. " +
				"What an alias stands for is copied, and << takes the keys of another mapping in.",
			Params: []host.Param{{
				Name: "text",
				Doc: "the YAML, up to 1 MiB with 100,000 values (those of aliases counted), nested " +
					"100 deep: a string, or bytes in UTF-8",
			}},
			Result: "None, a bool, an int, a float, a string, a list or a dict",
			Errors: []host.Failure{{
				When: "the text is not YAML (the message has line and column), has a key twice, a " +
					"tag that is not of the core schema or more than one document, or is beyond " +
					"the limits",
			}},
			Example: `loads("a: [1, 2.5, yes]\nb: {c: ~}")  # {"a": [1, 2.5, "yes"], "b": {"c": None}}
loads("x: &x {a: 1}\ny: *x")  # {"x": {"a": 1}, "y": {"a": 1}}
loads("a: 1\na: 2")  # error: line 2, column 1: the key "a" is there already`,
			Pure: true,
			Fn:   loads,
		}},
		Whole: true,
	}
}

func loads(text []byte) (starlark.Value, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%d bytes of YAML are more than %d", len(text), maxBytes)
	}
	file, err := parse(strings.TrimPrefix(string(text), "\ufeff")) // a byte order mark: section 5.2
	if err != nil {
		return nil, err
	}
	var body ast.Node
	for _, doc := range file.Docs {
		if _, directive := doc.Body.(*ast.DirectiveNode); doc.Body == nil || directive {
			continue
		}
		if body != nil {
			return nil, failure(doc.Body.GetToken(), "another document begins: one is read")
		}
		body = doc.Body
	}
	return newReader().document(body)
}

// parse returns the syntax of a text. The library has panicked for some texts that are no YAML:
// who sends one must not get more than an error.
func parse(text string) (file *ast.File, err error) {
	defer func() {
		if recover() != nil {
			file, err = nil, errors.New("the text is malformed")
		}
	}()
	tokens := lexer.Tokenize(text)
	if err := bounded(tokens); err != nil {
		return nil, err
	}
	// Keys that are there twice are found by the reader, which knows that 1 and 0x1 are the same.
	file, err = parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, located(err)
	}
	return file, nil
}

// located is an error of the library, with its place.
func located(err error) error {
	var at interface {
		GetToken() *token.Token
		GetMessage() string
	}
	if errors.As(err, &at) {
		return failure(at.GetToken(), "%s", at.GetMessage())
	}
	return err
}

// failure is an error at a token.
func failure(tk *token.Token, format string, args ...any) error {
	msg := host.Cut(fmt.Sprintf(format, args...))
	if tk == nil || tk.Position == nil {
		return errors.New(msg)
	}
	return fmt.Errorf("line %d, column %d: %s", tk.Position.Line, tk.Position.Column, msg)
}
