// Command larkspur serves web applications that are written as .star scripts.
//
// Its parts are those of a command and no more: command.go has the exit statuses and the commands that
// serve nothing, app.go finds what APP names and grants the modules that a script may load, settings.go
// turns flags into structs, process.go loads, listens, reloads and drains. serve.go and dev.go are two ways
// to set that up; the error pages, the certificate and the console belong to dev.
package main

import (
	"context"
	"os"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
