package main

import (
	"fmt"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/describe"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
)

// grantsTable describes what can be granted, a row for each form of a line.
func grantsTable() describe.Entry {
	t := describe.Entry{Name: "grants", Kind: describe.KindTable}
	t.Summary = "What an application may reach outside, and how it is granted."
	t.Doc = t.Summary + " Nothing can be that was not granted by name: by --grant WHAT of serve, dev, check, sql " +
		"and test, which may be repeated. What WHAT is, is listed below. larkspur check APP lists what an " +
		"application asks for.\n\n" +
		"By themselves, dev grants all databases and directories that no --grant names, and state, in " +
		site.DevDir + " below the application, and the numbers of the server, and --data DIR of serve and dev grants them in DIR: the database " +
		"NAME is the file NAME.db, the directory NAME is files/NAME, and state is kept in state. Hosts, variables and mail are always to be " +
		"named. A test has databases of SQLite, directories and a state of its own, and reaches nothing else; " +
		"larkspur test --grant sql:NAME=postgres://... gives it a schema of a database of PostgreSQL.\n\n" +
		"What is refused is an error where it is asked for, in the words that grant it. At a load:\n" +
		refusals() +
		"What is asked for in a function is an error that catch() returns, its .kind being denied or " +
		"refused; if it is not caught, the client gets 500.\n\n" +
		"A program in Go that embeds Larkspur grants the same lines, with package server/site/grant:\n" +
		"    grants, err := grant.Parse([]string{\"sql:notes=notes.db\", \"fetch=api.example.com\"})\n" +
		"    grants.To(app)\n" +
		"or, without the drivers that it does not need, a module and its grant:\n" +
		"    app.Modules = []*host.Module{sql.Module()}\n" +
		"    app.Grants = map[string]any{\"sql\": &sql.Grant{Dir: \"data\"}}"
	for _, f := range grant.Forms() {
		t.Members = append(t.Members, describe.Entry{
			Name: t.Name + "." + f.Line, Kind: describe.KindRow, Doc: f.Doc, Summary: f.Doc,
		})
	}
	return t
}

// refusals are what it says where nothing of a kind is granted, for two of them.
func refusals() string {
	var b strings.Builder
	advice := new(grants).advice
	for _, m := range site.Library(grant.Modules()...).Modules {
		if m.Name == "sql" || m.Name == "fetch" {
			for _, f := range grant.Forms() {
				if f.Kind() == m.Name {
					fmt.Fprintf(&b, "    app.star:1:6: cannot load \"@%s\": @%[1]s is not granted; it needs %s; %s\n",
						m.Name, m.Grant, advice(f.Line))
					break
				}
			}
		}
	}
	return b.String()
}
