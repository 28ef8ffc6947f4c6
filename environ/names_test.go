package environ_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// goName is a name of Go in backquotes: pkg.Name, Type.Member or pkg.Type.Member.
var goName = regexp.MustCompile("`([a-z0-9]+\\.)?[A-Z]\\w*(\\.[A-Z]\\w*)?`")

// TestNames checks that each name of Go that SPEC.md has in backquotes is one of this module.
func TestNames(t *testing.T) {
	spec, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	known := names(t, os.DirFS(".."))
	found := 0
	for _, quoted := range goName.FindAllString(string(spec), -1) {
		name := strings.Trim(quoted, "`")
		if !strings.Contains(name, ".") {
			continue // a word of HTTP or of CGI
		}
		found++
		if !known[name] {
			t.Errorf("SPEC.md names %s, which does not exist", name)
		}
	}
	if found == 0 {
		t.Error("SPEC.md names nothing of Go; this test looks for the wrong names")
	}
}

// names returns the exported names of the packages of a tree, as pkg.Name, Type.Member and
// pkg.Type.Member.
func names(t *testing.T, tree fs.FS) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	err := fs.WalkDir(tree, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
			return err
		}
		source, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range f.Decls {
			declare(d, func(name string) {
				known[f.Name.Name+"."+name] = true
				known[name] = true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}

// declare calls add with each name that a declaration makes, and each Type.Member.
func declare(d ast.Decl, add func(name string)) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			add(d.Name.Name)
			return
		}
		receiver := d.Recv.List[0].Type
		if star, ok := receiver.(*ast.StarExpr); ok {
			receiver = star.X
		}
		if id, ok := receiver.(*ast.Ident); ok {
			add(id.Name + "." + d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					add(id.Name)
				}
			case *ast.TypeSpec:
				add(spec.Name.Name)
				members(spec.Type, func(member string) { add(spec.Name.Name + "." + member) })
			}
		}
	}
}

// members calls add with the fields of a struct and the methods of an interface.
func members(e ast.Expr, add func(name string)) {
	var list *ast.FieldList
	switch e := e.(type) {
	case *ast.StructType:
		list = e.Fields
	case *ast.InterfaceType:
		list = e.Methods
	default:
		return
	}
	for _, field := range list.List {
		for _, id := range field.Names {
			add(id.Name)
		}
	}
}
