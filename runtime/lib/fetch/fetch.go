// Package fetch is the host module @fetch: requests to other servers, of which only those can be
// asked that were granted. [Module] describes it, and a [Grant] says which servers.
//
// # What is asked
//
// A URL is read once, by [parseURL], to a target: a host in one spelling, and a port. What the target
// may be is decided by the Grant, the address behind it is looked up once, judged by [public], and
// that very address is dialled: nothing can change between the look-up and the connection. The same
// holds for each redirect, and for a connection that is used again, because it belongs to its target
// and its Grant. Proxies that the environment names are not used: they would dial for us.
//
// # What is waited for
//
// A flight is one request on its way: its context, the time that is left to wait, its place among
// those that run at once, and its body. It ends when the body is read, the loop over it is left, or
// the request that the call is of has ended, whichever is first. All that blocks is done inside
// [host.Call.Wait]; what of a request body a script makes is made outside of it, on the thread of the
// call.
//
// # Tests
//
// A Grant is a [host.Tester]: in tests requests are answered by what the test gave to fetches(), and
// nothing is dialled.
package fetch

import (
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// Module describes @fetch, which needs a *[Grant].
func Module() *host.Module {
	return &host.Module{
		Name: "fetch",
		Doc: "Asks other servers over HTTP. It can be loaded once any host is granted; each request to " +
			"another is refused, by an error that catch() holds. So an application that can do without is " +
			"run with a host that nobody has, as nothing.invalid.",
		Grant:   "the hosts that may be asked",
		Members: []host.Member{fetchMember(), allMember(), requestMember()},
		Tests:   []host.Member{new(trial).member()},
		Whole:   true,
		Types:   []*host.Type{responseType, requestType, headersType},
		Scene:   scene,
		Open:    open,
	}
}

// scene is what the examples speak of. They run without a grant, so that they show what needs none.
const scene = `q = request("https://example.com/notes?page=2", headers = {"Accept": "text/plain"})`

// A library is the module for one generation of a program.
type library struct {
	grant  *Grant
	client *client // nil in a trial
}

func open(l *host.Load) (any, error) {
	grant, ok := l.Grant.(*Grant)
	if !ok && l.Grant != nil {
		return nil, fmt.Errorf("fetch: it is granted %T, not *fetch.Grant", l.Grant)
	}
	if grant == nil {
		grant = new(Grant)
	}
	lib := &library{grant: grant}
	if grant.trial == nil {
		var err error
		if lib.client, err = grant.open(); err != nil {
			return nil, err
		}
		l.OnRetire(lib.client.transport.CloseIdleConnections)
	}
	return lib, nil
}

func fetchMember() host.Member {
	return host.Member{
		Name: "fetch",
		Doc: "Sends a request and returns the response as soon as its head has come. Redirects are " +
			"followed, up to 10; on the way to another origin Authorization and Cookie are left out, " +
			"and each host has to be granted. Cookies are not kept.",
		Params: params(),
		Result: "fetch.response, whatever its status is",
		Errors: failures,
		Example: `fetch("https://example.com/")  # error: example.com is not granted
fetch("http://0x7f.1/")  # error: 0x7f.1 is no address that may be written so
fetch("https://me:secret@example.com/")  # error: a URL with a user or a password in it`,
		Fn: func(a host.Args) (starlark.Value, error) {
			r, err := requestOf(a)
			if err != nil {
				return nil, err
			}
			return a.Of.(*library).fetch(a.Thread, r)
		},
	}
}

func requestMember() host.Member {
	return host.Member{
		Name:   "request",
		Doc:    "Returns a request, which is not sent: fetch_all sends several.",
		Params: params(),
		Result: "fetch.request",
		Errors: []host.Failure{{When: "an argument is of a wrong type, or a field of the head is none"}},
		Example: `request("https://example.com/a", json = {"b": 1}).body  # b"{\"b\":1}"
request("https://example.com/a", form = {"b": "c d"}).method  # "POST"
request("https://example.com/", headers = {"Host": "other"})  # error: the field Host is written by fetch`,
		Fn: func(a host.Args) (starlark.Value, error) {
			r, err := requestOf(a)
			if err != nil {
				return nil, err
			}
			return r, nil
		},
	}
}

// params are the parameters of a request.
func params() []host.Param {
	return []host.Param{
		{
			Name: "url", Type: "string",
			Doc: "http or https, a host, and what follows; no user and no password",
		},
		{
			Name: "method", Type: "string", Default: starlark.String(""),
			Doc: `as "PUT"; empty is GET, or POST if there is something to send`,
		},
		{
			Name: "headers", Type: "dict or iterable", Default: starlark.None,
			Doc: "fields of the head: a dict of strings, or of lists of strings, or pairs",
		},
		{
			Name: "body", Type: "string, bytes, iterable or file", Default: starlark.None,
			Doc: "what is sent; blocks of an iterable and what a file holds go out as they come, " +
				"and are not sent twice",
		},
		{
			Name: "json", Type: "any", Default: starlark.None,
			Doc: "a value that is sent as JSON; None sends nothing",
		},
		{
			Name: "form", Type: "dict or iterable", Default: starlark.None,
			Doc: "names and values that are sent as a form of HTML sends them",
		},
		{
			Name: "timeout", Type: "int, float or duration", Default: starlark.None,
			Doc: "how long to wait for the response and its body in all, in seconds, and for each " +
				"block of blocks(); None is 30 seconds, and no wait lasts longer than the call may",
		},
		{
			Name: "follow", Type: "bool", Default: starlark.True,
			Doc: "whether to follow redirects, or to return them",
		},
	}
}

// failures are the errors of what is sent. Each has its kind, for catch().
var failures = []host.Failure{
	{When: `the URL may not be fetched: its host is not granted, or is at an address that is not ` +
		`public and was not granted by this very name and port (kind "refused")`},
	{When: `the response took too long (kind "timeout"; uncaught, the client gets 504)`},
	{When: `the host has no address (kind "dns"), no connection could be made (kind "connect"), or ` +
		`none that is safe (kind "tls"); uncaught, the client gets 502, as for what follows`},
	{When: `there were more than 10 redirects, or a body of a script would have had to be sent ` +
		`again (kind "redirect")`},
	{When: `the head of the response is larger than 64 KiB (kind "size")`},
	{When: `what the server said was no HTTP, or broke off (kind "protocol")`},
	{When: "an argument is of a wrong type, or a field of the head is none"},
}
