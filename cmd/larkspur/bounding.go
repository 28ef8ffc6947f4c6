package main

import (
	"errors"

	"github.com/larkspur-web/larkspur/server"
	"github.com/larkspur-web/larkspur/server/site"
	"github.com/spf13/cobra"
)

// bounding are the flags that bound how often is asked.
type bounding struct {
	all, client float64
	burst       int
}

func (b *bounding) flags(c *cobra.Command) {
	c.Flags().Float64Var(&b.all, "rate", 0,
		"how many `REQUESTS` the application takes in a second; the next get 503; 0 sets no bound")
	c.Flags().Float64Var(&b.client, "client-rate", 0,
		"how many `REQUESTS` each client address may make in a second; the next get 429; 0 sets no bound")
	c.Flags().IntVar(&b.burst, "client-burst", 0,
		"how many of them it may make at once (default those of a second)")
}

// check finds what is wrong with the values together.
func (b *bounding) check() error {
	switch {
	case !(b.all >= 0 && b.client >= 0):
		return errors.New("--rate and --client-rate: how many in a second, or 0 for no bound")
	case b.burst < 0 || b.burst > 0 && b.client == 0:
		return errors.New("--client-burst: at least one, beside --client-rate")
	}
	return nil
}

// bound has the site do as they say.
func (b *bounding) bound(v *site.Site) {
	if b.all > 0 {
		v.Mounts[0].Rate = &server.Rate{PerSecond: b.all}
	}
	if b.client > 0 {
		v.ClientRate = &server.Rate{PerSecond: b.client, Burst: b.burst}
	}
}
