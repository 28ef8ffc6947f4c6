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

// WriteJUnit writes the results of one Suite as JUnit XML.
func (s *Suite) WriteJUnit(w io.Writer, results []*Result) error {
	var j JUnit
	j.Add(s, results)
	_, err := j.WriteTo(w)
	return err
}

// A JUnit is a report as JUnit XML: a testsuite for each file. Its zero value is empty.
type JUnit struct {
	report junitReport
	total  time.Duration
}

// Add adds the results of a Suite, as its Run gave them.
func (j *JUnit) Add(s *Suite, results []*Result) {
	for len(results) > 0 {
		file := results[0].File
		n := 0
		for n < len(results) && results[n].File == file {
			n++
		}
		suite, took := s.junitSuite(s.path(file), results[:n])
		j.report.Suites = append(j.report.Suites, suite)
		j.report.Tests += suite.Tests
		j.report.Failures += suite.Failures
		j.report.Skipped += suite.Skipped
		j.total += took
		results = results[n:]
	}
}

// WriteTo writes the report.
func (j *JUnit) WriteTo(w io.Writer) (int64, error) {
	j.report.Time = seconds(j.total)
	text, err := xml.MarshalIndent(j.report, "", "  ")
	if err != nil {
		return 0, err
	}
	n, err := io.WriteString(w, xml.Header+string(text)+"\n")
	return int64(n), err
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
