package main

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/larkspur-web/larkspur/runtime/host"
	"github.com/larkspur-web/larkspur/runtime/lib/mail"
	"github.com/larkspur-web/larkspur/server/dev"
	"github.com/larkspur-web/larkspur/server/hop"
	"github.com/larkspur-web/larkspur/server/site/grant"
	"github.com/larkspur-web/larkspur/server/worker"
)

// accounts is how a worker of an application that is developed tells its front of requests.
func accounts(tell worker.Teller) func(*http.Request) (func(host.Place), func(json.RawMessage)) {
	return func(r *http.Request) (func(host.Place), func(json.RawMessage)) {
		id := hop.ID(r)
		if id == "" { // it is promised, and part of the page's
			return nil, func(json.RawMessage) {}
		}
		at, end := tell.Follow(id)
		return at, func(account json.RawMessage) {
			end()
			tell.Note(id, account)
		}
	}
}

// A posted mail is one that the application in a worker has sent, or would have.
type posted struct {
	Mail *mail.Mail
	Sent bool
}

// maxPosted is how many bytes of each part of a mail the front gets to show.
const maxPosted = 32 << 10

// mails is how a worker tells its front of mails.
func mails(tell worker.Teller) func(*mail.Mail, bool) {
	return func(m *mail.Mail, sent bool) {
		short := *m
		for _, part := range []**string{&short.Text, &short.HTML} {
			if *part != nil && len(**part) > maxPosted {
				text := strings.ToValidUTF8((**part)[:maxPosted], "") + "…"
				*part = &text
			}
		}
		if p, err := json.Marshal(posted{&short, sent}); err == nil {
			tell.Note("", p)
		}
	}
}

// noted takes what workers of an application that is developed tell.
func noted(granted *grant.Set) func(*http.Request, json.RawMessage) {
	return func(r *http.Request, note json.RawMessage) {
		if r != nil {
			dev.Told(r, note)
			return
		}
		var p posted
		if json.Unmarshal(note, &p) == nil && p.Mail != nil && granted.Mail.Outbox != nil {
			granted.Mail.Outbox.Add(p.Mail, p.Sent)
		}
	}
}
