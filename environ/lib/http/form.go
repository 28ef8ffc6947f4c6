package http

import (
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func formMember() host.Member {
	return host.Member{
		Name:   "form",
		Doc:    "Returns the fields of a form that was posted, urlencoded or multipart.",
		Params: []host.Param{environParam()},
		Result: "http.values",
		Errors: failures(),
		Example: `environ = {
    "CONTENT_TYPE": "application/x-www-form-urlencoded",
    "wsgi.input": input("name=Ada&tag=a&tag=b"),
}
form(environ)["name"]  # "Ada"
form(environ).getall("tag")  # ["a", "b"]`,
		Fn: func(a host.Args) (starlark.Value, error) {
			b, err := read(a, "form")
			if err != nil {
				return nil, err
			}
			return b.form, nil
		},
	}
}

func filesMember() host.Member {
	return host.Member{
		Name:   "files",
		Doc:    "Returns the files of a multipart form, by the names of their fields.",
		Params: []host.Param{environParam()},
		Result: "http.values of http.file",
		Errors: failures(),
		Example: `environ = {
    "CONTENT_TYPE": "multipart/form-data; boundary=B",
    "wsgi.input": input("\r\n".join([
        "--B",
        "Content-Disposition: form-data; name=photo; filename=a.png",
        "",
        "PNG",
        "--B--",
    ])),
}
files(environ)["photo"].filename  # "a.png"
files(environ)["photo"].read()  # b"PNG"`,
		Fn: func(a host.Args) (starlark.Value, error) {
			b, err := read(a, "files")
			if err != nil {
				return nil, err
			}
			return b.files, nil
		},
	}
}

// A body is what was read of a wsgi.input, kept in the environ. It counts only as long as that
// input is in the environ too: middleware that replaces it has replaced the body.
type body struct {
	host.Object
	input starlark.Value
	form  *values
	files *values
	json  string
	err   error
}

var keyBody, keyInput = starlark.String("larkspur.form"), starlark.String("wsgi.input")

// read returns the body of the environ that the function name is called with: the one that an
// earlier call has read, or what it reads now.
func read(a host.Args, name string) (*body, error) {
	env, err := unpackEnviron(a)
	if err != nil {
		return nil, err
	}
	in, ok, err := env.Get(keyInput)
	if err != nil || !ok {
		return nil, environ.Errorf(
			environ.CodeWebUse, "", `%s: the environ has no "wsgi.input"`, name,
		)
	}
	if v, ok, _ := env.Get(keyBody); ok {
		if b, ok := v.(*body); ok && b.input == in {
			return b, b.err
		}
	}
	header, err := text(env, "CONTENT_TYPE")
	if err != nil {
		return nil, err
	}
	b := &body{
		Object: "http.body", input: in,
		form: newValues("the form has no field"), files: newValues("the form has no file"),
	}
	media, params, err := mime.ParseMediaType(header)
	if err != nil && header != "" {
		return nil, malformed("the Content-Type is malformed: %v", err)
	}
	b.err = oversize(b.parse(environ.Reader(a.Thread, in), media, params["boundary"]))
	if err := env.SetKey(keyBody, b); err != nil {
		return nil, err
	}
	return b, b.err
}

func (b *body) parse(r io.Reader, media, boundary string) error {
	switch {
	case media == "application/x-www-form-urlencoded":
		s, err := io.ReadAll(&bounded{r: r, left: maxFields, what: "form"})
		if err != nil {
			return err
		}
		v, err := parseQuery("the form", string(s))
		if err != nil {
			return err
		}
		b.form = v.(*values)
	case media == "multipart/form-data":
		if boundary == "" {
			return malformed("the multipart form has no boundary")
		}
		in := &bounded{r: r, left: maxUpload + 2*maxFields, what: "form"}
		whole := io.MultiReader(in, strings.NewReader("\r\n"), cut{})
		err := b.parseParts(multipart.NewReader(whole, boundary))
		if err != nil && in.err != nil {
			return in.err // of the input, or of the script that stands for it
		}
		return err
	case isJSON(media):
		s, err := io.ReadAll(&bounded{r: r, left: maxJSON, what: "JSON body"})
		b.json = string(s)
		return err
	}
	return nil
}

// cut stands behind the last byte of a form. The multipart reader stops at the last boundary,
// before it; where it does not, the form is not whole, which that reader does not tell from its
// end in the midst of a part's header.
type cut struct{}

func (cut) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
