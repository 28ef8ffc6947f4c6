// Package h2 serves HTTP/2 for any http.Handler.
package h2
