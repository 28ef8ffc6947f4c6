package session

import (
	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// data returns what the session holds. The first time it reads the cookie of the request.
func (s *Session) data() *starlark.Dict {
	if s.kept == nil {
		s.open()
	}
	return s.kept
}

func (s *Session) open() {
	s.cookie = s.app.cookie(environ.Text(s.environ, schemeKey), s.mount)
	// It is read by its key, so that the environ knows that the response is of one visitor.
	header := environ.Text(s.environ, cookieKey)
	if trial := trialOf(host.CallOf(s.thread).Context()); trial != nil && !s.promised() {
		header = trial.begin(s, header)
	}
	s.kept = new(starlark.Dict)
	if text, ok := s.app.find(s.cookie, header); ok {
		if data, flashes, ok := decode(text); ok {
			s.kept, s.flashes, s.came = data, flashes, text
		}
	}
	if s.begun {
		s.kept.Freeze()
	}
}

// promised reports whether the request is one for whoever asks: it has no cookies.
func (s *Session) promised() bool {
	_, found, _ := s.environ.Get(pushedKey)
	return found
}

// decode returns what the content of a cookie says. It is ours, but perhaps of another version.
func decode(text string) (data *starlark.Dict, flashes starlark.Tuple, ok bool) {
	v, err := wanted.Decode(text)
	list, ok := v.(*starlark.List)
	if err != nil || !ok || list.Len() == 0 {
		return nil, nil, false
	}
	if data, ok = list.Index(0).(*starlark.Dict); !ok {
		return nil, nil, false
	}
	for i := 1; i < list.Len(); i++ {
		pair, ok := list.Index(i).(*starlark.List)
		if !ok || pair.Len() != 2 {
			return nil, nil, false
		}
		flash := starlark.Tuple{pair.Index(0), pair.Index(1)}
		for _, v := range flash {
			if _, ok := v.(starlark.String); !ok {
				return nil, nil, false
			}
		}
		flashes = append(flashes, flash)
	}
	return data, flashes, true
}

// encode returns the content of a cookie, "" for an empty session. Equal ones have the same.
func encode(data *starlark.Dict, flashes starlark.Tuple) (string, error) {
	if data.Len() == 0 && len(flashes) == 0 {
		return "", nil
	}
	for _, item := range data.Items() { // a list may hold something else now
		if err := storable(item[1]); err != nil {
			return "", wrong("", "the value of %s%s", item[0], err)
		}
	}
	text, err := content.Encode(append(starlark.Tuple{data}, flashes...))
	if err != nil {
		return "", wrong("", "%v", err)
	}
	return text, nil
}

// fields returns what a response with the fields has to say besides, because of the session.
func (s *Session) fields(fields []environ.Field) ([]environ.Field, error) {
	if s.kept == nil {
		return nil, nil
	}
	text, err := encode(s.kept, s.flashes)
	if err != nil {
		return nil, err
	}
	line := ""
	switch {
	case text == s.came && !(s.renewed && text != ""):
	case text == "":
		line = s.app.line(s.cookie, "")
	default:
		if line, err = s.app.seal(s.cookie, text); err != nil {
			return nil, err
		}
		if len(line) > maxCookie {
			return nil, s.tooLong(len(line))
		}
	}
	more := private(fields, line != "")
	if line != "" {
		more = append(more, environ.Field{Name: "Set-Cookie", Value: line})
	}
	return more, nil
}

// tooLong is the error of a cookie that browsers would drop, which names what takes most of it.
func (s *Session) tooLong(n int) error {
	most, size := "", 0
	for _, item := range s.kept.Items() {
		if text, err := entry.Encode(item[1]); err == nil && len(text) > size {
			most, size = item[0].String(), len(text)
		}
	}
	if text, err := content.Encode(s.flashes); err == nil && len(text) > size {
		most, size = "the flashes", len(text)
	}
	return wrong(elsewhere, "the cookie would have %d bytes, and browsers keep %d at most: most of "+
		"it is %s, with %d bytes as JSON", n, maxCookie, most, size)
}

// begin says that the response has begun: what is changed now would be lost.
func (s *Session) begin() {
	s.begun = true
	if s.kept != nil {
		s.kept.Freeze()
	}
}
