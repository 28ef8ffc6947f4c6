package html

import (
	"slices"
	"strings"
)

// A use is what an attribute does with its value.
type use uint8

const (
	inert     use = iota
	handler       // it runs
	address       // it is loaded, or gone to
	addresses     // of images: srcset
	refresh       // "0; url=..."
	css           // it is a style
	document_     // it is a page
)

// run is how attributes begin whose value is a program: those of HTML, and of libraries that add
// to it.
var run = [...]string{
	"on", "hx-on", "data-hx-on", "data-on-", "data-on:", "x-", "v-", "ng-", "@", ":",
}

// useOf says what an attribute of an element does. The name is in lower case. As in html/template
// an attribute that is not known is an address if it is called so.
func useOf(element, name string) use {
	local := name
	if i := strings.LastIndexByte(local, ':'); i >= 0 && !strings.HasPrefix(name, "on") {
		local = local[i+1:] // xlink:href
	}
	local = strings.TrimPrefix(local, "data-")
	switch {
	case name == "_", slices.ContainsFunc(run[:], func(p string) bool {
		return strings.HasPrefix(name, p)
	}):
		return handler
	case local == "style":
		return css
	case local == "srcdoc":
		return document_
	case local == "srcset", local == "imagesrcset":
		return addresses
	case local == "content" && element == "meta":
		return refresh
	}
	switch local {
	case "href", "src", "action", "formaction", "cite", "data", "poster", "background", "longdesc",
		"manifest", "ping", "profile", "usemap", "classid", "codebase", "archive", "icon", "dynsrc",
		"lowsrc":
		return address
	case "to", "from", "by", "values", "begin", "end":
		// SVG: an animation can set the href of a link.
		if element == "animate" || element == "set" || element == "animatetransform" ||
			element == "animatemotion" {
			return address
		}
	}
	if strings.Contains(local, "src") || strings.Contains(local, "uri") ||
		strings.Contains(local, "url") {
		return address
	}
	return inert
}

// isPicture reports whether an attribute of an element loads a picture, and nothing else.
func isPicture(element, name string) bool {
	return name == "src" && (element == "img" || element == "input") || name == "poster" && element == "video"
}

// isImage reports whether a URL is the data of a picture (RFC 2397) that a browser decodes and never runs.
// The types are those of SafeUrl of Google's Closure library, and AVIF. SVG is not among them there, and
// not here: it is a document, with scripts and links in it for whoever opens it by itself.
func isImage(s string) bool {
	const scheme = "data:image/"
	if len(s) < len(scheme) || !strings.EqualFold(s[:len(scheme)], scheme) {
		return false
	}
	kind, _, ok := strings.Cut(s[len(scheme):], ",")
	kind = strings.TrimSuffix(strings.ToLower(kind), ";base64")
	return ok && slices.Contains(images[:], kind)
}

var images = [...]string{"avif", "bmp", "gif", "jpeg", "jpg", "png", "tiff", "webp", "x-icon"}

// safeURL returns an address that leads to no program: html/template's rule, and telephones.
func safeURL(s string) string {
	scheme, _, ok := strings.Cut(s, ":")
	if !ok || strings.ContainsAny(scheme, "/?#") {
		return s // it has none
	}
	for _, known := range []string{"http", "https", "mailto", "tel"} {
		if strings.EqualFold(scheme, known) {
			return s
		}
	}
	return "#" + harmless
}

// safeList is safeURL for each of a srcset.
func safeList(s string) string {
	all := strings.Split(s, ",")
	for i, one := range all {
		if trimmed := strings.TrimSpace(one); safeURL(trimmed) != trimmed {
			all[i] = "#" + harmless
		}
	}
	return strings.Join(all, ",")
}

// safeRefresh returns the content of a meta element, whose address leads to no program.
func safeRefresh(s string) string {
	at := strings.Index(strings.ToLower(s), "url")
	if at < 0 {
		return s
	}
	if rest, ok := strings.CutPrefix(strings.TrimSpace(s[at+len("url"):]), "="); ok {
		if rest = strings.Trim(rest, " \t\r\n\f'\""); safeURL(rest) != rest {
			return "#" + harmless
		}
	}
	return s
}

// safeStyle returns declarations that load and run nothing.
func safeStyle(s string) string {
	lower := strings.ToLower(s)
	for _, bad := range []string{
		"url", "expression", "import", "javascript", "behavior", "binding", "image", "src(", "attr(",
		"\\", "/*", "*/", "<", ">", "{", "}", "@", "\"", "'", "`", "&", "\x00",
	} {
		if strings.Contains(lower, bad) {
			return harmless
		}
	}
	return s
}

// escapeText returns s as it stands in text and in a quoted attribute.
func escapeText(s string) string {
	if !strings.ContainsAny(s, "&<>\"'\x00") {
		return s
	}
	return escaper.Replace(s)
}

var escaper = strings.NewReplacer(
	"&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;", "\x00", "\uFFFD",
)
