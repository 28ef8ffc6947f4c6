package dev

import (
	"log/slog"
	"strings"
)

// logged adds what is logged for the request to its record. It is the [tee.Sink] of the request's
// context.
func (r *record) logged(l slog.Record) bool {
	line := logLine{Level: l.Level.String(), Text: l.Message}
	file, number := "", ""
	l.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "file":
			file = a.Value.String()
		case "line":
			number = ":" + a.Value.String()
		case "place":
			line.Place = a.Value.String()
		case "method", "path", "status", "request", "backtrace": // the record has them
		case "code":
			if code := a.Value.String(); !strings.HasPrefix(line.Text, code) {
				line.Text = code + ": " + line.Text
			}
		default:
			line.Text += " " + a.Key + "=" + a.Value.String()
		}
		return true
	})
	if line.Place == "" && file != "" {
		line.Place = file + number
	}
	r.log(line)
	return false
}
