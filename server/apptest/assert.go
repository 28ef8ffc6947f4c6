package apptest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// A builtin is a function of the module.
type builtin = func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error)

// asserts are the functions of the module that a test fails by.
var asserts = map[string]builtin{
	"eq":       equal,
	"ne":       unequal,
	"true":     truth,
	"false":    untruth,
	"contains": contains,
	"lacks":    lacks,
	"matches":  matches,
	"fails":    fails,
	"skip":     skip,
}

// A broken is the error of an assert that does not hold.
type broken struct{ message, detail string }

func (e *broken) Error() string { return e.message }

// Detail are the values that the assert was given.
func (e *broken) Detail() string { return e.detail }

// Kind is what a script sees as .kind.
func (e *broken) Kind() string { return "assert" }

// breaks makes the error of the assert; why is what the test says about it, or "".
func breaks(name, why, message, format string, args ...any) error {
	if why != "" {
		message = why + ": " + message
	}
	return &broken{name + ": " + message, fmt.Sprintf(format, args...)}
}

// maxShown is how many bytes of a value are shown.
const maxShown = 4000

// show writes a value for a person.
func show(v starlark.Value) string {
	s := v.String()
	if len(s) <= maxShown {
		return s
	}
	cut := maxShown
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%s... (%d bytes more)", s[:cut], len(s)-cut)
}

// equal is eq(got, want, why = "").
func equal(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var got, want starlark.Value
	var why string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "got", &got, "want", &want, "why?", &why); err != nil {
		return nil, err
	}
	same, err := starlark.Equal(got, want)
	if err != nil {
		return nil, err
	}
	if same {
		return starlark.None, nil
	}
	where := difference(got, want)
	if where != "" {
		where = "\n" + where
	}
	return nil, breaks(b.Name(), why, "they are not equal", "got:  %s\nwant: %s%s", show(got), show(want), where)
}

// unequal is ne(got, other, why = "").
func unequal(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var got, other starlark.Value
	var why string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "got", &got, "other", &other, "why?", &why); err != nil {
		return nil, err
	}
	same, err := starlark.Equal(got, other)
	if err == nil && same {
		err = breaks(b.Name(), why, "they are equal", "both: %s", show(got))
	}
	return starlark.None, err
}

func truth(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return holds(b, args, kwargs, true)
}

func untruth(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return holds(b, args, kwargs, false)
}

// holds is true(got, why = "") and false(got, why = "").
func holds(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, want starlark.Bool) (starlark.Value, error) {
	var got starlark.Value
	var why string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "got", &got, "why?", &why); err != nil {
		return nil, err
	}
	if got.Truth() != want {
		return nil, breaks(b.Name(), why, fmt.Sprintf("it is not %s", b.Name()), "got: %s", show(got))
	}
	return starlark.None, nil
}

func contains(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return within(b, args, kwargs, true)
}

func lacks(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return within(b, args, kwargs, false)
}

// within is contains(got, item, why = "") and lacks(got, item, why = ""): item in got, and not.
func within(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, want starlark.Bool) (starlark.Value, error) {
	var got, item starlark.Value
	var why string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "got", &got, "item", &item, "why?", &why); err != nil {
		return nil, err
	}
	in, err := starlark.Binary(syntax.IN, item, got)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	if in.Truth() == want {
		return starlark.None, nil
	}
	message := "it is not there"
	if !want {
		message = "it is there"
	}
	return nil, breaks(b.Name(), why, message, "got:  %s\nitem: %s", show(got), show(item))
}

// matches is matches(text, pattern, why = ""): the regular expression is found in the text.
func matches(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var text starlark.Value
	var pattern, why string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "text", &text, "pattern", &pattern, "why?", &why); err != nil {
		return nil, err
	}
	s, ok := octets(text)
	if !ok {
		return nil, fmt.Errorf("%s: text is %s, neither string nor bytes", b.Name(), text.Type())
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	if !re.MatchString(s) {
		return nil, breaks(b.Name(), why, "it does not match", "got:  %s\nwant: a match of %q", show(text), pattern)
	}
	return starlark.None, nil
}

// fails is fails(fn, pattern = "", why = ""): fn() fails with a message that the regular expression is found in. It
// returns the message.
func fails(t *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var fn starlark.Callable
	var pattern, why string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "fn", &fn, "pattern?", &pattern, "why?", &why); err != nil {
		return nil, fmt.Errorf("%w: write fails(lambda: f(x), \"message\")", err)
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	v, err := starlark.Call(t, fn, nil, nil)
	if err == nil {
		return nil, breaks(b.Name(), why, "it did not fail", "got:  %s\nwant: a failure that matches %q", show(v), pattern)
	}
	// What ends the test (a limit, say) is not for it to expect: no further step of it runs.
	message := err.Error()
	if !re.MatchString(message) {
		return nil, breaks(b.Name(), why, "it failed otherwise", "got:  %s\nwant: a match of %q", message, pattern)
	}
	return starlark.String(message), nil
}

// A skipped is the error of a test that is not meant to run here.
type skipped string

func (e skipped) Error() string { return string(e) }

// Skipped reports true.
func (e skipped) Skipped() bool { return true }

// skip is skip(reason): it ends the test, which neither passed nor failed.
func skip(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var reason string
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "reason", &reason); err != nil {
		return nil, err
	}
	if strings.TrimSpace(reason) == "" {
		return nil, errors.New("skip: say why")
	}
	return nil, skipped(reason)
}
