// Command larkspur serves web applications written as .star scripts.
package main

import (
	"log"
	"net/http"

	"github.com/larkspur-web/larkspur/apps"
	"github.com/larkspur-web/larkspur/runtime"
	"github.com/larkspur-web/larkspur/server"
)

func main() {
	p, err := runtime.Load(&runtime.Config{FS: apps.FS}, "hello.star")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8000", &server.Handler{App: p}))
}
