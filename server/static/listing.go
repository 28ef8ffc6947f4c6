package static

import (
	"bytes"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strconv"

	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/larkspur-web/larkspur/server"
)

// maxListed is how many names a listing has.
const maxListed = 10_000

// A listed name is one of a directory.
type listed struct {
	Name, Link, Size, Time string
}

var listing = template.Must(template.New("listing").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Path}}</title><style>body{font:1rem/1.5 system-ui,sans-serif;margin:2rem}td{padding-right:2rem}</style></head>
<body><h1>{{.Path}}</h1><table>{{if .Up}}<tr><td><a href="../">../</a></td></tr>
{{end}}{{range .Names}}<tr><td><a href="{{.Link}}">{{.Name}}</a></td><td>{{.Size}}</td><td>{{.Time}}</td></tr>
{{end}}</table>{{if .More}}<p>There are more.</p>{{end}}</body></html>
`))

// list answers with the names in a directory that may be asked for.
func (h *Handler) list(w http.ResponseWriter, r *http.Request, t *tree, dir string) error {
	entries, err := fs.ReadDir(t.fs, dir) // in the order of names
	if err != nil {
		return err
	}
	page := struct {
		Path     string
		Up, More bool
		Names    []listed
	}{Path: r.URL.Path, Up: dir != "."}
	for _, e := range entries {
		name := e.Name()
		if name[0] == '.' && name != ".well-known" {
			continue
		}
		if len(page.Names) == maxListed {
			page.More = true
			break
		}
		info, err := fs.Stat(t.fs, path.Join(dir, name)) // where a symlink leads
		if err != nil {
			continue // out of the directory, or nowhere
		}
		l := listed{Name: name, Time: info.ModTime().UTC().Format("2006-01-02 15:04")}
		switch {
		case info.IsDir():
			l.Name += "/"
		case info.Mode().IsRegular():
			l.Size = display.Bytes(info.Size())
		default:
			continue
		}
		l.Link = "./" + (&url.URL{Path: l.Name}).EscapedPath() // a name with a colon is no scheme then
		page.Names = append(page.Names, l)
	}
	var b bytes.Buffer
	if err := listing.Execute(&b, page); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache")
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	header.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = server.Guard(w, r).Write(b.Bytes()) // nobody is left to tell
	}
	return nil
}
