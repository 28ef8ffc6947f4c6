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
// load("@name", ...), each made by a [Module].
package runtime
