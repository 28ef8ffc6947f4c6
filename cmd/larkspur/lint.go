package main

import (
	"fmt"
	"io"
	"net/http"

	"github.com/larkspur-web/larkspur/push"
	"github.com/larkspur-web/larkspur/runtime/display"
	"github.com/spf13/cobra"
)

func newLint(stdout, stderr io.Writer) *cobra.Command {
	var d dry
	c := &cobra.Command{
		Use:   "lint [flags] APP PATH...",
		Short: "Find what is wrong with the Link fields and the map of pages",
		Long: `Lint asks the application for pages, and prints what is wrong with what they preload as
PATH: TARGET: FAULT: a missing or unknown as, a font without crossorigin, a target that is
another origin's, outside the application, missing, redirected, too large or not to be
kept, the page itself, or named twice. It exits 1 if there is anything.`,
		Example: "  larkspur push lint blog.star / /blog/hello\n" +
			"  larkspur push lint --push-map site.push blog.star /",
		Args: cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := d.load("push lint", args[:1], stderr); err != nil {
				return err
			}
			defer d.end()
			found := false
			for _, page := range args[1:] {
				t, err := d.ask(page)
				if err != nil {
					return err
				}
				for _, fault := range t.faults() {
					found = true
					fmt.Fprintf(stdout, "%s: %s\n", page, display.Escape(fault))
				}
			}
			if found {
				return errFound
			}
			return nil
		},
	}
	d.flags(c)
	return c
}

// destinations are what a preload can be for.
// https://fetch.spec.whatwg.org/#concept-potential-destination
var destinations = map[string]bool{"audio": true, "document": true, "embed": true, "fetch": true,
	"font": true, "image": true, "json": true, "manifest": true,
	"object": true, "report": true, "script": true, "sharedworker": true, "style": true,
	"track": true, "video": true, "worker": true, "xslt": true}

// faults says what is wrong with what the page preloads.
func (t *trial) faults() (faults []string) {
	fault := func(target, format string, args ...any) {
		faults = append(faults, target+": "+fmt.Sprintf(format, args...))
	}
	if t.Status >= 400 {
		fault("the page", "it is answered %d", t.Status)
	}
	for _, header := range append(t.Hints, t.Fields) {
		faults = append(faults, t.linkFaults(header)...)
	}
	for _, v := range t.verdicts {
		switch v.Reason {
		case push.Self:
			fault(v.Target, "the page preloads itself")
		case push.Foreign:
			fault(v.Target,
				"it is of another origin, or outside the application: it is never pushed")
		case push.Invalid:
			fault(v.Target, "it is no URI reference that a server can promise: %s",
				or(v.Detail, "write an absolute path"))
		case push.Personal:
			fault(v.Target, "it is never pushed: %s. Caches give it to others: add the field to its "+
				"Vary, or do not read it", v.Detail)
		case push.Unverified:
			fault(v.Target, "it is never pushed: %s", v.Detail)
		case push.Budget:
			fault(v.Target, "it is too large to be pushed: %s", v.Detail)
		case push.Limit:
			fault(or(v.Target, "the Link fields"),
				"there are more resources than are pushed with one page: %s",
				or(v.Detail, "the first ten are"))
		}
	}
	return faults
}

// linkFaults says what is wrong with the attributes of links.
func (t *trial) linkFaults(header http.Header) (faults []string) {
	links, _ := push.ParseLinks(header["Link"])
	seen := map[string]bool{}
	for i := range links {
		l := &links[i]
		if !l.Is("preload") {
			continue
		}
		target, reason := push.Resolve(t.page, l.Target)
		if reason != "" {
			target = l.Target
		}
		add := func(text string) { faults = append(faults, target+": "+text) }
		switch {
		case seen[target] && l.Media == "" && l.ImageSrcset == "":
			add("it is named twice")
			continue
		case l.As == "":
			add("it has no as, so that a browser fetches it twice: write as=style, as=script, ...")
		case !destinations[l.As]:
			add("as=" + l.As + " is no destination: a browser passes over it")
		}
		if l.As == "font" && !l.CrossOrigin {
			add("a font without crossorigin is fetched twice: browsers fetch fonts in CORS mode")
		}
		seen[target] = true
	}
	return faults
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
