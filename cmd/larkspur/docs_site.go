package main

import (
	"github.com/larkspur-web/larkspur/runtime/describe"
	"github.com/larkspur-web/larkspur/server/site/sitefile"
)

// siteTable describes the words of a site file.
func siteTable() describe.Entry {
	t := describe.Entry{Name: "site", Kind: describe.KindTable}
	t.Summary = "What a site file, " + sitefile.Name + ", can say."
	t.Doc = t.Summary + " It is Starlark, which may load other files of its directory, and is evaluated whole or " +
		"not at all. larkspur serve DIR takes it if it is in DIR, and takes it up again on SIGHUP or, with --watch, " +
		"when it has changed; larkspur check DIR finds what is wrong with it, and check --print shows what comes of " +
		"it and of the flags of serve, which win over it. Paths are counted from its directory.\n\n" +
		"    listen(\"http://:8000\")\n" +
		"    site(\"example.com\",\n" +
		"         mount(\"/\", \"shop/app.star\", workers = 2, data = \"data\"),\n" +
		"         static(\"/assets\", \"public\"),\n" +
		"         upstream(\"/old\", \"http://127.0.0.1:9000\"))\n" +
		"    site(\"www.example.com\", redirect(\"/\", \"https://example.com\"))\n\n" +
		"A host that no site has gets 404; or 421, if it came by a connection that was made for another host, so " +
		"that its client may try one of its own (RFC 9110, section 15.5.20)."
	for _, w := range sitefile.Words() {
		e := describe.Entry{Name: t.Name + "." + w.Name, Kind: describe.KindRow, Signature: w.Signature(),
			Doc: w.Doc, Summary: w.Doc}
		for _, p := range w.Params {
			doc := p.Doc
			if p.Flag != "" {
				doc += " (--" + p.Flag + ")"
			}
			e.Params = append(e.Params, describe.Param{Name: p.Name, Type: p.Type(), Doc: doc, Required: p.Required})
		}
		t.Members = append(t.Members, e)
	}
	return t
}
