package environ

import (
	"cmp"
	"fmt"

	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// A Code names a fault of the contract for good: it stays the same across versions, so that it can
// be searched for. SPEC.md lists them all with cause and cure.
type Code string

// The faults of calling the application and of what it returns.
const (
	CodeResult     Code = "LARK0101"
	CodeNotStarted Code = "LARK0102"
	CodeBlock      Code = "LARK0103"
	CodeTooLong    Code = "LARK0104"
	CodeTooShort   Code = "LARK0105"
	CodeNoBody     Code = "LARK0106"
	CodeLateWrite  Code = "LARK0107"
	CodeStream     Code = "LARK0108"
	CodeCleanup    Code = "LARK0109"
)

// The faults of calling start_response and the early hints.
const (
	CodeArguments    Code = "LARK0201"
	CodeStatus       Code = "LARK0202"
	CodeInformation  Code = "LARK0203"
	CodeHeaders      Code = "LARK0204"
	CodeHeaderItem   Code = "LARK0205"
	CodeHeaderName   Code = "LARK0206"
	CodeHeaderValue  Code = "LARK0207"
	CodeHopByHop     Code = "LARK0208"
	CodeStatusHeader Code = "LARK0209"
	CodeLength       Code = "LARK0210"
	CodeTwice        Code = "LARK0211"
	CodeExcInfo      Code = "LARK0212"
	CodeEnded        Code = "LARK0213"
	CodeHints        Code = "LARK0214"
	CodeVary         Code = "LARK0215"
	CodeTrailer      Code = "LARK0216"
)

// The faults of the streams in the environ.
const (
	CodeInputEnded   Code = "LARK0301"
	CodeInputBroken  Code = "LARK0302"
	CodeInputTooLong Code = "LARK0303"
	CodeInputUse     Code = "LARK0304"
	CodeErrorsUse    Code = "LARK0305"
	CodeWrapper      Code = "LARK0306"
)

// The faults of requests that an application asked to have parsed.
const (
	CodeMalformed Code = "LARK0401"
	CodeTooMany   Code = "LARK0402"
	CodeWebUse    Code = "LARK0403"
	CodeMedia     Code = "LARK0404"
	CodeAbsent    Code = "LARK0405"
)

// The ends of a request that are not the application's answer.
const (
	CodeFailed Code = "LARK0501"
	CodeLimit  Code = "LARK0502"
	CodeFull   Code = "LARK0503"
	CodePanic  Code = "LARK0504"
	CodeGate   Code = "LARK0505"
)

// The faults of answering in another process.
const (
	CodeWorkerDied Code = "LARK0601"
	CodeNoWorker   Code = "LARK0602"
	CodeUpstream   Code = "LARK0603"
	CodeState      Code = "LARK0604"
)

// A CodeInfo is a row of the table of codes.
type CodeInfo struct {
	Code  Code
	Title string
	Cause string
	Cure  string
}

// Codes returns the table of all codes, in order. It is the caller's to change.
func Codes() []CodeInfo {
	return []CodeInfo{
		{CodeResult, "not a body",
			"The application returned something that is neither an iterable of blocks nor a " +
				"callable: `None` because a `return` is missing, a bare `bytes` or " +
				"`string`, a number.",
			"Return a list: `return [b\"...\"]`, or `return []` for no body."},
		{CodeNotStarted, "start_response() was not called",
			"A first non-empty block came before `start_response`, or the application " +
				"returned without it.",
			"Call `start_response(status, headers)` before the first block."},
		{CodeBlock, "not a block",
			"The body or `write()` gave something that is neither `bytes` nor `string`.",
			"Convert it: `str(x)`, or `bytes(list_of_ints)`."},
		{CodeTooLong, "longer than its Content-Length",
			"The body has more bytes than the `Content-Length` that the application declared. " +
				"What is over is cut.",
			"Declare the right length or none; middleware that changes a body must drop the " +
				"header."},
		{CodeTooShort, "shorter than its Content-Length",
			"The body ended before the declared `Content-Length`. The response is broken off, " +
				"so that the client sees that it is not whole.",
			"Declare the right length or none."},
		{CodeNoBody, "a body where none may be",
			"A response with status 204, 205 or 304 had a body. It was dropped. (That of a " +
				"HEAD request is dropped without a word.)",
			"Return `[]`."},
		{CodeLateWrite, "write() out of turn",
			"`write()` was called after the application returned.",
			"Write before returning, or return a callable body and use its `stream`."},
		{CodeStream, "stream misused",
			"A callable body used its stream after it was closed, or after the body had returned.",
			"Use the stream only inside the body, before `close`."},
		{CodeCleanup, "clean-up failed",
			"`close()` of a body or a function given to `larkspur.on_finish` failed. The " +
				"response is not changed by it.",
			"See the backtrace in the log."},

		{CodeArguments, "wrong arguments",
			"`start_response`, `write` or an early hints call got the wrong number or type of " +
				"arguments.",
			"`start_response(\"200 OK\", [(\"Content-Type\", \"text/plain\")])`."},
		{CodeStatus, "malformed status",
			"The status is not three digits from 200 to 599, a space and a reason.",
			"`\"200 OK\"`; `status(404)` of `@http` builds one."},
		{CodeInformation, "1xx from start_response", "A 1xx status is not a final response.",
			"Use `environ[\"wsgi.early_hints\"]` for 103; 100 is sent by the server."},
		{CodeHeaders, "headers are not a list",
			"The second argument of `start_response` is not a list.",
			"`[(\"Content-Type\", \"text/plain\")]`, not a dict or a tuple."},
		{CodeHeaderItem, "not a header", "An item of the headers is not a tuple of two strings.",
			"`(\"X-Count\", str(3))`."},
		{CodeHeaderName, "malformed header name",
			"The name has a character that no field name may have, or none at all.",
			"Letters, digits and `-`; the colon is the server's."},
		{CodeHeaderValue, "malformed header value",
			"The value has a control character: a line break would start another header.",
			"Remove it; encode what comes from outside."},
		{CodeHopByHop, "hop-by-hop header",
			"`Connection`, `Keep-Alive`, `Proxy-Authenticate`, `Proxy-Authorization`, " +
				"`Proxy-Connection`, `TE`, `Trailer`, `Transfer-Encoding` and `Upgrade` belong " +
				"to the connection, which is the server's.",
			"Leave it out; the server frames the body."},
		{CodeStatusHeader, "a Status header", "`Status` is CGI's way to say the status.",
			"Say it in the first argument of `start_response`."},
		{CodeLength, "malformed Content-Length",
			"`Content-Length` is not a number of bytes, or two of them differ.",
			"`(\"Content-Length\", str(len(block)))`."},
		{CodeTwice, "start_response called twice", "A second call needs `exc_info`.",
			"Call it once; an error handler passes the error of `catch()` as third argument."},
		{CodeExcInfo, "exc_info is not an error",
			"The third argument is neither `None` nor the error that `catch()` returned.",
			"`_, error = catch(fn)`, then `start_response(status, headers, error)`."},
		{CodeEnded, "used after the response ended",
			"`start_response`, `write` or an extension of the environ was kept and called " +
				"when its request was over.",
			"Use them only during the request."},
		{CodeHints, "malformed early hints",
			"A 103 may carry only fields that are hints, valid as those of a response.",
			"`[(\"Link\", \"</a.css>; rel=preload; as=style\")]`."},
		{CodeVary, "a Vary is missing",
			"The response was made from a field that says who asks (`Cookie`, `Authorization`), " +
				"and caches may give it to others. `larkspur dev` warns of it; it is never pushed.",
			"Add `(\"Vary\", \"Cookie\")`, or `(\"Cache-Control\", \"private\")`; or do not read " +
				"the field for what is the same for all."},
		{CodeTrailer, "not a trailer",
			"`environ[\"larkspur.trailers\"]` got a field that has to be known before the body, as " +
				"`Content-Type`, `Set-Cookie` or `Cache-Control`.",
			"Say it in `start_response`."},

		{CodeInputEnded, "input used after the request",
			"`wsgi.input` was kept and read when its request was over.",
			"Read what you need during the request."},
		{CodeInputBroken, "the body broke off",
			"The client went away or sent a malformed body before its end. What was read is " +
				"not all.",
			"Nothing to fix in the application; the read fails so that half a body is not " +
				"taken for a whole one."},
		{CodeInputTooLong, "the body is too large",
			"The request body is larger than the server's limit (`--max-body`, 10 MiB). The " +
				"client gets 413.",
			"Raise the limit, or accept that it is refused."},
		{CodeInputUse, "input misused", "A method of `wsgi.input` got a wrong argument.",
			"`read()`, `read(n)`, `readline()`, `readline(n)`, `readlines()`, `readlines(hint)`."},
		{CodeErrorsUse, "errors misused",
			"A method of `wsgi.errors` got something that is not a string.", "`write(str(x))`."},
		{CodeWrapper, "not a file",
			"`wsgi.file_wrapper` got something without a `read` method, a block size below 1, " +
				"or a file whose `read` does not give blocks.",
			"`wsgi.file_wrapper(file(\"a.txt\"))`."},

		{CodeMalformed, "malformed request data",
			"A query, form, cookie or JSON body that the application asked for is not well " +
				"formed. Uncaught, the client gets 400.",
			"`catch()` it to answer in your own words."},
		{CodeTooMany, "too much request data",
			"A query, form or JSON body has more keys, files, depth or bytes than the limit. " +
				"Uncaught, the client gets 413.",
			"See the limits of `@http`."},
		{CodeWebUse, "function of the library misused",
			"A function of `@http`, `@response` or another module of the web got a wrong argument.",
			"See the description of the module."},
		{CodeMedia, "not the media type that was asked for",
			"The application asked for a JSON body, and the `Content-Type` of the request says " +
				"that it is none. Uncaught, the client gets 415.",
			"`catch()` it to answer in your own words; a client sends `application/json`."},
		{CodeAbsent, "no such file",
			"The application answers with a file (`file` of `@response`) that is not there, or that " +
				"may not be served. Uncaught, the client gets 404.",
			"`catch()` it to answer in your own words."},

		{CodeFailed, "the application failed",
			"The script raised an error that nothing caught. Before the first block the " +
				"client gets 500; after it the response is broken off.",
			"The log has the backtrace."},
		{CodeLimit, "the application ran over a limit",
			"Its deadline (`--timeout`), its steps or its depth of calls. Before the first " +
				"block the client gets 504.",
			"The log names the line that was running. Do less in a request, or raise the limit."},
		{CodeFull, "the server is full",
			"As many scripts run at once as may, and the queue is full or waiting took too " +
				"long; or too many calls that have begun wait, and this client has the most of " +
				"them; or the system has no descriptors or memory left to open a file. The " +
				"client gets 503 with `Retry-After`, or a response that breaks off.",
			"Raise `server.Slots.Calls` (`--calls`) or `server.Slots.Waiting` (`--waiting`), " +
				"or answer faster."},
		{CodePanic, "host code panicked",
			"A fault in Go code that the application called. The client gets 500; the process " +
				"lives on.",
			"Report it, with the stack in the log."},
		{CodeGate, "request refused",
			"The request is malformed in a way that could mean different things to different " +
				"readers, or is for nothing that is here. The client gets 400, 404 outside the " +
				"mount, 431 for too many header fields, 501 for CONNECT.",
			"Nothing to fix in the application."},

		{CodeWorkerDied, "the worker did not answer",
			"The process that was answering has ended: it was killed, ran out of memory, or was " +
				"stopped because a call could not be. Before the first block the client gets 502, " +
				"or, if the request may be made twice, another worker answers; after it the " +
				"response is broken off.",
			"The log says of what it ended, and what it was doing."},
		{CodeNoWorker, "no worker",
			"None of the processes that answer is there: they end as soon as they are started, or " +
				"are being started. The client gets 503 with `Retry-After`.",
			"The log says of what they end."},
		{CodeUpstream, "the upstream did not answer",
			"The server behind `--upstream` cannot be reached, or its answer is no HTTP. The client " +
				"gets 502, or 504 if it took too long.",
			"See that it runs, and listens where the flag says."},
		{CodeState, "what keeps state cannot be reached",
			"The servers of `--nats` are away, or fewer than half of the nodes of `--cluster` can be " +
				"reached from this one, or they did not answer in time. The client gets 503 unless " +
				"the script catches the error, whose kind is `unavailable` or `timeout`.",
			"The log says since when. It passes by itself once they are back."},
	}
}

// An Error is a fault of the contract, found while a script runs. The interpreter adds the place.
// It is also how Go code that a script calls has a request answered with a status of its own.
type Error struct {
	Code Code   // "" if it is no fault of the contract
	Msg  string // what is wrong
	Fix  string // what to write instead; may be empty
	// Status is the HTTP status that the fault deserves if the script lets it pass; zero means 500.
	Status int
	// Told says that the client may read Msg, as it is about what that has sent: it stands on the
	// error page.
	Told bool
	// Err is the Go error behind it, if there is one.
	Err error
}

// Errorf returns an Error, whose message is cut to [host.MaxMessage]. The fix may be empty.
func Errorf(code Code, fix, format string, args ...any) *Error {
	for i, arg := range args { // before they are quoted, which takes several times their size
		switch arg := arg.(type) {
		case string:
			args[i] = host.Cut(arg)
		case starlark.String:
			args[i] = starlark.String(host.Cut(string(arg)))
		}
	}
	return &Error{Code: code, Msg: host.Cut(fmt.Sprintf(format, args...)), Fix: fix}
}

func (e *Error) Error() string {
	msg := e.Msg
	if e.Code != "" {
		msg = string(e.Code) + ": " + msg
	}
	if e.Fix != "" {
		msg += "; " + e.Fix
	}
	return msg
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// Kind is what a script sees as .kind of the error that catch returns: the code, or "error".
func (e *Error) Kind() string { return cmp.Or(string(e.Code), "error") }

// ErrorCode is [host.Coder]'s.
func (e *Error) ErrorCode() string { return string(e.Code) }

// HTTPStatus is [host.Statuser]'s.
func (e *Error) HTTPStatus() int { return e.Status }

var (
	_ host.Coder    = (*Error)(nil)
	_ host.Statuser = (*Error)(nil)
	_ host.Kinder   = (*Error)(nil)
)
