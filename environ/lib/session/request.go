package session

import (
	"context"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/host/json"
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
	if s.app.store != nil {
		s.fault = s.fetch(header)
	} else if text, ok := s.app.find(s.cookie, header); ok {
		if data, flashes, ok := decode(text, inCookie); ok {
			s.kept, s.flashes, s.text = data, flashes, text
		}
	}
	if s.begun || s.fault != nil {
		s.kept.Freeze()
	}
}

// fetch reads the session from the store.
func (s *Session) fetch(header string) error {
	if !named(s.cookie, header) {
		return nil // most visitors have none, and the store is not asked
	}
	err := s.wait("read", func(ctx context.Context) (err error) {
		s.came, err = s.app.seek(ctx, s.cookie, header)
		return err
	})
	r := s.came.record
	if err != nil || r == nil {
		return err
	}
	// What it is compared with is made before the script changes what is in it.
	if s.text, err = encode(r.data, r.flashes, inStore); err != nil {
		s.came = place{}
		return err
	}
	s.kept, s.flashes, s.owner = r.data, r.flashes, r.owner
	return nil
}

// promised reports whether the request is one for whoever asks: it has no cookies.
func (s *Session) promised() bool {
	_, found, _ := s.environ.Get(pushedKey)
	return found
}

// decode returns what the content of a cookie says. It is ours, but perhaps of another version.
func decode(text string, most bounds) (data *starlark.Dict, flashes starlark.Tuple, ok bool) {
	v, err := json.Limits{Bytes: most.bytes, Depth: content.Depth}.Decode(text)
	list, ok := v.(*starlark.List)
	if err != nil || !ok || list.Len() == 0 {
		return nil, nil, false
	}
	if data, ok = list.Index(0).(*starlark.Dict); !ok {
		return nil, nil, false
	}
	for i := 1; i < list.Len(); i++ {
		flash, ok := flashOf(list.Index(i))
		if !ok {
			return nil, nil, false
		}
		flashes = append(flashes, flash)
	}
	return data, flashes, true
}

// flashOf returns the pair (category, message) that a value is.
func flashOf(v starlark.Value) (flash starlark.Tuple, ok bool) {
	pair, ok := v.(*starlark.List)
	if !ok || pair.Len() != 2 {
		return nil, false
	}
	flash = starlark.Tuple{pair.Index(0), pair.Index(1)}
	for _, v := range flash {
		if _, ok := v.(starlark.String); !ok {
			return nil, false
		}
	}
	return flash, true
}

// encode returns the content of a cookie, "" for an empty session. Equal ones have the same.
func encode(data *starlark.Dict, flashes starlark.Tuple, most bounds) (string, error) {
	if data.Len() == 0 && len(flashes) == 0 {
		return "", nil
	}
	for _, item := range data.Items() { // a list may hold something else now
		if err := storable(item[1], most); err != nil {
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
	line, err := s.setCookie()
	if err != nil {
		return nil, err
	}
	more := private(fields, line != "")
	if line != "" {
		more = append(more, environ.Field{Name: "Set-Cookie", Value: line})
	}
	return more, nil
}

// setCookie returns the Set-Cookie that the response needs, "" if it needs none. A session in a store is
// put there.
func (s *Session) setCookie() (line string, err error) {
	if s.app.store != nil {
		if s.fault != nil {
			return "", nil // the script has been told, and answers nevertheless
		}
		if line, err = s.save(); line != "" {
			s.line = line // for a response that is begun once more
		}
		return s.line, err
	}
	text, err := encode(s.kept, s.flashes, inCookie)
	switch {
	case err != nil:
		return "", err
	case text == s.text && !(s.renewed && text != ""):
		return "", nil
	case text == "":
		return s.app.line(s.cookie, ""), nil
	}
	if line, err = s.app.seal(s.cookie, text); err == nil && len(line) > maxCookie {
		err = s.tooLong(len(line))
	}
	return line, err
}

// tooLong is the error of what browsers would drop, or is too much for a store. It names what takes most
// of it.
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
	if s.app.store != nil {
		return wrong(elsewhere, "the session would have %d bytes, and %d at most: most of it is %s, with %d "+
			"bytes as JSON", n, inStore.bytes, most, size)
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
