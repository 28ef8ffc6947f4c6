// Package apps holds applications and middleware written as .star files, embedded in the binary.
//
// The smallest that are worth reading are hello, environ, form, stream and push; httpbin, mock, upload, a file share,
// wiki, api, a JSON API, links, short links, chat, poll, jobs and dash are small programs that are of use by themselves.
// The middleware is errors (an answer to each), mount (dispatch by prefix) and lint (the gateway contract, executable).
// The tour shows them all, live, with their source beside them.
package apps

import "embed"

// FS is the tree of all of them, from whose root they load one another and read their files. The tour is tour/app.star
// in it; app.star, at the root, is the same for one who serves the tree from its files. The tests beside them,
// *_test.star, are not in it: larkspur test apps runs those. Below jobs and wiki are files whose names begin with _,
// which go:embed takes only if it is told to take all.
//
//go:embed app.star environ.star errors.star form.star hello.star html.star lint.star mount.star push.star stream.star upload.star upload
//go:embed api chat dash links poll style.css httpbin mock mock.json tour all:jobs all:wiki
var FS embed.FS

// An App is an application of FS that runs by itself.
type App struct {
	Name  string // what larkspur dev calls it
	Entry string // its script
	About string // what it is, in a few words
}

// List returns the applications that can be asked for by name, the tour first.
func List() []App {
	return []App{
		{"tour", "tour/app.star", "all of these, explained, with their source"},
		{"hello", "hello.star", "the smallest application"},
		{"environ", "environ.star", "shows what the server made of a request"},
		{"form", "form.star", "a form, and what was sent with it"},
		{"upload", "upload.star", "shares files, by links that nobody can guess"},
		{"wiki", "wiki/app.star", "a wiki: Markdown, history, search, in a database of SQLite"},
		{"links", "links/app.star", "short links, with counts and titles"},
		{"chat", "chat/app.star", "a chat: rooms, who is there, what was said"},
		{"poll", "poll/app.star", "polls: one vote each, and a result that changes as one looks"},
		{"jobs", "jobs/app.star", "counts words behind the page, in a queue"},
		{"dash", "dash/app.star", "charts of the server itself, live"},
		{"stream", "stream.star", "ten lines, half a second apart"},
		{"push", "push.star", "pushes what its page needs"},
		{"httpbin", "httpbin/app.star", "answers to try HTTP clients with"},
		{"api", "api/app.star", "a JSON API on a database, with its OpenAPI document"},
		{"mock", "mock/app.star", "an API that mock.json describes"},
	}
}
