package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/server/site"
	"github.com/spf13/cobra"
)

// trustName is the name of dev's certificate where certificates are kept.
const trustName = "larkspur-development"

// A store is where programs find the certificates that they trust.
type store struct {
	name string // as --store has it
	what string
	// add and remove change it. errNoStore says that it is not there.
	add, remove func(cert string) error
}

var errNoStore = errors.New("there is none")

// stores are those of this system.
func stores() []store {
	return []store{
		{"browser", "the store of Chromium and its like (NSS)", addNSS, removeNSS},
		{"system", "the store of the system", addSystem, removeSystem},
	}
}

func newTrust(stdout io.Writer) *cobra.Command {
	return trustCommand(stdout, &cobra.Command{
		Use:   "trust",
		Short: "Have browsers and this system trust the certificate of larkspur dev",
		Long: `Trust makes the certificate that larkspur dev serves https with, if there is none yet, and puts
it into the stores of this machine: that of Chromium and its like, which is the user's and needs
certutil (Debian: libnss3-tools), and that of the system, which needs root. It is for localhost
only, and its key is in a file that only its owner can read. It lasts a year. larkspur untrust
takes it out.`,
	}, func(s store, cert string) error { return s.add(cert) }, "trusts")
}

func newUntrust(stdout io.Writer) *cobra.Command {
	return trustCommand(stdout, &cobra.Command{
		Use:   "untrust",
		Short: "Take the certificate of larkspur dev out of what browsers and this system trust",
	}, func(s store, cert string) error { return s.remove(cert) }, "does not trust")
}

// trustCommand makes c do something to the stores, and say so.
func trustCommand(stdout io.Writer, c *cobra.Command, do func(store, string) error, does string) *cobra.Command {
	which := "all"
	c.Args = noArgs
	c.Flags().StringVar(&which, "store", "all", "the `STORE`: browser, system or all")
	c.RunE = func(*cobra.Command, []string) error {
		all := stores()
		if which != "all" {
			all = slices.DeleteFunc(all, func(s store) bool { return s.name != which })
		}
		if len(all) == 0 {
			return fmt.Errorf("--store %s: browser, system or all", which)
		}
		dir, err := os.UserCacheDir()
		if err != nil {
			return runError{fmt.Errorf("find the certificate: %w", err)}
		}
		dir = filepath.Join(dir, "larkspur")
		if _, err := site.Localhost(dir); err != nil {
			return runError{err}
		}
		cert, err := publicPart(filepath.Join(dir, "localhost.pem"))
		if err != nil {
			return runError{err}
		}
		defer os.Remove(cert)
		var errs []error
		for _, s := range all {
			err := do(s, cert)
			switch {
			case errors.Is(err, errNoStore) && which == "all":
				fmt.Fprintf(stdout, "%s: %v\n", s.what, err)
			case err != nil:
				errs = append(errs, fmt.Errorf("%s: %w", s.what, err))
			default:
				fmt.Fprintf(stdout, "%s %s the certificate of larkspur dev\n", s.what, does)
			}
		}
		if err := errors.Join(errs...); err != nil {
			return runError{err}
		}
		return nil
	}
	return c
}

// publicPart writes the certificate without its key into a file that all can read, which is the caller's to remove.
func publicPart(file string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	const begins = "-----BEGIN CERTIFICATE-----"
	i := bytes.Index(text, []byte(begins))
	if i < 0 {
		return "", fmt.Errorf("%s holds no certificate", file)
	}
	f, err := os.CreateTemp("", trustName+"-*.crt")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text[i:])
	return f.Name(), errors.Join(err, f.Chmod(0o644), f.Close())
}

// nssDir is the directory of NSS's store of this user.
func nssDir() (string, error) {
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".pki", "nssdb"), err
}

func addNSS(cert string) error {
	dir, err := nssDir()
	if err != nil {
		return err
	}
	if !exists(filepath.Join(dir, "cert9.db")) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := certutil("-N", "-d", "sql:"+dir, "--empty-password"); err != nil {
			return err
		}
	}
	_ = certutil("-D", "-d", "sql:"+dir, "-n", trustName) // an older one, if there is one
	// P: a peer that is trusted, and no authority.
	return certutil("-A", "-d", "sql:"+dir, "-t", "P,,", "-n", trustName, "-i", cert)
}

func removeNSS(string) error {
	dir, err := nssDir()
	if err != nil {
		return err
	}
	if !exists(filepath.Join(dir, "cert9.db")) {
		return errNoStore
	}
	err = certutil("-D", "-d", "sql:"+dir, "-n", trustName)
	if err != nil && strings.Contains(err.Error(), "could not find certificate") {
		return nil
	}
	return err
}

func certutil(args ...string) error {
	out, err := exec.Command("certutil", args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return errors.New("certutil is missing, which changes it: it is in libnss3-tools (Debian), nss-tools (Fedora) or nss (Arch)")
	}
	if err != nil {
		return fmt.Errorf("certutil: %w: %s", err, bytes.TrimSpace(out))
	}
	return nil
}

// anchors are where systems keep the certificates that their owner adds, and what takes them up.
var anchors = []struct {
	dir    string
	update []string
}{
	{"/usr/local/share/ca-certificates", []string{"update-ca-certificates"}},           // Debian, Alpine
	{"/etc/pki/ca-trust/source/anchors", []string{"update-ca-trust", "extract"}},       // Fedora
	{"/etc/ca-certificates/trust-source/anchors", []string{"trust", "extract-compat"}}, // Arch
}

func addSystem(cert string) error {
	text, err := os.ReadFile(cert)
	if err != nil {
		return err
	}
	return changeSystem(func(file string) error { return os.WriteFile(file, text, 0o644) })
}

func removeSystem(string) error {
	return changeSystem(func(file string) error {
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// changeSystem changes the file of the certificate, and has that be taken up.
func changeSystem(change func(file string) error) error {
	for _, a := range anchors {
		if !exists(a.dir) {
			continue
		}
		if _, err := exec.LookPath(a.update[0]); err != nil {
			continue
		}
		err := change(filepath.Join(a.dir, trustName+".crt"))
		if errors.Is(err, fs.ErrPermission) {
			return fmt.Errorf("%w: only root can change it; sudo -E does, and --store browser leaves it alone", err)
		}
		if err != nil {
			return err
		}
		if out, err := exec.Command(a.update[0], a.update[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", a.update[0], err, bytes.TrimSpace(out))
		}
		return nil
	}
	return errNoStore
}
