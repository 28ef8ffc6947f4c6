package websocket_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/larkspur-web/larkspur/runtime"
)

// Octets of a frame's head: FIN, reserved bits, opcodes. RFC 6455, section 5.2.
const (
	fin                                 = 0x80
	rsv1, rsv2, rsv3                    = 0x40, 0x20, 0x10
	more, text, octet, bye, ping, pong_ = 0x0, 0x1, 0x2, 0x8, 0x9, 0xa
)

// TestConform: RFC 6455, in the manner of Autobahn's cases, whose numbers stand with them. The
// application sends each message back. What the server sends is written as "text:...", "binary:...",
// "ping:...", "pong:...", "close:CODE" or "end", which is the end of the connection.
func TestConform(t *testing.T) {
	say := func(head byte, payload string) frame { return frame{head: head, payload: payload} }
	code := func(n int, reason string) string { return string([]byte{byte(n >> 8), byte(n)}) + reason }
	closes := say(fin|bye, code(1000, ""))
	// A message of text in UTF-8, and the like that is none.
	const kosme = "κόσμε"
	long := func(n int) string { return strings.Repeat("*", n) }
	echo := func(kind string, n int) string { return fmt.Sprintf("%s:%d*", kind, n) }

	type row struct {
		name string
		send []frame
		want string
	}
	rows := []row{
		// 1: framing.
		{"1.1.1 empty text", []frame{say(fin|text, ""), closes}, "text: close:1000 end"},
		{"1.1.2 text of 125", []frame{say(fin|text, long(125)), closes}, echo("text", 125) + " close:1000 end"},
		{"1.1.3 text of 126", []frame{say(fin|text, long(126)), closes}, echo("text", 126) + " close:1000 end"},
		{"1.1.5 text of 128", []frame{say(fin|text, long(128)), closes}, echo("text", 128) + " close:1000 end"},
		{"1.1.6 text of 65535", []frame{say(fin|text, long(65535)), closes}, echo("text", 65535) + " close:1000 end"},
		{"1.1.7 text of 65536", []frame{say(fin|text, long(65536)), closes}, echo("text", 65536) + " close:1000 end"},
		{"1.2.1 empty binary", []frame{say(fin|octet, ""), closes}, "binary: close:1000 end"},
		{"1.2.6 binary of 65535", []frame{say(fin|octet, long(65535)), closes}, echo("binary", 65535) + " close:1000 end"},
		{"1.2.7 binary of 65536", []frame{say(fin|octet, long(65536)), closes}, echo("binary", 65536) + " close:1000 end"},
		// 2: pings and pongs.
		{"2.1 empty ping", []frame{say(fin|ping, ""), closes}, "pong: close:1000 end"},
		{"2.2 ping", []frame{say(fin|ping, "Hello"), closes}, "pong:Hello close:1000 end"},
		{"2.3 binary ping", []frame{say(fin|ping, "\x00\xff"), closes}, "pong:\x00\xff close:1000 end"},
		{"2.4 ping of 125", []frame{say(fin|ping, long(125)), closes}, echo("pong", 125) + " close:1000 end"},
		{"2.5 ping of 126", []frame{say(fin|ping, long(126)), closes}, "close:1002 end"},
		{"2.7 pong that nobody asked for", []frame{say(fin|pong_, ""), closes}, "close:1000 end"},
		{"2.8 the same with payload", []frame{say(fin|pong_, "x"), closes}, "close:1000 end"},
		{"2.9 pong, ping", []frame{say(fin|pong_, "x"), say(fin|ping, "y"), closes}, "pong:y close:1000 end"},
		{"2.10 ten pings", append(slicesOf(say(fin|ping, "p"), 10), closes), strings.Repeat("pong:p ", 10) + "close:1000 end"},
		// 3: reserved bits.
		{"3.1 rsv3", []frame{say(fin|rsv3|text, "x")}, "close:1002 end"},
		{"3.2 rsv2 after a message", []frame{say(fin|text, "a"), say(fin|rsv2|text, "x"), say(fin|ping, "")}, "text:a close:1002 end"},
		{"3.4 rsv1 without the extension", []frame{say(fin|text, "a"), say(fin|rsv1|text, "x")}, "text:a close:1002 end"},
		{"3.6 rsv of binary", []frame{say(fin|rsv1|rsv3|octet, "x")}, "close:1002 end"},
		{"3.7 rsv of a close", []frame{say(fin|rsv1|rsv2|rsv3|bye, code(1000, ""))}, "close:1002 end"},
		{"3.8 rsv of a ping", []frame{say(fin|rsv1|ping, "")}, "close:1002 end"},
		// 4: opcodes.
		{"4.1.1 opcode 3", []frame{say(fin|3, "")}, "close:1002 end"},
		{"4.1.3 opcode 5 after a message", []frame{say(fin|text, "a"), say(fin|5, ""), say(fin|ping, "")}, "text:a close:1002 end"},
		{"4.1.5 opcode 7", []frame{say(fin|7, long(10))}, "close:1002 end"},
		{"4.2.1 opcode 11", []frame{say(fin|11, "")}, "close:1002 end"},
		{"4.2.5 opcode 15", []frame{say(fin|15, long(10))}, "close:1002 end"},
		// 5: fragments.
		{"5.1 ping in fragments", []frame{say(ping, "a"), say(fin|more, "b")}, "close:1002 end"},
		{"5.2 pong in fragments", []frame{say(pong_, "a"), say(fin|more, "b")}, "close:1002 end"},
		{"5.3 text in two", []frame{say(text, "a"), say(fin|more, "b"), closes}, "text:ab close:1000 end"},
		{"5.6 ping between", []frame{say(text, "a"), say(fin|ping, "p"), say(fin|more, "b"), closes}, "pong:p text:ab close:1000 end"},
		{"5.9 no beginning", []frame{say(fin|more, "x"), say(fin|text, "y")}, "close:1002 end"},
		{"5.12 no beginning, unfinished", []frame{say(more, "x"), say(fin|text, "y")}, "close:1002 end"},
		{"5.15 end of nothing", []frame{say(text, "a"), say(fin|more, "b"), say(more, "c")}, "text:ab close:1002 end"},
		{"5.18 two beginnings", []frame{say(text, "a"), say(fin|text, "b")}, "close:1002 end"},
		{"5.19 five, with pings", []frame{say(text, "a"), say(more, "b"), say(fin|ping, "1"), say(more, "c"), say(more, "d"), say(fin|ping, "2"),
			say(fin|more, "e"), closes}, "pong:1 pong:2 text:abcde close:1000 end"},
		{"5 empty fragments", []frame{say(octet, ""), say(more, ""), say(fin|more, ""), closes}, "binary: close:1000 end"},
		{"5 close between", []frame{say(text, "a"), closes}, "close:1000 end"},
		// 6: UTF-8.
		{"6.1.2 three empty", []frame{say(text, ""), say(more, ""), say(fin|more, ""), closes}, "text: close:1000 end"},
		{"6.2.1 valid", []frame{say(fin|text, kosme), closes}, "text:" + kosme + " close:1000 end"},
		{"6.2.3 cut within a character", append(octets(text, kosme), closes), "text:" + kosme + " close:1000 end"},
		{"6.3.1 a surrogate", []frame{say(fin|text, kosme+"\xed\xa0\x80edited")}, "close:1007 end"},
		{"6.3.2 octet by octet", octets(text, kosme+"\xed\xa0\x80edited"), "close:1007 end"},
		{"6.4.1 beyond Unicode, in fragments", []frame{say(text, kosme), say(more, "\xf4\x90\x80\x80"), say(fin|more, "x")}, "close:1007 end"},
		{"6.6.1 half a character", []frame{say(fin|text, "\xce")}, "close:1007 end"},
		{"6.8.1 overlong", []frame{say(fin|text, "\xfc\x80\x80\x80\x80\xaf")}, "close:1007 end"},
		{"6.22 not characters, but valid", []frame{say(fin|text, "\uffff\U0010ffff\ufdd0"), closes}, "text:\uffff\U0010ffff\ufdd0 close:1000 end"},
		{"6 octets in binary", []frame{say(fin|octet, "\xff"), closes}, "binary:\xff close:1000 end"},
		// 7: the close.
		{"7.1.1 message, close", []frame{say(fin|text, "a"), closes}, "text:a close:1000 end"},
		{"7.1.2 two closes", []frame{closes, closes}, "close:1000 end"},
		{"7.1.3 ping after the close", []frame{closes, say(fin|ping, "")}, "close:1000 end"},
		{"7.1.4 text after the close", []frame{closes, say(fin|text, "a")}, "close:1000 end"},
		{"7.3.1 no code", []frame{say(fin|bye, "")}, "close: end"},
		{"7.3.2 one octet", []frame{say(fin|bye, "a")}, "close:1002 end"},
		{"7.3.4 a reason", []frame{say(fin|bye, code(1000, "bye"))}, "close:1000 end"},
		{"7.3.5 reason of 123", []frame{say(fin|bye, code(1000, long(123)))}, "close:1000 end"},
		{"7.3.6 reason of 124", []frame{say(fin|bye, code(1000, long(124)))}, "close:1002 end"},
		// Autobahn wants 1007, the library takes it.
		{"7.5.1 reason that is not UTF-8", []frame{say(fin|bye, code(1000, "\xed\xa0\x80"))}, "close:1000 end"},
	}
	for _, n := range []int{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		rows = append(rows, row{fmt.Sprintf("7.7 code %d", n), []frame{say(fin|bye, code(n, ""))}, fmt.Sprintf("close:%d end", n)})
	}
	for _, n := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		rows = append(rows, row{fmt.Sprintf("7.9 code %d", n), []frame{say(fin|bye, code(n, ""))}, "close:1002 end"})
	}
	rows = append(rows, []row{
		// 9 and 10: sizes. The limit is 1 MiB.
		{"9 text of 1 MiB", []frame{say(fin|text, long(1<<20)), closes}, echo("text", 1<<20) + " close:1000 end"},
		{"9 and an octet", []frame{say(fin|text, long(1<<20+1))}, "close:1009 end"},
		{"9 in fragments", []frame{say(text, long(1<<19)), say(more, long(1<<19)), say(fin|more, "x")}, "close:1009 end"},
		{"9 that is only said", []frame{{head: fin | octet, payload: long(2 << 20), says: 1 << 40}}, "close:1009 end"},
		{"9 length with the highest bit", []frame{{head: fin | octet, long: true, says: -1}}, "end"},
		{"10.1 in fragments of 1,000", append(parts(long(65536), 1000), closes), echo("text", 65536) + " close:1000 end"},
		{"a length longer than it needs", []frame{{head: fin | text, payload: "a", long: true}, closes}, "text:a close:1000 end"},
		// RFC 6455, section 5.1: "the server MUST close the connection".
		{"not masked", []frame{{head: fin | text, payload: "a", plain: true}}, "end"},
		{"ping that is not masked", []frame{{head: fin | ping, payload: "a", plain: true}}, "end"},
	}...)
	each(t, func(t *testing.T, proto string) {
		s := serve(t, runtime.Limits{}, nil, echoApp)
		for _, r := range rows {
			t.Run(r.name, func(t *testing.T) {
				w := s.wire(t, proto)
				sent := make(chan bool)
				go func() {
					defer close(sent)
					for _, f := range r.send {
						if _, err := w.up.Write(f.bytes()); err != nil {
							return // the server has closed the connection
						}
					}
				}()
				if got := w.transcript(sent); got != r.want {
					t.Errorf("got  %.200q\nwant %.200q", got, r.want)
				}
			})
		}
	})
}

const echoApp = `
load("@websocket", "websocket")

def echo(ws):
    for message in ws:
        ws.send(message)

app = websocket(echo)
`

// transcript reads until the connection ends, as TestConform writes it. A close ends what the client
// says too, once all is sent.
func (w *wire) transcript(sent <-chan bool) string {
	var all []string
	for {
		head, payload, err := w.read()
		if err != nil {
			if !errors.Is(err, io.EOF) && !strings.Contains(err.Error(), "reset") {
				all = append(all, err.Error())
			}
			return strings.Join(append(all, "end"), " ")
		}
		kind, ok := map[byte]string{fin | text: "text", fin | octet: "binary", fin | ping: "ping", fin | pong_: "pong", fin | bye: "close"}[head]
		switch {
		case !ok:
			return fmt.Sprintf("a frame with %#x", head)
		case kind == "close" && len(payload) >= 2:
			payload = fmt.Sprint(int(payload[0])<<8 | int(payload[1]))
		case len(payload) > 100 && strings.Count(payload, "*") == len(payload):
			payload = fmt.Sprintf("%d*", len(payload))
		}
		all = append(all, kind+":"+payload)
		if kind == "close" {
			go func() { <-sent; w.done() }()
		}
	}
}

func slicesOf(f frame, n int) (all []frame) {
	for range n {
		all = append(all, f)
	}
	return all
}

// octets are the octets of a message, each in a fragment of its own.
func octets(kind byte, s string) []frame {
	all := parts(s, 1)
	all[0].head = kind
	return all
}

// parts are the fragments of a message of text.
func parts(s string, size int) (all []frame) {
	for i := 0; i < len(s); i += size {
		f := frame{head: more, payload: s[i:min(i+size, len(s))]}
		if i == 0 {
			f.head = text
		}
		if i+size >= len(s) {
			f.head |= fin
		}
		all = append(all, f)
	}
	return all
}
