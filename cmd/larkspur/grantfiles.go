package main

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/larkspur-web/larkspur/runtime/lib/files"
	"github.com/larkspur-web/larkspur/server/site"
)

// grantFiles has the application use these directories. What it returns ends that.
func grantFiles(app *site.Application, g *files.Grant, logger *slog.Logger) (end func()) {
	if app.Grants == nil {
		app.Grants = make(map[string]any)
	}
	app.Grants[files.Name] = g
	return func() {
		if err := g.Close(); err != nil {
			logger.Warn("temporary files are left", slog.Any("error", err))
		}
	}
}

// devFiles are the directories of dev: below the application, in what git ignores. Those of one that
// lies nowhere end with the process.
func devFiles(app *site.Application) *files.Grant {
	if app.Dir == "" {
		return files.Temporary()
	}
	dir := filepath.Join(app.Dir, site.DevDir)
	return &files.Grant{
		Below:   filepath.Join(dir, files.Name),
		Prepare: func() error {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			return site.Ignore(dir)
		},
	}
}
