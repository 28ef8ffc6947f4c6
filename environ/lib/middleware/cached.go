package middleware

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func cachedMember() host.Member {
	return host.Member{
		Name: "cached",
		Doc: "Keeps responses in memory and gives them again, for as long as they last, without " +
			"calling the application. Kept are responses to GET with status 200, 301, 308, 404 or " +
			"410 whose body is there as a list of up to 1 MiB, 32 MiB of them together, those used " +
			"longest ago go first. Never those to a request with Cookie, Authorization, Range, a " +
			"body or Cache-Control: no-cache, or with Set-Cookie or Cache-Control: private, " +
			"no-store or no-cache, or pages with a nonce. Vary counts, a shorter max-age too, and " +
			"Age is sent. What many ask for at once is made once. Reloading the application " +
			"empties it.",
		Params: []host.Param{{
			Name: "seconds", Type: "int or float", Doc: "for how long a response is given, above 0",
		}},
		Result: "a function from application to application",
		Errors: []host.Failure{{
			Code: string(environ.CodeWebUse), When: "seconds is not above 0",
		}},
		Example: `calls = []
def app(environ, start_response):
    calls.append(1)
    start_response("200 OK", [])
    return ["%d" % len(calls)]

kept = cached(60)(app)
environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/"}
kept(environ, lambda status, headers: None)  # ["1"]
kept(environ, lambda status, headers: None)  # (b"1",)`,
		Fn: func(a host.Args) (starlark.Value, error) {
			var seconds starlark.Value
			if err := a.Unpack(&seconds); err != nil {
				return nil, err
			}
			if _, ok := starlark.AsFloat(seconds); !ok {
				return nil, environ.Misuse(fmt.Errorf("cached: seconds is %s, not a number", seconds.Type()))
			}
			d, err := periodOf(seconds)
			if err != nil {
				return nil, environ.Misuse(errors.New("cached: seconds is not from 0 to 1,000,000,000"))
			}
			s := newStore(d)
			return made("cached", nil, s.handle)
		},
	}
}

// bypassed reports whether the response must be made for this very request. The fields are read
// where the application is not seen to read them: that it was not made for who asks is the point.
func (q *request) bypassed() bool {
	field := func(name, key string) string { return q.get(starlark.String(key)) }
	length := q.get(starlark.String("CONTENT_LENGTH"))
	if e, ok := q.env.(*environ.Environ); ok {
		message := e.Request().Message
		field = func(name, _ string) string { return strings.Join(message.Header[name], ",") }
		length = strconv.FormatInt(message.ContentLength, 10) // -1 if it is not known before
	}
	// RFC 9110, section 9.3.1: the content of a GET has no meaning. An application may read it all
	// the same, as a form, and who sends one must not choose what others are given.
	if length != "" && length != "0" {
		return true
	}
	control := field("Cache-Control", "HTTP_CACHE_CONTROL")
	return field("Cookie", "HTTP_COOKIE") != "" ||
		field("Authorization", "HTTP_AUTHORIZATION") != "" ||
		field("Range", "HTTP_RANGE") != "" ||
		contains(control, "no-cache") || contains(control, "no-store") ||
		contains(field("Pragma", "HTTP_PRAGMA"), "no-cache")
}

// handle gives what is kept, or has it made.
func (s *store) handle(q *request) (starlark.Value, error) {
	method := q.get(keyMethod)
	if method != http.MethodGet && method != http.MethodHead || q.bypassed() {
		return q.next(q.start)
	}
	key := strings.Join([]string{q.get(keyScheme), q.get(keyHost), q.get(keyScript), q.get(keyPath),
		q.get(keyQuery)}, "\x00")
	if k := s.find(key, q); k != nil {
		return q.give(k)
	}
	if method == http.MethodHead || len(key) > maxCacheKey {
		return q.next(q.start)
	}
	made, mine := s.begin(key, q.thread)
	if mine {
		defer s.end(key, made)
	} else if made != nil {
		// Another request has it made. What comes of it may be for this one or not.
		err := host.CallOf(q.thread).Wait(func(ctx context.Context) error {
			select {
			case <-made.done:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		if err != nil {
			return nil, err
		}
		if k := s.find(key, q); k != nil {
			return q.give(k)
		}
	}
	held := environ.Hold(q.thread, q.start)
	body, err := q.next(held)
	h := held.Release() // nil also if the application has called write()
	if err != nil || h == nil {
		return body, err
	}
	sent := *h
	sent.Fields = slices.Clone(h.Fields)
	if err := held.Send(&sent); err != nil {
		return nil, err
	}
	s.keep(key, q, h, body)
	return body, nil
}

// give answers with what is kept.
func (q *request) give(k *kept) (starlark.Value, error) {
	age := strconv.Itoa(int(time.Since(k.made) / time.Second))
	fields := make([]environ.Field, 0, len(k.head.Fields)+1)
	fields = append(fields, k.head.Fields...)
	fields = append(fields, environ.Field{Name: "Age", Value: age}) // RFC 9111, section 5.1
	if err := environ.Start(q.thread, q.start, k.head.Status, fields); err != nil {
		return nil, err
	}
	return k.body, nil
}

// lasting returns for how long a response may be given, 0 if it may not. RFC 9111, section 3.
func lasting(h *environ.Head, most time.Duration) time.Duration {
	switch h.Status {
	case http.StatusOK, http.StatusMovedPermanently, http.StatusPermanentRedirect,
		http.StatusNotFound, http.StatusGone:
	default:
		return 0
	}
	for _, f := range h.Fields {
		switch strings.ToLower(f.Name) {
		case "set-cookie":
			return 0
		case "vary":
			if strings.Contains(f.Value, "*") {
				return 0
			}
		case "cache-control":
			for _, no := range []string{"private", "no-store", "no-cache"} {
				if contains(f.Value, no) {
					return 0
				}
			}
			most = min(most, maxAge(f.Value, most))
		}
	}
	return most
}

// maxAge is s-maxage of a Cache-Control, or else max-age, or else what is given. RFC 9111,
// sections 5.2.2.1 and 5.2.2.10.
func maxAge(control string, other time.Duration) time.Duration {
	age, shared := other, false
	for element := range wire.Elements(control) {
		name, value, _ := strings.Cut(element, "=")
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		if err != nil {
			continue
		}
		switch d := time.Duration(seconds) * time.Second; {
		case strings.EqualFold(name, "s-maxage"):
			age, shared = d, true
		case strings.EqualFold(name, "max-age") && !shared:
			age = d
		}
	}
	return age
}
