package apptest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// asserts are the functions of the module that a test fails by.
func asserts() []host.Member {
	got := host.Param{Name: "got", Doc: "what there is"}
	pattern := host.Param{Name: "pattern", Doc: "a regular expression that is to be found in it"}
	why := host.Param{Name: "why", Doc: "what is put before the message", Default: starlark.String("")}
	fails := []host.Failure{{When: "it is not so"}}
	return []host.Member{
		{
			Name: "eq", Doc: "Fails the test if two values are not equal, and shows the first difference.",
			Params: []host.Param{got, {Name: "want", Doc: "what there is to be"}, why},
			Result: "None", Errors: fails, Fn: equal,
			Example: "eq(1 + 1, 2)\neq([1, 2], [1, 3])  # error: eq: they are not equal",
		},
		{
			Name: "ne", Doc: "Fails the test if two values are equal.",
			Params: []host.Param{got, {Name: "other", Doc: "what it is not to be"}, why},
			Result: "None", Errors: fails, Fn: unequal,
			Example: `ne("a", "b")`,
		},
		{
			Name: "true", Doc: "Fails the test if a value is not true.",
			Params: []host.Param{got, why}, Result: "None", Errors: fails,
			Fn:      func(got starlark.Value, why string) error { return holds("true", got, why, true) },
			Example: "true([1])\ntrue(\"\")  # error: true: it is not true",
		},
		{
			Name: "false", Doc: "Fails the test if a value is true.",
			Params: []host.Param{got, why}, Result: "None", Errors: fails,
			Fn:      func(got starlark.Value, why string) error { return holds("false", got, why, false) },
			Example: "false([])",
		},
		{
			Name: "contains", Doc: "Fails the test if an item is not in a value.",
			Params: []host.Param{got, {Name: "item", Doc: "what is to be in it"}, why}, Result: "None", Errors: fails,
			Fn:      func(got, item starlark.Value, why string) error { return within(got, item, why, true) },
			Example: `contains("hello", "ell")`,
		},
		{
			Name: "lacks", Doc: "Fails the test if an item is in a value.",
			Params: []host.Param{got, {Name: "item", Doc: "what is not to be in it"}, why}, Result: "None", Errors: fails,
			Fn:      func(got, item starlark.Value, why string) error { return within(got, item, why, false) },
			Example: `lacks({"a": 1}, "b")`,
		},
		{
			Name: "matches", Doc: "Fails the test if a regular expression is not found in a text.",
			Params: []host.Param{{Name: "text", Doc: "the text", Type: "string or bytes"}, pattern, why},
			Result: "None", Errors: fails, Fn: matches,
			Example: `matches("page 17", "[0-9]+")`,
		},
		{
			Name: "fails", Doc: "Fails the test if a call does not fail, or with another message.",
			Params: []host.Param{
				{Name: "fn", Doc: "is called without arguments"},
				{Name: "pattern", Doc: "a regular expression that is to be found in the message", Default: starlark.String("")},
				why,
			},
			Result: "the message", Errors: fails, Fn: failing,
			Example: `fails(lambda: 1 // 0, "zero")  # "floored division by zero"`,
		},
		{
			Name: "skip", Doc: "Ends a test that is not meant to run here: it has neither passed nor failed.",
			Params: []host.Param{{Name: "reason", Doc: "why not"}},
			Result: "it does not return", Errors: []host.Failure{{When: "always"}}, Fn: skip,
			Example: `skip("no network")  # error: no network`,
		},
	}
}

// misuse says how fails is written: its argument is easily called before it is
// passed.
func misuse(err error) error {
	if strings.HasPrefix(err.Error(), "fails: ") {
		return fmt.Errorf("%w: write fails(lambda: f(x), \"message\")", err)
	}
	return err
}

// A broken is the error of an assert that does not hold.
type broken struct{ message, detail string }

func (e *broken) Error() string { return e.message }

// Detail are the values that the assert was given.
func (e *broken) Detail() string { return e.detail }

// Kind is what a script sees as .kind.
func (e *broken) Kind() string { return "assert" }

var (
	_ host.Detailer = (*broken)(nil)
	_ host.Kinder   = (*broken)(nil)
	_ host.Skipper  = skipped("")
)

// breaks makes the error of an assert; why is what the test says about it, or "".
func breaks(why, message, format string, args ...any) error {
	if why != "" {
		message = why + ": " + message
	}
	return &broken{message, fmt.Sprintf(format, args...)}
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

// equal is eq(got, want, why).
func equal(got, want starlark.Value, why string) error {
	same, err := starlark.Equal(got, want)
	if err != nil || same {
		return err
	}
	where := difference(got, want)
	if where != "" {
		where = "\n" + where
	}
	return breaks(why, "they are not equal", "got:  %s\nwant: %s%s", show(got), show(want), where)
}

// unequal is ne(got, other, why).
func unequal(got, other starlark.Value, why string) error {
	same, err := starlark.Equal(got, other)
	if err != nil || !same {
		return err
	}
	return breaks(why, "they are equal", "both: %s", show(got))
}

// holds is true(got, why) and false(got, why).
func holds(name string, got starlark.Value, why string, want starlark.Bool) error {
	if got.Truth() == want {
		return nil
	}
	return breaks(why, "it is not "+name, "got: %s", show(got))
}

// within is contains(got, item, why) and lacks(got, item, why): item in got, and
// not.
func within(got, item starlark.Value, why string, want starlark.Bool) error {
	in, err := starlark.Binary(syntax.IN, item, got)
	if err != nil || in.Truth() == want {
		return err
	}
	message := "it is not there"
	if !want {
		message = "it is there"
	}
	return breaks(why, message, "got:  %s\nitem: %s", show(got), show(item))
}

// matches is matches(text, pattern, why).
func matches(text starlark.Value, pattern, why string) error {
	s, ok := host.Octets(text)
	if !ok {
		return fmt.Errorf("text is %s, neither string nor bytes", text.Type())
	}
	re, err := regexp.Compile(pattern)
	if err != nil || re.MatchString(s) {
		return err
	}
	return breaks(why, "it does not match", "got:  %s\nwant: a match of %q", show(text), pattern)
}

// failing is fails(fn, pattern, why).
func failing(t *starlark.Thread, fn starlark.Callable, pattern, why string) (string, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return "", err
	}
	v, err := starlark.Call(t, fn, nil, nil)
	if err == nil {
		return "", breaks(why, "it did not fail", "got:  %s\nwant: a failure that matches %q", show(v), pattern)
	}
	// What ends the test (a limit, say) is not for it to expect: no further step of
	// it runs.
	message := err.Error()
	if !re.MatchString(message) {
		return "", breaks(why, "it failed otherwise", "got:  %s\nwant: a match of %q", message, pattern)
	}
	return message, nil
}

// A skipped is the error of a test that is not meant to run here.
type skipped string

func (e skipped) Error() string { return string(e) }

// Skipped reports true.
func (e skipped) Skipped() bool { return true }

// skip is skip(reason).
func skip(reason string) error {
	if strings.TrimSpace(reason) == "" {
		return errors.New("say why")
	}
	return skipped(reason)
}
