package cover

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
)

//go:embed report.html
var reportHTML string

// WriteHTML writes a page of the files, line by line: one document that needs nothing else.
func WriteHTML(w io.Writer, files []File) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"percent": func(f *File) string { return fmt.Sprintf("%.1f%%", f.Percent()) },
		"all":     func(files []File) string { return fmt.Sprintf("%.1f%%", Percent(files)) },
		"ptr":     func(files []File, i int) *File { return &files[i] },
	}).Parse(reportHTML)
	if err != nil {
		return err
	}
	return t.Execute(w, files)
}

// Class names what became of the line: "" if nothing of it can run, "ran", "part" or "missed".
func (l Line) Class() string {
	switch {
	case l.Statements == 0:
		return ""
	case l.Ran == 0:
		return "missed"
	case l.Ran < l.Statements:
		return "part"
	}
	return "ran"
}
