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
// lies nowhere end with the process, which is said when it first uses one.
func devFiles(app *site.Application, logger *slog.Logger) *files.Grant {
	if app.Dir == "" {
		g := files.Temporary()
		g.Prepare = func() error {
			logger.Info("files that the application keeps end with this process: it lies in no directory")
			return nil
		}
		return g
	}
	dir := filepath.Join(app.Dir, site.DevDir)
	return &files.Grant{
		Below: filepath.Join(dir, files.Name),
		Prepare: func() error {
			if err := os.MkdirAll(dir, 0o700); err != nil {
				return err
			}
			return site.Ignore(dir)
		},
	}
}
