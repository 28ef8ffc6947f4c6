package h2

import "strings"

// A dictionary is what is left of one, as RFC 9651, section 4.2.2, has it parsed.
// No more is made of its members than parsePriority asks for, but all of it is
// checked: a field that is not well formed means nothing.
type dictionary struct{ rest string }

// trim skips spaces, and tabs if tabs is set.
func (d *dictionary) trim(tabs bool) {
	i := 0
	for i < len(d.rest) && (d.rest[i] == ' ' || tabs && d.rest[i] == '\t') {
		i++
	}
	d.rest = d.rest[i:]
}

// eat takes c, and reports whether it was next.
func (d *dictionary) eat(c byte) bool {
	if d.rest == "" || d.rest[0] != c {
		return false
	}
	d.rest = d.rest[1:]
	return true
}

// span takes what is of the octets of a kind, at least one of which must be next.
func (d *dictionary) span(kind uint8) (s string, ok bool) {
	i := 0
	for i < len(d.rest) && dictionaryOctets[d.rest[i]]&kind != 0 {
		i++
	}
	s, d.rest = d.rest[:i], d.rest[i:]
	return s, s != ""
}

// member takes a member and the comma behind it. Its value is as it is written;
// "?1" if there is none.
func (d *dictionary) member() (key, value string, ok bool) {
	if key, ok = d.key(); !ok {
		return "", "", false
	}
	value = "?1"
	if d.eat('=') {
		if value, ok = d.value(); !ok {
			return "", "", false
		}
	}
	if !d.parameters() {
		return "", "", false
	}
	d.trim(true)
	if d.rest == "" {
		return key, value, true
	}
	ok = d.eat(',')
	d.trim(true)
	return key, value, ok && d.rest != ""
}

// What an octet of a dictionary may be.
const (
	inKey = 1 << iota
	startsKey
	inToken
	startsToken
	inNumber
)

// dictionaryOctets says it of each octet: a field may be long, and a client need not
// send it again.
var dictionaryOctets = func() (t [256]uint8) {
	set := func(kind uint8, octets string) {
		for i := range len(octets) {
			t[octets[i]] |= kind
		}
	}
	const lower, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
	set(startsKey, lower+"*")
	set(inKey, lower+digits+"*_-.")
	letters := lower + strings.ToUpper(lower)
	set(startsToken, letters+"*")
	set(inToken, letters+digits+"!#$%&'*+-.^_`|~:/")
	set(inNumber, digits+".")
	return t
}()

// key takes a key. RFC 9651, section 4.2.3.3.
func (d *dictionary) key() (string, bool) {
	if d.rest == "" || dictionaryOctets[d.rest[0]]&startsKey == 0 {
		return "", false
	}
	return d.span(inKey)
}

// parameters skips the parameters of a member. RFC 9651, section 4.2.3.2.
func (d *dictionary) parameters() bool {
	for d.eat(';') {
		d.trim(false)
		if _, ok := d.key(); !ok {
			return false
		}
		if d.eat('=') {
			if _, ok := d.item(); !ok {
				return false
			}
		}
	}
	return true
}

// value takes an item or an inner list, which is "(" whatever it has. RFC 9651,
// section 4.2.1.1.
func (d *dictionary) value() (string, bool) {
	if !d.eat('(') {
		return d.item()
	}
	for {
		d.trim(false)
		if d.eat(')') {
			return "(", true
		}
		if _, ok := d.item(); !ok || !d.parameters() {
			return "", false
		}
		if d.rest == "" || d.rest[0] != ' ' && d.rest[0] != ')' {
			return "", false
		}
	}
}

// item takes a bare item. RFC 9651, section 4.2.3.1.
func (d *dictionary) item() (string, bool) {
	if d.rest == "" {
		return "", false
	}
	switch c := d.rest[0]; {
	case c == '?':
		if len(d.rest) < 2 || d.rest[1] != '0' && d.rest[1] != '1' {
			return "", false
		}
		s := d.rest[:2]
		d.rest = d.rest[2:]
		return s, true
	case c == '"':
		for i := 1; i < len(d.rest); i++ {
			switch c := d.rest[i]; {
			case c == '\\':
				i++
			case c == '"':
				s := d.rest[:i+1]
				d.rest = d.rest[i+1:]
				return s, true
			case c < ' ' || c >= 0x7f:
				return "", false
			}
		}
		return "", false
	case c == ':':
		s, rest, ok := strings.Cut(d.rest[1:], ":")
		d.rest = rest
		return s, ok
	case dictionaryOctets[c]&startsToken != 0:
		return d.span(inToken)
	}
	d.eat('@') // a date
	sign := d.eat('-')
	s, ok := d.span(inNumber)
	if sign {
		s = "-" + s
	}
	return s, ok
}
