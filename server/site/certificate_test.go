package site

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestCertificateRenewal shows that the certificate is kept until a week before its end.
func TestCertificateRenewal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "larkspur")
	now := time.Now()
	cases := []struct {
		at  time.Time
		new bool
	}{
		{now, true},
		{now, false},
		{now.Add(certificateLife - certificateRenew - time.Minute), false},
		{now.Add(certificateLife - certificateRenew + time.Minute), true},
		{now.Add(certificateLife), false},
	}
	serial := ""
	for _, c := range cases {
		p, err := localhost(dir, c.at)
		if err != nil {
			t.Fatal(err)
		}
		leaf := p.current.Load().Leaf
		if got := leaf.SerialNumber.String() != serial; got != c.new {
			t.Errorf("after %v: a new certificate is %v, want %v", c.at.Sub(now), got, c.new)
		}
		serial = leaf.SerialNumber.String()
		roots := x509.NewCertPool()
		roots.AddCert(leaf)
		for _, name := range []string{"localhost", "127.0.0.1", "::1"} {
			options := x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: c.at}
			if _, err := leaf.Verify(options); err != nil {
				t.Errorf("for %s: %v", name, err)
			}
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("the directory holds %v, %v; want one file", files, err)
	}
}
