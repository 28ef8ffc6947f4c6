package wire

import "strings"

// A Preference is how much a client wants something, by what it says in a field such as Accept.
type Preference struct {
	// Weight is the q of the range that decides, in thousandths; 0 if it is not acceptable.
	Weight int
	// Exact is how special that range is: 0 for what takes anything, or where nothing is said.
	Exact int
	// Index is that of the range in the field.
	Index int
}

// Before reports whether p is preferred to q: by weight, then by what is named more exactly, then
// by what is named first.
func (p Preference) Before(q Preference) bool {
	switch {
	case p.Weight != q.Weight:
		return p.Weight > q.Weight
	case p.Exact != q.Exact:
		return p.Exact > q.Exact
	}
	return p.Index < q.Index
}

// Media returns how much an Accept field wants a media type, which may have parameters. The most
// special range that takes it decides: one with its parameters, then its type, then type/*, then
// */*. What is malformed is ignored, and a field of nothing else takes anything, as no field does.
// RFC 9110, section 12.5.1.
func Media(accept, media string) Preference {
	best := Preference{Weight: 1000, Exact: -1}
	known := false
	for i := 0; accept != ""; i++ {
		var element string
		element, accept = cutAt(accept, ',')
		name, params := cutAt(element, ';')
		weight, ok := weightOf(params)
		if !ok || !mediaRange(name) {
			continue
		}
		known = true
		if exact := covers(name, params, media); exact > best.Exact {
			best = Preference{weight, exact, i}
		}
	}
	if best.Exact < 0 {
		best = Preference{Index: 1 << 30}
		if !known {
			best.Weight = 1000
		}
	}
	return best
}

// covers returns how special the range is that takes media, -1 if it does not.
func covers(name, params, media string) int {
	own, ownParams := cutAt(media, ';')
	own = Trim(own)
	kind, sub, _ := strings.Cut(name, "/")
	ownKind, ownSub, _ := strings.Cut(own, "/")
	switch {
	case name == "*/*":
		return 0
	case !strings.EqualFold(kind, ownKind):
		return -1
	case sub == "*":
		return 1
	case !strings.EqualFold(sub, ownSub):
		return -1
	}
	exact := 2
	for params != "" {
		var p string
		p, params = cutAt(params, ';')
		key, value, _ := strings.Cut(p, "=")
		if key = Trim(key); key == "" || strings.EqualFold(key, "q") {
			// RFC 9110, section 12.4.2: the weight stands last; what may come behind it was
			// accept-ext, which senders no longer write.
			if key != "" {
				break
			}
			continue
		}
		if !hasParam(ownParams, key, Trim(value)) {
			return -1
		}
		exact++
	}
	return exact
}

// hasParam reports whether the parameters have one of that name and value.
func hasParam(params, key, value string) bool {
	for params != "" {
		var p string
		p, params = cutAt(params, ';')
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(Trim(k), key) {
			return strings.EqualFold(unquoted(Trim(v)), unquoted(value))
		}
	}
	return false
}

// Language returns how much an Accept-Language field wants a language, by lookup: a range takes
// the tag that it is, and else, cut at its end subtag by subtag, a shorter one; "*" takes any that
// no other takes. A range that is the tag and has a weight of 0 refuses it.
// RFC 9110, section 12.5.4; RFC 4647, section 3.4.
func Language(accept, tag string) Preference {
	var best, any Preference
	for i := 0; accept != ""; i++ {
		var element string
		element, accept = cutAt(accept, ',')
		name, params := cutAt(element, ';')
		weight, ok := weightOf(params)
		if !ok {
			continue
		}
		if name == "*" {
			any = Preference{weight, 0, i}
			continue
		}
		exact := -1
		if languageRange(name) {
			exact = lookup(name, tag)
		}
		switch p := (Preference{weight, exact, i}); {
		case exact < 0:
		case weight == 0 && exact == maxSubtags:
			return Preference{}
		case best.Weight == 0 || p.Before(best):
			best = p
		}
	}
	if best.Weight == 0 {
		return any
	}
	return best
}

// maxSubtags is more than the subtags that a range may have.
const maxSubtags = 16

// Coding returns the one of the content codings on offer that an Accept-Encoding field wants most, "" for
// none of them: identity. Between those that it wants the same the first on offer decides. What is
// malformed is ignored. Where identity is refused and so is all on offer it is "" all the same.
// RFC 9110, section 12.5.3.
func Coding(accept string, offers ...string) string {
	weights := [maxCodings]int{} // of the offers
	identity, any := -1, -1
	for i := range weights {
		weights[i] = -1
	}
	for accept != "" {
		var element string
		element, accept = cutAt(accept, ',')
		name, params := cutAt(element, ';')
		weight, ok := weightOf(params)
		switch {
		case !ok:
		case name == "*":
			any = max(any, weight)
		case strings.EqualFold(name, "identity"):
			identity = weight
		default:
			if strings.EqualFold(name, "x-gzip") { // RFC 9110, section 8.4.1.3
				name = "gzip"
			}
			for i, o := range offers {
				if strings.EqualFold(name, o) {
					weights[i] = weight
				}
			}
		}
	}
	best, most := "", max(identity, 0) // what is not named is wanted less than anything that is
	for i, o := range offers {
		w := weights[i]
		if w < 0 {
			w = any
		}
		if w > most || w == most && w > 0 && best == "" {
			best, most = o, w
		}
	}
	return best
}

// maxCodings is how many codings may be on offer.
const maxCodings = 8

// lookup returns how far the range names the tag, -1 if it does not.
func lookup(name, tag string) int {
	for exact := maxSubtags; name != "" && exact > 0; exact-- {
		if strings.EqualFold(name, tag) {
			return exact
		}
		i := strings.LastIndexByte(name, '-')
		if i < 0 {
			return -1
		}
		if name = name[:i]; i > 1 && name[i-2] == '-' {
			name = name[:i-2] // RFC 4647, section 3.4: a single letter goes with what follows it
		}
	}
	return -1
}

// languageRange reports whether s is a language range: RFC 4647, section 2.1.
func languageRange(s string) bool {
	n := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '-':
			if n == 0 {
				return false
			}
			n = 0
			continue
		case octets[c]&inToken == 0 || strings.IndexByte("!#$%&'*+.^_`|~", c) >= 0:
			return false
		}
		if n++; n > 8 {
			return false
		}
	}
	return n > 0
}

// LanguageTag reports whether s has the form of a language tag: RFC 5646, section 2.1, of which this
// is the outline.
func LanguageTag(s string) bool { return languageRange(s) }

// mediaRange reports whether s is */*, type/* or type/subtype.
func mediaRange(s string) bool {
	kind, sub, ok := strings.Cut(s, "/")
	return ok && Token(kind) && Token(sub) && (kind != "*" || sub == "*")
}

// weightOf returns the q of parameters in thousandths, and whether it is none or a right one.
// RFC 9110, section 12.4.2.
func weightOf(params string) (weight int, ok bool) {
	for params != "" {
		var p string
		p, params = cutAt(params, ';')
		key, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(Trim(key), "q") {
			return thousandths(Trim(value))
		}
	}
	return 1000, true
}

// thousandths reads a weight: 0, 1, or a fraction of three digits at most.
func thousandths(s string) (n int, ok bool) {
	whole, fraction, dot := strings.Cut(s, ".")
	if whole != "0" && whole != "1" || len(fraction) > 3 ||
		dot && fraction != "" && !Digits(fraction) {
		return 0, false
	}
	n = int(whole[0]-'0') * 1000
	for i, unit := 0, 100; i < len(fraction); i, unit = i+1, unit/10 {
		n += int(fraction[i]-'0') * unit
	}
	return n, n <= 1000
}

// cutAt cuts s at the first c that does not stand in a quoted string, RFC 9110, section 5.6.4. Both
// have no blanks around them.
func cutAt(s string, c byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '\\' && quoted:
			i++
		case s[i] == c && !quoted:
			return Trim(s[:i]), Trim(s[i+1:])
		}
	}
	return Trim(s), ""
}

// unquoted is the text of a quoted string that has nothing escaped.
func unquoted(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}
