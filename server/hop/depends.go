package hop

import (
	"net/http"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/environ/wire"
)

// dependencies is the trailer of a response to a request that may be promised: the fields of the
// request that the response depends on, or * for all of them.
const dependencies = "Larkspur-Depends"

// Depends says in the trailer of a response, whose header is h, on which fields of the request it
// depends, or that it may be all of them.
func Depends(h http.Header, fields []string, all bool) {
	value := strings.Join(fields, ", ")
	if all {
		value = "*"
	}
	h[http.TrailerPrefix+dependencies] = []string{value}
}

// Depended returns what [Depends] has said in the trailer of a response. It is all of them if that
// says nothing.
func Depended(trailer http.Header) (fields []string, all bool) {
	values := trailer[dependencies]
	if values == nil {
		return nil, true
	}
	fields = slices.Collect(wire.Elements(strings.Join(values, ",")))
	if slices.Contains(fields, "*") {
		return nil, true
	}
	return fields, false
}
