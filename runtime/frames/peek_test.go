package frames_test

import (
	"testing"

	"github.com/larkspur-web/larkspur/runtime/frames"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// TestPeek looks at a thread whose goroutine is in a builtin, and at one that has ended.
func TestPeek(t *testing.T) {
	const script = "def f(x):\n    return [hang(x)]\n\ndef g():\n    catch(f, 1)\n\ng()\n"
	come, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
	env := starlark.StringDict{
		"hang": starlark.NewBuiltin("hang", func(_ *starlark.Thread, _ *starlark.Builtin, _ starlark.Tuple,
			_ []starlark.Tuple) (starlark.Value, error) {
			close(come)
			<-goOn
			return starlark.None, nil
		}),
		"catch": starlark.NewBuiltin("catch", func(t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple,
			_ []starlark.Tuple) (starlark.Value, error) {
			return starlark.Call(t, args[0], args[1:], nil)
		}),
	}
	thread := new(starlark.Thread)
	if at := frames.Peek(thread); at.Line != 0 {
		t.Errorf("before it runs it is at %v", at)
	}
	go func() {
		_, err := starlark.ExecFileOptions(new(syntax.FileOptions), thread, "x.star", script, env)
		done <- err
	}()
	<-come
	if at := frames.Peek(thread).String(); at != "x.star:2:17" {
		t.Errorf("it is at %s, want x.star:2:17", at)
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
	if at := frames.Peek(thread); at.Line != 0 {
		t.Errorf("when it has ended it is at %v", at)
	}
}
