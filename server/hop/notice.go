package hop

import (
	"context"
	"net/http"
	"net/url"
)

// ends is the field of a request that no client has made: it says, of the client of a request that
// was made before, that the server ends which it is connected to.
const ends = "Larkspur-Ending"

// EndOf returns a request that has a backend told that the server ends which the client of the
// request id is connected to: what has no end of its own, and answers it, is to end.
func EndOf(ctx context.Context, id string) *http.Request {
	r := &http.Request{Method: http.MethodOptions, URL: &url.URL{Scheme: "http", Path: "*"},
		RequestURI: "*", Host: "localhost", Header: http.Header{ends: {id}}}
	return r.WithContext(ctx)
}

// EndedOf returns the id in a request that [EndOf] has made. It is false of any other.
func EndedOf(r *http.Request) (id string, ok bool) {
	if r.Method != http.MethodOptions || len(r.Header[ends]) != 1 {
		return "", false
	}
	return r.Header[ends][0], true
}
