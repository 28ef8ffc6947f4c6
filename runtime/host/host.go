// Package host is what Go code that serves scripts needs of the call that a script runs in, and
// what the parts of Larkspur agree on: any package may import it, and it imports go.starlark.net
// only.
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
// A [Place] is where in a script something is; it is written, and parsed, as FILE:LINE:COL. A [Diagnostic] is a
// message about one, whoever found it, and an [Excerpt] is what the script says there.
//
// # Values
//
// [Object] has the five methods of a value that is opaque to a script. [StandIn], [Remainder] and
// [Sizer] are what a value may say of itself besides.
package host
