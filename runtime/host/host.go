// Package host is what Go code that serves scripts needs of the call that a script runs in, and
// what the parts of Larkspur agree on: any package may import it, and it imports go.starlark.net
// only, beside package spell, which imports nothing.
//
// # The call
//
// A builtin is given the thread, and [CallOf] returns the [Call] that the thread runs: its
// context, the ways to end it and to let it live on, and [Call.Wait], inside which everything
// that blocks is to block. On a thread of no call it returns one that never ends, so that nobody
// has to ask.
//
// An application is an [App]: what begins a request. The [Run] that it returns pins one version
// of the application for as long as the request lasts, and bounds all calls of the request
// together.
//
// # Modules
//
// A [Module] describes what load("@name", ...) gives to scripts: its [Member]s, with parameters,
// results, errors and examples, and the [Type]s of the values that they make. The builtins are made
// from the description and from Go functions, so that what can be called and what is written of it
// are the same: see [Func] for the functions, and [Args] for those that are called so often that
// reflection would be felt. Package hosttest checks that a description says everything, and that
// its examples are true.
//
// What reaches outside of a program, or lasts, is opened in [Module.Open], once for each generation
// of a program that loads the module. The [Load] that it is given has the files, what was granted,
// and the events in the life of the generation.
//
// # Errors
//
// An error may say more than its text. What it can say is named here, as interfaces of one
// method, and read by functions that look through the whole chain of the error: [CodeOf],
// [StatusOf], [PlaceOf], [BacktraceOf], [KindOf], [TimedOut], [Panicked]. A type that has such a
// method says so by a declaration
//
//	var _ host.Placer = (*LimitError)(nil)
//
// so that a method that is renamed breaks the build and not a feature.
//
// # Places
//
// A [Place] is where in a script something is; it is written, and parsed, as FILE:LINE:COL. A
// [Diagnostic] is a message about one, whoever found it, and an [Excerpt] is what the script says
// there.
//
// # Values
//
// [Value] makes a value for scripts of nearly any Go value, structs with their fields and methods
// among them, and [Unpack] the other way round; [Func] says what becomes what.
//
// [Object] has the five methods of a value that is opaque to a script. [StandIn], [Remainder] and
// [Sizer] are what a value may say of itself besides. A [File] is an open file, an [Iterable] makes
// its elements as they are asked for, and [ReadMethod] and [Lines] give the methods of a stream
// that is read to any [Source]. Package json has the codec.
package host
