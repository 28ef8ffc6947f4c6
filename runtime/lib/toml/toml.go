// Package toml is the host module @toml: reading of TOML, by github.com/pelletier/go-toml.
// [Module] describes it.
package toml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/pelletier/go-toml/v2"
	"go.starlark.net/starlark"
)

// Module describes @toml.
func Module() *host.Module {
	return &host.Module{
		Name: "toml",
		Doc:  "Reading of TOML, as settings are written in.",
		Members: []host.Member{{
			Name: "loads",
			Doc: "Returns what a text of TOML 1.1 says, as Python's tomllib.loads does: tables are " +
				"dicts in their order, dates are times of @time (in UTC where the text names no " +
				"zone), and a time without a date is a string.",
			Params: []host.Param{{
				Name: "text",
				Doc: "the TOML, up to 1 MiB with 10,000 keys, nested 100 deep: a string, or bytes " +
					"in UTF-8",
			}},
			Result: "a dict",
			Errors: []host.Failure{{
				When: "the text is not TOML (the message has line and column), or beyond the limits",
			}},
			Example: `loads('title = "x"\n[server]\nports = [80, 443]')  ` +
				`# {"title": "x", "server": {"ports": [80, 443]}}
loads("day = 2024-02-29")["day"].year  # 2024
loads("a = 1\na = 2")  # error: line 2, column 1: the key is there already`,
			Pure: true,
			Fn:   loads,
		}},
		Whole: true,
	}
}

func loads(text []byte) (starlark.Value, error) {
	if err := bounded(string(text)); err != nil {
		return nil, err
	}
	var document map[string]any
	if err := toml.Unmarshal(text, &document); err != nil {
		return nil, located(err)
	}
	return value(document, orderOf(text))
}

// located is an error of the library, with its place and in our words.
func located(err error) error {
	msg := strings.TrimPrefix(err.Error(), "toml: ")
	if strings.HasSuffix(msg, "already exists") || strings.Contains(msg, "already defined") {
		msg = "the key is there already"
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, column := decode.Position()
		return fmt.Errorf("line %d, column %d: %s", line, column, msg)
	}
	return errors.New(msg)
}
