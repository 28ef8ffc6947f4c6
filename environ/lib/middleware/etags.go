package middleware

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// maxTagged is how many bytes of a body are hashed.
const maxTagged = 4 << 20

func etagsMember() host.Member {
	return host.Member{
		Name: "etags",
		Doc: "Gives responses an ETag, made of their bytes, and answers 304 to who has them already. " +
			"Those are responses of status 200 to GET and HEAD whose body is there as a list of up to " +
			"4 MiB, without an ETag of their own and without Cache-Control: no-store; an ETag of " +
			"their own is compared too. A body that is made as it is sent passes as it is.",
		Params: []host.Param{
			appParam(),
			{
				Name: "weak", Type: "bool", Pass: host.ByName, Default: starlark.False,
				Doc: "makes weak ones, which survive compression by a proxy; a Range cannot use them",
			},
		},
		Result: "a function from application to application, or the application around app",
		Example: `def app(environ, start_response):
    start_response("200 OK", [])
    return ["hello"]

environ = {"REQUEST_METHOD": "GET"}
said = []
etags(app)(environ, lambda status, headers: said.extend(headers))  # ["hello"]
environ["HTTP_IF_NONE_MATCH"] = said[0][1]
etags(app)(environ, lambda status, headers: said.append(status))  # ()
said  # [("ETag", "\"LPJNul-wow4m6Dsqxbning\""), "304 Not Modified"]`,
		Fn: etags,
	}
}

func etags(a host.Args) (starlark.Value, error) {
	var app starlark.Value
	var weak bool
	if err := a.Unpack(&app, &weak); err != nil {
		return nil, err
	}
	return made("etags", app, func(q *request) (starlark.Value, error) {
		method := q.get(keyMethod)
		if method != http.MethodGet && method != http.MethodHead {
			return q.next(q.start)
		}
		held := environ.Hold(q.thread, q.start)
		body, err := q.next(held)
		h := held.Release()
		if err != nil || h == nil {
			return body, err
		}
		return tagged(q, held, h, body, weak)
	})
}

// tagged sends a response with its tag, or says that nothing has changed.
func tagged(
	q *request, held *environ.Interposed, h *environ.Head, body starlark.Value, weak bool,
) (starlark.Value, error) {
	if h.Status == http.StatusOK && !h.Has("ETag") && !contains(h.Get("Cache-Control"), "no-store") {
		blocks, size, there := blocksOf(body, maxTagged)
		// To HEAD, an empty body may stand for one that was not made.
		if there && (size > 0 || q.get(keyMethod) == http.MethodGet) {
			h.Set("ETag", tagOf(blocks, weak))
		}
	}
	tag := h.Get("ETag")
	if h.Status != http.StatusOK || tag == "" || !matches(q.get(keyNoneMatch), tag) {
		return body, held.Send(h)
	}
	h.Status = http.StatusNotModified
	// RFC 9110, section 15.4.5: what describes the body is not sent again.
	for _, name := range []string{
		"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Range",
		"Last-Modified",
	} {
		h.Drop(name)
	}
	if err := held.Send(h); err != nil {
		return nil, err
	}
	return starlark.Tuple{}, closeBody(q.thread, body)
}

// tagOf makes an entity tag of the bytes of a body.
func tagOf(blocks []string, weak bool) string {
	sum := sha256.New()
	for _, b := range blocks {
		sum.Write([]byte(b))
	}
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum.Sum(nil)[:16]) + `"`
	if weak {
		tag = "W/" + tag
	}
	return tag
}

// matches reports whether If-None-Match names tag. RFC 9110, sections 8.8.3.2 and 13.1.2: the
// comparison is the weak one. It is total: what is no tag ends the list.
func matches(list, tag string) bool {
	tag = strings.TrimPrefix(tag, "W/")
	for {
		list = strings.TrimLeft(list, ", \t")
		if strings.HasPrefix(list, "*") {
			return true
		}
		list = strings.TrimPrefix(list, "W/")
		if list == "" || list[0] != '"' {
			return false
		}
		end := strings.IndexByte(list[1:], '"')
		if end < 0 {
			return false
		}
		if list[:end+2] == tag {
			return true
		}
		list = list[end+2:]
	}
}

// contains reports whether a list as that of Cache-Control has a directive, with a value or without.
func contains(list, directive string) bool {
	for element := range wire.Elements(list) {
		name, _, _ := strings.Cut(element, "=")
		if strings.EqualFold(name, directive) {
			return true
		}
	}
	return false
}
