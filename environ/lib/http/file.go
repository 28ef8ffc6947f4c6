package http

import (
	"github.com/larkspur-web/larkspur/runtime/host"
	"go.starlark.net/starlark"
)

// upload is what the examples of the type read: the file of a form of one.
const upload = `environ = {
    "CONTENT_TYPE": "multipart/form-data; boundary=b",
    "wsgi.input": input("--b\r\nContent-Disposition: form-data; name=\"notes\"; ` +
	`filename=\"notes.txt\"\r\n\r\none\ntwo\n\r\n--b--\r\n"),
}
notes = files(environ)["notes"]
`

// fileType describes the methods of [host.File], too, which binds their arguments itself.
var fileType = &host.Type{
	Name: "http.file",
	Doc: "A file that was uploaded, open at its beginning; iteration gives the lines that are left. " +
		"It is closed when the request ends.",
	Members: []host.Member{
		{Name: "name", Doc: "The name of the field."},
		{Name: "filename", Doc: "What the client calls the file, without its directories."},
		{Name: "content_type", Doc: "What the client says that it is."},
		{Name: "size", Doc: "The number of its bytes."},
		{
			Name: "read", Doc: "Reads on: a file that may be large is read in blocks.",
			Params: []host.Param{sizeParam("how many bytes, fewer are left only at the end")},
			Result: "bytes, b\"\" at the end",
			Example: upload + `notes.read(5)  # b"one\nt"
notes.read()  # b"wo\n"`,
		},
		{
			Name: "readline", Doc: "Reads the next line, with its newline.",
			Params:  []host.Param{sizeParam("how many bytes of it at most")},
			Result:  "bytes, b\"\" at the end",
			Example: upload + `notes.readline()  # b"one\n"`,
		},
		{
			Name: "readlines", Doc: "Reads the lines that are left.",
			Params: []host.Param{{
				Name: "hint", Type: "int or None", Default: starlark.None,
				Doc: "those that begin in as many bytes; None or a negative number is all",
			}},
			Result:  "a list of bytes",
			Example: upload + `notes.readlines()  # [b"one\n", b"two\n"]`,
		},
		{
			Name: "seek", Doc: "Moves to a position.",
			Params: []host.Param{
				{Name: "offset", Type: "int", Doc: "how many bytes from there"},
				{
					Name: "whence", Type: "int", Default: starlark.MakeInt(0),
					Doc: "0 is the beginning, 1 the position, 2 the end",
				},
			},
			Result: "the position, an int",
			Example: upload + `notes.read()  # b"one\ntwo\n"
notes.seek(4)  # 4
notes.read()  # b"two\n"`,
		},
		{
			Name: "tell", Doc: "Returns the position.", Result: "an int",
			Example: upload + `notes.readline()  # b"one\n"
notes.tell()  # 4`,
		},
		{
			Name: "close", Doc: "Closes the file, which the end of the request does else.",
			Result: "None", Example: upload + `notes.close()  # None`,
		},
	},
}

func sizeParam(doc string) host.Param {
	return host.Param{Name: "size", Type: "int or None", Default: starlark.None,
		Doc: doc + "; None or a negative number is all"}
}

// A file is what fileType describes.
type file struct {
	*host.File
	attrs starlark.StringDict
}

func (f *file) String() string { return "<http.file " + f.attrs["filename"].String() + ">" }
func (f *file) Type() string   { return "http.file" }

func (f *file) AttrNames() []string { return append(f.File.AttrNames(), f.attrs.Keys()...) }

func (f *file) Attr(name string) (starlark.Value, error) {
	if v, ok := f.attrs[name]; ok {
		return v, nil
	}
	return f.File.Attr(name)
}
