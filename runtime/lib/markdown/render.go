package markdown

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	gmrenderer "github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// A renderer makes HTML of Markdown. It is safe for concurrent use.
type renderer struct{ goldmark goldmark.Markdown }

func newRenderer() *renderer {
	inline := []util.PrioritizedValue{
		util.Prioritized(parser.NewCodeSpanParser(), 100),
		util.Prioritized(counted{parser.NewLinkParser(), brackets}, 200),
		util.Prioritized(parser.NewAutoLinkParser(), 300),
		util.Prioritized(parser.NewRawHTMLParser(), 400),
		util.Prioritized(counted{parser.NewEmphasisParser(), marks}, 500),
		util.Prioritized(counted{extension.NewStrikethroughParser(), marks}, 500),
	}
	strike := util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 500)
	return &renderer{goldmark.New(
		goldmark.WithParser(parser.NewParser(
			parser.WithBlockParsers(parser.DefaultBlockParsers()...),
			parser.WithInlineParsers(inline...),
			parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
			parser.WithASTTransformers(util.Prioritized(cleaner{}, 1000)),
		)),
		goldmark.WithRendererOptions(gmrenderer.WithNodeRenderers(strike)),
		goldmark.WithExtensions(extension.Table, extension.Linkify),
	)}
}

func (r *renderer) render(source string) (string, error) {
	if len(source) > MaxBytes {
		return "", fmt.Errorf("%d bytes of Markdown are more than %d", len(source), MaxBytes)
	}
	if err := bounded(source); err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := r.goldmark.Convert([]byte(source), &out); err != nil {
		return "", err
	}
	return out.String(), nil
}

// schemes are those that a link may have. goldmark knows of some that it must not have, and looks
// before it resolves references: &#106;avascript: is none of them.
var schemes = []string{
	"http", "https", "mailto", "tel", "sms", "ftp", "sftp", "irc", "ircs", "xmpp", "matrix", "geo",
	"news",
}

// A cleaner takes out of a document what must not stand in a page.
type cleaner struct{}

// Transform is parser.ASTTransformer's.
func (cleaner) Transform(doc *ast.Document, reader text.Reader, _ parser.Context) {
	var html []ast.Node
	var addresses []*ast.AutoLink
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.RawHTML, *ast.HTMLBlock:
			html = append(html, n)
			return ast.WalkSkipChildren, nil
		case *ast.Link:
			n.Destination = safe(n.Destination)
		case *ast.Image:
			n.Destination = safe(n.Destination)
		case *ast.AutoLink:
			if n.AutoLinkType == ast.AutoLinkURL && len(safe(n.URL(reader.Source()))) == 0 {
				addresses = append(addresses, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, n := range html {
		n.Parent().RemoveChild(n.Parent(), n)
	}
	for _, n := range addresses { // what it says stays, as it does of other links
		n.Parent().ReplaceChild(n.Parent(), n, ast.NewString(n.Label(reader.Source())))
	}
}

// safe returns the address, or nothing if it has a scheme that is not one of schemes.
func safe(address []byte) []byte {
	plain := util.ResolveEntityNames(util.ResolveNumericReferences(address))
	scheme, _, found := strings.Cut(string(plain), ":")
	if !found || strings.ContainsAny(scheme, "/?#") {
		return address
	}
	if slices.Contains(schemes, strings.ToLower(scheme)) {
		return address
	}
	return nil
}
