// Package runtime loads Starlark programs and calls them. It knows no HTTP.
//
// # The model
//
// A program is a graph of modules: the entry file and everything it load()s, read from one
// [fs.FS], run once, frozen. Frozen values may be read by any number of goroutines at once, so a
// [Program] is called concurrently without a lock: each call has a fresh [starlark.Thread], the
// caller's context, a step limit, a call-depth limit and a deadline ([Limits]).
//
// A [Live] holds the program that serves now, behind one atomic pointer. [Live.Reload] loads a new
// generation and publishes it only if it loaded whole; a call keeps the generation it began with.
//
// What a script can reach beyond its own tree is what its host gave it: the modules of
// load("@name", ...), each described by a [host.Module], and the values of [Config.Predeclared].
// [host.Func] makes such a value from a plain Go function.
//
// # The life of a module
//
// What a module has is known from its description, so [Check] and [Parse] find a wrong name without
// it. A module is opened when a program that loads it is run: once for each generation, and only
// when everything that shows before has been found right. It can ask to be called when the generation
// has loaded whole, to do what has to be done before the first call; if that fails the generation
// does not load, and [Check] does not ask it. It can ask to be told when the generation
// is published, and when it is retired: when it has been replaced, or the program closed, and no
// request uses it any more. What a load opened that then fails is retired at once.
//
// # Loading
//
// load("x.star", ...) names a file beside the loading one, load("../x.star", ...) one above it,
// load("//lib/x.star", ...) one counted from the root of the tree, load("@json", ...) a module of
// the host. Nothing outside the tree can be named, and under [Dir] no symlink leads out of it.
//
// The dialect is Starlark with set, while, recursion, and if, for and while at top level. A global
// is assigned once.
//
// # Errors
//
// Starlark has no exceptions to catch. catch(fn, *args, **kwargs) is predeclared and returns
// (result, error); one of the two is None. An error is true, and has .message, .backtrace,
// .kind ("fail" if the script called fail(), what the Go error says if it has a method
// Kind() string, otherwise "error") and .status, what an HTTP server answers for it if it is let
// pass (what the Go error says if it has a method HTTPStatus() int, otherwise 500). fail(error)
// raises it again. What ends a whole call (a limit, a context that is done, [host.Call.Fail], a
// panic with http.ErrAbortHandler) is not for a script to catch. Any other panic of Go code is of
// the kind "panic", and is logged when it is caught. No message is longer than [host.MaxMessage].
//
// # How host code reaches the call
//
// A builtin is given the thread; [host.CallOf] returns the call that it runs: its context, and the
// ways to end it, to let it live on and to wait in it. Package host has all that a module needs.
//
// # A request of many calls
//
// A server calls a program more than once for a request: the application, then what is promised
// with its page, then what is left to clean up. [Program.Begin] and [Live.Begin] begin such a
// request: its calls run the generation that it began with, and have one call's [Limits] together;
// all of its clean-up has them once more.
//
// # Memory
//
// [Limits.Memory] bounds what a call holds, and what one step of it makes. Nothing is counted as it
// is made. What could make much of little in one step is refused before: a string, bytes, a list or
// a tuple that is multiplied, %, format, join, replace, split and their like, extend, str, repr,
// list, zip and the others, JSON; and +, if what is on its left has a quarter of the limit, or +=, if
// what is on its right has half of it. A refusal is an error of the script, of the kind "memory", which
// it may catch. A step that makes no more than its operands have otherwise (a slice, a method as upper)
// is not refused.
//
// Between steps a call is weighed if the process has allocated an eighth of the limit since the last
// time: all that its functions refer to is counted on its own goroutine, variables, operands, and
// what loops run through, what is shared once, and of strings that are parts of one another the
// bytes that they have together. What the program holds is not the call's. A call that holds more
// ends with a [LimitError], and so does one that comes to no look at its limits for a twentieth of
// a second in which the process has allocated as much as the limit: then its steps are too large. So
// a call may have for a moment what it may hold, as much again in its steps, and as much garbage as
// Go leaves. All files of a load are counted together.
//
// If the process has a limit of memory, [debug.SetMemoryLimit] or GOMEMLIMIT, and what it holds
// comes near that, the call that holds most ends first.
//
// Not counted are: what Go code holds, unless it says so as a [host.Sizer] (the bodies that a server
// sends, buffers of files, results that a module makes while it runs); what is being iterated by a
// builtin that a script's function called; how much of a list or dict is spare; and what compiling
// takes, which for a file of a mebibyte may be 500 times that. The operator %= is not looked at if
// what is on its left is no name.
//
// # What is not bounded
//
// A script is trusted code with guard rails. The interpreter is interrupted between two of its
// steps, never inside a builtin or an operator. So the predeclared
// range, int, list, sorted and their like refuse inputs that would hold a processor or exhaust the
// process (see [Limits]); ints of more than a million bits are not multiplied; what is hashed,
// compared or written has at most 4 million values, each counted as often as it is in there; and
// what a client sends is bounded where it is decoded. A file is compiled with a look at such
// operands, which costs a few steps.
//
// A call whose steps are long ends a tenth of a second after its deadline, and at the end of its
// step: a second at most for one of the language, but as long as it likes for a function of Go that
// does not look at its context. A server gives the slot of such a call to others, and does not wait
// for it when it is told to stop; its goroutine stays.
//
// # Processors
//
// Calls that have run for 5 ms, or of programs whose calls do so as a rule, have their turn one after
// the other while the processors are busy: as many at once as there are processors, for 50 ms
// each, those of programs whose calls are shorter first. So a short call does not wait behind long
// ones, as long as their steps are short. The time for which a call waits is its own.
//
// Code that nobody has read belongs in a process of its own, with a memory limit: what is said here
// makes it hard to exhaust the process, and is no proof.
package runtime

import (
	"io/fs"
	"log/slog"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
	"go.starlark.net/syntax"
)

// Config says from where a program is loaded and what its calls may use. Only FS is required.
// It must not be changed once it is in use.
type Config struct {
	// FS is the tree that holds the entry file and everything it may load: an embed.FS, a
	// fstest.MapFS, or a [Dir].
	FS fs.FS
	// Modules are the host modules that there are for the program, which loads them as "@name".
	// They stand beside json, math, struct and time, and replace one of the same name. Nil adds
	// none.
	Modules []*host.Module
	// Grants are what the program is granted, by the name of the module that needs it: one whose
	// [host.Module.Grant] is not empty is loaded only if there is a value for it here, which may be
	// nil, and gets that as [host.Load.Grant]. Nil grants nothing.
	Grants map[string]any
	// Advice says what to do for a program to load the module name, in the words of whoever runs
	// it: one that needs a grant, whose description m is, or one that there is none of, with a
	// nil m. It ends the message; "" adds nothing. A nil Advice names the fields of this Config.
	Advice func(name string, m *host.Module) string
	// Predeclared are values that every file of the program sees without a load. They are frozen.
	// They replace builtins of the same name. Nil adds none.
	Predeclared starlark.StringDict
	// Limits bound the load and each call.
	Limits Limits
	// Logger receives what print() says, with file and line. Nil means slog.Default().
	Logger *slog.Logger
	// Rewrite are called, in order, for each file that is compiled, with its tree, whose names
	// are not resolved yet, and its source. They may change the tree but not what the file binds:
	// see package cover. Nil changes nothing.
	Rewrite []func(f *syntax.File, source []byte)
}
