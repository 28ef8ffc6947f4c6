// Package push will turn Link headers and explicit calls into HTTP/2 pushes and early hints.
package push
