package environ

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// An Interposed is the start_response that middleware written in Go gives to the application that
// it wraps: it reads what the application says, may change it, and passes it on. It belongs to one
// call of the application.
//
// What it cannot read goes on as it is, at once: so the error of wrong arguments is the server's,
// and has the place of the call that was wrong.
type Interposed struct {
	host.Object
	thread  *starlark.Thread
	around  starlark.Callable
	edit    func(*Head) error
	excInfo starlark.Value // nil for none

	holds   bool
	held    *Head
	written starlark.Value // the write of around, once there was one for a head that was held
}

var (
	_ starlark.Callable = (*Interposed)(nil)
	_ Starter           = (*Interposed)(nil)
)

// Interpose returns a start_response that passes on to around, on t, at once, what edit has left of
// it. The edit is done each time that the application calls start_response rightly, and owns the
// fields.
func Interpose(
	t *starlark.Thread, around starlark.Callable, edit func(*Head) error,
) *Interposed {
	return &Interposed{Object: "start_response", thread: t, around: around, edit: edit}
}

// Hold returns a start_response that keeps what it is called with until [Interposed.Release].
func Hold(t *starlark.Thread, around starlark.Callable) *Interposed {
	return &Interposed{Object: "start_response", thread: t, around: around, holds: true}
}

// Restart returns a start_response for an application that answers in the place of one which has
// failed with cause, and may have called start_response already: it is called with exc_info.
// PEP 3333, "Error Handling".
func Restart(t *starlark.Thread, around starlark.Callable, cause *host.Caught) *Interposed {
	return &Interposed{Object: "start_response", thread: t, around: around, excInfo: cause}
}

// Release lets go: what was held goes on when it is given to [Interposed.Send], and what the
// application says from now on goes on at once. It returns what was held, which is the caller's to
// change; nil if the application has not called start_response, or has called write() since.
func (i *Interposed) Release() *Head {
	head := i.held
	i.holds, i.held = false, nil
	return head
}

// Send passes a head on that was released. It must not be used afterwards.
func (i *Interposed) Send(h *Head) error { return Start(i.thread, i.around, h.Status, h.Fields) }

// Name returns "start_response".
func (i *Interposed) Name() string { return "start_response" }

// CallInternal is start_response(status, headers, exc_info = None).
func (i *Interposed) CallInternal(
	t *starlark.Thread, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	var all struct{ status, headers, excInfo starlark.Value }
	err := starlark.UnpackArgs("start_response", args, kwargs, "status", &all.status,
		"headers", &all.headers, "exc_info?", &all.excInfo)
	if err != nil {
		return starlark.Call(t, i.around, args, kwargs)
	}
	h, ok := parseHead(all.status, all.headers)
	if !ok {
		return starlark.Call(t, i.around, args, kwargs)
	}
	if i.excInfo != nil && (all.excInfo == nil || all.excInfo == starlark.None) {
		all.excInfo = i.excInfo
	}
	if i.holds {
		if err := i.hold(&h, all.excInfo); err != nil {
			return nil, err
		}
		return starlark.NewBuiltin("write", i.write), nil
	}
	return i.pass(t, &h, all.excInfo)
}

// pass calls the start_response around as a script would, and returns its write.
func (i *Interposed) pass(
	t *starlark.Thread, h *Head, excInfo starlark.Value,
) (starlark.Value, error) {
	if i.edit != nil {
		if err := i.edit(h); err != nil {
			return nil, err
		}
	}
	args := h.arguments()
	if excInfo != nil {
		args = append(args, excInfo)
	}
	return starlark.Call(t, i.around, args, nil)
}

// hold keeps a head. One that is held already is replaced if there is an exc_info.
func (i *Interposed) hold(h *Head, excInfo starlark.Value) error {
	if i.held != nil && (excInfo == nil || excInfo == starlark.None) {
		return Errorf(CodeTwice, "pass the error of catch() as exc_info to replace a response",
			"start_response() was called before")
	}
	i.held = h
	return nil
}

// write is write(block) of an application whose head is held: that goes on first, since what is
// written is on the wire when write returns.
func (i *Interposed) write(
	t *starlark.Thread, _ *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple,
) (starlark.Value, error) {
	if i.held != nil {
		h := i.Release()
		w, err := i.pass(t, h, nil)
		if err != nil {
			return nil, err
		}
		i.written = w
	}
	if i.written == nil {
		return nil, Errorf(CodeLateWrite,
			"write before returning, or return a callable body and use its stream",
			"write() called after the application returned")
	}
	return starlark.Call(t, i.written, args, kwargs)
}

// Start is [Starter]'s.
func (i *Interposed) Start(status int, fields []Field) error {
	h := &Head{status, fields}
	switch {
	case i.holds:
		return i.hold(h, nil)
	case i.excInfo != nil:
		_, err := i.pass(i.thread, h, i.excInfo)
		return err
	case i.edit != nil:
		if err := i.edit(h); err != nil {
			return err
		}
	}
	return Start(i.thread, i.around, h.Status, h.Fields)
}
