package answer

import (
	"strconv"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// NotBlock is the error of a value that is no block; where says which it is.
func NotBlock(v starlark.Value, where string) error {
	return environ.Errorf(environ.CodeBlock, "convert it with str()",
		"%s is %s, neither bytes nor string", where, v.Type())
}

// NotBody is the error of a value that an application returned, and that is no body.
func NotBody(v starlark.Value) error {
	fix := "return a list, as in [block]"
	if v == starlark.None {
		fix = "return a list, [] for no body"
	}
	return environ.Errorf(environ.CodeResult, fix,
		"the application returned %s, which is neither an iterable of blocks nor a callable",
		v.Type())
}

// NotCalled returns what is wrong with a response that an application returned, as a handler of a
// router does, where it had to call it. It may have started one of its own.
func NotCalled(v host.Answer, started bool) error {
	code := environ.CodeNotStarted
	if started {
		code = environ.CodeResult
	}
	return environ.Errorf(code, "an application writes return text(...)(environ, start_response)",
		"the application returned a %s that it did not call", v.Type())
}

// Blocks returns how many bytes the blocks of a list or a tuple have, and the first of them.
func Blocks(body starlark.Indexable) (total int64, first string, err error) {
	for i := range body.Len() {
		s, ok := host.Octets(body.Index(i))
		if !ok {
			return 0, "", NotBlock(body.Index(i), "item "+strconv.Itoa(i)+" of the body")
		}
		if i == 0 {
			first = s
		}
		total += int64(len(s))
	}
	return total, first, nil
}

// Body returns what is wrong with a body, nil if nothing is. What can only be known by iterating is
// not.
func Body(v starlark.Value) error {
	switch v := v.(type) {
	case *starlark.List, starlark.Tuple:
		_, _, err := Blocks(v.(starlark.Indexable))
		return err
	case starlark.Iterable, starlark.Callable:
		return nil
	}
	return NotBody(v)
}
