// Package url is the host module @url: Python's urllib.parse, under shorter names. It knows no
// request; that is for package environ/lib/http.
package url

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @url.
func Module() *host.Module {
	return &host.Module{
		Name: "url",
		Doc:  "Takes URLs apart and puts them together, as Python's urllib.parse does.",
		Members: []host.Member{
			joinMember(), parseMember(), parseQsMember(), parseQslMember(), quoteMember(),
			quotePlusMember(), unparseMember(), unquoteMember(), unquotePlusMember(),
			unquoteToBytesMember(), urlencodeMember(),
		},
		Whole: true,
		Types: []*host.Type{partsType},
	}
}

// maxText bounds the texts that functions work on: what an escape is written in is three times as
// long.
const maxText = 16 << 20

// bounded returns an error if a text is too long.
func bounded(param, s string) error {
	if len(s) > maxText {
		return fmt.Errorf("for parameter %s: %d bytes are more than %d", param, len(s), maxText)
	}
	return nil
}

// octets returns an argument that is a string or bytes, bounded.
func octets(param string, v starlark.Value) (string, error) {
	s, ok := host.Octets(v)
	if !ok {
		return "", fmt.Errorf("for parameter %s: got %s, want string or bytes", param, v.Type())
	}
	return s, bounded(param, s)
}

// optional is a parameter that is None if it is not passed.
func optional(name, typ, doc string) host.Param {
	return host.Param{Name: name, Type: typ, Doc: doc, Default: starlark.None}
}

// decoding are the parameters of what makes text of octets.
func decoding() []host.Param {
	return []host.Param{
		{
			Name: "encoding", Doc: "of the octets that are text: utf-8, latin-1 or ascii",
			Type: "string", Default: starlark.String("utf-8"),
		},
		{
			Name: "errors",
			Doc: "what becomes of octets that are no text: replace is U+FFFD, strict " +
				"is an error, ignore is nothing",
			Type: "string", Default: starlark.String("replace"),
		},
	}
}

// encoding are the parameters of what makes octets of text.
func encoding() []host.Param {
	return []host.Param{
		optional("encoding", "string", "of the octets: utf-8, latin-1 or ascii; None is utf-8"),
		optional("errors", "string",
			"what becomes of a character that is not in the encoding: None and strict are an "+
				"error, replace is ?, ignore is nothing, xmlcharrefreplace is &#N;"),
	}
}
