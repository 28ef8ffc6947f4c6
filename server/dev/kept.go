package dev

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A shelf is what one application keeps.
type shelf struct {
	App         string
	Collections []collection
	Errors      []string
}

// A collection is one as the page lists it.
type collection struct {
	host.Collection
	Path string // of its page
}

// A spot is where a collection is: of which application, and by the keeper of which module.
type spot struct {
	app    int
	module string
}

// sheetRows is how many rows a page shows.
const sheetRows = 50

// kept lists what applications keep.
func (s *Server) kept(w http.ResponseWriter, r *http.Request) {
	var all []shelf
	for i, a := range s.all() {
		if len(a.Keepers) == 0 {
			continue
		}
		v := shelf{App: a.path(a.Entry)}
		for _, module := range slices.Sorted(maps.Keys(a.Keepers)) {
			found, err := a.Keepers[module].Kept(r.Context())
			if err != nil {
				v.Errors = append(v.Errors, err.Error())
			}
			for _, c := range found {
				if !c.Part {
					at := spot{i, module}
					v.Collections = append(v.Collections, collection{c, at.path(c.In, c.Name)})
				}
			}
		}
		all = append(all, v)
	}
	s.write(w, r, http.StatusOK, "kept", struct {
		Shelves  []shelf
		Software string
	}{all, s.software})
}

// path is that of the page of a collection.
func (at spot) path(in, name string) string {
	return fmt.Sprintf("%skept/%d/%s/%s/%s", Path, at.app, url.PathEscape(at.module), url.PathEscape(in),
		url.PathEscape(name))
}

// A sheet is some rows of a collection as the page shows them.
type sheet struct {
	host.Collection
	*host.Sheet
	Path          string // of the page
	Token         string
	All           []host.Action // with the collection
	Each          []host.Action // with a row
	Lines         []line
	Software      string
	Before, After string // pages; "" for none
	First, Last   int
}

// A line is a row as the page shows it.
type line struct {
	Key   string
	Cells []cell
}

// A cell is a value as the page shows it.
type cell struct {
	host.Cell
	Path string // of the page that has more of it, "" if none has
	Long bool   // it has lines of its own
}

// collection returns the collection that a request is about, and where it is. If there is none it has answered,
// and keeper is nil.
func (s *Server) collection(w http.ResponseWriter, r *http.Request) (
	keeper host.Keeper, at spot, c host.Collection,
) {
	app, err := strconv.Atoi(r.PathValue("app"))
	apps := s.all()
	at = spot{app, r.PathValue("by")}
	if err == nil && app >= 0 && app < len(apps) {
		keeper = apps[app].Keepers[at.module]
	}
	if keeper == nil {
		s.refuse(w, r, http.StatusNotFound, "There is no such application any more.")
		return nil, at, c
	}
	found, err := keeper.Kept(r.Context())
	if err != nil {
		s.refuse(w, r, http.StatusInternalServerError, err.Error())
		return nil, at, c
	}
	i := slices.IndexFunc(found, func(c host.Collection) bool {
		return c.In == r.PathValue("in") && c.Name == r.PathValue("name")
	})
	if i < 0 {
		s.refuse(w, r, http.StatusNotFound, "That is not kept any more.")
		return nil, at, c
	}
	return keeper, at, found[i]
}

// look shows rows of one collection.
func (s *Server) look(w http.ResponseWriter, r *http.Request) {
	keeper, at, c := s.collection(w, r)
	if keeper == nil {
		return
	}
	from, _ := strconv.Atoi(r.FormValue("from")) // what is no number is the beginning
	from = max(from, 0)
	rows, err := keeper.Look(r.Context(), c, from, sheetRows)
	if err != nil {
		s.refuse(w, r, http.StatusInternalServerError, err.Error())
		return
	}
	if page := r.FormValue("page"); page != "" {
		s.preview(w, r, rows, page)
		return
	}
	v := s.sheet(at, c, rows, from)
	if _, ok := keeper.(host.Changer); ok {
		v.All = c.Actions
		if len(rows.Keys) == len(rows.Rows) {
			v.Each = rows.Actions
		}
	}
	s.write(w, r, http.StatusOK, "sheet", v)
}

func (s *Server) sheet(at spot, c host.Collection, rows *host.Sheet, from int) *sheet {
	path := at.path(c.In, c.Name)
	v := &sheet{
		Collection: c, Sheet: rows, Path: path, Token: s.token, Software: s.software,
		First: from + 1, Last: from + len(rows.Rows),
	}
	if before := max(from-sheetRows, 0); before > 0 {
		v.Before = fmt.Sprintf("%s?from=%d", path, before)
	} else if from > 0 {
		v.Before = path
	}
	if rows.More {
		v.After = fmt.Sprintf("%s?from=%d", path, from+sheetRows)
	}
	for i, row := range rows.Rows {
		var cells []cell
		key := ""
		if i < len(rows.Keys) {
			key = rows.Keys[i]
		}
		for _, x := range row {
			shown := cell{Cell: x, Long: c.Part}
			switch {
			case x.To != "":
				shown.Path = at.path(c.In, x.To)
			case x.HTML:
				shown.Path = fmt.Sprintf("%s?from=%d&page=%d", path, from, i)
			}
			cells = append(cells, shown)
		}
		v.Lines = append(v.Lines, line{key, cells})
	}
	return v
}

// sandbox is the policy of a page that may come from anybody: it runs nothing, and asks for nothing.
const sandbox = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// preview shows the cell of a row that is a page.
func (s *Server) preview(w http.ResponseWriter, r *http.Request, rows *host.Sheet, row string) {
	i, err := strconv.Atoi(row)
	if err == nil && i >= 0 && i < len(rows.Rows) {
		for _, x := range rows.Rows[i] {
			if x.HTML {
				w.Header().Set("Content-Security-Policy", sandbox)
				w.Header().Set("Referrer-Policy", "no-referrer")
				send(w, r, http.StatusOK, "text/html; charset=utf-8", []byte(x.Text))
				return
			}
		}
	}
	s.refuse(w, r, http.StatusNotFound, "There is no such page.")
}
