package xml

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.starlark.net/starlark"
)

const (
	maxBytes      = 8 << 20
	maxDepth      = 200
	maxElements   = 100_000 // and attributes
	maxAttributes = 1000    // of one element
)

// parse reads a document.
func parse(text string) (*element, error) {
	if len(text) > maxBytes {
		return nil, fmt.Errorf("%d bytes of XML are more than %d", len(text), maxBytes)
	}
	p := parser{d: xml.NewDecoder(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))}
	p.d.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("the text says that it is in %.40q: UTF-8 is read", charset)
	}
	for {
		token, err := p.d.Token()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = p.token(token)
		}
		if err != nil {
			return nil, p.located(err)
		}
	}
	if p.root == nil {
		return nil, p.located(errors.New("there is no element"))
	}
	return p.root, nil
}

// A parser makes elements of tokens.
type parser struct {
	d     *xml.Decoder
	root  *element
	open  []*element
	count int
	said  strings.Builder // since the last tag
}

// located is an error with the place that the decoder has come to.
func (p *parser) located(err error) error {
	var syntax *xml.SyntaxError
	msg := strings.TrimPrefix(err.Error(), "xml: ")
	if errors.As(err, &syntax) {
		msg = syntax.Msg
	}
	line, column := p.d.InputPos()
	return fmt.Errorf("line %d, column %d: %s", line, column, msg)
}

func (p *parser) token(token xml.Token) error {
	switch token := token.(type) {
	case xml.StartElement:
		p.flush()
		return p.start(token)
	case xml.EndElement: // the decoder has seen that it is the right one
		p.flush()
		p.open = p.open[:len(p.open)-1]
	case xml.CharData:
		if len(p.open) == 0 {
			if strings.TrimSpace(string(token)) != "" {
				return errors.New("there is text outside of the root element")
			}
			return nil
		}
		p.said.Write(token)
	case xml.Directive:
		return errors.New("a DTD is not read")
	case xml.ProcInst:
		// XML 1.0, section 2.8: the declaration stands at the beginning. The decoder does not mind.
		if strings.EqualFold(token.Target, "xml") && p.root != nil {
			return errors.New("an XML declaration is not at the beginning")
		}
	}
	return nil
}

// flush puts what was said where it belongs: behind the last element that has ended, or at the
// beginning of the one that is open.
func (p *parser) flush() {
	if p.said.Len() == 0 || len(p.open) == 0 {
		p.said.Reset()
		return
	}
	within := p.open[len(p.open)-1]
	if n := len(within.children); n > 0 {
		within.children[n-1].tail = p.said.String()
	} else {
		within.text = p.said.String()
	}
	p.said.Reset()
}

func (p *parser) start(token xml.StartElement) error {
	switch p.count += 1 + len(token.Attr); {
	case p.count > maxElements:
		return fmt.Errorf("more than %d elements and attributes", maxElements)
	case len(p.open) == maxDepth:
		return fmt.Errorf("nested deeper than %d", maxDepth)
	case len(token.Attr) > maxAttributes:
		return fmt.Errorf("an element has more than %d attributes", maxAttributes)
	case len(p.open) == 0 && p.root != nil:
		return errors.New("there is another root element")
	}
	e := &element{Object: "xml.element", tag: name(token.Name)}
	e.attrib = starlark.NewDict(len(token.Attr))
	for _, a := range token.Attr {
		if a.Name.Space == "xmlns" || a.Name.Space == "" && a.Name.Local == "xmlns" {
			continue
		}
		key := starlark.String(name(a.Name))
		if _, found, _ := e.attrib.Get(key); found {
			// XML 1.0, section 3.1: an attribute name must not appear more than once.
			return fmt.Errorf("the attribute %s is there twice", a.Name.Local)
		}
		if err := e.attrib.SetKey(key, starlark.String(a.Value)); err != nil {
			return err
		}
	}
	e.attrib.Freeze()
	if len(p.open) == 0 {
		p.root = e
	} else {
		within := p.open[len(p.open)-1]
		within.children = append(within.children, e)
	}
	p.open = append(p.open, e)
	return nil
}

// name is one as ElementTree writes it.
func name(n xml.Name) string {
	if n.Space == "xml" { // XML Namespaces, section 3: it is bound to this
		n.Space = "http://www.w3.org/XML/1998/namespace"
	}
	if n.Space == "" {
		return n.Local
	}
	return "{" + n.Space + "}" + n.Local
}
