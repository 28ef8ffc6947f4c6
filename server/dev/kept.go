package dev

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/larkspur-web/larkspur/runtime/host"
)

// A shelf is what one application keeps.
type shelf struct {
	App         string
	At          int // among the applications
	Collections []collection
	Error       string
}

// A collection is one as the page lists it.
type collection struct {
	host.Collection
	Path string // of its page
}

// sheetRows is how many rows a page shows.
const sheetRows = 50

// kept lists what applications keep.
func (s *Server) kept(w http.ResponseWriter, r *http.Request) {
	var all []shelf
	for i, a := range s.all() {
		if a.Keeper == nil {
			continue
		}
		v := shelf{App: a.path(a.Entry), At: i}
		found, err := a.Keeper.Kept(r.Context())
		if err != nil {
			v.Error = err.Error()
		}
		for _, c := range found {
			v.Collections = append(v.Collections, collection{c, pathOf(i, c, 0)})
		}
		all = append(all, v)
	}
	s.write(w, r, http.StatusOK, "kept", struct {
		Shelves  []shelf
		Software string
	}{all, s.software})
}

// pathOf is that of the page of a collection.
func pathOf(app int, c host.Collection, from int) string {
	path := fmt.Sprintf("%skept/%d/%s/%s", Path, app, url.PathEscape(c.In), url.PathEscape(c.Name))
	if from > 0 {
		path += fmt.Sprintf("?from=%d", from)
	}
	return path
}

// look shows rows of one collection.
func (s *Server) look(w http.ResponseWriter, r *http.Request) {
	at, err := strconv.Atoi(r.PathValue("app"))
	apps := s.all()
	if err != nil || at < 0 || at >= len(apps) || apps[at].Keeper == nil {
		s.refuse(w, r, http.StatusNotFound, "There is no such application any more.")
		return
	}
	keeper := apps[at].Keeper
	found, err := keeper.Kept(r.Context())
	if err != nil {
		s.refuse(w, r, http.StatusInternalServerError, err.Error())
		return
	}
	for _, c := range found {
		if c.In != r.PathValue("in") || c.Name != r.PathValue("name") {
			continue
		}
		from, _ := strconv.Atoi(r.FormValue("from")) // what is no number is the beginning
		from = max(from, 0)
		sheet, err := keeper.Look(r.Context(), c, from, sheetRows)
		if err != nil {
			s.refuse(w, r, http.StatusInternalServerError, err.Error())
			return
		}
		v := struct {
			host.Collection
			*host.Sheet
			Software, Before, After string
			First, Last             int
		}{Collection: c, Sheet: sheet, Software: s.software, First: from + 1, Last: from + len(sheet.Rows)}
		if from > 0 {
			v.Before = pathOf(at, c, max(from-sheetRows, 0))
		}
		if sheet.More {
			v.After = pathOf(at, c, from+sheetRows)
		}
		s.write(w, r, http.StatusOK, "sheet", v)
		return
	}
	s.refuse(w, r, http.StatusNotFound, "There is no such table any more.")
}
