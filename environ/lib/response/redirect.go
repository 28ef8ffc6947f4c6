package response

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/environ/wire"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func redirectMember() host.Member {
	return host.Member{
		Name: "redirect",
		Doc: "A response that sends the client elsewhere. By default it asks for that with GET, " +
			"as after a form (303); 307 and 308 have it send the same request again, 301 and 308 " +
			"for good. What comes from a client, as a page to return to, must be checked: " +
			"//example.com is another site.",
		Params: params(http.StatusSeeOther, host.Param{
			Name: "to", Type: "string",
			Doc: "a URL, or a path of this site, which stays as it is; octets that no URL has " +
				"are percent-encoded",
		}),
		Result: "a response",
		Errors: failures(host.Failure{
			Code: string(environ.CodeWebUse),
			When: "to is empty, has a control character or is a script (javascript:, data:, " +
				"vbscript:); the status is not 301, 302, 303, 307 or 308",
		}),
		Example: `redirect("/notes/1").header("Location")  # "/notes/1"
redirect("https://example.com/é", status = 308).header("Location")  # ` +
			`"https://example.com/%C3%A9"
redirect("/a\r\nX: 1")  # error: LARK0403: redirect: to has a control character`,
		Pure: true,
		Fn:   redirect,
	}
}

func redirect(a host.Args) (starlark.Value, error) {
	var to string
	var c common
	if err := a.Unpack(&to, &c.status, &c.headers, &c.cookies); err != nil {
		return nil, err
	}
	switch c.status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, environ.Errorf(environ.CodeWebUse, "write 303, or leave it out",
			"redirect: status %d is none of 301, 302, 303, 307, 308", c.status)
	}
	location, err := locate(to)
	if err != nil {
		return nil, err
	}
	// RFC 9110, section 15.4: a note for whoever does not follow.
	note := strconv.Itoa(c.status) + " " + http.StatusText(c.status) + "\n"
	r := New(c.status, "text/plain; charset=utf-8", starlark.Bytes(note),
		environ.Field{Name: "Location", Value: location})
	return r, c.extend(r)
}

// scripts are the schemes of what is run where it is followed.
var scripts = [...]string{"javascript", "data", "vbscript"}

// locate returns the Location of a redirect.
func locate(to string) (string, error) {
	if to == "" {
		return "", environ.Errorf(environ.CodeWebUse, `write "/" for the root`,
			"redirect: to is empty")
	}
	if strings.ContainsFunc(to, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", environ.Errorf(environ.CodeWebUse, "quote what comes from outside",
			"redirect: to has a control character")
	}
	scheme, _, _ := strings.Cut(strings.TrimLeft(to, " "), ":")
	for _, s := range scripts {
		if strings.EqualFold(scheme, s) {
			return "", environ.Errorf(environ.CodeWebUse, "", "redirect: to is a script (%s:)", s)
		}
	}
	return wire.Encode(strings.Trim(to, " ")), nil
}
