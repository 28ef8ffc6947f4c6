package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/larkspur-web/larkspur/server"
	"github.com/spf13/cobra"
)

// proxying are the flags that say which proxies are believed.
type proxying struct {
	trusted  []string
	fields   string
	protocol bool
}

// proxyFields are the values of --proxy-fields, as [server.ProxyFields] counts them.
var proxyFields = []string{"x-forwarded", "forwarded", "none"}

func (p *proxying) flags(c *cobra.Command) {
	c.Flags().StringSliceVar(&p.trusted, "trust-proxy", nil,
		"`NETWORKS` of proxies that are believed when they say who the client is: 10.0.0.0/8, an address, or unix, with "+
			"commas between them; what anybody else says of it is taken out of requests")
	c.Flags().StringVar(&p.fields, "proxy-fields", proxyFields[0],
		"in which fields they say it: x-forwarded (X-Forwarded-For, -Proto, -Host, -Port), forwarded (RFC 7239) or none; the "+
			"others are taken out")
	c.Flags().BoolVar(&p.protocol, "proxy-protocol", false,
		"they begin each connection by the PROXY protocol, version 1 or 2")
}

// proxies are those that the flags say.
func (p *proxying) proxies() (*server.Proxies, error) {
	proxies, err := server.ParseProxies(p.trusted...)
	if err != nil {
		return nil, fmt.Errorf("--trust-proxy: %s", strings.TrimPrefix(err.Error(), "server: "))
	}
	i := slices.Index(proxyFields, p.fields)
	switch {
	case i < 0:
		return nil, fmt.Errorf("--proxy-fields %s: %s", p.fields, strings.Join(proxyFields, ", "))
	case p.protocol && len(p.trusted) == 0:
		return nil, fmt.Errorf("--proxy-protocol: say of which proxies, with --trust-proxy")
	}
	proxies.Fields, proxies.Protocol = server.ProxyFields(i), p.protocol
	return proxies, nil
}
