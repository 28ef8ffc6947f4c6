package response

import "go.starlark.net/starlark"

// HTML returns what the member html makes of a page: for modules that make pages. The headers and
// cookies are what scripts pass as these, nil for none; fn is the function that they are passed to.
func HTML(
	fn, page string, status int, headers, cookies starlark.Value,
) (starlark.Value, error) {
	c := common{status, headers, cookies}
	for _, v := range []*starlark.Value{&c.headers, &c.cookies} {
		if *v == nil {
			*v = starlark.Tuple{}
		}
	}
	return c.respond(fn, "text/html; charset=utf-8", starlark.Bytes(page))
}
