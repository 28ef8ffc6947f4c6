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
	text := host.Param{Name: "text", Doc: "the text", Type: "string or bytes"}
	fn := host.Param{Name: "fn", Doc: "is called without arguments"}
	pattern := host.Param{Name: "pattern", Doc: "a regular expression that is to be found in it"}
	message := pattern
	message.Default = starlark.String("")
	fails := assert("fails", "Fails the test if a call does not fail, or with another message.",
		`fails(lambda: 1 // 0, "zero")  # "floored division by zero"`, failing, fn, message)
	fails.Result = "the message"
	return []host.Member{
		assert("eq", "Fails the test if two values are not equal, and shows the first difference.",
			"eq(1 + 1, 2)\neq([1, 2], [1, 3])  # error: eq: they are not equal", equal,
			got, host.Param{Name: "want", Doc: "what there is to be"}),
		assert("ne", "Fails the test if two values are equal.", `ne("a", "b")`, unequal,
			got, host.Param{Name: "other", Doc: "what it is not to be"}),
		assert("true", "Fails the test if a value is not true.",
			"true([1])\ntrue(\"\")  # error: true: it is not true", isTrue, got),
		assert("false", "Fails the test if a value is true.", "false([])", isFalse, got),
		assert("contains", "Fails the test if an item is not in a value.",
			`contains("hello", "ell")`, contains,
			got, host.Param{Name: "item", Doc: "what is to be in it"}),
		assert("lacks", "Fails the test if an item is in a value.", `lacks({"a": 1}, "b")`, lacks,
			got, host.Param{Name: "item", Doc: "what is not to be in it"}),
		assert("matches", "Fails the test if a regular expression is not found in a text.",
			`matches("page 17", "[0-9]+")`, matches, text, pattern),
		fails,
		{
			Name:    "skip",
			Doc:     "Ends a test that is not meant to run here: it neither passes nor fails.",
			Params:  []host.Param{{Name: "reason", Doc: "why not"}},
			Result:  "it does not return",
			Errors:  []host.Failure{{When: "always"}},
			Example: `skip("no network")  # error: no network`,
			Fn:      skip,
		},
	}
}

// assert describes a function that a test fails by.
func assert(name, doc, example string, fn any, params ...host.Param) host.Member {
	why := host.Param{
		Name: "why", Doc: "what is put before the message", Default: starlark.String(""),
	}
	return host.Member{
		Name: name, Doc: doc, Params: append(params, why), Result: "None",
		Errors: []host.Failure{{When: "it is not so"}}, Example: example, Fn: fn,
	}
}

// misuse says how fails is written: its argument is easily called before it is passed.
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

// isTrue is true(got, why).
func isTrue(got starlark.Value, why string) error {
	if got.Truth() {
		return nil
	}
	return breaks(why, "it is not true", "got: %s", show(got))
}

// isFalse is false(got, why).
func isFalse(got starlark.Value, why string) error {
	if !got.Truth() {
		return nil
	}
	return breaks(why, "it is not false", "got: %s", show(got))
}

// contains is contains(got, item, why): item in got.
func contains(got, item starlark.Value, why string) error {
	in, err := starlark.Binary(syntax.IN, item, got)
	if err != nil || bool(in.Truth()) {
		return err
	}
	return breaks(why, "it is not there", "got:  %s\nitem: %s", show(got), show(item))
}

// lacks is lacks(got, item, why): item not in got.
func lacks(got, item starlark.Value, why string) error {
	in, err := starlark.Binary(syntax.IN, item, got)
	if err != nil || !bool(in.Truth()) {
		return err
	}
	return breaks(why, "it is there", "got:  %s\nitem: %s", show(got), show(item))
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
		return "", breaks(
			why, "it did not fail", "got:  %s\nwant: a failure that matches %q", show(v), pattern,
		)
	}
	// What ends the test (a limit, say) is not for it to expect: no further step of it runs.
	message := err.Error()
	if !re.MatchString(message) {
		return "", breaks(
			why, "it failed otherwise", "got:  %s\nwant: a match of %q", message, pattern,
		)
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
