package environ

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/display"
	"go.starlark.net/starlark"
)

// Errors is wsgi.errors: what a script writes to it goes to the log, a record for each line, with
// the place of the caller. It takes any octets, and shows control characters escaped.
type Errors struct {
	logger  *slog.Logger
	environ *Environ
	part    string // a line whose end has not come yet
}

const maxLine = 64 << 10 // a longer line without an end is cut into records of this size

func (e *Errors) write(t *starlark.Thread, s string) {
	for {
		line, rest, ended := strings.Cut(s, "\n")
		if !ended && len(e.part)+len(line) < maxLine {
			e.part += line
			return
		}
		e.log(t, e.part+line)
		e.part, s = "", rest
		if !ended {
			return
		}
	}
}

func (e *Errors) log(t *starlark.Thread, line string) {
	logger := e.logger
	if logger == nil {
		logger = slog.Default()
	}
	attrs := []slog.Attr{slog.String("request", e.environ.request.ID())}
	if t != nil && t.CallStackDepth() > 1 {
		pos := t.CallFrame(1).Pos
		attrs = append(attrs, slog.String("file", pos.Filename()), slog.Int("line", int(pos.Line)))
	}
	ctx := context.WithoutCancel(e.environ.request.Message.Context())
	logger.LogAttrs(ctx, slog.LevelError, display.Escape(strings.TrimSuffix(line, "\r")), attrs...)
}

// Flush logs a line that has not been ended.
func (e *Errors) Flush() { e.flush(nil) }

func (e *Errors) flush(t *starlark.Thread) {
	if e.part != "" {
		e.log(t, e.part)
		e.part = ""
	}
}

// write(s) and writelines(list) append to the log; flush() ends a line that is not ended.
var errorsMethods = map[string]*starlark.Builtin{
	"write": starlark.NewBuiltin("write", func(t *starlark.Thread, b *starlark.Builtin,
		args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var v starlark.Value
		if err := starlark.UnpackPositionalArgs("write", args, kwargs, 1, &v); err != nil {
			return nil, Errorf(CodeErrorsUse, "", "%v", err)
		}
		s, err := text(v)
		if err != nil {
			return nil, err
		}
		b.Receiver().(*Errors).write(t, s)
		return starlark.None, nil
	}),
	"writelines": starlark.NewBuiltin("writelines", func(t *starlark.Thread, b *starlark.Builtin,
		args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		var lines starlark.Iterable
		if err := starlark.UnpackPositionalArgs("writelines", args, kwargs, 1, &lines); err != nil {
			return nil, Errorf(CodeErrorsUse, "", "%v", err)
		}
		for v := range starlark.Elements(lines) {
			s, err := text(v)
			if err != nil {
				return nil, err
			}
			b.Receiver().(*Errors).write(t, s)
		}
		return starlark.None, nil
	}),
	"flush": starlark.NewBuiltin("flush", func(t *starlark.Thread, b *starlark.Builtin,
		args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
		if err := starlark.UnpackPositionalArgs("flush", args, kwargs, 0); err != nil {
			return nil, Errorf(CodeErrorsUse, "", "%v", err)
		}
		b.Receiver().(*Errors).flush(t)
		return starlark.None, nil
	}),
}

func text(v starlark.Value) (string, error) {
	s, ok := starlark.AsString(v)
	if !ok {
		return "", Errorf(CodeErrorsUse, "convert it with str()",
			"wsgi.errors takes strings, not %s", v.Type())
	}
	return s, nil
}

var _ starlark.HasAttrs = (*Errors)(nil)

func (e *Errors) String() string        { return "<wsgi.errors>" }
func (e *Errors) Type() string          { return "wsgi.errors" }
func (e *Errors) Freeze()               {}
func (e *Errors) Truth() starlark.Bool  { return starlark.True }
func (e *Errors) Hash() (uint32, error) { return 0, errors.New("unhashable: wsgi.errors") }
func (e *Errors) AttrNames() []string   { return []string{"flush", "write", "writelines"} }

// Attr gives the methods of PEP 3333, "Input and Error Streams".
func (e *Errors) Attr(name string) (starlark.Value, error) {
	if m := errorsMethods[name]; m != nil {
		return m.BindReceiver(e), nil
	}
	return nil, nil
}
