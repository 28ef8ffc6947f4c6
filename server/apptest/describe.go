package apptest

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// clientType describes a client. Its values are made by [client.Attr].
var clientType = &host.Type{
	Name: "test.client",
	Doc: "A browser that has just been opened: it keeps cookies, takes what is pushed, and asks " +
		"the one application without a socket.",
	Members: append(verbMembers(),
		host.Member{
			Name: "request",
			Doc:  "Asks with any method; what get says of its arguments holds here too.",
			Params: append(
				[]host.Param{{Name: "method", Doc: "the method", Type: "string", Pass: host.ByPosition}},
				requestParams()...),
			Result:  "a response",
			Errors:  requestErrors,
			Example: "def test_report():\n    eq(client(app).request(\"REPORT\", \"/\").status, 405)",
		},
		host.Member{
			Name: "websocket",
			Doc: "Asks for a WebSocket as a browser does, and returns the client's end of it. The " +
				"application runs only while the test waits for it.",
			Params: []host.Param{
				{Name: "target", Doc: "the path, encoded, with its query if it has one", Type: "string"},
				{Name: "headers", Doc: "fields of the request, which replace those of the client",
					Type: "dict or list of pairs", Optional: true},
				{Name: "subprotocols", Doc: "those that the client offers, the best first",
					Type: "list of strings", Optional: true},
				{Name: "fails", Doc: "the application has to fail with a CODE: MESSAGE that matches this " +
					"regular expression", Type: "string", Optional: true},
			},
			Result: "a test.websocket, None if fails says so",
			Errors: append(requestErrors[:2:2], host.Failure{
				When: "the application answers with something else than a WebSocket",
			}),
			Example: "def test_chat():\n    ws = client(app).websocket(\"/chat\")\n    eq(ws.recv(), \"hello\")",
		},
		host.Member{Name: "cookies", Doc: "A dict of the cookies that it would send to the application."},
		host.Member{
			Name: "set_cookie",
			Doc:  "Adds a cookie, as though the application had set it.",
			Params: []host.Param{
				{Name: "name", Doc: "of the cookie", Type: "string"},
				{Name: "value", Doc: "what it says", Type: "string"},
				{Name: "path", Doc: "where it is sent", Type: "string", Default: starlark.String("/")},
			},
			Result: "None",
			Errors: []host.Failure{{When: "it is no cookie"}},
			Example: "def test_theme():\n    c = client(app)\n    c.set_cookie(\"theme\", \"dark\")\n" +
				"    contains(c.get(\"/\").text, \"dark\")",
		},
		host.Member{
			Name: "session",
			Doc: "A dict of what the session of @session holds that its cookie stands for: after a " +
				"response that which it left. It is empty if nobody has asked for one; to change " +
				"the dict changes nothing.",
			Example: "def test_login():\n    c = client(app)\n" +
				"    c.post(\"/login\", form = {\"name\": \"ada\"})\n    eq(c.session, {\"user\": \"ada\"})",
		},
		host.Member{
			Name: "flashes",
			Doc:  "A list of what flash of the session keeps for the next page: tuples (category, message).",
		},
	),
}

var requestErrors = []host.Failure{
	{When: "the application fails, breaks the contract, or breaks off, and fails does not say so"},
	{When: "the target is no path, or another argument is wrong"},
	{When: "there are more than 10 redirects to follow, or one to another host"},
}

// verbMembers are the methods of a client that ask with the method of that name.
func verbMembers() (all []host.Member) {
	for _, verb := range verbs {
		m := host.Member{
			Name: verb, Doc: "Asks with the method of that name.", Params: requestParams(),
			Result: "a response", Errors: requestErrors,
			Example: "def test_" + verb + "():\n    eq(client(app)." + verb + "(\"/notes/1\").status, 200)",
		}
		switch verb {
		case "get":
			m.Example = "def test_search():\n" +
				"    r = client(app).get(\"/search\", query = {\"q\": \"tea\"})\n" +
				"    eq(r.status, 200)"
		case "post":
			m.Doc = "Posts a form, files, JSON or any body."
			m.Example = `def test_upload():
    c = client(app, follow = True)
    photo = ("a.png", b"PNG", "image/png")
    r = c.post("/photos", form = {"title": "Tea"}, files = {"photo": photo})
    eq([step.status for step in r.history], [303])
    eq(c.post("/api", json = {"id": 1}).json(), {"ok": True})`
		}
		all = append(all, m)
	}
	return all
}

// requestParams are those of a request.
func requestParams() []host.Param {
	return []host.Param{
		{Name: "target", Doc: "the path, encoded, with its query if it has one", Type: "string"},
		{Name: "headers", Doc: "fields of this request, which replace those of the client",
			Type: "dict or list of pairs", Optional: true},
		{Name: "query", Doc: "pairs that are added to the target", Type: "dict or list of pairs",
			Optional: true},
		{Name: "body", Doc: "a block, or a list of blocks, whose length the application is not told",
			Type: "string, bytes or list", Optional: true},
		{Name: "form", Doc: "fields of a form; a list as value is several of the name",
			Type: "dict or list of pairs", Optional: true},
		{Name: "files", Doc: "files of a multipart form, by field: (filename, content) or (filename, " +
			"content, type)", Type: "dict", Optional: true},
		{Name: "json", Doc: "a value that is sent as JSON", Type: "any", Optional: true},
		{Name: "follow", Doc: "follow redirects as browsers do, 10 at most: after a 303, and of a POST " +
			"after 301 and 302, with GET, after 307 and 308 with the same method and body; without it " +
			"as the client was told", Type: "bool", Optional: true},
		{Name: "stream", Doc: "return when the response has begun, to take it block by block",
			Type: "bool", Default: starlark.False},
		{Name: "fails", Doc: "the application has to fail with a CODE: MESSAGE that matches this " +
			"regular expression", Type: "string", Optional: true},
	}
}

// responseType describes a response. Its values are made by [response.Attr].
var responseType = &host.Type{
	Name: "test.response",
	Doc:  "What a client got, or is getting if it asked for a stream.",
	Members: []host.Member{
		{Name: "status", Doc: "The status, an int."},
		{Name: "url", Doc: "What was asked for last: after redirects the page they led to."},
		{Name: "headers", Doc: "A mapping from names, in any case, to values, with get, getall, items " +
			"and keys."},
		{Name: "text", Doc: "What has come of the body, a string."},
		{Name: "body", Doc: "What has come of the body, bytes."},
		{Name: "blocks", Doc: "What has come of the body, as it was sent: a list of bytes."},
		{Name: "cookies", Doc: "A dict of the cookies that it sets."},
		{Name: "hints", Doc: "The headers of each 103 that came before it, a list."},
		{Name: "pushes", Doc: "The responses that were pushed with it so far, a list: a client gets " +
			"each once, as on one connection."},
		{Name: "history", Doc: "The redirects that led to it, a list of responses."},
		{Name: "log", Doc: "What was logged and printed for it, a list of lines."},
		{Name: "error", Doc: "None, or what went wrong: .code, .message, .place, .backtrace."},
		{Name: "ended", Doc: "Whether a stream has come to its end."},
		{
			Name: "json", Doc: "Returns the value of a body that is JSON.", Result: "the value",
			Errors: []host.Failure{{When: "it is no JSON"}},
			Example: "def test_api():\n" +
				"    eq(client(app).get(\"/api\").json()[\"name\"], \"tea\")",
		},
		{
			Name:   "read",
			Doc:    "Returns the next block of a stream: the application runs until it has sent one.",
			Result: "bytes, b\"\" at the end",
			Errors: []host.Failure{{When: "the application fails"}},
			Example: "def test_stream():\n    r = client(app).get(\"/numbers\", stream = True)\n" +
				"    eq([r.read(), r.read()], [b\"1\", b\"2\"])",
		},
		{
			Name: "events",
			Doc: "Gives the server-sent events of a response, each when it has come, as structs with " +
				"data, event (message if nothing else is said), id (that of the last one that had " +
				"one) and retry (milliseconds, None before it is said). Comments are left out. To " +
				"ask again goes on behind the last one.",
			Params: []host.Param{{
				Name: "count", Doc: "how many at most; None is all", Type: "int or None",
				Default: starlark.None,
			}},
			Result: "an iterable",
			Errors: []host.Failure{
				{When: "the Content-Type is not text/event-stream, or the application fails"},
			},
			Example: `def test_clock():
    r = client(app).get("/clock", stream = True)
    eq([e.data for e in r.events(2)], ["1", "2"])
    r.close()`,
		},
		{
			Name: "close", Doc: "Goes away before the end of a stream.", Result: "None",
			Errors: []host.Failure{{When: "the application fails because of that"}},
			Example: "def test_leaves():\n    r = client(app).get(\"/endless\", stream = True)\n" +
				"    r.close()",
		},
	},
}
