package apptest

import (
	"net/http"
	"sync"

	"github.com/larkspur-web/larkspur/push"
)

var _ push.Promiser = (*exchange)(nil)

// Promises is [push.Promiser]'s: there is room for all.
func (x *exchange) Promises() (n int, ok bool) {
	return 1000, x.connection != nil && x.request.ProtoMajor == 2
}

// Promise is [push.Promiser]'s: the client keeps what it gets.
func (x *exchange) Promise(r *http.Request, header http.Header, body []byte, _ bool,
	settled func(error)) error {
	p := &exchange{session: x.session, request: r, status: http.StatusOK, sent: header, over: true}
	if len(body) > 0 && r.Method != http.MethodHead {
		p.blocks = []string{string(body)}
	}
	x.promises = append(x.promises, p)
	if settled != nil {
		settled(nil)
	}
	return nil
}

// Session is [push.Promiser]'s: that of the client, which has what it got before.
func (x *exchange) Session() *sync.Map { return x.connection }
