package http

import (
	"io"
	"math"
	"mime"
	"mime/multipart"
	"strings"

	"github.com/larkspur-web/larkspur/environ"
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

func formMember(d *disk) host.Member {
	return host.Member{
		Name: "form",
		Doc: "Returns the fields of a form that was posted, urlencoded or multipart. To ask for " +
			"one that is missing by form(environ)[name] is an error that names it, and the client " +
			"gets 400 if that is not caught.",
		Params: uploadParams(),
		Result: "http.values",
		Errors: failures(),
		Example: `environ = {
    "CONTENT_TYPE": "application/x-www-form-urlencoded",
    "wsgi.input": input("name=Ada&tag=a&tag=b"),
}
form(environ)["name"]  # "Ada"
form(environ).getall("tag")  # ["a", "b"]`,
		Fn: func(a host.Args) (starlark.Value, error) {
			b, err := readForm(a, d, "form")
			if err != nil {
				return nil, err
			}
			return b.form, nil
		},
	}
}

func filesMember(d *disk) host.Member {
	return host.Member{
		Name: "files",
		Doc: "Returns the files of a multipart form, by the names of their fields. What is more " +
			"than 1 MiB waits on disk until the request ends; read(n) reads a file in pieces.",
		Params: uploadParams(),
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
			b, err := readForm(a, d, "files")
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

	uploads *uploads
}

var keyBody, keyInput = starlark.String("larkspur.form"), starlark.String("wsgi.input")

// uploadParams are those of form and files.
func uploadParams() []host.Param {
	return []host.Param{
		environParam(),
		{
			Name: "max_size", Type: "int", Default: starlark.MakeInt(maxUpload),
			Doc: "how many bytes the files may have together; the first call for a request says " +
				"it. The server's limit of a body comes before it",
		},
	}
}

// readForm reads the body for form or files.
func readForm(a host.Args, d *disk, name string) (*body, error) {
	var env starlark.HasSetKey
	var size int64
	if err := a.Unpack(&env, &size); err != nil {
		return nil, err
	}
	if size < 0 {
		return nil, environ.Errorf(
			environ.CodeWebUse, "", "%s: max_size is %d; it is a number of bytes from 0 on", name,
			size,
		)
	}
	return read(a.Thread, env, d, size, name)
}

// read returns the body of an environ, for the function name: the one that an earlier call has
// read, or what it reads now.
func read(
	t *starlark.Thread, env starlark.HasSetKey, d *disk, size int64, name string,
) (*body, error) {
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
	b.uploads = &uploads{disk: d, memory: maxMemory, left: size}
	b.err = oversize(b.parse(environ.Reader(t, in), media, params["boundary"]))
	if b.err != nil {
		b.uploads.close()
	} else if b.uploads.file != nil {
		host.CallOf(t).OnEnd(b.uploads.close)
	}
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
		most := b.uploads.left + min(2*maxFields, math.MaxInt64-b.uploads.left)
		in := &bounded{r: r, left: most, what: "form"}
		whole := io.MultiReader(in, strings.NewReader("\r\n"), cut{})
		err := b.parseParts(multipart.NewReader(whole, boundary), in)
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
