package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site/sitefile"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A printedSite is what a site file and flags come to.
type printedSite struct {
	Settings []printedSetting `json:"settings"`
	Sites    []printedHost    `json:"sites"`
}

type printedSetting struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
	Source string   `json:"source"` // default, flag, or FILE:LINE
}

type printedHost struct {
	Hosts  []string       `json:"hosts"`
	Source string         `json:"source"`
	Routes []printedRoute `json:"routes"`
}

type printedRoute struct {
	Path     string `json:"path"`
	Kind     string `json:"kind"`
	Answers  string `json:"answers"` // the application, the directory, or where else
	Settings any    `json:"settings"`
	Compress string `json:"compress,omitempty"` // empty is as all
	Source   string `json:"source"`
}

// printSite shows it.
func printSite(w io.Writer, asJSON bool, f *sitefile.File, c *cobra.Command) error {
	p := printedSite{Settings: printedSettings(f, c)}
	for _, h := range f.Hosts {
		printed := printedHost{Hosts: h.Names, Source: source(f, h.Place)}
		for _, r := range h.Routes {
			printed.Routes = append(printed.Routes, printRoute(f, &r))
		}
		slices.SortStableFunc(printed.Routes, func(a, b printedRoute) int { return len(b.Path) - len(a.Path) })
		p.Sites = append(p.Sites, printed)
	}
	if asJSON {
		return printJSON(w, p)
	}
	return p.write(w)
}

// printedSettings are the flags of serve, but those that a site file has elsewhere.
func printedSettings(f *sitefile.File, c *cobra.Command) (all []printedSetting) {
	c.Flags().VisitAll(func(flag *pflag.Flag) {
		if slices.Contains(elsewhere, flag.Name) || flag.Name == "help" {
			return
		}
		s := printedSetting{Name: flag.Name, Values: []string{}, Source: "default"}
		if list, ok := flag.Value.(pflag.SliceValue); ok {
			s.Values = append(s.Values, list.GetSlice()...)
		} else if v := flag.Value.String(); v != "" {
			s.Values = append(s.Values, v)
		}
		i := slices.IndexFunc(f.Settings, func(o sitefile.Setting) bool { return o.Flag == flag.Name })
		switch {
		case flag.Changed:
			s.Source = "flag"
		case i >= 0:
			s.Source = source(f, f.Settings[i].Place)
		}
		all = append(all, s)
	})
	return all
}

// source is a place, as the user would name it.
func source(f *sitefile.File, at host.Place) string {
	return fmt.Sprintf("%s:%d", filepath.Join(filepath.Dir(f.Path), at.File), at.Line)
}

// printRoute is what a route comes to.
func printRoute(f *sitefile.File, r *sitefile.Route) printedRoute {
	p := printedRoute{Path: r.Path + "/", Compress: r.Compress, Source: source(f, r.Place)}
	if r.Path != "" {
		p.Path = r.Path
	}
	switch {
	case r.Mount != nil:
		p.Kind, p.Answers, p.Settings = "mount", r.Mount.App, r.Mount
	case r.Upstream != nil:
		p.Kind, p.Answers, p.Settings = "upstream", strings.Join(r.Upstream.URLs, " "), r.Upstream
	case r.Static != nil:
		p.Kind, p.Answers, p.Settings = "static", r.Static.Dir, r.Static
	case r.Redirect != nil:
		p.Kind, p.Answers, p.Settings = "redirect", r.Redirect.To, r.Redirect
	}
	return p
}

// write writes it as text.
func (p *printedSite) write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, s := range p.Settings {
		value := strings.Join(s.Values, " ")
		if value == "" {
			value = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", s.Name, value, s.Source)
	}
	for _, h := range p.Sites {
		fmt.Fprintf(t, "\nsite\t%s\t%s\n", strings.Join(h.Hosts, " "), h.Source)
		for _, r := range h.Routes {
			words := routeWords(r.Settings)
			if r.Compress != "" {
				words += " compress=" + strconv.Quote(r.Compress)
			}
			fmt.Fprintf(t, "  %s\t%s %s%s\t%s\n", r.Path, r.Kind, r.Answers, words, r.Source)
		}
	}
	return t.Flush()
}

// routeWords are what else a route says, in words.
func routeWords(settings any) string {
	text, err := json.Marshal(settings)
	if err != nil {
		return ""
	}
	var fields map[string]any
	_ = json.Unmarshal(text, &fields) // it was made here
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch v := fields[name]; {
		case name == "App" || name == "URLs" || name == "Dir" || name == "To" || name == "Path":
		case v == nil || v == "" || v == false || v == 0.0:
		default:
			value, _ := json.Marshal(v)
			fmt.Fprintf(&b, " %s=%s", strings.ToLower(name), value)
		}
	}
	return b.String()
}
