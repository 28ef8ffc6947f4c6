package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/larkspur-web/larkspur/server/site"
	"github.com/spf13/cobra"
)

// securing are the flags of https beside those that name a certificate.
type securing struct {
	acme      []string
	email     string
	directory string
	dir       string
	clientCA  string
	optional  bool
	redirect  []string
	hsts      string
}

func (f *securing) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.acme, "acme", nil,
		"`DOMAIN` that a certificate is gotten for, and renewed, by ACME; may be repeated")
	c.Flags().StringVar(&f.dir, "acme-dir", "", "`DIR` that keeps them (default acme below that of --data)")
	c.Flags().StringVar(&f.email, "acme-email", "", "`ADDRESS` that the authority may write to")
	c.Flags().StringVar(&f.directory, "acme-directory", "", "`URL` of the authority's directory (default Let's Encrypt's)")
	c.Flags().StringVar(&f.clientCA, "client-ca", "",
		"`FILE` with certificates of authorities, in PEM: clients need a certificate of one of them")
	c.Flags().BoolVar(&f.optional, "client-optional", false,
		"clients may do without one: SSL_CLIENT_VERIFY of the environ says which have it")
	c.Flags().StringArrayVar(&f.redirect, "redirect-http", nil,
		"`URL` to listen on, as http://:80, to send every request to the https listener")
	c.Flags().StringVar(&f.hsts, "hsts", "",
		"`VALUE` of Strict-Transport-Security in responses over https, as in max-age=31536000")
}

// check finds what is wrong with the values together.
func (f *securing) check(s *serving) error {
	switch {
	case len(f.acme) > 0 && s.data == "" && f.dir == "":
		return errors.New("--acme needs a directory that keeps what it gets: name it with --data or --acme-dir")
	case len(f.acme) == 0 && (f.email != "" || f.directory != "" || f.dir != ""):
		return errors.New("--acme-email, --acme-directory and --acme-dir are of --acme DOMAIN")
	case f.optional && f.clientCA == "":
		return errors.New("--client-optional is of --client-ca FILE")
	case !s.https() && (len(f.acme) > 0 || f.clientCA != "" || len(f.redirect) > 0 || f.hsts != ""):
		return errors.New("--acme, --client-ca, --redirect-http and --hsts are of https: add --listen https://:443")
	}
	for _, where := range f.redirect {
		if !strings.HasPrefix(where, "http:") {
			return fmt.Errorf("--redirect-http %s: http://HOST:PORT, as in http://:80", where)
		}
	}
	for _, domain := range f.acme {
		if strings.ContainsAny(domain, "*/: ") || !strings.Contains(domain, ".") {
			return fmt.Errorf("--acme %s: the name of a host, as in www.example.com", domain)
		}
	}
	return nil
}

// secure has the site do as they say. dir is that of --data.
func (f *securing) secure(v *site.Site, dir string) (err error) {
	if len(f.acme) > 0 {
		if dir = filepath.Join(dir, "acme"); f.dir != "" {
			dir = f.dir
		}
		v.TLS.ACME = &site.ACME{Domains: f.acme, Dir: dir, Email: f.email, Directory: f.directory}
	}
	if f.clientCA != "" {
		if v.TLS.Clients, err = site.ReadAuthority(f.clientCA); err != nil {
			return err
		}
		v.TLS.Clients.Optional = f.optional
	}
	v.Redirect, v.HSTS = f.redirect, f.hsts
	return nil
}
