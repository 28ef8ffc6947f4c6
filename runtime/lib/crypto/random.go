package crypto

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"

	"github.com/google/uuid"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// maxToken is how many bytes a token may have.
const maxToken = 1024

func tokenMember() host.Member {
	return host.Member{
		Name: "token",
		Doc: "Makes a text that nobody can guess, of letters, digits, - and _, as Python's " +
			"secrets.token_urlsafe does.",
		Params: []host.Param{{
			Name:    "n",
			Doc:     "how many random bytes are in it, 1 to 1,024; the text is a third longer",
			Default: starlark.MakeInt(32),
		}},
		Result:  "a string",
		Errors:  []host.Failure{{When: "n is less than 1 or more than 1,024"}},
		Example: "len(token())  # 43\nlen(token(16))  # 22",
		Fn: func(n int) (string, error) {
			if n < 1 || n > maxToken {
				return "", fmt.Errorf("%d bytes: from 1 to %d", n, maxToken)
			}
			b := make([]byte, n)
			rand.Read(b) // never fails
			return base64.RawURLEncoding.EncodeToString(b), nil
		},
	}
}

func uuidMember() host.Member {
	return host.Member{
		Name:    "uuid",
		Doc:     "Makes a random id, a UUID of version 4 (RFC 9562).",
		Result:  "a string of 36 characters",
		Example: "len(uuid())  # 36",
		Fn:      func() string { return uuid.NewString() },
	}
}

func uuid7Member() host.Member {
	return host.Member{
		Name: "uuid7",
		Doc: "Makes an id that begins with the time, a UUID of version 7 (RFC 9562): later ones " +
			"sort behind earlier ones, which indexes of databases like. Who sees it knows when it " +
			"was made.",
		Result:  "a string of 36 characters",
		Example: "uuid7() < uuid7()  # True",
		Fn: func() (string, error) {
			id, err := uuid.NewV7()
			return id.String(), err
		},
	}
}
