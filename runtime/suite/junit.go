package suite

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/larkspur-web/larkspur/runtime/display"
)

// The elements of JUnit's report, as CI systems read it.
type (
	junitReport struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Time     string       `xml:"time,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr,omitempty"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure"`
		Skipped *junitSkipped `xml:"skipped"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	junitSkipped struct {
		Message string `xml:"message,attr"`
	}
)

// WriteJUnit writes the results as JUnit XML: a testsuite for each file.
func (s *Suite) WriteJUnit(w io.Writer, results []*Result) error {
	var report junitReport
	var total time.Duration
	for len(results) > 0 {
		file := results[0].File
		n := 0
		for n < len(results) && results[n].File == file {
			n++
		}
		suite, took := s.junitSuite(s.path(file), results[:n])
		report.Suites = append(report.Suites, suite)
		report.Tests += suite.Tests
		report.Failures += suite.Failures
		report.Skipped += suite.Skipped
		total += took
		results = results[n:]
	}
	report.Time = seconds(total)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(report); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (s *Suite) junitSuite(name string, results []*Result) (suite junitSuite, took time.Duration) {
	suite = junitSuite{Name: name, Tests: len(results)}
	for _, r := range results {
		took += r.Time
		c := junitCase{
			Class: strings.TrimSuffix(name, ".star"), Name: r.Name, File: name, Line: r.Line,
			Time: seconds(r.Time), Output: display.Escape(strings.Join(r.Output, "\n")),
		}
		if c.Name == "" {
			c.Name = "load"
		}
		switch {
		case r.Skipped:
			suite.Skipped++
			c.Skipped = &junitSkipped{display.Escape(reason(r.Err))}
		case r.Err != nil:
			suite.Failures++
			f := s.Explain(r)
			var text strings.Builder
			p := Printer{W: &text, Suite: s}
			p.failure(f)
			c.Failure = &junitFailure{display.Escape(f.Message), text.String()}
		}
		suite.Cases = append(suite.Cases, c)
	}
	suite.Time = seconds(took)
	return suite, took
}

// seconds writes a time as JUnit does.
func seconds(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }
