package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/spf13/cobra"
)

// grants are the flags that say what an application may reach outside.
type grants struct {
	lines []string
	data  string
	nats  string
}

func (g *grants) flags(c *cobra.Command) {
	var forms []string
	for _, f := range grant.Forms() {
		forms = append(forms, f.Line)
	}
	c.Flags().StringArrayVar(&g.lines, "grant", nil,
		"`WHAT` the application may reach: "+strings.Join(forms, ", ")+
			"; may be repeated; larkspur docs grants says more")
	c.Flags().StringVar(&g.data, "data", "",
		"`DIR` in which what is to outlast the process is kept: databases, directories, state and secrets "+
			"that are not named otherwise; it is made if there is none")
	c.Flags().StringVar(&g.nats, "nats", "",
		"`URL` of servers of NATS, with JetStream, that keep the state of the application: "+
			"nats://HOST:PORT or tls://HOST:PORT, with commas between those of one cluster; behind a ? "+
			"may be the files creds= and ca=")
}

// only reads the flags, and makes nothing.
func (g *grants) only() (*grant.Set, error) {
	s, err := grant.Parse(g.lines)
	if err != nil {
		return nil, fmt.Errorf("--%w", err)
	}
	if g.nats != "" {
		if err := s.KeepAt(g.nats); err != nil {
			return nil, fmt.Errorf("--nats: %w", err)
		}
	}
	if g.data != "" {
		s.Keep(g.data, nil)
	}
	s.Advice = g.advice
	return s, nil
}

// advice says how a line is granted.
func (g *grants) advice(line string) string {
	if strings.HasPrefix(line, "state=") {
		return "start it with --data DIR, or with --nats URL"
	}
	if strings.HasPrefix(line, "sql:") || strings.HasPrefix(line, "files:") {
		return "start it with --data DIR, or with --grant " + line
	}
	return "start it with --grant " + line
}

// set reads the flags, and makes the directory.
func (g *grants) set() (*grant.Set, error) {
	s, err := g.only()
	if err == nil && g.data != "" {
		if err = os.MkdirAll(g.data, 0o700); err != nil {
			err = runError{fmt.Errorf("--data: %w", err)}
		}
	}
	return s, err
}

// print lists what an application asks for, and reports whether any of it is missing, as far as the
// flags say what there is.
func (g *grants) print(w io.Writer, app *site.Application, asks []grant.Ask) (missing bool) {
	for _, a := range asks {
		a.Place.File = app.Path(a.Place.File)
		said := "asks for " + a.Line
		if (g.data != "" || g.nats != "" || len(g.lines) > 0) && !a.Granted {
			said, missing = "asks for "+a.Line+", which is not granted", true
		}
		fmt.Fprintln(w, host.Diagnostic{Place: a.Place, Message: said})
	}
	return missing
}

// develop is set for whoever writes the application: what has no line is kept below it, and no
// longer than the process if it lies nowhere, which notice says when something is first kept; nil
// says nothing. The function ends what was opened.
func (g *grants) develop(app *site.Application, notice func()) (*grant.Set, func(), error) {
	s, err := g.set()
	if err != nil {
		return nil, nil, err
	}
	s.Stats.Granted = true
	dir := filepath.Join(app.Dir, site.DevDir)
	switch {
	case g.data != "":
	case app.Dir != "":
		s.SQL.Renew = func(name string) string {
			return fmt.Sprintf("delete %s with all that is in it, and save a file",
				filepath.Join(dir, name+".db"))
		}
		s.Keep(dir, func() error {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			return site.Ignore(dir)
		})
	default:
		if dir, err = os.MkdirTemp("", "larkspur-dev-*"); err != nil {
			return nil, nil, runError{fmt.Errorf("keep what the application does: %w", err)}
		}
		var prepare func() error
		if notice != nil {
			once := sync.OnceFunc(notice) // the first of databases and directories
			prepare = func() error { once(); return nil }
		}
		s.Keep(dir, prepare)
		return s, func() { s.Close(); os.RemoveAll(dir) }, nil
	}
	return s, func() { s.Close() }, nil
}
