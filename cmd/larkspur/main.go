// Command larkspur serves web applications that are written as .star scripts.
//
// # The house
//
// Packages are rooms, and imports go one way, which imports_test.go holds:
//
//	          cmd/larkspur                 flags to structs
//	               │
//	          server/site                  what is served, and what watches and reloads it
//	   │         server/worker, upstream   the application in other processes; other servers
//	   ┌───────────┴───────────┐
//	runtime                  server        programs │ HTTP: front, gateway, listeners; hop
//	   │             ┌─────────┼─────────┐
//	   │          environ    push    server/h2      the contract │ what goes with a page │ HTTP/2
//	   └───────┬─────┘         │         │
//	      runtime/host         └ environ/wire ┘     what modules see │ the rules of HTTP
//
// An embedder takes from it what it needs: runtime alone, server with an App of its own, push or
// server/h2 with any http.Handler. Tools around scripts have packages below runtime (lint, format,
// cover, suite, watch) and server (dev, apptest, lint); modules are in runtime/lib and environ/lib;
// apps has applications and middleware as scripts.
//
// # The life of a request
//
//	listener       accepts; server/http1 reads HTTP/1 strictly, server/h2 serves HTTP/2
//	Front          gate, body limit, mount, error page, access log; owns the exchange
//	push.Handler   promises or hints what the map of resources knows, before the application runs
//	Gateway        joins the exchange: a slot, and a lease that pins one generation and its limits;
//	               or a worker.Pool, whose workers have a Front and a Gateway of their own
//	environ        the facts of the request become a dict, key by key as they are asked for
//	Run.Call       a fresh thread calls app(environ, start_response)
//	start_response status and fields are set, and nothing is sent
//	first block    commits: the plan decides on the Link fields, promises go out, then the header
//	body           each block is sent before the next is asked for; each moves the deadlines
//	clean-up       close() and on_finish, with the limits of one call together; the lease ends
//
// Package server says who owns what on the way.
//
// # The command
//
// Its parts are those of a command and no more: command.go has the exit statuses and the list of
// commands, settings.go turns flags into structs, and each command has a file.
package main

import (
	"context"
	"os"

	"github.com/larkspur-web/larkspur/server/worker"
)

func main() {
	worker.Main(application)
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
